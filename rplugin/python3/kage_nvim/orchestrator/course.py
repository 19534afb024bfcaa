"""The course of a run: what follows by itself when an agent has ended, and when all have.

an agent ends → its candidate is checked → a repair turn, or it is done → the strategy decides on others
all have ended → the verdict → a landing, when that was asked for
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kage_nvim.errors import KageError
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.failpoints import fail_point
from kage_nvim.model import State
from kage_nvim.orchestrator.checking import measuring
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.trees import trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")


async def begun(conductor: Conductor, run: Run) -> None:
    """While agents work, run the checks on what they began from: it is what they are held against."""
    try:
        ground, wanted = await conductor.checks.ground(run)
        timeless, _ = measuring.apart(wanted)
        if timeless and run.record.status.kind != "proposals":
            (tree,) = await asyncio.to_thread(trees_of, run.store, [run.start])
            await conductor.checks.trials.results(ground, tree, timeless)
    except KageError as error:
        log.info("the base of run %s was not checked beforehand: %s", run.id, error)


async def checked(conductor: Conductor, run: Run, agent: Agent) -> Evaluation | None:
    """Check what an agent that is done has made; ``None`` when nothing was run.

    A check that cannot be run is no fault of the agent's: it is logged, and the candidate stays unchecked.
    """
    try:
        return await conductor.checks.candidate(run, agent.number)
    except KageError as error:
        if error.code != "superseded":
            log.warning("candidate %s of run %s was not checked: %s", agent.number, run.id, error)
        return None


def hold(conductor: Conductor, run: Run, agents: list[Agent]) -> list[Agent]:
    """Which of a new run's agents start now; the run's strategy holds the others."""
    from kage_nvim.orchestrator.strategies import spending

    return spending.hold(conductor, run, agents)


async def follow(conductor: Conductor, run: Run) -> None:
    """Go along with a run that began, now or in an earlier life of kaged."""
    from kage_nvim.orchestrator.strategies import spending

    await spending.decide(conductor, run)
    await spending.follow(conductor, run)


async def repaired(conductor: Conductor, run: Run, agent: Agent, evaluation: Evaluation | None) -> bool:
    """Send an agent that is done its failures, when it has a turn left to mend them."""
    from kage_nvim.orchestrator.checking import repairs
    from kage_nvim.orchestrator.strategies import spending

    if evaluation is None or spending.decided(run, green=evaluation.green):
        return False
    _, wanted = await conductor.checks.wanted(run.root, conductor.environment(run))
    if not repairs.due(run, agent, evaluation, {name: check.retry for name, check in wanted.items()}):
        return False
    text = repairs.message(evaluation, part=bool(run.record.course.parts))
    return repairs.send(conductor, run, agent, text, asked=False)


async def agent_ended(conductor: Conductor, run: Run, agent: Agent) -> None:
    """An agent has ended and its candidate is checked: the strategy decides what follows; with the last agent
    the run is over."""
    from kage_nvim.orchestrator.strategies import saving, spending

    fail_point("course.ended.intent")
    try:
        await spending.decide(conductor, run)
    except Exception:
        log.exception("the strategy of run %s could not decide", run.id)  # the run ends all the same
    # An agent that was sent on while an earlier end is still followed up brings the run to a new end.
    is_last = run.following - run.concluding == 1
    if is_last and all(other.record.status.state.ended for other in run.agents.values()):
        run.concluding += 1
        try:
            saved = await asyncio.to_thread(saving.line, conductor.database, run)
            run.record.status.saved = saved or await spending.gave_up(run)
            # A kaged that dies amid a verdict makes it anew; what is put together or landed is begun once.
            run.record.over = bool(run.record.course.parts or run.record.course.auto_accept)
            conductor.changed(run)
            await run_over(conductor, run)
            if run.following == run.concluding:
                run.record.over = True
                conductor.changed(run)
        finally:
            run.concluding -= 1


async def run_over(conductor: Conductor, run: Run) -> None:
    """All agents of a run have ended: parts are put together; of others the verdict follows, and a landing
    when that was asked for."""
    from kage_nvim.orchestrator import uniting
    from kage_nvim.orchestrator.judging import deciding

    if not run.record.course.parts:
        return await deciding.automatic(conductor, run)
    try:
        if number := await uniting.unite(conductor, run):
            await conductor.checks.candidate(run, number)
    except KageError as error:
        log.warning("the parts of run %s were not put together: %s", run.id, error)


async def upheld(conductor: Conductor, run: Run, agent: Agent, reason: str) -> str:
    """What is said of an agent that is done. One that improves a winner is held against it: what it made
    stays a candidate, or is taken away."""
    if agent.record.synthesis is None:
        return reason
    from kage_nvim.orchestrator.combining import upholding

    return " · ".join(filter(None, [await upholding.judged(conductor, run, agent), reason]))


async def unfinished(run: Run, agent: Agent, state: State, reason: str) -> str:
    """The same of an agent whose turn ended without a check: unfinished work improves no winner."""
    if agent.record.synthesis is None:
        return reason
    from kage_nvim.orchestrator.combining import upholding

    return " · ".join(filter(None, [reason, await upholding.unfinished(run, agent, state)]))


def is_checked(run: Run, agent: Agent, state: State) -> bool:
    """Whether a candidate is worth checking when its agent ends: it is done, and has changed something that
    runs."""
    if run.record.course.proposals:
        return False
    candidates = run.record.status.candidates
    of_agent = [candidate for candidate in candidates if candidate.number == agent.number]
    worth = bool(of_agent) and (agent.record.synthesis is not None or bool(of_agent[0].files))
    return state is State.DONE and worth
