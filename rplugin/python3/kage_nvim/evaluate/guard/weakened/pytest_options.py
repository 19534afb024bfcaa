"""Options of pytest that came to ask for less. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from kage_nvim.evaluate.guard.weakened.shapes import short


def number(value: Any) -> float | None:
    """A setting's value where it is a number."""
    try:
        return float(value) if not isinstance(value, bool) and value is not None else None
    except (TypeError, ValueError):
        return None


def words(value: Any) -> list[str]:
    """The words of ``addopts``, written as a list or as a line."""
    if isinstance(value, list):
        return [part for item in value for part in _split(str(item))]
    return _split(str(value)) if value else []


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


_VALUED = {
    "-k",
    "-m",
    "-p",
    "-c",
    "-W",
    "-o",
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "--maxfail",
    "--reruns",
    "--timeout",
}
_BAD: Mapping[str, tuple[str, str]] = {
    "-k": ("settings", "only some tests are run"),
    "-m": ("settings", "only some tests are run"),
    "--ignore": ("settings", "tests are left out"),
    "--ignore-glob": ("settings", "tests are left out"),
    "--deselect": ("settings", "tests are left out"),
    "--co": ("settings", "tests are listed, not run"),
    "--collect-only": ("settings", "tests are listed, not run"),
    "--setup-plan": ("settings", "tests are listed, not run"),
    "--setup-only": ("settings", "tests are listed, not run"),
    "--fixtures": ("settings", "tests are not run"),
    "--version": ("settings", "tests are not run"),
    "--help": ("settings", "tests are not run"),
    "-h": ("settings", "tests are not run"),
    "--lf": ("settings", "only some tests are run"),
    "--last-failed": ("settings", "only some tests are run"),
    "--sw": ("settings", "only some tests are run"),
    "--stepwise": ("settings", "only some tests are run"),
    "--maxfail": ("settings", "not all tests are run"),
    "-x": ("settings", "not all tests are run"),
    "--exitfirst": ("settings", "not all tests are run"),
    "--reruns": ("retries", "what fails is tried again"),
    "--force-flaky": ("retries", "what fails is tried again"),
    "--timeout": ("timeout", "tests have another timeout"),
    "--no-cov": ("coverage", "coverage is not measured"),
    "--assert": ("settings", "assertions are not rewritten"),
    "--noconftest": ("settings", "conftest.py is not read"),
    "--suppress-no-test-exit-code": ("settings", "no test at all is as good as passing"),
    "--suppress-tests-failed-exit-code": ("settings", "failures do not count"),
    "-c": ("settings", "other settings are read"),
    "--rootdir": ("settings", "other settings are read"),
    "-o": ("settings", "settings are overridden"),
    "--override-ini": ("settings", "settings are overridden"),
    "--disable-warnings": ("warnings", "warnings are not shown"),
    "--confcutdir": ("settings", "conftest.py is not read"),
    "--allow-no-tests": ("settings", "no test at all is as good as passing"),
}
_KEPT = (
    "--strict",
    "--strict-markers",
    "--strict-config",
    "--doctest-modules",
    "--cov-branch",
    "--runxfail",
    "--doctest-glob",
    "-Werror",
)


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(words):
        name, equal, value = words[at].partition("=")
        if not equal and name in _VALUED and at + 1 < len(words):
            at += 1
            value = words[at]
        elif re.match(r"-[kmpcWo].", name) and not name.startswith("--"):
            name, value = name[:2], words[at][2:]
        found.append((name, value))
        at += 1
    return found


def options(was: list[str], now: list[str]) -> Iterator[tuple[str, str]]:
    """What came to, or went from, pytest's options."""
    before, after = _pairs(was), _pairs(now)
    for name, value in after:
        if (name, value) in before:
            continue
        shown = f"{name} {value}".strip()
        if name == "--cov-fail-under":
            old = next((number(v) for n, v in before if n == name), None)
            if old is not None and (number(value) or 0) < old:
                yield "coverage", f"the options ask for {value} % coverage, at the base for {old:g} %"
        elif name == "-p":
            if value.startswith("no:") and not re.search(r"no:(cacheprovider|faulthandler|randomly)", value):
                yield "settings", f"the options turn {value[3:]} off"
            elif re.search(r"rerun|flaky", value):
                yield "retries", f"the options load {value}"
        elif name == "-W":
            if value.startswith("ignore"):
                yield "warnings", "the options ignore warnings"
        elif name == "--assert" and value != "plain":
            continue
        elif name in _BAD:
            kind, said = _BAD[name]
            yield kind, f"the options have `{short(shown)}`: {said}"
    names = {name for name, _ in after}
    for name, value in before:
        if name in names:
            continue
        if name == "--cov-fail-under":
            yield "coverage", f"the options ask for no coverage any more, at the base for {value} %"
        elif name in _KEPT and not any(name.startswith(other) for other in names if len(other) > 2):
            yield "settings", f"the options lost {name}"
        elif name == "-W" and value.startswith("error"):
            yield "warnings", "the options lost -W error"
