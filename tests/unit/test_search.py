"""The search over hunks, on simulated tasks: which units mend what, which do harm, what excludes what."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from kage_nvim.compare.combine import blamed
from kage_nvim.compare.searching.field import Field
from kage_nvim.compare.searching.search import search
from kage_nvim.compare.searching.tries import Outcome, Tries
from kage_nvim.compare.units import Unit
from kage_nvim.evaluate.compared import with_base
from kage_nvim.evaluate.results import Failure, Result, Test
from kage_nvim.orchestrator.combining.worth import Worth

CANDIDATES = 5
TRACE = "Traceback (most recent call last)"
TRIES = 300
"""Scores that fit into a minute, at a fifth of a second each, two at a time."""


@dataclass
class World:
    """``mends``: by defect, the groups of units of which one suffices, whole. ``harms``: by unit, the tests
    that it lets fail. ``breaks``: with one of these nothing passes."""

    agents: list[list[int]] = field(default_factory=list)
    clashes: list[set[int]] = field(default_factory=list)
    needs: list[list[frozenset[int]]] = field(default_factory=list)
    mends: list[list[frozenset[int]]] = field(default_factory=list)
    harms: dict[int, set[int]] = field(default_factory=dict)
    breaks: set[int] = field(default_factory=set)
    others: int = 3

    def unit(self, *agents: int) -> int:
        self.agents.append(sorted(agents))
        self.clashes.append(set())
        self.needs.append([])
        return len(self.agents) - 1

    def exclude(self, one: int, other: int) -> None:
        self.clashes[one].add(other)
        self.clashes[other].add(one)

    def field(self) -> Field:
        return Field(self.agents, [1] * len(self.agents), [frozenset(c) for c in self.clashes], self.needs)

    def passing(self, chosen: frozenset[int]) -> set[int]:
        if self.breaks & chosen:
            return set()
        passing = {test for test, groups in enumerate(self.mends) if any(g <= chosen for g in groups)}
        passing |= set(range(len(self.mends), len(self.mends) + self.others))
        return passing - {test for unit in chosen for test in self.harms.get(unit, ())}

    def outcome(self, chosen: frozenset[int], told: str) -> Outcome:
        assert not any(self.clashes[unit] & chosen for unit in chosen), "they exclude each other"
        passing, every = self.passing(chosen), set(range(len(self.mends) + self.others))
        if told == "tests":
            clean = passing >= every - set(range(len(self.mends)))
            key = (float(clean), float(len(passing)))
            good, bad = map(str, passing), map(str, every - passing)
            return Outcome(key, frozenset(good), frozenset(bad), passing == every)
        if told == "first":  # it stops there
            first = min(every - passing, default=len(every))
            reached = map(str, range(first))
            key = (float(passing == every), float(first))
            return Outcome(key, frozenset(reached), frozenset({str(first)}), passing == every, stopped=True)
        key = (float(passing == every), float(len(passing)) if told == "counts" else 0.0)
        return Outcome(key, frozenset(), frozenset({"all"}), passing == every)


def world(dice: random.Random, told: str, spoiled: int = 0) -> World:
    """A task with a solution: every defect has a candidate whose hunks mend it. In each candidate so many
    units let nothing pass."""
    made = World()
    hard = told != "exit"
    for defect in range(dice.randint(2, 18)):
        fixers = dice.sample(range(1, CANDIDATES + 1), dice.randint(1, 3))
        right = made.unit(*fixers)
        group = {right}
        if dice.random() < 0.25:  # a helper and its use
            helper = made.unit(*fixers)
            if dice.random() < 0.5:
                made.needs[right].append(frozenset({helper}))
            group.add(helper)
        made.mends.append([frozenset(group)])
        others = [n for n in range(1, CANDIDATES + 1) if n not in fixers]
        if others and dice.random() < (0.4 if hard else 0.2):  # somebody's wrong version of it
            wrong = made.unit(dice.choice(others) if hard else others[0])
            made.exclude(wrong, right)
            if hard and dice.random() < 0.3:
                made.harms[wrong] = {defect}
    spoiler = dice.randint(1, CANDIDATES)
    for agent in range(1, CANDIDATES + 1):
        while sum(agent in agents for agents in made.agents) < 20:
            unit = made.unit(agent)
            if hard and dice.random() < 0.05:
                tests = range(len(made.mends) + made.others)
                made.harms[unit] = set(dice.sample(tests, dice.randint(1, 2)))
            elif told == "tests" and dice.random() < 0.02:
                made.breaks.add(unit)
        own = [u for u in range(len(made.agents)) if made.agents[u] == [agent] and u not in _needed(made)]
        made.breaks |= set(dice.sample(own, spoiled))
    if not hard and dice.random() < 0.5:
        own = [u for u, agents in enumerate(made.agents) if agents == [spoiler]]
        made.breaks |= set(sorted(set(own) - _needed(made))[:1])
    return made


def _needed(made: World) -> set[int]:
    return {unit for groups in made.mends for group in groups for unit in group}


async def solve(made: World, told: str) -> tuple[Tries, int]:
    reached = 0

    async def score(chosen: frozenset[int]) -> Outcome:
        nonlocal reached
        await asyncio.sleep(0)
        outcome = made.outcome(chosen, told)
        if not made.passing(chosen):
            outcome = replace(outcome, good=frozenset(), bad=frozenset({"all"}))
        if outcome.perfect and not reached:
            reached = tries.count + 1
        return outcome

    tries = Tries(made.field(), score)
    await search(tries)
    return tries, reached


@pytest.mark.parametrize(
    ("told", "tasks", "spoiled", "tries"),
    [
        ("tests", range(12), 0, 100),
        ("tests", range(8), 1, 150),
        ("first", range(8), 0, TRIES),
        ("counts", range(7), 0, TRIES),
        ("exit", range(6), 0, 100),
    ],
)
def test_all_that_can_pass_passes_and_nothing_is_in_it_that_brings_nothing(
    told: str, tasks: range, spoiled: int, tries: int
) -> None:
    """Whatever is told of a try. How often within how many tries is in benchmarks/compose.py."""
    for seed in tasks:
        made = world(random.Random(seed), told, spoiled)
        known, first = asyncio.run(solve(made, told))
        assert known.best is not None and known.best.outcome.perfect, (told, seed)
        assert first <= tries, (told, seed, first)
        chosen = known.best.chosen
        for unit in chosen:
            assert not made.outcome(known.field.drop(chosen, [unit]), told).perfect, (told, seed, unit)


def _result(**more: object) -> Result:
    return msgspec.structs.replace(Result(name="test", state="fail", command="c", code=1), **more)


@pytest.mark.parametrize(
    ("base", "here", "good", "bad"),
    [
        pytest.param(
            {"tests": [Test("a", "pass"), Test("b", "fail")]},
            {"tests": [Test("error", "fail")]},
            set(),
            {"a", "b", "error"},
            id="tests that are gone",
        ),
        pytest.param(
            {"failures": [Failure("t.py", 3, "")]},
            {"failures": [Failure("t.py", 4, "")]},
            {"t.py:1", "t.py:2", "t.py:3"},
            {"t.py:4"},
            id="stopped at a line",
        ),
        pytest.param(
            {"tail": "a failed\nb failed\ndone"},
            {"tail": "b failed\nc is wrong\ndone"},
            {"a failed"},
            {"test", "b failed", "c is wrong"},
            id="lines that complain",
        ),
        pytest.param(
            {"tail": "a failed\nb failed"},
            {"tail": "Traceback (most recent call last):\n"},
            set(),
            {"test", "a failed", "b failed"},
            id="broken off",
        ),
        pytest.param({"passed": 1, "total": 3}, {"passed": 2, "total": 3}, set(), {"test"}, id="counts"),
        pytest.param({}, {}, set(), {"test"}, id="nothing"),
    ],
)
def test_what_a_check_says_has_names(
    base: dict[str, object], here: dict[str, object], good: set[str], bad: set[str]
) -> None:
    before = _result(**base)
    outcome = Worth({"test": before}).outcome([with_base(_result(**here), before)])
    assert outcome.good == {f"test: {name}" for name in good}
    assert outcome.bad == {f"test: {name}" for name in bad}
    assert not outcome.perfect


def test_what_comes_further_or_complains_less_is_worth_more() -> None:
    def key(base: Result, **more: object) -> tuple[float, ...]:
        return Worth({"test": base}).outcome([with_base(_result(**more), base)]).key

    for base, worse, more in (
        (_result(passed=1, total=9), {"passed": 2, "total": 9}, {"passed": 3, "total": 9}),
        (_result(failures=[Failure("t", 5, "")]), {"failures": [Failure("t", 2, "")]},
         {"failures": [Failure("t", 7, ""), Failure("x", 1, "")], "tail": TRACE}),
        (_result(tail="bad 1\nbad 2\nbad 3"), {"tail": "bad 1\nbad 2"}, {"tail": "bad 2"}),
        (_result(code=4), {"code": 3}, {"code": 2}),
    ):  # fmt: skip
        assert key(base, **worse) < key(base, **more)


def test_a_complaint_blames_the_units_whose_lines_it_names() -> None:
    def hunk(path: str, first: int, past: int, *lines: bytes) -> Unit:
        return Unit(kind="hunk", path=path, agents=(1,), first=first, past=past, lines=lines)

    units = [
        hunk("a.py", 2, 3, b"x\n", b"y\n", b"z\n"),
        hunk("a.py", 10, 11, b"w\n"),
        Unit(kind="rename", path="a.py", agents=(1,), to="lib/b.py"),
        Unit(kind="new", path="c.py", agents=(1,), first=1, past=1, lines=(b"n\n",) * 9),
    ]
    assert blamed(units, frozenset({0, 1}), [("/slot/tree/a.py", 12)]) == {1}  # two lines further down
    assert blamed(units, frozenset({1}), [("a.py", 12)]) == set()
    assert blamed(units, frozenset({0, 1, 2}), [("lib/b.py", 3)]) == {0, 2}
    assert blamed(units, frozenset({1, 3}), [("c.py", 7), ("a.pyx", 10)]) == {3}
