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
from kage_nvim.evaluate.ranking.probes.evidence import Agreement
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
    """What counts, best smallest; the first that differs decides."""
    evaluation, agreement = facts.evaluation, facts.agreement
    return [
        ("gate", bool(facts.gate)),
        ("regressed", len(evaluation.regressed) if evaluation else 0),
        ("weakened", bool(evaluation.weakened) if evaluation else False),
        ("checks", -facts.share),
        ("examples", -_part(facts.examples)),
        ("matrix", -_part(facts.matrix)),
        ("agreement", -round(agreement.share, 6) if agreement else 0.0),
        ("raised", agreement.raised if agreement else 0),
        ("unsteady", facts.unsteady),
        ("odd", len(facts.odd)),
        # What is left are ties.
        ("size", facts.size),
        ("cost", (facts.cost_usd is None, facts.cost_usd or 0.0)),
        ("text", (facts.content, facts.exact)),
        ("number", facts.number),
    ]


def order(all_facts: Sequence[Facts]) -> list[Facts]:
    """The candidates, best first."""
    return sorted(all_facts, key=lambda facts: [value for _, value in _tiers(facts)])


def decided(facts: Facts, following: Facts) -> str:
    """What set a candidate apart from the one that follows, in plain words."""
    differ = (
        what
        for (what, value), (_, there) in zip(_tiers(facts), _tiers(following), strict=True)
        if value != there
    )
    what = next(differ, "number")
    return _words(what, facts, following) if what != "number" else f"the same as {following.number}"


def _words(what: str, one: Facts, two: Facts) -> str:
    other = two.number
    broke, breaks = (len(f.evaluation.regressed) if f.evaluation else 0 for f in (one, two))
    weakened = len(two.evaluation.weakened) if two.evaluation else 0
    checks, theirs = (f.evaluation.line if f.evaluation else "not run" for f in (one, two))
    raised, raises = (f.agreement.raised if f.agreement else 0 for f in (one, two))
    odd, odder = len(one.odd), len(two.odd)
    cheaper = f"cheaper than {other}" if two.cost_usd is not None else f"nobody knows what {other} cost"
    return {
        "gate": f"{other} is out",
        "regressed": f"breaks {broke or 'nothing'} that worked; {other} breaks {breaks}",
        "weakened": f"weakens no test; {other} weakens {weakened}",
        "checks": f"more of its checks pass: {checks}; {other}: {theirs}",
        "examples": f"does more of what the documentation's examples say than {other}",
        "matrix": f"passes {_of(one.matrix)} new tests of all; {other}: {_of(two.matrix)}",
        "agreement": f"behaves as more of the others do than {other} does",
        "raised": f"fails on {raised or 'no'} calls that others answer; {other} on {raises}",
        "unsteady": f"the same call gives the same; with {other} it does not",
        "odd": f"its text has {odd or 'no'} odd places; that of {other} has {odder}",
        "size": f"smaller than {other}: {one.size} lines changed, {other}: {two.size}",
        "cost": cheaper,
        "text": f"nothing but its text sets it apart from {other}",
    }[what]


def _of(counted: tuple[int, int]) -> str:
    return f"{counted[0]} of {counted[1]}"


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
