"""Settings of tests that came to ask for less: what is collected, what is skipped, thresholds. Pure."""

from __future__ import annotations

import configparser
import json
import re
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.lexing import SCRIPT, bare
from kage_nvim.evaluate.guard.weakened.pytest_options import number, options, words
from kage_nvim.evaluate.guard.weakened.shapes import short, weakening

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Flat = dict[str, Any]
"""Values of a settings file by their dotted keys; lists hold words."""

_PYTEST = re.compile(r"(^|\.)(pytest|tool:pytest|tool\.pytest(\.ini_options)?|ini_options)\.(\w+)$")
_MORE_IS_LESS = re.compile(
    r"(^|\.)(omit|exclude_lines|exclude_also|extend-ignore|extend_ignore|ignore|per-file-ignores.*|per_file_ignores"
    r"|exclude|extend-exclude|testPathIgnorePatterns|coveragePathIgnorePatterns|modulePathIgnorePatterns"
    r"|norecursedirs|collect_ignore|collect_ignore_glob|skip|disable|disable_error_code|deselect|unfixable)$"
)
_LESS_IS_LESS = re.compile(
    r"(^|\.)(select|extend-select|source|collectCoverageFrom|enable|enable_error_code|python_files|python_classes"
    r"|python_functions|testMatch|testRegex|roots|projects)$"
)
_STRICT = re.compile(
    r"(^|\.)(strict|xfail_strict|strict_equality|warn_\w+|disallow_\w+|no_implicit_\w+|check_untyped_defs|branch"
    r"|noImplicit\w+|strict[A-Z]\w+|strict_\w+|forbidOnly|autotests|test|harness|debug-assertions|overflow-checks|checkJs)$"
)
_LAX = re.compile(
    r"(^|\.)(ignore_errors|skipLibCheck|passWithNoTests|ignore_outcome|skip_empty|allow_failure"
    r"|allow_untyped_\w+|forceExit|dangerouslyIgnoreUnhandledErrors|allowOnly|exit-zero|ignore_init_errors)$"
)
_TOOLS = re.compile(
    r"ruff|mypy|flake8|pylint|pyright|coverage|pytest|bandit|jest|vitest|mocha|nyc|c8|eslint|ty\b|tox|^(run|report)\."
)
_NO_CODE = re.compile(
    r"TYPE_CHECKING|NotImplementedError|\.\{3\}|^\.\.\.$|__main__|overload|abstractmethod|Protocol|__repr__"
)
_THRESHOLD = re.compile(
    r"(fail_under|coverageThreshold\.[\w./-]+|thresholds?\.[\w./-]+|check-coverage\.\w+|(nyc|c8)\.(lines|branches"
    r"|functions|statements)|minimum_coverage)$"
)
_TIMES = re.compile(r"(^|\.)(timeout|testTimeout|hookTimeout|slow-timeout|faulthandler_timeout)$")
_RETRIES = re.compile(r"(^|\.)(reruns|retries|retry|retryTimes|flaky_max_runs)$")
_ONLY = re.compile(r"(^|\.)(f?grep|invert|testNamePattern|testPathPattern|shard|onlyChanged)$")
_LOADED = re.compile(
    r"(^|\.)(testRunner|runner|testEnvironment|environment|resolver|globalSetup|setupFiles\w*|require|testSequencer)$"
)
_GIVEN = re.compile(
    r"""[\"']?([\w@/-]+)[\"']?\s*:\s*(\[[^\[\]]*\]|\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|true\b|false\b|\d[\d_.]*)"""
)
_DEFAULTS = {
    "python_files": ["test_*.py", "*_test.py"],
    "python_classes": ["Test"],
    "python_functions": ["test"],
}


def read(path: str, source: bytes) -> Flat | None:
    """The values of a settings file; ``None`` where it is no such file or cannot be read."""
    name = path.rpartition("/")[2]
    try:
        text = source.decode("utf-8")
        if name.endswith(".toml"):
            return _flat(tomllib.loads(text))
        if name.endswith(".json") or name in (".eslintrc", ".nycrc", ".c8rc", ".mocharc"):
            return _flat(json.loads(re.sub(r"(?m)^\s*//.*$", "", text)))
        if name.endswith((".ini", ".cfg")) or name in (".coveragerc", ".flake8", ".pylintrc"):
            parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string(text)
            return {
                f"{section}.{key}": _words(value)
                for section in parser.sections()
                for key, value in parser.items(section)
            }
        if name.rpartition(".")[2] in SCRIPT:
            return _script(name, text)
    except (ValueError, configparser.Error, RecursionError):
        return None
    return None


def _script(name: str, text: str) -> Flat:
    """What a program that holds settings plainly gives to names: lists, words, numbers."""
    found: Flat = {}
    group = "config.rules" if "eslint" in name else "config"
    for key, value in _GIVEN.findall(bare(text, "ts")[0]):
        words = re.findall(r"[\"'`]([^\"'`]*)[\"'`]", value)
        read_as: Any = words if value[0] == "[" else words[0] if words else value
        if value in ("true", "false"):
            read_as = value == "true"
        label = f"{group}.{key}"
        while label in found:
            label = label.replace(f".{key}", f"+.{key}")
        found[label] = read_as
    return found


def _words(value: str | None) -> Any:
    if value is None:
        return ""
    if "\n" in value.strip():
        return [line.split("#")[0].strip() for line in value.split("\n") if line.split("#")[0].strip()]
    lowered = value.strip().lower()
    if lowered in ("true", "yes", "on", "false", "no", "off"):
        return lowered in ("true", "yes", "on")
    return value.strip()


def _flat(value: Any, key: str = "") -> Flat:
    if isinstance(value, dict):
        found: Flat = {}
        for name, inner in value.items():
            found |= _flat(inner, f"{key}.{name}" if key else str(name))
        return found
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        found = {}
        for item in value:
            label = item.get("name") or item.get("module") or "" if isinstance(item, dict) else ""
            found |= _flat(item, f"{key}[{label}]")
        return found
    return {key: value}


def settings_compared(
    path: str, base: bytes | None, ours: bytes | None, tests: Iterable[str]
) -> Iterator[Weakening]:
    """What a settings file came to ask less of; ``tests`` are the paths of the base's tests."""
    before = {} if base is None else read(path, base)
    after = {} if ours is None else read(path, ours)
    if before is None or after is None:
        if before is not None and ours is not None and base is not None:
            yield weakening("settings", path, 0, f"{path} cannot be read any more")
        return
    folder = path.rpartition("/")[0]
    tests = [
        test.removeprefix(f"{folder}/") for test in tests if test.startswith(f"{folder}/" if folder else "")
    ]
    lines = (ours or b"").decode("utf-8", "replace").split("\n")
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if was == now or (now is None and after.get(f"{key.rpartition('.')[0]}.strict") is True):
            continue
        for kind, text in _key(key, was, now, tests):
            yield weakening(kind, path, _line(lines, key), f"{path}: {text}")


def _line(lines: list[str], key: str) -> int:
    last = key.rpartition(".")[2]
    return next((at for at, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(last)}\b", line)), 0)


def _list(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [str(item) for item in value]
    return re.split(r"[\s,]+", str(value).strip())


def _key(key: str, was: Any, now: Any, tests: list[str]) -> Iterator[tuple[str, str]]:
    last = key.rpartition(".")[2]
    if last == "addopts":
        yield from options(words(was), words(now))
    elif last == "testpaths":
        tops = {folder.strip("./").partition("/")[0] for folder in _list(now)}
        left = [test for test in tests if not _under(test, _list(now))] if _list(now) else []
        # A first list of folders may leave alone what lies in others: examples have settings of their own.
        left = [t for t in left if (_under(t, _list(was)) if _list(was) else t.partition("/")[0] in tops)]
        if left:
            yield "settings", f"testpaths leaves out {short(left[0])}"
    elif last in _DEFAULTS and _PYTEST.search(key):
        gone = set(_list(was) or _DEFAULTS[last]) - set(_list(now) or _DEFAULTS[last])
        if gone and "*" not in _list(now):
            yield "settings", f"{last} does not collect {', '.join(sorted(gone))} any more"
    elif last == "filterwarnings":
        yield from _filters(
            _list(was) if isinstance(was, list) else [was], _list(now) if isinstance(now, list) else [now]
        )
    elif _THRESHOLD.search(key):
        if number(was) is not None and (number(now) is None or (number(now) or 0) < (number(was) or 0)):
            yield "coverage", f"{last} is {'gone' if now is None else f'{now}'}, at the base {was}"
    elif _TIMES.search(key) and now is not None:
        yield "timeout", f"{last} is {now}, at the base {'not set' if was is None else was}"
    elif _RETRIES.search(key) and number(now):
        if (number(now) or 0) > (number(was) or 0):
            yield "retries", f"{last} is {now}, so that what fails is tried again"
    else:
        yield from _general(key, last, was, now)


def _general(key: str, last: str, was: Any, now: Any) -> Iterator[tuple[str, str]]:
    tool = (
        "." not in key
        or bool(_TOOLS.search(key))
        or not key.startswith(("tool.", "package", "options", "build"))
    )
    if _MORE_IS_LESS.search(key) and tool and not key.endswith("files.exclude"):
        more = [word for word in _list(now) if word not in _list(was)]
        more = [word for word in more if not _NO_CODE.search(word)]
        if more and "find" not in key:
            kind = (
                "coverage"
                if "overage" in key or last in ("omit", "exclude_lines", "exclude_also")
                else "settings"
            )
            yield kind, f"{last} came to leave out {short(', '.join(more))}"
    elif _LESS_IS_LESS.search(key) and was and tool:
        gone = [word for word in _list(was) if word not in _list(now)]
        if gone and "ALL" not in _list(now):
            yield "settings", f"{last} lost {short(', '.join(gone))}"
    elif _STRICT.search(key):
        if (was in (True, "true") and now not in (True, "true")) or (was is None and now is False):
            yield "settings", f"{last} is {'gone' if now is None else 'off'}"
    elif _LAX.search(key):
        if now in (True, "true") and was not in (True, "true"):
            yield "settings", f"{last} is on"
    elif re.search(r"\.rules\.[\w@/-]+$", key):
        if (_level(now) < _level(was) and was is not None) or (was is None and _level(now) == 0):
            yield "settings", f"the rule {last} was loosened"
    elif _ONLY.search(key):
        if now and now != was:
            yield "settings", f"{last} has only some tests run"
    elif _LOADED.search(key):
        more = [
            word for word in _list(now) if word not in _list(was) and re.match(r"\.{1,2}/|<rootDir>", word)
        ]
        if more:
            yield "runner", f"{last} loads {short(more[0])} for the tests"
    elif last in ("include", "files", "spec", "testDir") and was and (now == [] or key.startswith("config")):
        gone = [word for word in _list(was) if word not in _list(now)]
        if gone:
            yield "settings", f"{last} lost {short(', '.join(gone))}"
    elif re.search(r"(^|\.)lints\.", key):
        if now == "allow" != was:
            yield "settings", f"the lint {last if last != 'level' else key.split('.')[-2]} is allowed"
    elif key == "tests.overlay" and now is False:
        yield "settings", "the base's tests are not laid over"
    elif ".pytest11." in key and was is None:
        yield "runner", f"the plugin {last} is loaded by pytest"
    elif "moduleNameMapper" in key and was is None:
        yield "patched", f"moduleNameMapper puts another module in the place of {last}"


def _level(value: Any) -> int:
    value = value[0] if isinstance(value, list) and value else value
    return {"off": 0, 0: 0, "warn": 1, 1: 1, "error": 2, 2: 2}.get(value, 2)


def _under(test: str, folders: list[str]) -> bool:
    return any(
        folder in (".", "./", "") or test == folder or test.startswith(folder.strip("./") + "/") or fnmatchcase(test, folder)
        or fnmatchcase(test, f"{folder.rstrip('/')}/*")
        for folder in folders
    )  # fmt: skip


def _filters(was: list[Any], now: list[Any]) -> Iterator[tuple[str, str]]:
    before, after = [str(item) for item in was if item], [str(item) for item in now if item]
    if any(item == "error" for item in before) and "error" not in after:
        yield "warnings", "warnings are no longer errors"
    elif "ignore" in after and "ignore" not in before:
        yield "warnings", "all warnings are ignored"
