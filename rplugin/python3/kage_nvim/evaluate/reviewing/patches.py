"""A suggested patch as one replacement of lines: from the text for them, or from a unified diff. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from kage_nvim.evaluate.reviewing.findings import Patch
from kage_nvim.visible import HALVES, UNSEEN

PATCH_LINES, PATCH_CHARACTERS = 400, 40_000
"""Lines of a patch, and its characters; more is a rewrite."""
FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
"""A fenced block of Markdown; its end may be missing."""

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")


class Unusable(ValueError):
    """A finding, or its patch, that cannot be used; says why, to whoever reported it."""


def read_patch(
    given: Any, first: int, last: int, lines: Sequence[str], *, moved: bool = False
) -> Patch | None:
    """A suggested patch: the text for lines ``first`` to ``last``, or a unified diff of the file.

    Raises:
        Unusable: it does not fit the file.
    """
    if isinstance(given, list):
        given = "\n".join(str(line) for line in given)
    if not isinstance(given, str) or not given.strip():
        return None
    if len(given) > PATCH_CHARACTERS:
        raise Unusable(f"it has more than {PATCH_CHARACTERS} characters")
    if "\0" in given or HALVES.search(given):
        raise Unusable("it has characters that no text has")
    text = given.replace("\r\n", "\n")
    if set(UNSEEN.findall(text)) - set(UNSEEN.findall("".join(lines))):
        raise Unusable("it brings characters that no screen shows")
    if fenced := FENCE.fullmatch(text.strip()):
        text = fenced[1]
    new = text.removesuffix("\n").split("\n")
    if any(_HUNK.match(line) for line in new):
        return _diff(new, lines)
    if moved:
        raise Unusable("the lines that it is for are not known for certain; give it as a unified diff")
    if len(new) > PATCH_LINES:
        raise Unusable(f"it has more than {PATCH_LINES} lines")
    old = list(lines[first - 1 : last]) if lines else []
    if old == new:
        raise Unusable("it changes nothing")
    return Patch(first if old else 0, last if old else 0, old, new)


def _diff(text: Sequence[str], lines: Sequence[str]) -> Patch:
    """A unified diff of one file as one replacement, from its first changed line to its last."""
    result: list[str] = []
    begin, end = -1, 0
    for at, old, new in _hunks(text):
        place = _find(old, at, lines)
        if place is None or place < end:
            raise Unusable("the lines that the diff takes out are not in the file")
        if begin < 0:
            begin = end = place
        result += [*lines[end:place], *new]
        end = place + len(old)
    if begin < 0:
        raise Unusable("it changes nothing")
    return _trimmed(begin, list(lines[begin:end]), result, lines)


def _trimmed(begin: int, old: list[str], new: list[str], lines: Sequence[str]) -> Patch:
    """Without the equal lines around it, of which one stays where nothing else is replaced."""
    if old == new:
        raise Unusable("it changes nothing")
    if len(new) > PATCH_LINES:
        raise Unusable(f"it has more than {PATCH_LINES} lines")
    while len(old) > 1 and len(new) > 0 and old[0] == new[0]:
        old, new, begin = old[1:], new[1:], begin + 1
    while len(old) > 1 and len(new) > 0 and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if not old and lines:  # an insertion is told by a line beside it
        at = begin if begin < len(lines) else begin - 1
        line = lines[at]
        return Patch(at + 1, at + 1, [line], [*new, line] if at == begin else [line, *new])
    return Patch(begin + 1 if old else 0, begin + len(old), old, new)


def _hunks(text: Sequence[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    """For each hunk of a diff: where it says it begins (0-based), the lines before and after."""
    at, old, new, inside = 0, list[str](), list[str](), False
    for line in [*text, "@@ -0 +0 @@"]:
        if match := _HUNK.match(line):
            if inside and (old or new):
                yield at, old, new
            at, old, new, inside = max(int(match[1]) - 1, 0), [], [], True
        elif not inside or line.startswith("\\"):
            continue
        elif line.startswith("-"):
            old.append(line[1:])
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            kept = line[1:] if line.startswith(" ") else line
            old.append(kept)
            new.append(kept)


def _find(wanted: Sequence[str], near: int, lines: Sequence[str]) -> int | None:
    """Where these lines stand (0-based), the nearest place to ``near``."""
    if not wanted:
        return min(near + 1, len(lines)) if lines else 0
    places = [
        at for at in range(len(lines) - len(wanted) + 1) if list(lines[at : at + len(wanted)]) == list(wanted)
    ]
    return min(places, key=lambda at: abs(at - near), default=None)
