"""Signs by which a repository's files tell what it is checked with, and how.

Each function returns a command line, or an empty one where there is no sign.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import Any

MANAGERS = {"npm": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock", "bun": "bun.lock"}
"""Package managers, and the file that says which one a repository uses."""
_LARGEST = 2_000_000
"""Bytes; no larger file is looked into."""
_LOOKED = 400
"""Python files that are looked into for examples."""
_NAMES_LOOKED = 20_000
"""Python files whose names are looked at."""
_PASSED_OVER = ("venv", "node_modules", "build", "dist", "site-packages", "__pycache__")
_HAS_TESTS = re.compile(r"^\s*(?:async )?def test_|^class Test\w*|\b(?:unittest|TestCase)\b", re.MULTILINE)
_UNITTEST = re.compile(r"\b(?:unittest|\w*TestCase)\b")
_NO_PROJECTS = (*_PASSED_OVER, "vendor", "third_party", "target", "out", "examples", "fixtures", "testdata")
_FOLDERS = 500
_EXAMPLE = re.compile(r"^\s*>>> \S", re.MULTILINE)


class Files:
    """The files at a repository's root, each read once; the user's own, so links are followed. ``manager`` is
    the one of packages that is used above, where nothing here says another."""

    def __init__(self, root: Path, manager: str = "") -> None:
        self.root = root
        self.above = manager
        self._texts: dict[str, str] = {}

    def has(self, *names: str) -> bool:
        """Whether one of these files is there."""
        return any((self.root / name).is_file() for name in names)

    def text(self, name: str) -> str:
        """Its text, empty when it is not there or cannot be read."""
        if name not in self._texts:
            file = self.root / name
            try:
                small = file.is_file() and file.stat().st_size <= _LARGEST
                self._texts[name] = file.read_text("utf-8", "replace") if small else ""
            except OSError:
                self._texts[name] = ""
        return self._texts[name]

    def section(self, shape: str, *names: str) -> bool:
        """Whether one of these files has a section ``[…]`` of that shape."""
        header = re.compile(rf"^\[\s*(?:{shape})\s*\]", re.MULTILINE)
        return any(header.search(self.text(name)) for name in names)

    def any(self, folder: str, pattern: str) -> bool:
        """Whether there is a file of that pattern below a folder."""
        return next((self.root / folder).glob(pattern), None) is not None

    def package(self) -> dict[str, Any]:
        """``package.json``, as far as it is what it should be."""
        try:
            found = json.loads(self.text("package.json") or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def folders(root: Path) -> list[str]:
    """The folders, one or two levels below, in which a project of its own may lie, by name."""
    found: list[str] = []
    for name in _folders_in(root):
        found.append(name)
        found += [f"{name}/{inner}" for inner in _folders_in(root / name)]
    return found[:_FOLDERS]


def _folders_in(folder: Path) -> list[str]:
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False)
            and not entry.name.startswith(".")
            and entry.name not in _NO_PROJECTS
        )
    return []


def pytest(files: Files) -> str:
    """A section of its own, a conftest, or tests that it would collect."""
    named = files.has("pytest.ini", ".pytest.ini", "conftest.py", "tests/conftest.py", "pytest.toml")
    named = named or files.section(r"tool\.pytest(\.ini_options)?", "pyproject.toml")
    named = named or files.section(r"pytest|tool:pytest", "setup.cfg", "tox.ini")
    return "pytest -q" if named or _python_tests(files) or _tests_below(files) else ""


def unittest(files: Files) -> str:
    """Each test is told (``-v``). A folder of tests that is no package is looked into by name; what only
    pytest understands is no test."""
    folder = _tests_below(files, "test_*.py", having=_UNITTEST)
    folder = _python_tests(files) or folder if folder else ""
    if folder in ("", "."):
        return "python3 -m unittest discover -v" if folder else ""
    parts = folder.split("/")
    package = all(files.has("/".join([*parts[:end], "__init__.py"])) for end in range(1, len(parts) + 1))
    inside = "" if package else f" -s {shlex.quote(folder)}"
    return f"python3 -m unittest discover -v{inside}"


def doctest(files: Files) -> str:
    """Python files with examples in their comments, one after the other."""
    found = [shlex.quote(name) for name in islice(_python_files(files), _LOOKED) if _has_example(files, name)]
    if len(found) < 2:
        return f"python3 -m doctest -v {found[0]}" if found else ""
    return f's=0; for f in {" ".join(found)}; do python3 -m doctest -v "$f" || s=1; done; exit $s'


def cargo(files: Files) -> str:
    """All of its tests, though one target's fail."""
    return "cargo test --no-fail-fast" if files.has("Cargo.toml") else ""


def clippy(files: Files) -> str:
    """What the project denies; with a configuration, or lints that are named, warnings too."""
    if not files.has("Cargo.toml"):
        return ""
    named = files.has("clippy.toml", ".clippy.toml")
    named = named or files.section(r"(workspace\.)?lints\.clippy", "Cargo.toml")
    named = named or any("clippy::" in files.text(f"src/{name}.rs") for name in ("lib", "main"))
    return "cargo clippy --quiet --all-targets" + (" -- -D warnings" if named else "")


def script(files: Files, manager: str, *names: str) -> str:
    """The first of these scripts that ``package.json`` has, by the manager that the repository uses."""
    package = files.package()
    scripts = package.get("scripts")
    if not isinstance(scripts, dict) or manager != _manager(files, package):
        return ""
    for name in names:
        text = scripts.get(name)
        if isinstance(text, str) and text.strip() and "no test specified" not in text:
            return f"{manager} test" if name == "test" and manager != "bun" else f"{manager} run {name}"
    return ""


def eslint(files: Files) -> str:
    """A configuration of its own."""
    flat = [f"eslint.config.{end}" for end in ("js", "mjs", "cjs", "ts", "mts", "cts")]
    older = [f".eslintrc{end}" for end in ("", ".js", ".cjs", ".json", ".yml", ".yaml")]
    named = files.has(*flat, *older) or "eslintConfig" in files.package()
    return _local(files, "eslint", ".") if named else ""


def tsc(files: Files) -> str:
    """A project file."""
    return _local(files, "tsc", "--noEmit") if files.has("tsconfig.json") else ""


def manager(files: Files) -> str:
    """The manager of packages that the repository uses, empty: its files say none."""
    said = _manager(files, files.package())
    return "" if said == "npm" and not files.has(MANAGERS["npm"]) else said


def ruff(files: Files) -> str:
    """A configuration of its own, or a place among what is installed."""
    named = files.has("ruff.toml", ".ruff.toml") or files.section(r"tool\.ruff(\..*)?", "pyproject.toml")
    named = named or _installs(files, "ruff")
    return "ruff check ." if named else ""


def mypy(files: Files) -> str:
    """A configuration, or a place among what is installed; what it looks at is said there, or everything."""
    named = files.has("mypy.ini", ".mypy.ini") or files.section("mypy", "setup.cfg")
    named = named or _installs(files, "mypy")
    named = named or files.section(r"tool\.mypy", "pyproject.toml")
    texts = "\n".join(files.text(name) for name in ("mypy.ini", ".mypy.ini", "setup.cfg", "pyproject.toml"))
    says = re.search(
        r"^\[(?:tool\.)?mypy\](?:\n(?!\[).*)*?\n(?:files|packages|modules)\s*=", texts, re.MULTILINE
    )
    return ("mypy" if says else "mypy .") if named else ""


def pyright(files: Files) -> str:
    """A configuration of its own."""
    named = files.has("pyrightconfig.json") or files.section(r"tool\.pyright", "pyproject.toml")
    return "pyright" if named else ""


def tox(files: Files) -> str:
    """A configuration of its own."""
    named = files.has("tox.toml") or files.section(r"tool\.tox(\..*)?", "pyproject.toml")
    return "tox" if named or files.section(r"tox|testenv", "tox.ini", "setup.cfg") else ""


def ctest(files: Files) -> str:
    """Tests that CMake knows of."""
    text = files.text("CMakeLists.txt")
    if not re.search(r"\b(enable_testing|add_test)\s*\(|include\s*\(\s*CTest\b", text, re.IGNORECASE):
        return ""
    return "cmake -B build && cmake --build build && ctest --test-dir build --output-on-failure"


def gradle(files: Files) -> str:
    """By the repository's own wrapper, where it has one; there is no network to fetch anything."""
    names = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    return f"{_wrapper(files, 'gradlew', 'gradle')} --offline test" if files.has(*names) else ""


def maven(files: Files) -> str:
    """As Gradle."""
    return f"{_wrapper(files, 'mvnw', 'mvn')} -B -o test" if files.has("pom.xml") else ""


def _manager(files: Files, package: dict[str, Any]) -> str:
    said = str(package.get("packageManager", "")).partition("@")[0]
    if said in MANAGERS:
        return said
    if files.has("bun.lockb"):
        return "bun"
    return next((name for name, lock in MANAGERS.items() if files.has(lock)), files.above or "npm")


def _wrapper(files: Files, wrapper: str, program: str) -> str:
    return f"./{wrapper}" if os.access(files.root / wrapper, os.X_OK) else program


def _local(files: Files, program: str, arguments: str) -> str:
    """The one among the repository's packages, which PATH does not name."""
    own = files.has(f"node_modules/.bin/{program}")
    return f"{'./node_modules/.bin/' if own else ''}{program} {arguments}"


def _python_tests(files: Files) -> str:
    """The folder that has tests, empty without any."""
    folders = {"tests": "**/test_*.py", "test": "**/test_*.py", ".": "test_*.py"}
    return next((folder for folder, shape in folders.items() if files.any(folder, shape)), "")


def _installs(files: Files, program: str) -> bool:
    """Whether a program is named where people say what they install to work on a project."""
    quoted = re.compile(rf"""^[^#\n]*["']{program}(?![\w-])|^{program}\s*=""", re.MULTILINE)
    plain = re.compile(rf"^{program}(?![\w-])", re.MULTILINE)
    lists = ("requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt", "requirements.txt")
    return quoted.search(files.text("pyproject.toml")) is not None or any(
        plain.search(files.text(name)) for name in lists
    )


def _tests_below(files: Files, *shapes: str, having: re.Pattern[str] = _HAS_TESTS) -> str:
    """The folder of the first file further down that has tests, and is not only called so."""
    for name in islice(_python_files(files), _NAMES_LOOKED):
        folder, _, last = name.rpartition("/")
        called = any(fnmatch(last, shape) for shape in shapes or ("test_*.py", "*_test.py"))
        if called and having.search(files.text(name)):
            return folder or "."
    return ""


def _python_files(files: Files) -> Iterator[str]:
    for folder, folders, names in os.walk(files.root):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER and not name.startswith("."))
        if folder.count(os.sep) - str(files.root).count(os.sep) >= 4:
            folders.clear()
        below = os.path.relpath(folder, files.root)
        for name in sorted(names):
            if name.endswith(".py"):
                yield name if below == "." else f"{below}/{name}"


def _has_example(files: Files, name: str) -> bool:
    return _EXAMPLE.search(files.text(name)) is not None
