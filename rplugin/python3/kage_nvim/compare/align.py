"""The hunks of several agents, aligned on the base: places, and what is made of each. Pure.

base      1 2 3 4 5 6        places are the base lines that somebody changed: hunks that overlap share
agent 1   1 x 3 4   6        one. Here lines [2, 3), where 1 and 2 agree and 3 has another version, and
agent 2   1 x 3 4 5 6        line [5, 6), which agent 1 alone takes out. Ranges that only touch are
agent 3   1 y 3 4 5 6        places of their own, so that picks of different places commute.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kage_nvim.compare.hunks import Hunk

Side = tuple[Sequence[bytes], Sequence[Hunk]]
"""An agent's lines, and where they differ from the base, from top to bottom."""


@dataclass(frozen=True)
class Version:
    """What the agents that agree made of a place.

    ``how`` they agree is ``same`` (to the character), ``space`` (up to whitespace) or ``syntax`` (the same
    syntax tree; comments may differ). ``spans`` are lines ``[b0, b1)`` of each one's file. The text is that
    of the first agent.
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


class Cluster(NamedTuple):
    """Base lines that hunks share, and the lines that stand for them in each agent's file."""

    first: int
    past: int
    spans: dict[int, tuple[int, int]]


def overlap(a0: int, a1: int, b0: int, b1: int) -> bool:
    """Do two ranges of base lines share a line, or are both insertions at the same one?"""
    return (a0 < b1 and b0 < a1) or a0 == a1 == b0 == b1


def clusters(hunks: Mapping[int, Iterable[Hunk]]) -> list[Cluster]:
    """The agents' hunks in groups that overlap, directly or through others, from top to bottom."""
    found: list[Cluster] = []
    group: list[tuple[Hunk, int]] = []
    first = past = 0
    # Of two hunks that begin at one line an insertion comes first: it lies in front of the other.
    for hunk, agent in sorted((hunk, agent) for agent, own in hunks.items() for hunk in own):
        if group and overlap(first, past, hunk.a0, hunk.a1):
            past = max(past, hunk.a1)
        else:
            if group:
                found.append(_cluster(first, past, group))
            first, past, group = hunk.a0, hunk.a1, []
        group.append((hunk, agent))
    if group:
        found.append(_cluster(first, past, group))
    return found


def _cluster(first: int, past: int, group: Iterable[tuple[Hunk, int]]) -> Cluster:
    spans: dict[int, tuple[int, int]] = {}
    for hunk, agent in group:
        begin = spans[agent][0] if agent in spans else hunk.b0 - (hunk.a0 - first)
        spans[agent] = (begin, hunk.b1 + (past - hunk.a1))
    return Cluster(first, past, dict(sorted(spans.items())))


def alike(hunks: Mapping[int, Sequence[Hunk]]) -> list[Place]:
    """The places of a file of which all these agents made the same, with the same hunks."""
    agents = sorted(hunks)
    return [
        Place(hunk.a0, hunk.a1, [Version(agents, "same", dict.fromkeys(agents, (hunk.b0, hunk.b1)))])
        for hunk in (hunks[agents[0]] if agents else ())
    ]


def align(
    base: Sequence[bytes], sides: Mapping[int, Side], name: str = "", *, gone: Collection[int] = ()
) -> list[Place]:
    """The places of one file, from top to bottom, disjoint.

    ``sides`` holds each agent's lines and hunks by its number; ``name`` is the file's, which tells the
    language; ``gone`` are agents that delete the file, which is not the same as to empty it. Takes O(n log n)
    of the hunks, and reads each agent's lines at most once.
    """
    judge = None
    places = []
    for cluster in clusters({agent: hunks for agent, (_, hunks) in sides.items()}):
        same: dict[tuple[bytes, ...], list[int]] = {}
        for agent, (b0, b1) in cluster.spans.items():
            if agent not in gone:
                same.setdefault(tuple(sides[agent][0][b0 - 1 : b1 - 1]), []).append(agent)
        groups = [("same", agents) for agents in same.values()]
        if len(groups) > 1:
            if judge is None:
                from kage_nvim.compare.sameness import Judge

                judge = Judge(base, {agent: lines for agent, (lines, _) in sides.items()}, name)
            groups = judge.together(cluster.first, cluster.past, cluster.spans, list(same.values()))
        if deleting := [agent for agent in cluster.spans if agent in gone]:
            groups.append(("same", deleting))
        groups.sort(key=lambda group: (-len(group[1]), group[1]))
        versions = [
            Version(agents, how, {agent: cluster.spans[agent] for agent in agents}) for how, agents in groups
        ]
        places.append(Place(cluster.first, cluster.past, versions))
    return places
