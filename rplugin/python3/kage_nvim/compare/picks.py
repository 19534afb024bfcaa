"""Hunks taken onto the base's lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kage_nvim.compare.align import Place, Side, align, overlap
from kage_nvim.compare.hunks import Hunk


class Composed(NamedTuple):
    """The lines that come of what agents agree on, and the places where they do not."""

    lines: list[bytes]
    open: list[Place]


def take(base: Sequence[bytes], picks: Iterable[tuple[Hunk, Sequence[bytes]]]) -> list[bytes]:
    """The base's lines with picks taken: hunks, each with the lines that replace its base lines.

    In whatever order they come, the text is the same. Only the last line of a file can lack its newline: one
    that would stand amid others gets it, of the kind that its neighbour has.

    Raises:
        ValueError: two of them overlap.
    """
    lines: list[bytes] = []
    at, last = 1, None
    for hunk, new in sorted(picks, key=lambda pick: pick[0]):
        if last is not None and overlap(last.a0, last.a1, hunk.a0, hunk.a1):
            raise ValueError(f"two picks change base line {hunk.a0}")
        lines += base[at - 1 : hunk.a0 - 1]
        lines += new
        at, last = hunk.a1, hunk
    lines += base[at - 1 :]
    _mend(lines)
    return lines


def _mend(lines: list[bytes]) -> None:
    for index, line in enumerate(lines[:-1]):
        if not line.endswith(b"\n"):
            near = lines[index - 1] if index else lines[index + 1]
            lines[index] = line + (b"\r\n" if near.endswith(b"\r\n") and line[-1:] != b"\r" else b"\n")


def together(base: Sequence[bytes], sides: Mapping[int, Side], name: str = "") -> Composed:
    """The base's lines with all that the agents change alike, or one of them alone."""
    picks = []
    undecided = []
    for place in align(base, sides, name):
        if len(place.versions) > 1:
            undecided.append(place)
            continue
        version = place.versions[0]
        agent = version.agents[0]
        b0, b1 = version.spans[agent]
        picks.append((Hunk(place.first, place.past, b0, b1), sides[agent][0][b0 - 1 : b1 - 1]))
    return Composed(take(base, picks), undecided)
