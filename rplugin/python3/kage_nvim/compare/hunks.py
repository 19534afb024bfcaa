"""Where files differ, as half-open ranges of lines: read from git's patches. Pure.

A *line* ends with b"\\n" and keeps it, so that the last line of a file without one is another line than the
same text with it, and an edit of the last newline is a hunk like any other.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import NamedTuple

from kage_nvim.trees import Change

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Hunk(NamedTuple):
    """Lines ``[a0, a1)`` of the base became lines ``[b0, b1)`` of the other file, 1-based.

    ``a0 == a1`` is an insertion in front of line ``a0``.
    """

    a0: int
    a1: int
    b0: int
    b1: int


def split(data: bytes) -> list[bytes]:
    """The lines of a file, ends kept; none for an empty file."""
    return io.BytesIO(data).readlines()


def of_patches(changes: Sequence[Change], patches: bytes) -> list[list[Hunk] | None]:
    """The hunks of each change, out of the ``-U0`` patches that git printed for them; ``None``: no text.

    Patches belong to changes by their order alone, and how many lines a hunk has is taken from its header, so
    that neither a file's name nor its content can be taken for anything else.

    Raises:
        ValueError: the patches are not those of these changes.
    """
    lines = split(patches)
    found: list[list[Hunk] | None] = []
    at = 0
    for change in changes:
        # git prints a change of type as two patches: the old file is deleted, then the new one is made.
        for _ in range(2 if change.status == "T" else 1):
            hunks, at = _patch(lines, at)
        found.append(None if change.status == "T" or change.kind != "text" else hunks)
    if at != len(lines):
        raise ValueError(f"{len(lines) - at} lines too many after the patches of {len(changes)} files")
    return found


def _patch(lines: Sequence[bytes], at: int) -> tuple[list[Hunk] | None, int]:
    """The hunks of the patch that begins at a line, and where the next one does."""
    if at >= len(lines) or not lines[at].startswith(b"diff --git "):
        raise ValueError(f"no patch begins at line {at + 1}")
    at += 1
    hunks: list[Hunk] = []
    binary = False
    while at < len(lines) and not lines[at].startswith(b"diff --git "):
        match = _HUNK.match(lines[at])
        if match is None:
            binary = binary or lines[at].startswith(b"Binary files ")
            at += 1
            continue
        a0, a1 = _range(match[1], match[2])
        b0, b1 = _range(match[3], match[4])
        hunks.append(Hunk(a0, a1, b0, b1))
        at += 1
        for count in (a1 - a0, b1 - b0):
            # A remark on a missing newline follows the last line of each side, and is none of its lines.
            at += count
            at += count > 0 and at < len(lines) and lines[at].startswith(b"\\ ")
    return (None if binary else hunks), at


def _range(first: bytes, count: bytes | None) -> tuple[int, int]:
    start, lines = int(first), 1 if count is None else int(count)
    # An empty range is named by the line before it.
    return (start, start + lines) if lines else (start + 1, start + 1)
