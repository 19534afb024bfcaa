"""The order of candidates on evidence alone. Pure.

What counts, in this order: the gate; nothing that passed at the base fails; no test is weakened; the required
checks, by weight; the examples that the code's own documentation gives; the other candidates' new tests; how
many others behave the same; what its text shows. Where all of that is equal: the smaller change, then the
cheaper one, then the text of the change itself, so that no number and no order of asking ever decides between
two changes that differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.probes.evidence import Agreement
from kage_nvim.evaluate.verdict import Point, Standing


class Facts(msgspec.Struct, kw_only=True):
    """All that is known of one candidate.

    ``content`` names its change whatever its layout, ``exact`` with it. ``gate`` says why it is out.
    ``examples`` and ``matrix`` count passed and all. ``behaviour`` is what came of everything that was run,
    where that is enough to say that two behave alike (``None``: it is not). ``odd`` is what its text shows.
    """

    number: int
    content: str
    exact: str = ""
    gate: str = ""
    evaluation: Evaluation | None = None
    examples: tuple[int, int] = (0, 0)
    matrix: tuple[int, int] = (0, 0)
    agreement: Agreement | None = None
    unsteady: bool = False
    behaviour: object = None
    odd: list[Point] = []
    points: list[Point] = []
    size: int = 0
    cost_usd: float | None = None

    @property
    def share(self) -> float:
        """How much of the required checks passed, by weight, 0 to 1; 1 where there is none."""
        results = self.evaluation.results if self.evaluation else []
        required = [result for result in results if result.required]
        weight = sum(result.weight for result in required)
        if not weight:
            return 1.0
        parts = 0.0
        for result in required:
            counted = result.total and result.passed is not None and not result.good
            part = (result.passed or 0) / result.total if counted and result.total else float(result.good)
            # One that did not pass is never taken for one that did, whatever it counts.
            parts += result.weight * (1.0 if result.good else 0.5 * part)
        return round(parts / weight, 9)


def _part(counted: tuple[int, int]) -> float:
    return counted[0] / counted[1] if counted[1] else 1.0


def _tiers(facts: Facts) -> list[tuple[str, Any]]:
    """What counts, best smallest, with the words for it; the first that differs decides."""
    evaluation, agreement = facts.evaluation, facts.agreement
    regressed = len(evaluation.regressed) if evaluation else 0
    passed, total = facts.examples
    met, tried = facts.matrix
    return [
        (facts.gate or "it passes the gate", bool(facts.gate)),
        (f"{regressed} that passed at the base fail" if regressed else "nothing regressed", regressed),
        *_weakened(evaluation),
        (f"checks: {evaluation.line}" if evaluation else "no check", -facts.share),
        (f"{passed} of {total} examples of the documentation", -_part(facts.examples)),
        (f"{met} of {tried} new tests of the others", -_part(facts.matrix)),
        (
            f"it agrees with {agreement.share:.0%} of the others" if agreement else "",
            -round(agreement.share, 6) if agreement else 0.0,
        ),
        (
            f"{agreement.raised} calls fail where others return" if agreement else "",
            agreement.raised if agreement else 0,
        ),
        ("the same call gives different results" if facts.unsteady else "the same each time", facts.unsteady),
        (f"{len(facts.odd)} odd places" if facts.odd else "nothing odd in its text", len(facts.odd)),
    ]


def _weakened(evaluation: Evaluation | None) -> list[tuple[str, Any]]:
    count = len(evaluation.weakened) if evaluation else 0
    return [(f"{count} tests weakened" if count else "no test weakened", bool(count))]


def _ties(facts: Facts) -> list[tuple[str, Any]]:
    cost = facts.cost_usd
    return [
        (f"{facts.size} lines changed", facts.size),
        ("its price" if cost is not None else "unpriced", (cost is None, cost or 0.0)),
        ("", facts.content),
        ("", facts.exact),
        ("", facts.number),
    ]


def order(all_facts: Sequence[Facts]) -> list[Facts]:
    """The candidates, best first."""
    return sorted(all_facts, key=lambda facts: [value for _, value in [*_tiers(facts), *_ties(facts)]])


def decided(facts: Facts, following: Facts) -> str:
    """What set a candidate apart from the one that follows."""
    if facts.content == following.content and facts.exact == following.exact:
        return f"the same as {following.number}"
    both = zip([*_tiers(facts), *_ties(facts)], [*_tiers(following), *_ties(following)], strict=True)
    for (words, value), (other, there) in both:
        if value != there:
            return f"{words} ({following.number}: {other})" if words and other else words or "its text alone"
    return ""


def clusters(ordered: Sequence[Facts]) -> list[list[int]]:
    """Groups of those that are the same change, or were seen to behave the same; best first."""
    groups: list[list[Facts]] = []
    for facts in ordered:
        # Joined groups: a change can equal one by its text and another by its behaviour.
        same = [group for group in groups if any(_alike(facts, member) for member in group)]
        joined = [member for group in same for member in group] + [facts]
        at = groups.index(same[0]) if same else len(groups)
        groups = [group for group in groups if not any(group is one for one in same)]
        groups.insert(at, joined)
    return [[member.number for member in group] for group in groups]


def _alike(one: Facts, two: Facts) -> bool:
    if one.content == two.content:
        return True
    return one.behaviour is not None and one.behaviour == two.behaviour


def standings(all_facts: Sequence[Facts]) -> tuple[list[Standing], list[list[int]]]:
    """The ranking with its evidence, best first, and the clusters."""
    ordered = order(all_facts)
    groups = clusters(ordered)
    cluster = {number: at for at, group in enumerate(groups, 1) for number in group}
    made = []
    for rank, facts in enumerate(ordered, 1):
        standing = _standing(facts)
        standing.rank = rank
        standing.cluster = cluster[facts.number]
        standing.distinct = groups[standing.cluster - 1][0] == facts.number
        if not standing.distinct:
            first = groups[standing.cluster - 1][0]
            standing.weaknesses.append(Point(f"it does the same as {first}"))
        if rank < len(ordered):
            standing.decided = decided(facts, ordered[rank])
        made.append(standing)
    return made, groups


def _standing(facts: Facts) -> Standing:
    evaluation, agreement = facts.evaluation, facts.agreement
    good: list[Point] = []
    bad: list[Point] = [*facts.points]
    if evaluation and evaluation.results:
        fixed = sum(len(result.fixed) for result in evaluation.results)
        good += [Point(f"mends {fixed} that failed at the base")] if fixed else []
        bad += [Point(f"fails now: {name}") for name in evaluation.regressed[:5]]
        bad += [
            Point(failure.text or f"{result.name} complains", failure.path, failure.line)
            for result in evaluation.results
            if not result.good
            for failure in result.failures[:3]
        ]
        bad += [Point(weak.text, weak.path, weak.line) for weak in evaluation.weakened]
    for (passed, total), what in (
        (facts.examples, "examples of the documentation"),
        (facts.matrix, "new tests of the others"),
    ):
        if total:
            (good if passed == total else bad).append(Point(f"{passed} of {total} {what}"))
    if agreement and agreement.calls:
        if agreement.raised:
            bad.append(Point(f"{agreement.raised} of {agreement.calls} calls fail: {agreement.first}"))
        elif agreement.share > 0.5:
            good.append(Point(f"behaves as most others do on {agreement.calls} calls"))
    if facts.unsteady:
        bad.append(Point("the same call gives different results"))
    return Standing(
        number=facts.number,
        gate=facts.gate,
        checked=evaluation.line if evaluation else "",
        green=evaluation.green if evaluation else None,
        regressed=evaluation.regressed if evaluation else [],
        weakened=[weak.text for weak in evaluation.weakened] if evaluation else [],
        flaky=[name for result in evaluation.results for name in result.flaky] if evaluation else [],
        matrix=facts.matrix,
        size=facts.size,
        cost_usd=facts.cost_usd,
        strengths=good,
        weaknesses=[*bad, *facts.odd],
    )
