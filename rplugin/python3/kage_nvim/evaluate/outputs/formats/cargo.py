"""What ``cargo test`` says: its text, or the JSON of libtest."""

from __future__ import annotations

import re

import msgspec

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, seconds
from kage_nvim.evaluate.outputs.places import Places

_TARGET = re.compile(r"^\s+Running (?:unittests )?(?P<source>\S+) \(|^\s+Doc-tests (?P<docs>\S+)")
_TEST = re.compile(
    r"^test (?P<name>.+?)(?: - should panic)? \.\.\. "
    r"(?P<state>ok|FAILED|ignored\b.*|bench:.*)(?: <[0-9.]+s>)?$"
)
_LINE = re.compile(r" \(line [0-9]+\)$")
_END = re.compile(
    r"^test result: (?P<word>ok|FAILED)\.(?: (?P<passed>[0-9]{1,9}) passed; (?P<failed>[0-9]{1,9}) failed)?",
    re.MULTILINE,
)
_BEGUN = re.compile(r"^running [0-9]+ tests?$", re.MULTILINE)
_PANIC = re.compile(r"^---- (?P<name>.+) stdout ----$")


class _Event(msgspec.Struct):
    type: str
    event: str = ""
    name: str = ""
    exec_time: float | None = None
    stdout: str = ""


def looks(data: bytes) -> bool:
    """Either of the two."""
    return (
        _END.search(data.decode("utf-8", "replace")) is not None
        or b'{ "type": "suite", "event": "' in data
        or b'{"type":"suite","event":"' in data
    )


def read(data: bytes, places: Places) -> Said:
    """Every test, named after the target that it is in; an example in a comment without its line, which
    moves."""
    lines = text.whole(data)
    tests, outputs = Tests(), []
    target = ""
    begun = ended = passed = failed = 0
    words = _panics(lines)
    for line in lines:
        if found := _TARGET.match(line):
            target = found["source"] or ""
        elif line.startswith("{") and (event := _event(line)):
            begun += event.type == "suite" and event.event == "started"
            ended += event.type == "suite" and event.event != "started"
            if event.type == "test" and event.event in ("ok", "failed", "ignored", "timeout"):
                outputs += event.stdout.splitlines()
                state = {"ok": "pass", "ignored": "skip"}.get(event.event, "fail")
                said = next((w for w in event.stdout.splitlines() if w and not w.startswith("thread")), "")
                tests.add(_named(target, event.name), state, seconds=seconds(event.exec_time), text=said)
        elif len(line) > text.LONGEST_LINE:
            continue
        elif found := _TEST.match(line):
            state = {"ok": "pass", "FAILED": "fail"}.get(found["state"], "skip")
            state = "pass" if found["state"].startswith("bench:") else state
            tests.add(_named(target, found["name"]), state, text=words.get(found["name"], ""))
        else:
            begun += _BEGUN.match(line) is not None
            if found := _END.match(line):
                ended += 1
                passed += int(found["passed"] or 0)
                failed += int(found["failed"] or 0)
    broken = "some of its tests did not end" if begun > ended else ""
    whole = tests.said(complaints.places([*lines, *outputs], places), broken)
    if (whole.total or 0) < passed + failed:  # with --quiet it only counts
        whole.tests, whole.passed, whole.total = [], passed, passed + failed
    return whole


def _event(line: str) -> _Event | None:
    try:
        return msgspec.json.decode(line, type=_Event, strict=False)
    except (msgspec.DecodeError, RecursionError):
        return None


def _named(target: str, name: str) -> str:
    name = _LINE.sub("", name)
    return f"{target}::{name}" if target and not name.startswith(target) else name


def _panics(lines: list[str]) -> dict[str, str]:
    """What each failed test said."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := _PANIC.match(line):
            name = match["name"]
        elif name and line.strip() and not line.startswith("thread '"):
            found[name] = line
            name = ""
    return found
