"""What plain output says: places that it complains of, how many tests passed, its last line."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from kage_nvim.evaluate.results import Failure

LAST_LINE = 9_999_999
"""No file has a line beyond this one: a larger number is none."""
COUNTED = 9
"""A number of tests with more digits is none."""
MOST_FAILURES = 100
"""More places than this are not listed for one check."""
TAIL = 4000
"""Bytes of the output's end that a result holds."""


_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
# `src/x.py:12: text`, `src/x.py:12:5: text`, `  --> src/x.rs:12:5`, `File "src/x.py", line 12, in f`
_PLACES = (
    re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>[0-9]+)(?:, in (?P<text>.*))?$'),
    re.compile(
        r"^(?:E\s+)?\s*(?:-->\s*)?(?P<path>[^\s:()\[\]'\"]+\.\w+):(?P<line>[0-9]+)(?::[0-9]+)?:?\s*(?P<text>.*)$"
    ),
)
_COUNTS = {word: re.compile(rf"([0-9]+) {word}") for word in ("passed", "failed", "errors?")}
_RAN = re.compile(r"^Ran ([0-9]{1,9}) tests?")
_UNITTEST = re.compile(r"^FAILED \((.*)\)")


def read(output: bytes, roots: tuple[str, ...]) -> tuple[list[Failure], int | None, int | None, str, str]:
    """Failures, passed, total, summary and tail of what a check printed.

    ``roots`` are the absolute paths under which the tree was seen; a path below one becomes relative, one
    outside all of them is no place in the project.
    """
    lines = [_ESCAPES.sub("", line).rstrip() for line in output.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line.strip()]
    summary = said[-1].strip("= \t") if said else ""
    passed, total = _counted(said[-12:])
    return _failures(lines, roots), passed, total, summary[:200], "\n".join(lines).strip()[-TAIL:]


def _failures(lines: list[str], roots: tuple[str, ...]) -> list[Failure]:
    found: dict[tuple[str, int], Failure] = {}
    said = ""
    for line in lines:
        if line.startswith("E   "):  # pytest says what is wrong in the lines before the place
            said = said or line[1:].strip()
        match = next((m for shape in _PLACES if (m := shape.match(line))), None)
        path = _inside(match["path"], roots) if match else None
        if match is None or path is None:
            continue
        digits = match["line"].lstrip("0") or "1"  # some say 0 for the whole file
        if len(digits) > len(str(LAST_LINE)):
            continue
        key = path, int(digits)
        text = (match["text"] or "").strip()
        if said and re.fullmatch(r"\w*(Error|Exception|Failure)?", text):
            text = said
        said = ""
        if key not in found or (text and not found[key].text):
            found[key] = Failure(path, key[1], text[:300])
        if len(found) >= MOST_FAILURES:
            break
    return list(found.values())


def _inside(path: str, roots: tuple[str, ...]) -> str | None:
    for root in roots:
        if path.startswith(f"{root}/"):
            path = path[len(root) + 1 :]
            break
    pure = PurePosixPath(path)
    return None if pure.is_absolute() or ".." in pure.parts or path.startswith("<") else str(pure)


def _counted(ending: list[str]) -> tuple[int | None, int | None]:
    """Passed and all tests, as pytest, unittest and those like them end."""
    text = "\n".join(ending)
    ran = next((int(m[1]) for line in ending if (m := _RAN.match(line))), None)
    if ran is not None:
        bad = next((m[1] for line in ending if (m := _UNITTEST.match(line))), "")
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=([0-9]{1,9})(?![0-9])", bad))
        return max(0, ran - failed), ran
    said = {word: m[1] for word, shape in _COUNTS.items() if (m := shape.search(text))}
    if not said or any(len(digits) > COUNTED for digits in said.values()):
        return None, None
    counts = {word: int(digits) for word, digits in said.items()}
    good = counts.get("passed", 0)
    return good, good + counts.get("failed", 0) + counts.get("errors?", 0)
