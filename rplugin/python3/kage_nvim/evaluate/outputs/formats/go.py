"""What ``go test`` says: with ``-v`` as text, with ``-json`` an object a line."""

from __future__ import annotations

import re

import msgspec

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, seconds
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

_RESULT = re.compile(r"^\s*--- (?P<state>PASS|FAIL|SKIP): (?P<name>\S+) \((?P<took>[0-9.]+)s\)")
_RUNS = re.compile(r"^=== (?:RUN|CONT|NAME) +(?P<name>\S+)$")
_PACKAGE = re.compile(r"^(?P<word>ok  |FAIL|---|\?   )\t(?P<package>\S+)(?:\t|\s|$)(?P<rest>.*)")
_STATES = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip"}
_PLACE = re.compile(r"^\s+(?P<path>[\w.\-]+\.go):(?P<line>[0-9]+): (?P<text>.*)$")
_LOOKS = re.compile(rb"^(?:ok  |FAIL|\?   )\t\S+|^=== RUN   \S", re.MULTILINE)


class _Event(msgspec.Struct, rename="pascal"):
    action: str
    package: str = ""
    test: str = ""
    output: str = ""
    elapsed: float | None = None


def looks(data: bytes) -> bool:
    """Either of the two."""
    return _LOOKS.search(data) is not None or (b'"Action":"' in data[:4096] and b'"Package":"' in data)


def read(data: bytes, places: Places) -> Said:
    """Every test by package, and each package that could not be built or broke off."""
    lines = text.whole(data)
    as_json = b'"Action":"' in data or not _LOOKS.search(data)
    said = _json(lines, places) if as_json else _text(lines, places)
    if not said.tests:  # it was not asked to tell them
        said.passed = said.total = None
    return said


def as_text(data: bytes) -> bytes:
    """What a run with ``-json`` would have printed without it."""
    said = []
    for line in data.decode("utf-8", "replace").splitlines(keepends=True):
        event = _event(line)
        said.append(event.output if event and event.action in ("output", "build-output") else "")
        said[-1] = line if event is None else said[-1]
    return "".join(said).encode()


class _Package:
    """What is heard of a package while its tests run: outcomes, and places by the test that named them."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str, str]] = []
        self.words: list[tuple[str, re.Match[str]]] = []

    def told(self, name: str, failed: bool, rest: str, tests: Tests, places: Places) -> list[Failure]:
        """Add its tests and return where those that failed did. A package that failed though none of its
        tests did has a line of its own."""
        bad = {test for test, state, _ in self.outcomes if state == "fail"}
        for test, state, took in self.outcomes:
            tests.add(f"{name}.{test}", state, seconds=seconds(took))
        if failed and not bad:
            tests.add(name, "fail", text=rest.strip("[] "))
        said = (
            places.failure(m["path"], m["line"], m["text"], near=name)
            for test, m in self.words
            if test in bad
        )
        return [failure for failure in said if failure]


def _text(lines: list[str], places: Places) -> Said:
    """A package's tests come before its own line."""
    tests, failures = Tests(), []
    package, test, rest = _Package(), "", []
    for line in (line[: text.LONGEST_LINE] for line in lines):
        if found := _RUNS.match(line):
            test = found["name"]
        elif found := _RESULT.match(line):
            package.outcomes.append((found["name"], _STATES[found["state"]], found["took"]))
        elif found := _PLACE.match(line):
            package.words.append((test, found))
        elif (found := _PACKAGE.match(line)) and found["word"] != "---":
            failed = found["word"].strip() == "FAIL"
            failures += package.told(found["package"], failed, found["rest"], tests, places)
            package = _Package()
        else:
            rest.append(line)
    broken = "some of its tests did not end" if package.outcomes else ""
    return tests.said([*failures, *complaints.places(rest, places)][: complaints.MOST_FAILURES], broken)


def _json(lines: list[str], places: Places) -> Said:
    tests, failures, rest = Tests(), [], []
    running: set[tuple[str, str]] = set()
    packages: dict[str, _Package] = {}
    for line in lines:
        event = _event(line)
        if event is None:
            rest.append(line)
            if (found := _PACKAGE.match(line)) and found["word"] == "FAIL":
                failures += _Package().told(found["package"], True, found["rest"], tests, places)
            continue
        package = packages.setdefault(event.package, _Package())
        if event.test and event.action == "run":
            running.add((event.package, event.test))
        elif event.action in ("pass", "fail", "skip") and event.test:
            running.discard((event.package, event.test))
            package.outcomes.append((event.test, event.action, str(event.elapsed or 0.0)))
        elif event.action in ("pass", "fail", "skip"):
            failures += package.told(event.package, event.action == "fail", "", tests, places)
            packages.pop(event.package)
        elif found := _PLACE.match(event.output.rstrip("\n")):
            package.words.append((event.test, found))
        elif event.action in ("output", "build-output"):
            rest.append(event.output.rstrip("\n"))
    broken = "some of its tests did not end" if running and not tests else ""
    return tests.said([*failures, *complaints.places(rest, places)][: complaints.MOST_FAILURES], broken)


def _event(line: str) -> _Event | None:
    if not line.startswith("{"):
        return None
    try:
        return msgspec.json.decode(line, type=_Event, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return None
