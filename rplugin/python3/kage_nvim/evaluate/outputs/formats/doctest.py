"""What ``python -m doctest -v`` says: how many examples of each function passed."""

from __future__ import annotations

import re

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

_SECTION = re.compile(r"^[0-9]+ items? (?P<what>had no tests|passed all tests|had failures):$")
_PASSED = re.compile(r"^ +[0-9]+ tests? in (?P<name>\S+)$")
_FAILED = re.compile(r"^ +(?P<bad>[0-9]+) of +(?P<all>[0-9]+) in (?P<name>\S+)$")
_EXAMPLE = re.compile(r'^File "(?P<path>[^"]+)", line (?P<line>[0-9]+), in (?P<name>\S+)$')
_END = re.compile(rb"^(?:Test passed\.|\*\*\*Test Failed\*\*\* [0-9]+ failures?\.?)\r?$", re.MULTILINE)


def looks(data: bytes) -> bool:
    """Its last line."""
    return _END.search(data) is not None and b" items" in data + b" items" * (b" item " in data)


def read(data: bytes, places: Places) -> Said:
    """Every function with examples as one test."""
    lines = text.plain(data)
    tests, failures = Tests(), []
    words: dict[str, str] = {}
    for index, line in enumerate(lines):
        if found := _EXAMPLE.match(line):
            said = _words(lines[index + 1 :])
            words.setdefault(found["name"], said)
            place = places.failure(found["path"], found["line"], said)
            failures += [place] if place else []
        elif found := _FAILED.match(line):
            tests.add(found["name"], "fail", text=words.get(found["name"], ""))
        elif found := _PASSED.match(line):
            tests.add(found["name"], "pass")
    return tests.said(_once(failures)[: complaints.MOST_FAILURES])


def _words(lines: list[str]) -> str:
    """``add(1, 2): expected 3, got 4`` from the lines below a failed example."""
    parts: dict[str, str] = {}
    key = ""
    for line in lines[:60]:
        if line.startswith(("***", "File ")):
            break
        if not line.startswith(" "):
            key = line.strip()
        elif key and line.strip():
            kept = key.startswith("Exception raised")
            parts[key] = line.strip() if kept else parts.get(key) or line.strip()
    said = parts.get("Failed example:", "")
    if "Got:" in parts:
        return f"{said}: expected {parts.get('Expected:', 'nothing')}, got {parts['Got:']}"
    return f"{said}: {parts.get('Exception raised:', 'got nothing')}"


def _once(failures: list[Failure]) -> list[Failure]:
    return list({(failure.path, failure.line): failure for failure in failures}.values())
