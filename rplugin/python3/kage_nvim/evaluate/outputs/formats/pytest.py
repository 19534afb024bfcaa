"""What pytest's own reports say: one JSON object (pytest-json-report), or one a line (pytest-reportlog)."""

from __future__ import annotations

from typing import Any

import msgspec

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, Unreadable, seconds
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

_STATES = {"passed": "pass", "failed": "fail", "error": "fail", "skipped": "skip", "xfailed": "skip"}
_STATES |= {"xpassed": "pass", "rerun": "skip"}


class _Crash(msgspec.Struct):
    path: str = ""
    lineno: int = 0
    message: str = ""


class _Phase(msgspec.Struct):
    outcome: str = ""
    duration: float = 0.0
    crash: _Crash | None = None
    longrepr: str | None = None


class _Case(msgspec.Struct):
    nodeid: str
    outcome: str = ""
    setup: _Phase | None = None
    call: _Phase | None = None
    teardown: _Phase | None = None


class _Collector(msgspec.Struct):
    nodeid: str
    outcome: str = ""
    longrepr: str | None = None


class _Report(msgspec.Struct):
    exitcode: int
    tests: list[_Case] = []
    collectors: list[_Collector] = []


def looks(data: bytes) -> bool:
    """Either of the two."""
    head = data[:2000]
    return b'"$report_type"' in head or (b'"exitcode"' in head and b'"summary"' in head)


def read(data: bytes, places: Places) -> Said:
    """Every test, and each file that could not be collected.

    Raises:
        Unreadable: this is no such report.
    """
    try:
        return _lines(data, places) if b'"$report_type"' in data[:2000] else _object(data, places)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"no report of pytest's: {error}") from error


def _object(data: bytes, places: Places) -> Said:
    report = msgspec.json.decode(data, type=_Report)
    tests, failures = Tests(), []
    for collector in report.collectors:
        if collector.outcome == "failed":
            tests.add(collector.nodeid, "fail", text=_last(collector.longrepr or ""))
            failures += complaints.places((collector.longrepr or "").splitlines(), places)
    for case in report.tests:
        phases = [phase for phase in (case.setup, case.call, case.teardown) if phase]
        crash = next((phase.crash for phase in phases if phase.crash), None)
        took = sum(phase.duration for phase in phases)
        state = _STATES.get(case.outcome, "fail")
        tests.add(case.nodeid, state, seconds=seconds(took), text=crash.message if crash else "")
        if crash and state == "fail":
            place = places.failure(crash.path, crash.lineno, text.line(crash.message))
            failures += [place] if place else []
    return tests.said(failures[: complaints.MOST_FAILURES])


def _lines(data: bytes, places: Places) -> Said:
    """A test has three lines, and is what the worst of them says."""
    worst: dict[str, tuple[str, float, str]] = {}
    failures: list[Failure] = []
    ended = False
    for line in data.splitlines():
        found: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        ended = ended or found.get("$report_type") == "SessionFinish"
        if found.get("$report_type") not in ("TestReport", "CollectReport"):
            continue
        name, outcome = str(found.get("nodeid")), str(found.get("outcome"))
        if found["$report_type"] == "CollectReport" and outcome != "failed":
            continue
        state = _STATES.get(outcome, "fail")
        words, place = _crash(found.get("longrepr"), places)
        before, took, said = worst.get(name, ("pass", 0.0, ""))
        rank = ("pass", "skip", "fail")
        worst[name] = (
            max(before, state, key=rank.index),
            took + (seconds(found.get("duration")) or 0.0),
            said or words,
        )
        if state == "fail" and place:
            failures.append(place)
    tests = Tests()
    for name, (state, took, words) in worst.items():
        tests.add(name, state, seconds=took, text=words)
    return tests.said(
        failures[: complaints.MOST_FAILURES], "" if ended else "its report ends before the tests do"
    )


def _crash(said: Any, places: Places) -> tuple[str, Failure | None]:
    if isinstance(said, dict) and isinstance(crash := said.get("reprcrash"), dict):
        words = str(crash.get("message", ""))
        return words, places.failure(str(crash.get("path", "")), crash.get("lineno", 0), text.line(words))
    trace = said if isinstance(said, str) else ""
    found = complaints.places(trace.splitlines(), places)
    return _last(trace), found[-1] if found else None


def _last(trace: str) -> str:
    return next((line for line in reversed(trace.splitlines()) if line.strip()), "")
