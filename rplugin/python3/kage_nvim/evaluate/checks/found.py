"""The checks of a repository: what ``.kage.toml`` names, or what its files say it is checked with."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec.structs import replace

from kage_nvim.config import Check, RepositoryConfig
from kage_nvim.evaluate.checks import makefiles, signs
from kage_nvim.evaluate.checks.signs import Files


class Tool(NamedTuple):
    """A program that repositories are checked with.

    ``command`` tells how from the repository's files, and is empty where nothing says that it is used;
    ``programs`` must be on PATH. ``unless`` are the tools that have done the same when they were found.
    """

    name: str
    kind: Literal["test", "lint", "type"]
    programs: tuple[str, ...]
    command: Callable[[Files], str]
    required: bool | None = None
    report: str = ""
    unless: tuple[str, ...] = ()


def _script(manager: str, *names: str) -> Callable[[Files], str]:
    return lambda files: signs.script(files, manager, *names)


_PYTHON = ("pytest", "unittest")
_TYPES = ("typecheck", "type-check", "check-types")
TOOLS = (
    Tool("pytest", "test", ("pytest",), signs.pytest),
    Tool("unittest", "test", ("python3",), signs.unittest, unless=("pytest",)),
    Tool("doctest", "test", ("python3",), signs.doctest, unless=_PYTHON),
    Tool("cargo", "test", ("cargo",), signs.cargo),
    Tool("go", "test", ("go",), lambda files: "go test ./..." if files.has("go.mod") else ""),
    *(Tool(manager, "test", (manager,), _script(manager, "test")) for manager in signs.MANAGERS),
    Tool("ctest", "test", ("cmake", "ctest"), signs.ctest),
    Tool("gradle", "test", ("gradle",), signs.gradle, report="**/build/test-results/test/*.xml"),
    Tool("maven", "test", ("mvn",), signs.maven, report="**/target/surefire-reports/TEST-*.xml"),
    Tool("nox", "test", ("nox",), lambda files: "nox" if files.has("noxfile.py") else "", unless=_PYTHON),
    Tool("tox", "test", ("tox",), signs.tox, unless=(*_PYTHON, "nox")),
    Tool("make", "test", ("make",), lambda files: makefiles.make(files, "test", "check")),
    Tool("ruff", "lint", ("ruff",), signs.ruff, required=False),
    Tool("mypy", "type", ("mypy",), signs.mypy, required=False),
    Tool("pyright", "type", ("pyright",), signs.pyright, required=False),
    Tool("clippy", "lint", ("cargo", "cargo-clippy"), signs.clippy, required=False),
    Tool("vet", "lint", ("go",), lambda files: "go vet ./..." if files.has("go.mod") else "", required=False),
    *(Tool("lint", "lint", (by,), _script(by, "lint"), required=False) for by in signs.MANAGERS),
    *(Tool("typecheck", "type", (by,), _script(by, *_TYPES), required=False) for by in signs.MANAGERS),
    Tool("eslint", "lint", ("eslint",), signs.eslint, required=False, unless=("lint",)),
    Tool("tsc", "type", ("tsc",), signs.tsc, required=False, unless=("typecheck",)),
    Tool(
        "lint",
        "lint",
        ("make",),
        lambda files: makefiles.make(files, "lint"),
        required=False,
        unless=("ruff", "clippy", "eslint", "lint"),
    ),
)
"""What is looked for, in the order in which it is run; the next one is a row more."""

_IN_FOLDERS = tuple(
    tool for tool in TOOLS if tool.name in ("cargo", "go", *signs.MANAGERS, "gradle", "maven")
)
"""What is looked for in folders, where the root has no test. pytest looks into them itself."""
OWN_PROGRAMS = (".venv/bin", "venv/bin", "node_modules/.bin")
"""Folders of a repository's own programs, which checks can call though PATH does not name them."""
_MOST = 12
"""Projects in folders of one repository."""


def checks_of(root: Path, settings: RepositoryConfig, path: str) -> dict[str, Check]:
    """The checks by name; ``path`` is the user's PATH, on which a found check's program must be.

    What ``.kage.toml`` names stands alone: nothing is guessed beside it. Empty when nothing was found.
    """
    if settings.checks:
        return dict(settings.checks)
    found = _found(root, path, TOOLS)
    return found if any(check.kind == "test" for check in found.values()) else found | _below(root, path)


def absent(root: Path, settings: RepositoryConfig, path: str) -> list[str]:
    """Programs that the repository's files ask for and that are nowhere: what would run them is not found."""
    if settings.checks:
        return []
    found = _found(root, path, TOOLS)
    files, places = Files(root), _with_environment(root, path)
    done = {*found, *(name for tool in TOOLS if tool.name in found for name in tool.unless)}
    wanting: dict[str, None] = {}
    for tool in TOOLS:
        if tool.name in done or any(name in found for name in tool.unless) or not tool.command(files):
            continue
        wanting |= {name: None for name in tool.programs if not shutil.which(name, path=places)}
    return list(wanting)


def _below(root: Path, path: str) -> dict[str, Check]:
    """The tests of projects in folders of a repository that has none at its root: ``npm web``."""
    found: dict[str, Check] = {}
    manager = signs.manager(Files(root))
    for folder in signs.folders(root):
        if any(name.endswith(f" {folder.partition('/')[0]}") for name in found):
            continue  # what is below a project is its own
        for name, check in _found(root / folder, path, _IN_FOLDERS, manager).items():
            report = f"{folder}/{check.report}" if check.report else ""
            command = f"cd {shlex.quote(folder)} && {check.command}"
            found[f"{name} {folder}"] = replace(check, command=command, report=report)
        if len(found) >= _MOST:
            break
    return found


def _found(root: Path, path: str, tools: tuple[Tool, ...], manager: str = "") -> dict[str, Check]:
    files = Files(root, manager)
    places = _with_environment(root, path)
    found: dict[str, Check] = {}
    for tool in tools:
        if tool.name in found or any(name in found for name in tool.unless):
            continue
        command = tool.command(files)
        # A wrapper of the repository's own brings what it needs.
        here = command.startswith("./") or all(shutil.which(each, path=places) for each in tool.programs)
        if command and here:
            found[tool.name] = Check(
                command=command, kind=tool.kind, required=tool.required, report=tool.report
            )
    if (made := found.get("make")) and makefiles.repeats(files, str(made.command), list(found)):
        del found["make"]
    return found


def _with_environment(root: Path, path: str) -> str:
    """PATH as it is in a slot."""
    return ":".join([*(str(root / name) for name in OWN_PROGRAMS), path])
