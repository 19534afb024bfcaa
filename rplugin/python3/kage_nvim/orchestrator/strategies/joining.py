"""Joining: an agent that begins later than its run: one that was held, or a further attempt.

The client that began the run may be gone; what it brought is kept in memory for the run, as long as kaged
lives.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from kage_nvim.errors import KageError
from kage_nvim.model import State
from kage_nvim.orchestrator import control, seating
from kage_nvim.orchestrator.launch import open_panes
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import SpawnRequest, prepare
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.tmux.panes import Place
from kage_nvim.protocol import PROTOCOL, Hello
from kage_nvim.version import __version__

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

_OWN = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SHELL")


class Absent:
    """The client that began a run, after it went away: what it brought is there, itself it hears nothing."""

    def __init__(self, hello: Hello) -> None:
        self.hello = hello

    async def call(self, method: str, params: object, timeout: float = 30.0) -> Any:
        """See ``Peer``: nobody answers."""
        raise KageError(f"nobody is there to answer {method}", code="gone")

    def push(self, name: str, params: object) -> None:
        """See ``Peer``: nobody hears it."""


async def start(conductor: Conductor, run: Run, agent: Agent) -> None:
    """Start an agent that was held."""
    agent.record.held = False
    status = agent.record.status
    status.state, status.reason, status.rule, status.ended = State.STARTING, "", "", None
    status.started = status.since = time.time()
    conductor.agent_changed(run, agent)
    try:
        await open_panes(conductor, run, [agent], _client(conductor, run), _place(run))
    except (KageError, OSError) as error:
        await conductor.turns.ended(run, agent, State.FAILED, f"it could not be started: {error}", 1)


async def attempt(conductor: Conductor, run: Run, like: Agent) -> None:
    """Begin a further agent with the player and role of another one, unless the user stops it meanwhile. When
    it cannot begin, the other one's reason says so, and the run is over."""
    try:
        agent = await _seated(conductor, run, like)
    except (KageError, OSError) as error:
        log.warning("run %s gets no further attempt: %s", run.id, error)
        status = like.record.status
        status.reason = " · ".join(filter(None, [status.reason, f"no further attempt: {error}"]))
        conductor.agent_changed(run, like)
        return
    if run.halted and agent.record.held:
        control.not_started(conductor, run, agent, control.BY_USER)
    elif agent.record.held:
        await start(conductor, run, agent)


async def _seated(conductor: Conductor, run: Run, like: Agent) -> Agent:
    status = like.record.status
    player = f"{status.player}+{status.role}" if status.role else status.player
    peer = _client(conductor, run)
    asked = SpawnRequest(cwd=str(run.root), task=run.record.task, players=[player], course=run.record.course)
    plan = await prepare(conductor, peer, asked)
    await conductor.gateway.ensure()
    made = await seating.make_slots(conductor, plan, run.store, run.start)
    number = run.next_number()
    agent = seating.seat_agent(conductor, run, number, plan.seats[0], made[0])
    agent.record.copy_of, agent.record.held = like.record.copy_of or like.number, True
    try:
        await seating.admit(conductor, plan, run, [agent])
    except (KageError, OSError):
        del run.agents[number]
        conductor.database.drop_agent(run.id, number)
        await seating.let_go(made)
        raise
    return agent


def _client(conductor: Conductor, run: Run) -> Peer:
    own = {name: os.environ[name] for name in _OWN if name in os.environ}
    env = own | dict(conductor.environment(run))
    hello = Hello(
        protocol=PROTOCOL, version=__version__, kind="cli", pid=0, cwd=str(run.root), env=env, keys=run.keys
    )
    return Absent(hello)


def _place(run: Run) -> Place:
    return "hidden" if any(agent.record.hidden for agent in run.agents.values()) else "beside"
