"""The hunks of several agents, aligned on the base: places, and what is made of each. Pure.

    base      1 2 3 4 5 6        places are the base lines that somebody changed: hunks that overlap share
    agent 1   1 x 3 4   6        one. Here lines [2, 3), where 1 and 2 agree and 3 has another version, and
    agent 2   1 x 3 4 5 6        line [5, 6), which agent 1 alone takes out. Ranges that only touch are
    agent 3   1 y 3 4 5 6        places of their own, so that picks of different places commute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kage_nvim.compare.hunks import Hunk

Side = tuple[Sequence[bytes], Sequence[Hunk]]
"""An agent's lines, and where they differ from the base."""


@dataclass(frozen=True)
class Version:
    """What the agents that agree made of a place.

    ``how`` they agree is ``same`` (to the character), ``space`` (up to whitespace) or ``syntax`` (the same
    syntax tree). ``spans`` are lines ``[b0, b1)`` of each one's file. The text is that of the first agent.
    """

    agents: list[int]
    how: str
    spans: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Place:
    """Base lines ``[first, past)``, 1-based, that agents changed; ``first == past``: inserted before it.

    Versions: most agents first, then the lowest number. Agents that are in none left the lines alone.
    """

    first: int
    past: int
    versions: list[Version] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "first": self.first,
            "past": self.past,
            "versions": [
                {
                    "agents": version.agents,
                    "how": version.how,
                    "spans": {str(number): list(span) for number, span in version.spans.items()},
                }
                for version in self.versions
            ],
        }


def align(base: Sequence[bytes], sides: Mapping[int, Side], name: str = "") -> list[Place]:
    """The places of one file, from top to bottom, disjoint.

    ``sides`` holds each agent's lines and hunks by its number; ``name`` is the file's, which tells the
    language. Takes O(n log n) of the hunks.
    """
    raise NotImplementedError
