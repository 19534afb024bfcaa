"""What ``python -m unittest -v`` says, and Django's runner, which prints the same."""

from __future__ import annotations

import re

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests
from kage_nvim.evaluate.outputs.places import Places

_BEGINS = re.compile(r"^(?P<inner>  )?(?P<test>\w+) \((?P<owner>[\w.]+)\)(?P<rest>.*)$")
_ENDS = re.compile(
    r"\.\.\. .*?(?P<state>ok|FAIL|ERROR|skipped\b.*|expected failure|unexpected success)"
    r"(?: \([0-9.]+s\))?$"
)
_BARE = re.compile(r"^(?:.*[^\w])?(?P<state>ok|FAIL|ERROR|expected failure|unexpected success)$")
_BROKEN = re.compile(r"^(?:FAIL|ERROR): (?P<test>\w+) \((?P<owner>[\w.]+)\)(?P<rest>.*)$")
_RAN = re.compile(r"^Ran (?P<count>[0-9]{1,9}) tests? in ", re.MULTILINE)
_SUMMARY = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((?P<counts>.*)\))?$")
_STATES = {"ok": "pass", "FAIL": "fail", "ERROR": "fail", "expected failure": "skip"}


def looks(data: bytes) -> bool:
    """Its last lines."""
    return _RAN.search(data[-4096:].decode("utf-8", "replace")) is not None


def read(data: bytes, places: Places) -> Said:
    """Every test when it was asked to say them (``-v``), else how many passed."""
    lines = text.plain(data)
    tests = Tests()
    for name, state in _outcomes(lines).items():
        tests.add(name, state)
    ran = next((int(m["count"]) for line in reversed(lines) if (m := _RAN.match(line))), None)
    summary = next((m for line in reversed(lines) if (m := _SUMMARY.match(line))), None)
    said = tests.said(complaints.places(lines, places))
    if ran is None or summary is None:
        said.broken = "it ended before its tests did"
        return said
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=([0-9]{1,9})(?![0-9])", summary[0]))
    skipped = sum(int(n) for n in re.findall(r"(?:skipped|expected failures)=([0-9]{1,9})", summary[0]))
    if len(tests) < ran:  # what it does not name cannot be held against another tree
        said.tests = []
        said.total = max(0, ran - skipped)
        said.passed = max(0, said.total - bad)
    return said


def _outcomes(lines: list[str]) -> dict[str, str]:
    """States by name. What a test prints stands between its name and its state, on lines of its own or not;
    one with subtests is as bad as the worst of them."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith("====="):
            break
        begins = _BEGINS.match(line)
        if begins:
            name = _named(begins["test"], begins["owner"])
        ends = _ENDS.search(line) or (_BARE.match(line) if name and not begins else None)
        if begins and not ends and begins["rest"].strip().endswith("..."):
            found.setdefault(name, "pass")  # its subtests say more
        if not ends or not name:
            continue
        state = _STATES.get(ends["state"], "skip" if ends["state"].startswith("skipped") else "fail")
        before = found.get(name, "skip" if state == "skip" else "pass")
        found[name] = "fail" if "fail" in (before, state) else state
        if not (begins and begins["inner"]):
            name = ""
    for line in lines:
        if match := _BROKEN.match(line):  # a module that cannot be imported has no line above
            found[_named(match["test"], match["owner"])] = "fail"
    return found


def _named(test: str, owner: str) -> str:
    """Older Pythons leave the test's name out of what stands in parentheses."""
    return owner if owner.split(".")[-1] == test else f"{owner}.{test}"
