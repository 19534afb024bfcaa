"""TAP, the Test Anything Protocol: what prove, bats, node --test and many others print."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests
from kage_nvim.evaluate.outputs.places import Places

_RESULT = re.compile(rb"^(?:ok|not ok)\b", re.MULTILINE)
_MEANS = re.compile(r"(?:not )?ok(?:\s|$)|1\.\.[0-9]|Bail out!")
# prove -v names each file before what it says: "t/basic.t .. ".
_FILE = re.compile(r"^(?P<name>\S+) \.{2,}$")
_PLAN = re.compile(rb"^(?:TAP version 1[34]|1\.\.[0-9]+)[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_INDENT = 4
"""Spaces that a subtest stands further in."""
_LONGEST = 10_000
"""Characters; a longer line is no test's."""

_Outcome = tuple[str, str]
"""A name and a state."""


def looks(data: bytes) -> bool:
    """A plan or a version, and results."""
    return _PLAN.search(data) is not None and _RESULT.search(data) is not None


def read(data: bytes, places: Places) -> Said:
    """Every test; one that has subtests is named before theirs, and counts itself only when it failed though
    none of them did. ``# TODO`` counts as skipped; what others print in between is left out."""
    from tap.parser import Parser

    parser = Parser()
    at: dict[int, list[_Outcome]] = {}
    planned: int | None = None
    ran = 0
    broken = ""
    file = ""
    for depth, line in _lines(data):
        if named := _FILE.match(line):
            file = f"{named['name']} > "
            continue
        if file and line == "ok":  # of the file, not of a test
            continue
        try:
            found = parser.parse_line(line.replace("\\#", "\0"))
        except ValueError:
            continue
        if found.category == "plan" and depth == 0:
            planned = (planned or 0) + found.expected_tests  # there may be several files, each with its own
        elif found.category == "bail":
            broken = f"it gave up: {found.reason}"
        elif found.category == "test":
            ran += depth == 0
            words = found.description.replace("\0", "#").removeprefix("- ").removesuffix("{").strip()
            words = (file if depth == 0 else "") + (words or f"test {found.number or ran}")
            state = "skip" if found.skip or found.todo else "pass" if found.ok else "fail"
            inner = [
                (f"{words} > {name}", "skip" if found.todo else each) for name, each in at.pop(depth + 1, [])
            ]
            told = inner and (state != "fail" or any(each == "fail" for _, each in inner))
            at.setdefault(depth, []).extend(inner if told else [*inner, (words, state)])
    tests = Tests()
    for outcomes in at.values():
        for name, state in outcomes:
            tests.add(name, state)
    if not broken and planned is None:
        broken = "it ended before it said how many tests there are"
    elif not broken and planned != ran:
        broken = f"{planned} tests were planned, {ran} ran"
    return tests.said(complaints.places(text.plain(data), places), broken)


def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Lines that mean something, and how deep each stands; blocks of YAML are left out."""
    block = False
    for raw in text.plain(data):
        line = raw.strip()
        if block or line == "---":
            block = line != "..."
        elif len(line) <= _LONGEST and (_MEANS.match(line) or _FILE.match(line)):
            yield (len(raw) - len(raw.lstrip(" "))) // _INDENT, line
