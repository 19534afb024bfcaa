"""The checks of a repository: what ``.kage.toml`` names, or what its files say it is tested with."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from kage_nvim.config import Check, RepositoryConfig

_TESTED_BY_PYTEST = re.compile(r"^\[(tool\.pytest\.ini_options|pytest|tool:pytest)\]", re.MULTILINE)
_MANAGERS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}


def checks_of(root: Path, settings: RepositoryConfig, path: str) -> dict[str, Check]:
    """The checks by name; ``path`` is the user's PATH, on which a found check's program must be.

    What ``.kage.toml`` names stands alone: nothing is guessed beside it. Empty when nothing was found.
    """
    if settings.checks:
        return dict(settings.checks)
    commands = {
        "pytest": _pytest(root, path),
        "unittest": None,
        "cargo": "cargo test --quiet" if (root / "Cargo.toml").is_file() else None,
        "go": "go test ./..." if (root / "go.mod").is_file() else None,
        "npm": _script(root),
        "make": "make test" if _makes_tests(root) else None,
    }
    if commands["pytest"] is None and _has_python_tests(root):
        commands["unittest"] = "python3 -m unittest discover -q"
    return {
        name: Check(command=command)
        for name, command in commands.items()
        if command and shutil.which(command.split()[0], path=_with_environment(root, path))
    }


def _with_environment(root: Path, path: str) -> str:
    """PATH as it is in a slot: the repository's own virtual environment comes first."""
    return ":".join([str(root / ".venv" / "bin"), str(root / "venv" / "bin"), path])


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def _pytest(root: Path, path: str) -> str | None:
    named = (root / "pytest.ini").is_file() or (root / "conftest.py").is_file()
    settings = (_text(root / name) for name in ("pyproject.toml", "setup.cfg", "tox.ini"))
    named = named or any(_TESTED_BY_PYTEST.search(text) for text in settings)
    known = shutil.which("pytest", path=_with_environment(root, path))
    return "pytest -q" if known and (named or _has_python_tests(root)) else None


def _has_python_tests(root: Path) -> bool:
    folders: Mapping[str, str] = {"tests": "**/test_*.py", "test": "**/test_*.py", ".": "test_*.py"}
    return any(next((root / folder).glob(shape), None) for folder, shape in folders.items())


def _script(root: Path) -> str | None:
    try:
        scripts = json.loads(_text(root / "package.json")).get("scripts", {})
    except (ValueError, AttributeError):
        return None
    if not isinstance(scripts, dict) or "no test specified" in str(scripts.get("test", "no test specified")):
        return None
    manager = next((name for lock, name in _MANAGERS.items() if (root / lock).is_file()), "npm")
    return f"{manager} test"


def _makes_tests(root: Path) -> bool:
    names = ("GNUmakefile", "makefile", "Makefile")
    return any(re.search(r"^test\s*:(?!=)", _text(root / name), re.MULTILINE) for name in names)
