"""Two versions of a file that tests are run with, merged: what asks for less is put back, the rest stays.

All of it is pure, and where a file cannot be read for certain nothing is done: then it is named instead.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kage_nvim.evaluate.guard.weakened.hooks import meddling
from kage_nvim.evaluate.guard.weakened.python_marks import parse
from kage_nvim.evaluate.guard.weakened.settings import read

_TESTING = re.compile(
    r"^(tool\.pytest|tool\.coverage|tool:pytest|pytest|coverage(:\w+)?|run|report|tool\.pytest\.ini_options)(\.|$)"
)
_ADDED = re.compile(
    r"\.(markers|minversion|required_plugins|log_\w+|junit_\w+|asyncio_\w+|console_output_style)$"
)
"""Settings that decide nothing about outcomes: tests that are new may need them."""
_BY_NAME = re.compile(r"pytest_|(setup|teardown|setUp|tearDown)(_|[A-Z]|$)|load_tests$|__\w+__$")
"""Functions that are called for their names."""
_KNOWN = {"monkeypatch", "tmp_path", "tmpdir", "capsys", "capfd", "caplog", "request", "recwarn", "mocker"}
"""Fixtures that come from elsewhere."""
_SCRIPTS = re.compile(r"^(pre|post)?(test|tests|check|spec|jest|vitest|mocha|coverage|ci)(:|$)")
_PACKAGES = ("jest", "mocha", "ava", "nyc", "c8", "vitest", "tap", "jasmine")


def harmless(
    path: str,
    base: bytes,
    ours: bytes,
    taken: Collection[str] = (),
    strangers: Mapping[str, bytes] | None = None,
) -> bool:
    """Whether a Python file that tests are helped by only gained what nothing uses by itself: fixtures that
    are asked for, functions, classes, constants, imports. ``taken`` are names of fixtures elsewhere,
    ``strangers`` the new files that it can import, which must be as harmless."""
    strangers = strangers or {}
    if not path.endswith(".py"):
        return False
    old, new = parse(base), parse(ours)
    if old is None or new is None or list(meddling(path, base, ours, tests=True)):
        return False
    left = [ast.dump(node) for node in old.body]
    names = {name for node in old.body for name in _names(node)} | _KNOWN | set(taken)
    for node in new.body:
        dumped = ast.dump(node)
        if left and dumped == left[0]:
            left.pop(0)
        elif (
            not _inert(node)
            or names & set(_names(node))
            or not all(_quiet(each, strangers) for each in _imported(node, strangers))
        ):
            return False
    return not left


def renamed(source: bytes, moved: Sequence[tuple[str, str]]) -> bytes:
    """A test's text where files (old path, new path) have their new names: in imports, and before a dot."""
    for old, new in moved:
        was, now = (re.sub(r"^(src|lib)/|(/__init__)?\.\w+$", "", path) for path in (old, new))
        pairs = {was: now, was.replace("/", "."): now.replace("/", ".")}
        pairs |= {was.rpartition("/")[2]: now.rpartition("/")[2]}
        for name, other in pairs.items():
            if not re.fullmatch(r"[A-Za-z_][\w./-]+", name):
                continue
            after = re.escape(name).encode()
            place = (
                rb"(?m)(^[ \t]*(?:from|import|use)\b[^\n]*?\b|(?:require|import|patch)\([^\n]*?\b|\b(?="
                + after
            )
            place += rb"\.))" + after + rb"\b"
            source = re.sub(place, rb"\g<1>" + other.encode(), source)
    return source


def _imported(node: ast.stmt, strangers: Mapping[str, bytes]) -> Iterator[str]:
    """The new files that a statement at the top loads."""
    asked: list[str] = []
    if isinstance(node, ast.Import):
        asked = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        asked = [module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)]
    for path in strangers:
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if any(name and f".{module}".endswith(f".{name}") for name in asked):
            yield path


def _quiet(path: str, strangers: Mapping[str, bytes]) -> bool:
    """Whether a new file does nothing when it is loaded, nor do those that it loads."""
    others = {name: source for name, source in strangers.items() if name != path}
    return harmless(path, b"", strangers[path], strangers=others)


def functions(source: bytes) -> set[str]:
    """The names of the functions at the top of a Python file; fixtures are among them."""
    tree = parse(source)
    body = tree.body if tree is not None else []
    return {at.name for at in body if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef))}


def _names(node: ast.stmt) -> Iterator[str]:
    """What a statement at the top of a module names."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    else:
        yield from (
            at.id for at in ast.walk(node) if isinstance(at, ast.Name) and isinstance(at.ctx, ast.Store)
        )


def _inert(node: ast.stmt) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        told = [ast.unparse(at) for at in node.decorator_list]
        asked = all(
            re.match(r"(pytest\.|pytest_asyncio\.)?fixture\b|(\w+\.)?\w*contextmanager$", words)
            for words in told
        )
        usual = [*node.args.defaults, *(at for at in node.args.kw_defaults if at is not None)]
        called = any(isinstance(at, ast.Call) for value in usual for at in ast.walk(value))
        return asked and not called and not _BY_NAME.match(node.name) and "autouse" not in " ".join(told)
    if isinstance(node, ast.ImportFrom):
        return all(alias.name != "*" for alias in node.names)
    if isinstance(node, ast.Import):
        return True
    if isinstance(node, ast.ClassDef):
        at_once = [at for at in node.body if not isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef))]
        called = any(isinstance(at, ast.Call) for part in at_once for at in ast.walk(part))
        return not called and not node.keywords and not node.decorator_list
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        calls = any(isinstance(at, ast.Call) for at in ast.walk(node))
        return (
            all(isinstance(target, ast.Name) and target.id != "pytest_plugins" for target in targets)
            and not calls
        )
    return False


def with_settings(path: str, base: bytes, ours: bytes) -> bytes | None:
    """The candidate's file with the base's settings of tests; ``None`` where that is not certain."""
    name = path.rpartition("/")[2]
    if name == "package.json":
        return _package(base, ours)
    if name in ("pyproject.toml", "setup.cfg", "tox.ini"):
        return _sections(path, base, ours)
    return None


def _package(base: bytes, ours: bytes) -> bytes | None:
    try:
        old, new = json.loads(base), json.loads(ours)
    except ValueError:
        return None
    if not isinstance(old, dict) or not isinstance(new, dict):
        return None
    before = json.dumps(new)
    scripts: dict[str, Any] = dict(new.get("scripts") or {})
    known: dict[str, Any] = old.get("scripts") or {}
    for script in {*scripts, *known}:
        if _SCRIPTS.match(script):
            scripts.pop(script, None)
            if script in known:
                scripts[script] = known[script]
    if scripts or "scripts" in new:
        new["scripts"] = scripts
    for key in _PACKAGES:
        new.pop(key, None)
        if key in old:
            new[key] = old[key]
    if json.loads(before) == new:
        return ours
    return (json.dumps(new, indent=2, ensure_ascii=False) + "\n").encode()


def _sections(path: str, base: bytes, ours: bytes) -> bytes | None:
    """By whole sections, and only if all else is read as before."""
    old, new = read(path, base), read(path, ours)
    if old is None or new is None:
        return None
    wanted = {key: value for key, value in old.items() if _TESTING.match(key)}
    found = {key: value for key, value in new.items() if _TESTING.match(key)}
    differs = {key for key in {*wanted, *found} if wanted.get(key) != found.get(key)}
    if not {key for key in differs if not _ADDED.search(key)}:
        return ours
    kept = [text for header, text in _blocks(ours) if not _TESTING.match(header)]
    back = [text for header, text in _blocks(base) if _TESTING.match(header)]
    merged = b"".join(text if not text or text.endswith(b"\n") else text + b"\n" for text in [*kept, *back])
    now = read(path, merged)
    rest = {key: value for key, value in new.items() if not _TESTING.match(key)}
    return merged if now == rest | wanted else None


def _blocks(source: bytes) -> list[tuple[str, bytes]]:
    """The sections of a file by their headers; what stands above the first has none."""
    parts = re.split(rb"(?m)^(?=\[)", source)
    found = []
    for part in parts:
        header = re.match(rb"\[+\s*([^\]\n]+?)\s*\]", part)
        found.append((header[1].decode("utf-8", "replace").replace('"', "") if header else "", part))
    return found
