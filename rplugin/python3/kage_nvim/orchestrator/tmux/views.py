"""Agents' panes as the user sees them: bring one to the front, put them away and back, attach."""

from __future__ import annotations

import asyncio
from typing import Any

from kage_nvim.errors import KageError
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.control import panes_at
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Agent, Run


async def focus(run: Run, agent: Agent, peer: Peer) -> dict[str, Any]:
    """Bring an agent's pane to the front.

    Raises:
        KageError: it has none any more; the fix says how to get one.
    """
    pane = agent.record.status.pane
    panes = panes_at(agent, peer)
    if not pane or not await asyncio.to_thread(panes.alive, pane):
        raise KageError(
            f"the pane of agent {agent.number} is gone",
            fix=f":Kage log {agent.number} shows its log; :Kage resume {agent.number} opens a pane again.",
            code="no_pane",
        )
    await asyncio.to_thread(panes.focus, pane)
    return {"pane": pane, "attach": panes.attach_argv()}


async def hide(conductor: Conductor, run: Run, peer: Peer) -> dict[str, Any]:
    """Put all panes of a run away, or bring them back."""
    agents = [agent for agent in run.agents.values() if agent.record.status.pane]
    if not agents:
        raise KageError(f"run {run.id} has no panes", code="no_pane")
    hidden = not all(agent.record.hidden for agent in agents)
    panes = panes_at(agents[0], peer)
    change = panes.hide if hidden else panes.show
    await asyncio.to_thread(
        change, [agent.record.status.pane for agent in agents if agent.record.status.pane]
    )
    for agent in agents:
        agent.record.hidden = hidden
        conductor.agent_changed(run, agent)
    return {"hidden": hidden}


def attach(run: Run, peer: Peer) -> dict[str, Any]:
    """The command that shows the run's panes in any terminal."""
    agent = next(iter(run.agents.values()))
    return {"argv": panes_at(agent, peer).attach_argv()}
