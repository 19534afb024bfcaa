"""Judging: the candidates of a run ranked by evidence, and by a judge where evidence leaves them equal.

rank by evidence → heads of at most three clusters → the task's checklist for each → each pair in both orders

A judge is a player with a budget of its own. What it does not answer is missing from the verdict, which then
stands on evidence and says so. Answers are kept by what was asked, so that nothing is paid for twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from kage_nvim import config
from kage_nvim.errors import Exit, KageError
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.judging import checklist, judge, opinion, questions
from kage_nvim.evaluate.judging.exhibit import Exhibit
from kage_nvim.evaluate.verdict import Requirement, Standing, Verdict
from kage_nvim.model import State
from kage_nvim.orchestrator.judging import showing, verdicts
from kage_nvim.orchestrator.judging.jury import Jury
from kage_nvim.orchestrator.landing import unasked
from kage_nvim.orchestrator.runs import Run

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

ALONE = 'no judge is configured ([judge] player = "NAME"): the ranking stands on evidence alone'
NOT_ASKED = "the judge was not asked ([judge] auto = false): kage judge asks it"
TRIES = 3
"""How often a verdict is made anew because candidates became others while it was made."""


async def automatic(conductor: Conductor, run: Run) -> None:
    """All agents of a run have ended: make its verdict, when a judge is configured for that or any check is
    known; then land the winner, when that was asked for. Nobody waits here: what goes wrong is logged, and
    said where the verdict would stand."""
    async with run.judging:
        course = run.record.course
        states = [agent.record.status.state for agent in run.agents.values()]
        if course.parts or State.INTERRUPTED in states or not _candidates(run):
            return
        if not all(state.ended for state in states):
            return  # one was spoken to while another verdict was made: its end brings the next
        try:
            before = verdicts.of(run)
            if before is None or before.stale or before.task != run.record.task.text:
                user = await asyncio.to_thread(config.load_user)
                asks = bool(user.judge.player) and (user.judge.auto or bool(course.auto_accept))
                if not asks and (course.proposals or not (await conductor.checks.ground(run))[1]):
                    return
                before = await _made(conductor, run, asks=asks)
            if course.auto_accept and not before.stale:
                await unasked.land(conductor, run, before)
        except Exception as error:
            log.exception("run %s has no verdict", run.id)
            verdicts.failed(conductor, run, error)


async def verdict(conductor: Conductor, run: Run) -> Verdict:
    """Judge a run now; one that is under way already is waited for.

    Raises:
        KageError: its agents do parts of one task, there is no candidate, or trees cannot be laid out.
    """
    if run.record.course.parts:
        raise KageError(
            f"the agents of run {run.id} do parts of one task: there is nothing to rank",
            fix="Land them together: kage accept 1 2 …",
            code="parts",
            exit=Exit.NOTHING,
        )
    if not _candidates(run):
        over = "kage log N tells what its agents did, kage send N TEXT has one go on."
        raise KageError(
            f"run {run.id} has no candidate that changes anything",
            fix=over if run.settled else "Wait for its agents: kage wait.",
            code="no_candidate",
            exit=Exit.NOTHING,
        )
    user = await asyncio.to_thread(config.load_user)
    if run.record.course.proposals and not user.judge.player:
        raise KageError(
            f"nothing but a judge tells proposals apart, and none is configured (run {run.id})",
            fix='Name one in config.toml ([judge] player = "NAME"), or read them: kage diff, kage contrast.',
            code="no_judge",
            exit=Exit.NOTHING,
        )
    async with run.judging:
        return await _made(conductor, run, asks=True)


def _candidates(run: Run) -> list[int]:
    return [candidate.number for candidate in run.record.status.candidates if candidate.files]


async def _made(conductor: Conductor, run: Run, *, asks: bool) -> Verdict:
    """Make the verdict and keep it; made anew when candidates became others meanwhile, and not kept when they
    always do."""
    for left in reversed(range(TRIES)):
        before = verdicts.commits(run)
        try:
            made = await _once(conductor, run, asks=asks)
        except KageError:
            if not left or verdicts.commits(run) == before:
                raise
        else:
            if not made.stale:
                verdicts.keep(conductor, run, made)
            if not made.stale or not left:
                break
    return made


async def _once(conductor: Conductor, run: Run, *, asks: bool) -> Verdict:
    """Make the verdict on the candidates that there are."""
    from kage_nvim.orchestrator.judging import ranking

    began, commits, task = time.monotonic(), verdicts.commits(run), run.record.task.text
    made = await ranking.rank(conductor, run)
    made.task, made.commits = task, commits
    working = [n for n, agent in run.agents.items() if not agent.record.status.state.ended]
    made.notes += [f"agent {number} is still at work" for number in working]
    await _with_checklist(conductor, run, made)
    user = await asyncio.to_thread(config.load_user)
    if asks and user.judge.player:
        made = await _with_judge(conductor, run, made, user.judge)
    else:
        made.notes.append(NOT_ASKED if user.judge.player else ALONE)
    made.seconds = round(time.monotonic() - began, 2)
    old = verdicts.of(run)
    if old is not None and not old.stale and old.winner == made.winner:
        made.landed = old.landed
    if verdicts.commits(run) != commits:
        made.stale = "a candidate changed while it was judged"
        made.notes.append(f"{made.stale}: judge again")
    return made


async def _with_checklist(conductor: Conductor, run: Run, made: Verdict) -> None:
    """The task's own list, as far as checks tell what is met."""
    made.checklist = checklist.unjudged(checklist.own(made.task), [s.number for s in made.ranking])
    await _by_checks(conductor, run, made.checklist)


async def _by_checks(conductor: Conductor, run: Run, requirements: Sequence[Requirement]) -> None:
    """What asks for checks to pass is decided by them."""
    _, wanted = await conductor.checks.ground(run)
    for candidate in run.record.status.candidates:
        checks = {
            name: (wanted[name].kind, state) for name, state in candidate.checks.items() if name in wanted
        }
        for requirement in requirements:
            said = checklist.by_checks(requirement.text, checks)
            if said and candidate.number in requirement.met:
                requirement.met[candidate.number], requirement.evidence[candidate.number] = said


async def _with_judge(conductor: Conductor, run: Run, made: Verdict, given: config.Judge) -> Verdict:
    """Let a judge look at the heads. Whatever goes wrong, the evidence stands."""
    try:
        jury = await Jury.engaged(conductor, run, given)
    except KageError as error:
        made.notes.append(f"the ranking stands on evidence alone, for there is no judge: {error.message}")
        return made
    made.judge = jury.label
    heads = judge.heads(made.ranking)
    shown = await showing.of_heads(run, heads, jury.window)
    for entry in shown:
        _standing(made, entry.number).weaknesses += entry.pleas
    await _examined(conductor, run, made, jury, shown)
    if len(heads) > 1:
        made = await _compared(made, jury, heads, shown, documents=run.record.status.kind == "proposals")
    elif heads:
        made.notes.append(f"candidate {heads[0].number} was compared with none: no other is distinct")
    made.cost_usd = await jury.cost()
    made.notes += jury.notes
    return made


async def prefers(
    run: Run, jury: Jury, commits: Mapping[int, str], evaluation: Evaluation, number: int
) -> bool:
    """Whether a judge prefers one of two, by number and commit, in both orders, where checks say the same
    (``evaluation``) of both."""
    heads = [Standing(number=one, checked=evaluation.line, green=evaluation.green) for one in commits]
    shown = await showing.of_commits(run, heads, commits, jury.window)
    asked = questions.of_pairs(run.record.task.text, shown, {})
    answers = await asyncio.gather(*(jury.ask(question.messages, opinion.read) for question in asked))
    (rival,) = (one for one in commits if one != number)
    return judge.beats(judge.pairings(asked, answers), number, rival)


async def _examined(
    conductor: Conductor, run: Run, made: Verdict, jury: Jury, shown: Sequence[Exhibit]
) -> None:
    """Draw the checklist where the task is none, and have each head held against it."""
    texts = [requirement.text for requirement in made.checklist]
    task = questions.fenced("task", made.task)
    if not texts:
        drawing = checklist.drawing(task)
        texts = await jury.ask(drawing, lambda said: checklist.drawn(said) or None) or []
    if not texts:
        return
    numbers = [standing.number for standing in made.ranking]
    requirements = checklist.unjudged(texts, numbers)
    asked = [checklist.examining(task, texts, questions.fenced("change", entry.text)) for entry in shown]
    read = partial(checklist.examined, count=len(texts))
    answers = await asyncio.gather(*(jury.ask(question, read) for question in asked))
    for entry, answer in zip(shown, answers, strict=True):
        for requirement, (state, evidence) in zip(requirements, answer or [], strict=False):
            requirement.met[entry.number], requirement.evidence[entry.number] = state, evidence
    for number in set(numbers) - {entry.number for entry in shown}:
        for requirement in requirements:
            requirement.evidence[number] = "not among those that the judge looked at"
    await _by_checks(conductor, run, requirements)
    made.checklist = requirements


async def _compared(
    made: Verdict, jury: Jury, heads: Sequence[Standing], shown: Sequence[Exhibit], *, documents: bool
) -> Verdict:
    """Each pair in both orders, all at once; then the ranking anew."""
    met = {entry.number: _met(made.checklist, entry.number) for entry in shown}
    asked = questions.of_pairs(made.task, shown, met, documents=documents)
    answers = await asyncio.gather(*(jury.ask(question.messages, opinion.read) for question in asked))
    made.pairings = judge.pairings(asked, answers)
    if not any(pairing.answered for pairing in made.pairings):
        made.notes.append("no pair was judged in both orders: the ranking stands on evidence alone")
        return made
    made.basis, made.confidence = "judge", judge.confidence(made.pairings)
    made.ranking = judge.reranked(made.ranking, heads, made.pairings)
    first = made.ranking[0]
    made.winner = first.number if made.winner is not None else None
    rivals = [head.number for head in heads if head.number != first.number]
    made.both_orders = first in heads and all(judge.beats(made.pairings, first.number, r) for r in rivals)
    for head in heads:
        head.strengths += judge.points_of(asked, answers, head.number, "strengths")
        head.weaknesses += judge.points_of(asked, answers, head.number, "weaknesses")
    made.words = judge.said(made.pairings)
    return made


def _met(requirements: Sequence[Requirement], number: int) -> str:
    return "\n".join(
        f"- {r.met[number]}: {r.text}" for r in requirements if r.met.get(number) in ("met", "unmet")
    )


def _standing(made: Verdict, number: int) -> Standing:
    return next(standing for standing in made.ranking if standing.number == number)
