"""The order of candidates on evidence: no number and no order of asking decides between two that differ."""

from __future__ import annotations

import random

import msgspec

from kage_nvim.evaluate.evaluation import Evaluation, Weakening
from kage_nvim.evaluate.ranking.order import Facts, clusters, order, standings
from kage_nvim.evaluate.ranking.probes.evidence import Agreement
from kage_nvim.evaluate.results import Result
from kage_nvim.evaluate.verdict import Point


def result(state: str = "pass", *, regressed: tuple[str, ...] = (), passed: int | None = None) -> Result:
    total = None if passed is None else 10
    return Result(
        name="tests",
        state=state,
        command="t",
        kind="test",
        regressed=list(regressed),
        passed=passed,
        total=total,
    )


def evaluation(*results: Result, weakened: int = 0) -> Evaluation:
    weak = [Weakening("skipped", "test_a.py", 3, "test_a is skipped now")] * weakened
    return Evaluation(commit="c", tree="t", results=list(results), weakened=weak)


def anyone(chance: random.Random) -> Facts:
    """Facts as they may come, equal ones often."""
    found = [result(), result("fail"), result("fail", regressed=("t",)), result("fail", passed=7)]
    counts = [(0, 0), (0, 2), (1, 2), (2, 2)]
    share = chance.choice([None, 0.0, 1 / 3, 2 / 3, 1.0])
    return Facts(
        number=0,
        content=chance.choice("abc"),
        exact=chance.choice("xy"),
        gate=chance.choice(["", "", "", "it changes nothing"]),
        evaluation=chance.choice([None, evaluation(chance.choice(found), weakened=chance.choice([0, 0, 1]))]),
        examples=chance.choice(counts),
        matrix=chance.choice(counts),
        agreement=None if share is None else Agreement(share=share),
        behaviour=chance.choice([None, 1, 2]),
        odd=chance.choice([[], [Point("odd")]]),
        size=chance.randint(1, 3),
        cost_usd=chance.choice([None, 0.0, 0.1]),
    )


def numbered(facts: list[Facts], numbers: list[int]) -> list[Facts]:
    return [msgspec.structs.replace(one, number=n) for one, n in zip(facts, numbers, strict=True)]


def test_the_choice_is_the_same_under_any_order_and_naming() -> None:
    chance = random.Random(5)
    for _ in range(2000):
        facts = [anyone(chance) for _ in range(chance.randint(1, 6))]
        plain = order(numbered(facts, list(range(1, len(facts) + 1))))
        shuffled = chance.sample(facts, len(facts))
        others = order(numbered(shuffled, chance.sample(range(1, 99), len(facts))))
        # Of two whose change is the same to the byte either is the same choice.
        named = [[(one.content, one.exact, one.gate, one.size) for one in found] for found in (plain, others)]
        assert named[0] == named[1]


def test_who_regresses_is_never_above_a_clean_one() -> None:
    chance = random.Random(6)
    for _ in range(2000):
        facts = [anyone(chance) for _ in range(chance.randint(2, 6))]
        ranking, groups = standings(numbered(facts, list(range(1, len(facts) + 1))))
        regressed = [bool(place.regressed) for place in ranking if not place.gate]
        assert regressed == sorted(regressed)
        assert [place.rank for place in ranking] == list(range(1, len(facts) + 1))
        assert sorted(number for group in groups for number in group) == list(range(1, len(facts) + 1))
        assert sorted(place.number for place in ranking if place.distinct) == sorted(g[0] for g in groups)
        assert [bool(place.gate) for place in ranking] == sorted(bool(place.gate) for place in ranking)


def one(number: int, **more: object) -> Facts:
    return Facts(number=number, content=str(number), **more)  # type: ignore[arg-type]


def test_what_counts_comes_in_order() -> None:
    best = {
        "evaluation": evaluation(result()),
        "examples": (2, 2),
        "matrix": (3, 3),
        "agreement": Agreement(share=0.9),
        "size": 9,
    }
    worse = [
        {"cost_usd": 0.2},
        {"size": 10},
        {"odd": [Point("undefined name 'x'")]},
        {"agreement": Agreement(share=0.9, raised=1)},
        {"agreement": Agreement(share=0.5)},
        {"matrix": (2, 3)},
        {"examples": (1, 2)},
        {"evaluation": evaluation(result("fail", passed=9))},
        {"evaluation": evaluation(result(), weakened=1)},
        {"evaluation": evaluation(result("fail", regressed=("a",)))},
        {"gate": "it does not build"},
    ]
    # Each step down also has the best of everything that counts less.
    steps = [one(20, cost_usd=0.1, **best)]
    steps += [one(19 - at, **({"cost_usd": 0.1} | best | more)) for at, more in enumerate(worse)]
    ranking, _ = standings(random.Random(3).sample(steps, len(steps)))
    assert [place.number for place in ranking] == list(range(20, 8, -1))
    assert "undefined name 'x'" in [point.text for point in ranking[3].weaknesses]
    assert [place.decided for place in ranking[:-1]] == [
        "cheaper than 19",
        "smaller than 18: 9 lines changed, 18: 10",
        "its text has no odd places; that of 17 has 1",
        "fails on no calls that others answer; 16 on 1",
        "behaves as more of the others do than 15 does",
        "passes 3 of 3 new tests of all; 14: 2 of 3",
        "does more of what the documentation's examples say than 13",
        "more of its checks pass: 1/1 ✓; 12: 9/10 ✓",
        "weakens no test; 11 weakens 1",
        "breaks nothing that worked; 10 breaks 1",
        "9 is out",
    ]


def test_the_same_text_or_the_same_behaviour_makes_a_cluster() -> None:
    first, second = one(1, behaviour=("x",)), one(2, behaviour=("x",))
    third = msgspec.structs.replace(one(3), content="2")
    assert clusters([first, one(4), second, third, one(5)]) == [[1, 2, 3], [4], [5]]
    # What joins two groups makes them one.
    assert clusters([first, third, second]) == [[1, 3, 2]]
    ranking, _ = standings([first, second])
    assert [place.distinct for place in ranking] == [True, False]
    assert ranking[1].weaknesses[-1].text == "it does the same as 1"
