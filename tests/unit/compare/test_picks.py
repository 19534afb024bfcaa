"""The laws of taking hunks."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kage_nvim.compare.align import Side, clusters
from kage_nvim.compare.hunks import Hunk
from kage_nvim.compare.picks import take, together
from tests.unit.compare.support import differences, sides

THOROUGH = settings(max_examples=1000, deadline=None)
Sides = dict[int, Side]
Pick = tuple[Hunk, list[bytes]]


def picks(side: Side) -> list[Pick]:
    file, hunks = side
    return [(hunk, list(file[hunk.b0 - 1 : hunk.b1 - 1])) for hunk in hunks]


@THOROUGH
@given(sides(most=1))
def test_all_hunks_of_an_agent_give_its_file_and_none_gives_the_base(case: tuple[list[bytes], Sides]) -> None:
    base, agents = case
    assert take(base, picks(agents[1])) == agents[1][0]
    assert take(base, []) == base
    assert together(base, agents).lines == agents[1][0]


class Text:
    """A file to which picks are done one after the other, each where its base lines are by then."""

    def __init__(self, base: list[bytes]) -> None:
        self.lines = [[line] for line in base]
        self.before: list[list[bytes]] = [[] for _ in range(len(base) + 1)]

    def pick(self, hunk: Hunk, new: list[bytes]) -> None:
        if hunk.a0 == hunk.a1:
            self.before[hunk.a0 - 1] = new
        else:
            self.lines[hunk.a0 - 1 : hunk.a1 - 1] = [new] + [[] for _ in range(hunk.a1 - hunk.a0 - 1)]

    def text(self) -> list[bytes]:
        found = []
        for before, own in itertools.zip_longest(self.before, self.lines, fillvalue=[]):
            found += [*before, *own]
        return found


@THOROUGH
@given(sides(least=3, most=3), st.randoms(use_true_random=False))
def test_picks_of_three_agents_commute(case: tuple[list[bytes], Sides], chance: random.Random) -> None:
    base, agents = case
    chosen = []
    for place in clusters({n: hunks for n, (_, hunks) in agents.items()}):
        n = chance.choice(list(place.spans))
        b0, b1 = place.spans[n]
        if chance.random() < 0.8:
            chosen.append((Hunk(place.first, place.past, b0, b1), list(agents[n][0][b0 - 1 : b1 - 1])))
    expected = take(base, chosen)
    for _ in range(3):
        order = chance.sample(chosen, len(chosen))
        assert take(base, order) == expected
        text = Text(base)
        for hunk, new in order:
            text.pick(hunk, new)
        assert [line.rstrip(b"\r\n") for line in text.text()] == [line.rstrip(b"\r\n") for line in expected]
    assert all(line.endswith(b"\n") for line in expected[:-1])


@THOROUGH
@given(sides())
def test_what_all_agree_on_is_taken(case: tuple[list[bytes], Sides]) -> None:
    base, agents = case
    composed = together(base, agents)
    assert together(base, dict(reversed(agents.items()))) == composed
    if len({tuple(file) for file, _ in agents.values()}) == 1:
        assert composed == (agents[1][0], [])
    assert all(len(place.versions) > 1 for place in composed.open)


@pytest.mark.parametrize(
    ("base", "files", "expected"),
    [
        (b"a\nz\n", (b"a\nz", b"a\nz\nw\n"), b"a\nz\nw\n"),
        (b"a\nz\n", (b"a\nz", b"a\nz\nw"), b"a\nz\nw"),
        (b"a\r\nz\r\n", (b"a\r\nz", b"a\r\nz\r\nw\r\n"), b"a\r\nz\r\nw\r\n"),
        (b"a\nz", (b"a\nz\n", b"b\nz"), b"b\nz\n"),
        (b"a\nz", (b"a\n", b"b\nz"), b"b\n"),
        (b"", (b"a", b"a"), b"a"),
    ],
)
def test_lines_are_never_glued_together(base: bytes, files: tuple[bytes, ...], expected: bytes) -> None:
    lines = base.splitlines(keepends=True)
    made: Sides = {}
    for number, data in enumerate(files, 1):
        file = data.splitlines(keepends=True)
        made[number] = (file, differences(lines, file))
    for agents in (made, {3 - n: side for n, side in made.items()}):
        composed = together(lines, agents)
        assert (b"".join(composed.lines), composed.open) == (expected, [])


def test_overlapping_picks_are_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        take([b"1\n", b"2\n"], [(Hunk(1, 3, 1, 2), [b"x\n"]), (Hunk(2, 3, 2, 3), [b"y\n"])])
