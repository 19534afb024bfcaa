"""What ``go test`` says: with ``-v`` as text, with ``-json`` an object a line."""

from __future__ import annotations

import re

import msgspec

from kage_nvim.evaluate import text
from kage_nvim.evaluate.formats.said import Said, Tests, seconds
from kage_nvim.evaluate.places import Places
from kage_nvim.evaluate.results import Failure

_RESULT = re.compile(r"^\s*--- (?P<state>PASS|FAIL|SKIP): (?P<name>\S+) \((?P<took>[0-9.]+)s\)")
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
    lines = text.plain(data)
    return _text(lines, places) if _LOOKS.search(data) and b'"Action":"' not in data else _json(lines, places)


def as_text(data: bytes) -> bytes:
    """What a run with ``-json`` would have printed without it."""
    said = []
    for line in data.decode("utf-8", "replace").splitlines(keepends=True):
        event = _event(line)
        said.append(event.output if event and event.action in ("output", "build-output") else "")
        said[-1] = line if event is None else said[-1]
    return "".join(said).encode()


def _text(lines: list[str], places: Places) -> Said:
    """A package's tests come before its own line."""
    tests, failures = Tests(), []
    pending: list[tuple[str, str, str]] = []
    words: list[re.Match[str]] = []
    for line in lines:
        if found := _RESULT.match(line):
            pending.append((found["name"], _STATES[found["state"]], found["took"]))
        elif found := _PLACE.match(line):
            words.append(found)
        elif (found := _PACKAGE.match(line)) and found["word"] != "---":
            package = found["package"]
            _add(tests, package, pending, found["word"].strip() == "FAIL", found["rest"])
            failing = any(state == "fail" for _, state, _ in pending)
            failures += _near(words, package, places) if failing else []
            pending, words = [], []
    broken = "some of its tests did not end" if pending else ""
    return tests.said([*failures, *text.places(lines, places)][: text.MOST_FAILURES], broken)


def _json(lines: list[str], places: Places) -> Said:
    tests, failures, rest = Tests(), [], []
    running: set[tuple[str, str]] = set()
    ended: dict[str, list[tuple[str, str, str]]] = {}
    words: dict[str, list[re.Match[str]]] = {}
    for line in lines:
        event = _event(line)
        if event is None:
            rest.append(line)
            if (found := _PACKAGE.match(line)) and found["word"] == "FAIL":
                _add(tests, found["package"], [], True, found["rest"])
        elif event.test and event.action == "run":
            running.add((event.package, event.test))
        elif event.action in ("pass", "fail", "skip"):
            if event.test:
                running.discard((event.package, event.test))
                took = str(event.elapsed or 0.0)
                ended.setdefault(event.package, []).append((event.test, event.action, took))
                continue
            outcomes = ended.pop(event.package, [])
            _add(tests, event.package, outcomes, event.action == "fail", "")
            if any(state == "fail" for _, state, _ in outcomes):
                failures += _near(words.get(event.package, []), event.package, places)
        elif found := _PLACE.match(event.output.rstrip("\n")):
            words.setdefault(event.package, []).append(found)
        elif event.action == "build-output":
            rest.append(event.output.rstrip("\n"))
    broken = "some of its tests did not end" if running and not tests else ""
    return tests.said([*failures, *text.places(rest, places)][: text.MOST_FAILURES], broken)


def _add(tests: Tests, package: str, outcomes: list[tuple[str, str, str]], failed: bool, rest: str) -> None:
    """A package that failed though none of its tests did has a line of its own."""
    for name, state, took in outcomes:
        tests.add(f"{package}.{name}", state, seconds=seconds(took))
    if failed and not any(state == "fail" for _, state, _ in outcomes):
        tests.add(package, "fail", text=rest.strip("[] "))


def _near(found: list[re.Match[str]], package: str, places: Places) -> list[Failure]:
    said = (places.failure(m["path"], m["line"], m["text"], near=package) for m in found)
    return [failure for failure in said if failure]


def _event(line: str) -> _Event | None:
    if not line.startswith("{"):
        return None
    try:
        return msgspec.json.decode(line, type=_Event, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return None
