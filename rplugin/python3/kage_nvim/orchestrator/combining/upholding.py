"""Upholding: what an agent made of a winner stays a candidate only if it is better and nothing is worse.

It is run with the winner's tests laid over it, as the winner was run with the base's, and held against the
winner as candidates are against the base. Where all checks are equal, a judge that is configured may prefer
it, in both orders. What is not kept goes to the trash, and the winner stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kage_nvim import config, trees
from kage_nvim.config import Check
from kage_nvim.evaluate import compared, improvement
from kage_nvim.evaluate.evaluation import Evaluation, Weakening
from kage_nvim.evaluate.improvement import Change
from kage_nvim.model import CandidateStatus, State
from kage_nvim.orchestrator.checking import measuring
from kage_nvim.orchestrator.checking.evaluating import evaluate
from kage_nvim.orchestrator.checking.trials import Ground
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.records import Synthesis

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

LISTED = 4
"""Reasons that are told."""


async def judged(conductor: Conductor, run: Run, agent: Agent) -> str:
    """Hold what an agent that is done has made against the winner; take it away unless it is better.

    Returns what came of it; empty when it was spoken to meanwhile and has made something else by now.
    """
    synthesis, made = _synthesis(agent), _candidate(run, agent)
    if made is None:
        return ""
    try:
        found = await _change(conductor, run, agent, made)
    except Exception as error:  # whatever breaks: what was not shown to be better is not kept
        log.warning("agent %d of run %s was not held against the winner", agent.number, run.id, exc_info=True)
        why = str(error).partition("\n")[0]
        found = Change([f"it could not be held against {synthesis.winner}: {why}"])
    async with agent.reading:
        now = _candidate(run, agent)
        if now is None or now.commit != made.commit or run.id not in conductor.runs:
            return ""
        synthesis.said = said(found, synthesis.winner)
        if found.kept:
            synthesis.kept = now
        else:
            synthesis.said += "; what it had made before stays" if synthesis.kept else ""
            await _withdraw(run, agent)
        conductor.agent_changed(run, agent)
    told = {"run": run.id, "number": agent.number, "winner": synthesis.winner}
    conductor.audience.say(run.root, "synth", told | {"kept": found.kept, "said": synthesis.said})
    return synthesis.said


async def unfinished(run: Run, agent: Agent, state: State) -> str:
    """Take away what an agent has made whose turn ended otherwise than done. ``agent.reading`` is held."""
    synthesis, made = _synthesis(agent), _candidate(run, agent)
    if state is State.DONE and made is not None:
        return ""  # it was spoken to already: what it makes next is judged
    if made is not None and (synthesis.kept is None or synthesis.kept.commit != made.commit):
        await _withdraw(run, agent)
    synthesis.said = "not kept: its turn did not come to its end"
    return synthesis.said


def said(found: Change, winner: int) -> str:
    """What came of it, in a line."""
    reasons = found.better if found.kept else found.worse
    shown = [*reasons[:LISTED], *([f"{len(reasons) - LISTED} more"] if len(reasons) > LISTED else [])]
    if found.kept:
        return f"kept: {'; '.join(shown)}"
    return f"not kept: {'; '.join(shown) or f'nothing is better than {winner}'}"


def _synthesis(agent: Agent) -> Synthesis:
    assert agent.record.synthesis is not None
    return agent.record.synthesis


def _candidate(run: Run, agent: Agent) -> CandidateStatus | None:
    return next((one for one in run.record.status.candidates if one.number == agent.number), None)


async def _withdraw(run: Run, agent: Agent) -> None:
    """Take its candidate away; one of its that was kept before comes back."""
    kept, ref = _synthesis(agent).kept, run.ref(agent.number)
    await asyncio.to_thread(run.store.trash, ref)
    others = [one for one in run.record.status.candidates if one.number != agent.number]
    run.record.status.candidates = others
    if kept is not None:
        await asyncio.to_thread(run.store.pin, ref, kept.commit)
        run.set_candidate(kept)


async def _change(conductor: Conductor, run: Run, agent: Agent, made: CandidateStatus) -> Change:
    """What is worse and what is better than in the winner."""
    synthesis, winner = _synthesis(agent), f"{_synthesis(agent).winner}"
    own, before = await asyncio.to_thread(trees.trees_of, run.store, [made.commit, synthesis.commit])
    if own == before:
        return Change()
    ground, wanted = await conductor.checks.ground(run)
    if not wanted:
        return Change([f"no check is known or trusted that could tell whether it is better than {winner}"])
    against, known = await asyncio.to_thread(_as_run, ground, run, synthesis.commit)
    trials = conductor.checks.trials
    evaluation = await evaluate(trials, ground, run, made.commit, wanted, start=against)
    untimed, _ = measuring.apart(wanted)
    was = {result.name: result for result in await trials.results(ground, against, untimed)}
    found = improvement.change(evaluation, was, known, winner)
    if found.kept:  # once more, for luck is no improvement
        evaluation = await _steadily(conductor, ground, against, evaluation, untimed)
        found = improvement.change(evaluation, was, known, winner)
    if found.worse or found.better:
        return found
    return await _preferred(conductor, run, agent, made, evaluation)


def _as_run(ground: Ground, run: Run, commit: str) -> tuple[str, list[Weakening]]:
    """The tree that was run for a winner, and what weakened tests in it."""
    from kage_nvim.evaluate.guard.overlay import overlay
    from kage_nvim.evaluate.guard.weakened.apart import weakened

    store, tests = run.store, ground.settings.tests
    own, base = trees.trees_of(store, [commit, run.start])
    if not tests.overlay:
        return own, []
    tree, _ = overlay(store, base, own, store.scratch, tests.files)
    return tree, weakened(store, base, own, tests.files)


async def _steadily(
    conductor: Conductor,
    ground: Ground,
    against: str,
    evaluation: Evaluation,
    wanted: Mapping[str, Check],
) -> Evaluation:
    """The evaluation with what is fixed still when the checks that say so are run again on both trees."""
    again = {result.name: wanted[result.name] for result in evaluation.results if result.fixed}
    trials = conductor.checks.trials
    here, there = await asyncio.gather(
        trials.results(ground, evaluation.tree, again, attempt=1),
        trials.results(ground, against, again, attempt=1),
    )
    pairs = zip(here, there, strict=True)
    return improvement.only(evaluation, {one.name: compared.with_base(one, old).fixed for one, old in pairs})


async def _preferred(
    conductor: Conductor, run: Run, agent: Agent, made: CandidateStatus, evaluation: Evaluation
) -> Change:
    """Whether a judge prefers it where all checks are equal; without one, nothing is better."""
    user = await asyncio.to_thread(config.load_user)
    if not user.judge.player:
        return Change()
    from kage_nvim.orchestrator.judging import deciding
    from kage_nvim.orchestrator.judging.jury import Jury

    synthesis = _synthesis(agent)
    jury = await Jury.engaged(conductor, run, user.judge)
    commits = {synthesis.winner: synthesis.commit, agent.number: made.commit}
    if await deciding.prefers(run, jury, commits, evaluation, agent.number):
        return Change(better=[f"the judge prefers it to {synthesis.winner} in both orders"])
    return Change()
