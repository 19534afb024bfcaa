"""What a judge is shown of a candidate: the change, what its agent says, what running it showed.

It is made of content alone, so that the same change is shown alike whoever made it and whatever its number
is; ``key`` is a hash of it and gives all exhibits one order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec

from kage_nvim.evaluate.guard.testfiles import holds_tests
from kage_nvim.evaluate.judging import pleas as spoken
from kage_nvim.evaluate.judging.anonymity import Names, code, prose
from kage_nvim.evaluate.verdict import Point, Standing

ROOM = 40_000
"""Characters of one candidate's change that are shown, when nothing is known of the model's window."""
A_FILE = 12_000
"""Characters of one file's change."""
WORDS = 1_500
"""Characters of the agent's own words."""
NAMED = 8
"""Tests, or files left out, that are named."""

_START = re.compile(r"(?m)^(?=diff --git )")
_NEW_PATH = re.compile(r"(?m)^\+\+\+ (?:b/(.*)|\"b/(.*)\")$")
_OLD_PATH = re.compile(r"(?m)^--- (?:a/(.*)|\"a/(.*)\")$")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)")


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate as it is shown. ``number`` is for whoever reads the answer and in no text; ``pleas`` are
    the places at which the candidate spoke to its judge."""

    number: int
    text: str
    pleas: list[Point] = []

    @property
    def key(self) -> str:
        """The same for the same content."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()


def exhibit(
    standing: Standing,
    patch: str,
    words: str,
    names: Names,
    *,
    room: int = ROOM,
) -> Exhibit:
    """Make one of a candidate's patch, its agent's own words and its evidence."""
    files = [(path_of(part), part) for part in _START.split(patch) if part.startswith("diff --git ")]
    pleas: list[Point] = []
    shown: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
    for path, part in sorted(files):
        text, found = _file(path, part, names)
        pleas += found
        shown[holds_tests(path)].append((path, text))
    said, count = prose(words, names)
    pleas += [Point("its agent's own words speak to the judge; they were removed")] if count else []
    share = room * 3 // 4 if shown[True] else room
    parts = [
        "## The change",
        _bounded(shown[False], share) or "(no file but tests)",
        *(["## Its tests", _bounded(shown[True], room - share)] if shown[True] else []),
        "## What running it showed",
        evidence(standing),
        *(["## What its author says", _short(_seen(said), WORDS)] if said.strip() else []),
    ]
    return Exhibit(number=standing.number, text="\n".join(parts), pleas=pleas)


def _seen(said: str) -> str:
    return "\n".join(map(spoken.shown, said.strip().splitlines()))


def evidence(standing: Standing) -> str:
    """What is known of a candidate by running it, without its number."""
    passed, total = standing.matrix
    green = {True: "all passed", False: "not all passed", None: "not run"}[standing.green]
    lines = [
        f"- required checks: {green}" + (f" ({spoken.named(standing.checked)})" if standing.checked else "")
    ]
    lines.append(f"- worked before and fails now: {_some(standing.regressed) or 'nothing'}")
    if standing.weakened:
        lines.append(f"- tests that it weakened: {_some(standing.weakened)}")
    if total:
        lines.append(f"- tests that the candidates brought along: {passed} of {total} pass")
    if standing.gate:
        lines.append(f"- it is out: {spoken.named(standing.gate)}")
    return "\n".join(lines)


def path_of(part: str) -> str:
    """The path of one file's patch."""
    for pattern in (_NEW_PATH, _OLD_PATH):
        if match := pattern.search(part):
            return match[1] or match[2]
    first = part.partition("\n")[0]
    return first.rpartition(" b/")[2].rstrip('"')


def _file(path: str, part: str, names: Names) -> tuple[str, list[Point]]:
    """One file's patch without its header's hashes, its names, and what speaks to the judge."""
    if "\nGIT binary patch" in part or "\nBinary files " in part:
        return f"--- {spoken.named(path)}\n(binary)", []
    lines = [line.removesuffix("\r") for line in part.rstrip("\n").split("\n")[1:]]
    lines = [line for line in lines if not line.startswith("index ")]
    plain, _ = spoken.without_pleas(lines)
    pleas: list[Point] = []
    at: int | None = None
    for index, line in enumerate(lines):
        if match := _HUNK.match(line):
            at = int(match[1]) - 1
        elif at is not None and line[:1] in ("+", " "):
            at += 1
        if plain[index] == line:
            continue
        if at is None or line.startswith("+"):
            pleas.append(Point("a line speaks to the judge; it was not shown", path, max(at or 0, 0)))
            plain[index] = ("" if at is None else "+") + plain[index]
        else:  # it was there before, and asks for nothing
            plain[index] = line
    return "\n".join(map(spoken.shown, code(plain, names))), pleas


def _bounded(files: Sequence[tuple[str, str]], room: int) -> str:
    """The files' patches in so many characters: each one cut alike, what has no room only named."""
    if not files:
        return ""
    each = min(A_FILE, max(room // len(files), 600))
    while each < A_FILE and sum(min(len(text), each + 500) for _, text in files) <= room:
        each += 500
    told: list[str] = []
    left: list[str] = []
    used = 0
    for path, text in files:
        short = _short(text, each)
        if used + len(short) > room and told:
            left.append(path)
            continue
        used += len(short)
        told.append(short)
    if left:
        told.append(f"({len(left)} more files are not shown: {_some(left)})")
    return "\n".join(told)


def _short(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    half = room // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are not shown …\n{text[-half:]}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(spoken.named, names[:NAMED])) + more
