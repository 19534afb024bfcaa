"""What plain output says: its lines, how many tests passed, its last line."""

from __future__ import annotations

import re

from kage_nvim.evaluate.outputs.complaints import places
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure
from kage_nvim.visible import visible

COUNTED = 9
"""A number of tests with more digits is none."""
TAIL = 4000
"""Characters of the output's end that a result holds."""
LONGEST_LINE = 4000
"""Characters of a line that are read; only reports in JSON have longer ones that mean something."""

_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_COLOURS = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
_COUNTS = {word: re.compile(rf"([0-9]+) {word}") for word in ("passed", "failed", "errors?")}
# Linters and compilers count errors, too: alone they are pytest's when it says how long it took.
_ONLY_ERRORS = re.compile(r"[0-9] errors? in [0-9.]+s\b")
_RAN = re.compile(r"^Ran ([0-9]{1,9}) tests?")
_UNITTEST = re.compile(r"^FAILED \((.*)\)")
_OF_OTHERS = (
    # Jest: "Tests:       1 failed, 2 passed, 3 total"; Vitest: "Tests  1 failed | 2 passed (3)"
    (re.compile(r"^\s*Tests:?\s.*?([0-9]{1,9}) passed"), re.compile(r"^\s*Tests:?\s.*?([0-9]{1,9}) failed")),
    # Mocha: "  3 passing (5ms)", "  1 failing"
    (re.compile(r"^\s+([0-9]{1,9}) passing\b"), re.compile(r"^\s+([0-9]{1,9}) failing\b")),
    # node --test, with a sign or, in TAP, with "#": "# pass 2", "# fail 1"
    (re.compile(r"^(?:\u2139|#) pass ([0-9]{1,9})$"), re.compile(r"^(?:\u2139|#) fail ([0-9]{1,9})$")),
)
# Maven: "Tests run: 5, Failures: 1, Errors: 0, Skipped: 0"
_MAVEN = re.compile(
    r"Tests run: (?P<run>[0-9]{1,9}), Failures: (?P<f>[0-9]{1,9}), Errors: (?P<e>[0-9]{1,9}), "
    r"Skipped: (?P<s>[0-9]{1,9})$"
)


def read(output: bytes, inside: Places) -> tuple[list[Failure], int | None, int | None, str, str]:
    """Failures, passed, total, summary and tail of what a check printed."""
    lines = plain(output)
    said = [line for line in lines if line.strip()]
    summary = said[-1].strip("= \t") if said else ""
    passed, total = _counted(said[-12:])
    return places(lines, inside), passed, total, summary[:200], "\n".join(lines).strip()[-TAIL:]


def plain(output: bytes) -> list[str]:
    """The lines of an output without what drives a terminal, none longer than what is read of it."""
    return [line[:LONGEST_LINE] for line in whole(output)]


def whole(output: bytes) -> list[str]:
    """As ``plain``, each line as long as it is."""
    return [_ESCAPES.sub("", line).rstrip() for line in output.decode("utf-8", "replace").splitlines()]


def uncoloured(output: bytes) -> bytes:
    """An output without colours, in which a form can be known."""
    return _COLOURS.sub(b"", output) if b"\x1b" in output else output


def line(text: str) -> str:
    """The first line of what somebody said that says something."""
    return next((visible(part.strip()) for part in text.splitlines() if part.strip()), "")


def _counted(ending: list[str]) -> tuple[int | None, int | None]:
    """Passed and all tests, as pytest, unittest and those like them end."""
    text = "\n".join(ending)
    ran = next((int(m[1]) for line in ending if (m := _RAN.match(line))), None)
    if ran is not None:
        bad = next((m[1] for line in ending if (m := _UNITTEST.match(line))), "")
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=([0-9]{1,9})(?![0-9])", bad))
        return max(0, ran - failed), ran
    if (found := _of_others(ending)) is not None:
        return found
    said = {word: m[1] for word, shape in _COUNTS.items() if (m := shape.search(text))}
    if set(said) == {"errors?"} and not _ONLY_ERRORS.search(text):
        return None, None
    if not said or any(len(digits) > COUNTED for digits in said.values()):
        return None, None
    counts = {word: int(digits) for word, digits in said.items()}
    good = counts.get("passed", 0)
    return good, good + counts.get("failed", 0) + counts.get("errors?", 0)


def _of_others(ending: list[str]) -> tuple[int, int] | None:
    for line in reversed(ending):
        if found := _MAVEN.search(line):
            run, skipped = int(found["run"]), int(found["s"])
            return max(0, run - int(found["f"]) - int(found["e"]) - skipped), max(0, run - skipped)
    for good, bad in _OF_OTHERS:
        passed = next((int(m[1]) for line in reversed(ending) if (m := good.match(line))), None)
        failed = next((int(m[1]) for line in reversed(ending) if (m := bad.match(line))), None)
        if passed is not None or failed is not None:
            return passed or 0, (passed or 0) + (failed or 0)
    return None
