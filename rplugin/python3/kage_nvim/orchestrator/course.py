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
from kage_nvim.model import State
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.trees import trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")


async def begun(conductor: Conductor, run: Run) -> None:
    """While agents work, run the checks on what they began from: it is what they are held against."""
    try:
        ground, wanted = await conductor.checks.ground(run)
        timeless = {name: check for name, check in wanted.items() if check.kind != "bench"}
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


async def agent_ended(conductor: Conductor, run: Run, agent: Agent) -> None:
    """An agent has ended and its candidate is checked; with the last of them the run is over."""
    if all(other.record.status.state.ended for other in run.agents.values()):
        await run_over(conductor, run)


async def run_over(conductor: Conductor, run: Run) -> None:
    """All agents of a run have ended: its verdict follows, and a landing when that was asked for."""
    from kage_nvim.orchestrator import judging

    await judging.automatic(conductor, run)


def is_checked(run: Run, agent: Agent, state: State) -> bool:
    """Whether a candidate is worth checking when its agent ends: it is done, and has changed something."""
    candidates = run.record.status.candidates
    return state is State.DONE and any(c.files for c in candidates if c.number == agent.number)
