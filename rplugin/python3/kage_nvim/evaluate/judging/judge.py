"""What a judge's answers come to: pairings, confidence, and the ranking anew. Pure.

the same in both orders: a win; else: a tie, which evidence breaks

A judge orders only what the checks leave equal, so nothing that it says lifts what breaks something.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec

from kage_nvim.evaluate.judging.opinion import Opinion, named
from kage_nvim.evaluate.judging.questions import Question
from kage_nvim.evaluate.verdict import Pairing, Point, Standing

HEADS = 3
"""Candidates that are compared at most."""
POINTS = 6
"""Strengths, and weaknesses, that are kept of one candidate."""


def pairings(asked: Sequence[Question], answers: Sequence[Opinion | None]) -> list[Pairing]:
    """What came of each pair, from its two questions in a row."""
    told = []
    for at in range(0, len(asked), 2):
        one, two = asked[at].a, asked[at].b
        outcomes: list[int | None] = []
        words: list[str] = []
        for question, answer in zip(asked[at : at + 2], answers[at : at + 2], strict=True):
            outcomes.append({"A": question.a, "B": question.b}.get(answer.winner) if answer else None)
            if answer and answer.why:
                words.append(named(answer.why, question.a, question.b))
        answered = all(answer is not None for answer in answers[at : at + 2])
        told.append(
            Pairing(
                one=one,
                two=two,
                forward=outcomes[0],
                backward=outcomes[1],
                words=list(dict.fromkeys(words)),
                answered=answered,
            )
        )
    return told


def confidence(told: Sequence[Pairing]) -> float | None:
    """The share of pairings that came out equal in both orders; one that was not answered did not."""
    if not told:
        return None
    return sum(pairing.answered and pairing.forward == pairing.backward for pairing in told) / len(told)


def beats(told: Sequence[Pairing], one: int, two: int) -> bool:
    """Whether one won against the other, in both orders."""
    return any({p.one, p.two} == {one, two} and p.answered and p.winner == one for p in told)


def evidence_class(standing: Standing) -> tuple[object, ...]:
    """What no judge's taste outweighs: out, broke something, weakened tests, not green (then also what
    passed). Only candidates that are alike in this are put in order by a judge."""
    return (
        bool(standing.gate),
        bool(standing.regressed),
        bool(standing.weakened),
        standing.checked if standing.green is False else "",
    )


def heads(ranking: Sequence[Standing]) -> list[Standing]:
    """Whom a judge compares: the best of at most three clusters that evidence leaves equal. One that evidence
    puts ahead of all meets the next one, which can win nothing but doubt."""
    distinct = [standing for standing in ranking if standing.distinct and not standing.gate]
    equal = [one for one in distinct if evidence_class(one) == evidence_class(distinct[0])]
    return equal[:HEADS] if len(equal) > 1 else distinct[:2]


def reranked(
    ranking: Sequence[Standing], heads: Sequence[Standing], told: Sequence[Pairing]
) -> list[Standing]:
    """The whole ranking with the heads of each class of evidence in the judge's order: by the pairs that they
    won and lost against each other, then as evidence has them, whose last words are the smaller diff and the
    cheaper one. Those that do the same as a head follow it; ``rank`` and ``decided`` are set anew."""
    group = _groups(ranking)
    best = {head.number: (_score(head, heads, told), at) for at, head in enumerate(heads)}
    first = {(head.cluster, group[head.number]): best[head.number] for head in reversed(heads)}

    def place(standing: Standing) -> tuple[Any, ...]:
        mine = best.get(standing.number) or first.get((standing.cluster, group[standing.number]))
        if mine is None:
            return (group[standing.number], 1)
        return (group[standing.number], 0, *mine, standing.number not in best)

    before = {one.number: (two.number, one.decided) for one, two in itertools.pairwise(ranking)}
    told_order = sorted(ranking, key=place)
    for rank, standing in enumerate(told_order, 1):
        standing.rank = rank
    for one, two in itertools.pairwise(told_order):
        follows, evidence = before.get(one.number, (None, ""))
        one.decided = evidence if follows == two.number else ""  # it told of another
    for last in told_order[-1:]:
        last.decided = ""
    for one, two in itertools.pairwise([s for s in told_order if s.number in best]):
        if group[one.number] == group[two.number]:
            one.decided = _why(one, two, told, even=best[one.number][0] == best[two.number][0])
    return told_order


def _groups(ranking: Sequence[Standing]) -> dict[int, int]:
    """Those that follow each other and are of one class, by number: none passes one of another class."""
    runs = itertools.groupby(ranking, key=evidence_class)
    return {standing.number: at for at, (_, members) in enumerate(runs) for standing in members}


def _score(head: Standing, heads: Sequence[Standing], told: Sequence[Pairing]) -> int:
    """Pairs lost less pairs won against those that evidence leaves equal."""
    kind = evidence_class(head)
    rivals = [rival.number for rival in heads if rival is not head and evidence_class(rival) == kind]
    won = sum(beats(told, head.number, rival) for rival in rivals)
    return sum(beats(told, rival, head.number) for rival in rivals) - won


def _why(one: Standing, two: Standing, told: Sequence[Pairing], *, even: bool) -> str:
    """What set one apart from the next; ``even`` when the judge puts both at the same height."""
    if beats(told, one.number, two.number):
        return f"the judge prefers it to {two.number} in both orders"
    if not even:
        return f"the judge puts it ahead of others; it prefers neither it nor {two.number}"
    evidence = one.decided or f"evidence puts it ahead of {two.number}"
    if beats(told, two.number, one.number):
        return f"{evidence}; the judge's wins go round in a circle"
    return f"{evidence}; the judge prefers neither it nor {two.number}"


def said(told: Sequence[Pairing]) -> str:
    """The judge's words on all pairs, a paragraph each."""
    parts = []
    for pairing in told:
        if not pairing.answered:
            outcome = "not answered in both orders"
        elif pairing.winner is not None:
            outcome = f"{pairing.winner} in both orders"
        elif pairing.forward is None and pairing.backward is None:
            outcome = "a tie in both orders"
        else:
            outcome = "not the same in both orders, so a tie"
        words = " / ".join(pairing.words)
        parts.append(f"{pairing.one} against {pairing.two}: {outcome}." + (f" {words}" if words else ""))
    return "\n".join(parts)


def points_of(
    asked: Sequence[Question], answers: Sequence[Opinion | None], number: int, kind: str
) -> list[Point]:
    """What was said for (``strengths``) or against (``weaknesses``) a candidate, each thing once."""
    told: dict[str, Point] = {}
    for question, answer in zip(asked, answers, strict=True):
        if answer is None or number not in (question.a, question.b):
            continue
        letter = "A" if number == question.a else "B"
        for point in getattr(answer, kind).get(letter, []):
            text = named(point.text, question.a, question.b)
            told.setdefault(text.lower(), msgspec.structs.replace(point, text=text))
    return list(told.values())[:POINTS]
