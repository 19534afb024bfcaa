"""Places: every hunk is in one, they are disjoint and in order, and nobody's number matters."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from kage_nvim.compare.align import Place, Side, align, alike, overlap
from kage_nvim.compare.hunks import Hunk
from kage_nvim.compare.picks import take
from tests.unit.compare.support import differences, sides

THOROUGH = settings(max_examples=1000, deadline=None)
Sides = dict[int, Side]


def lines(text: str) -> list[bytes]:
    return [line.encode() + b"\n" for line in text.split()]


def places(base: str, *agents: str, name: str = "f") -> list[tuple[int, int, list[list[int]]]]:
    """The places of words, one a line: first, past, and the agents of each version."""
    made = {n: (lines(text), differences(lines(base), lines(text))) for n, text in enumerate(agents, 1)}
    found = align(lines(base), made, name)
    return [(place.first, place.past, [version.agents for version in place.versions]) for place in found]


def test_agents_agree_differ_and_leave_alone() -> None:
    found = places("1 2 3 4 5 6", "1 x 3 4 6", "1 x 3 4 5 6", "1 y 3 4 5 6", "1 2 3 4 5 6")
    assert found == [(2, 3, [[1, 2], [3]]), (5, 6, [[1]])]


def test_ranges_that_touch_are_places_of_their_own() -> None:
    assert places("1 2 3 4", "1 x 3 4", "1 2 y 4", "1 2 n 3 4") == [
        (2, 3, [[1]]),
        (3, 3, [[3]]),
        (3, 4, [[2]]),
    ]


def test_insertions_at_one_line_share_a_place_and_those_within_a_change_do() -> None:
    assert places("1 2 3", "1 n 2 3", "1 m 2 3") == [(2, 2, [[1], [2]])]
    assert places("1 2 3 4", "1 x 4", "1 2 n 3 4") == [(2, 4, [[1], [2]])]


def test_hunks_that_overlap_through_a_third_share_a_place() -> None:
    assert places("1 2 3 4 5", "a b 3 4 5", "1 c d 4 5", "1 2 e f 5") == [(1, 5, [[1], [2], [3]])]


def test_the_version_of_most_comes_first_then_that_of_the_lowest_number() -> None:
    assert places("1", "a", "b", "b", "c") == [(1, 2, [[2, 3], [1], [4]])]


def test_as_it_is_sent() -> None:
    made = {n: (lines("1 x y"), differences(lines("1 2"), lines("1 x y"))) for n in (3, 4)}
    assert [place.json() for place in align(lines("1 2"), made)] == [
        {
            "first": 2,
            "past": 3,
            "versions": [{"agents": [3, 4], "how": "same", "spans": {"3": [2, 4], "4": [2, 4]}}],
        }
    ]
    assert alike({n: hunks for n, (_, hunks) in made.items()}) == align(lines("1 2"), made)


@THOROUGH
@given(sides())
def test_places_are_disjoint_in_order_and_hold_every_hunk_once(case: tuple[list[bytes], Sides]) -> None:
    base, agents = case
    found = align(base, agents)
    for one, other in itertools.pairwise(found):
        assert (one.first, one.past) < (other.first, other.past) and one.past <= other.first
    hunks = [(hunk, n) for n, (_, own) in agents.items() for hunk in own]
    homes: dict[tuple[Hunk, int], int] = {}
    for hunk, n in hunks:
        holding = [i for i, place in enumerate(found) if overlap(place.first, place.past, hunk.a0, hunk.a1)]
        assert len(holding) == 1 and any(n in version.agents for version in found[holding[0]].versions)
        homes[hunk, n] = holding[0]
    for i, place in enumerate(found):
        own = [hunk for (hunk, _), home in homes.items() if home == i]
        assert (min(h.a0 for h in own), max(h.a1 for h in own)) == (place.first, place.past)
        assert connected(own)


def connected(own: Sequence[Hunk]) -> bool:
    """Does each hunk overlap another one, and so on to all?"""
    reached, left = [own[0]], list(own[1:])
    while left:
        near = [h for h in left if any(overlap(h.a0, h.a1, r.a0, r.a1) for r in reached)]
        if not near:
            return False
        reached += near
        left = [h for h in left if h not in near]
    return True


@THOROUGH
@given(sides())
def test_versions_are_what_agents_made_and_differ(case: tuple[list[bytes], Sides]) -> None:
    base, agents = case
    for place in align(base, agents):
        seen = [n for version in place.versions for n in version.agents]
        assert len(seen) == len(set(seen))
        texts = []
        for version in place.versions:
            own = {b"".join(agents[n][0][b0 - 1 : b1 - 1]) for n, (b0, b1) in version.spans.items()}
            assert sorted(version.spans) == version.agents
            assert (len(own) == 1) == (version.how == "same")
            assert len({b" ".join(text.split()) for text in own}) == 1
            texts += own
        assert len(texts) == len(set(texts))
    for n, (file, _) in agents.items():
        picks = []
        for place in align(base, agents):
            for version in place.versions:
                if n in version.agents:
                    b0, b1 = version.spans[n]
                    picks.append((Hunk(place.first, place.past, b0, b1), file[b0 - 1 : b1 - 1]))
        assert take(base, picks) == file


@THOROUGH
@given(sides(least=2), st.randoms(use_true_random=False))
def test_numbers_and_order_make_no_difference(case: tuple[list[bytes], Sides], chance: random.Random) -> None:
    base, agents = case
    names = dict(zip(agents, chance.sample(range(1, 100), len(agents)), strict=True))
    again = align(base, {names[n]: agents[n] for n in chance.sample(list(agents), len(agents))})
    assert shape(align(base, agents), names) == shape(again, {n: n for n in names.values()})


def shape(found: Sequence[Place], names: dict[int, int]) -> list[object]:
    return [
        (p.first, p.past, {(frozenset(names[n] for n in v.agents), v.how) for v in p.versions}) for p in found
    ]
