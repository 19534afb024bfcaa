"""Conducting agents at work: send, interrupt, stop, restart, resume."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec

from kage_nvim import processes
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import AgentSpec, State
from kage_nvim.orchestrator import players, slots
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.launch import agent_argv, agent_environment, open_panes, panes_of
from kage_nvim.orchestrator.panes import Panes, Place
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.setup import run_setup
from kage_nvim.protocol import dumps, loads

CUT_SHORT = (State.FAILED, State.STOPPED, State.INTERRUPTED)
GO_ON = "Go on with the task from where you are."
STOP_SECONDS = 3.0
"""How long a stopped agent may take to end by itself before its process is killed."""


def chosen(run: Run, which: int | str) -> list[Agent]:
    """The agent of that number, or all of them.

    Raises:
        KageError: there is no such agent.
    """
    if which == "all":
        return list(run.agents.values())
    if isinstance(which, str) and not which.isdigit():
        raise KageError(
            f"`{which}` is no agent", fix="Give its number, or all.", code="usage", exit=Exit.USAGE
        )
    return [run.agent(int(which))]


async def send(run: Run, which: int | str, text: str) -> list[int]:
    """Say something to agents: in between two model calls, or as a new turn when they are idle."""
    message = players.tidy_task(text)
    agents = chosen(run, which)
    deaf = [agent for agent in agents if agent.peer is None]
    if deaf and (which != "all" or len(deaf) == len(agents)):
        raise KageError(
            f"agent {deaf[0].number} has no process to hear it ({deaf[0].record.status.state.value})",
            fix=f":Kage resume {deaf[0].number} starts it again from its log.",
            code="not_running",
        )
    return _push(agents, "steer", {"text": message})


async def interrupt(run: Run, which: int | str) -> list[int]:
    """Stop what agents are doing right now; they wait for what is said next."""
    working = [a for a in chosen(run, which) if not a.record.status.state.ended]
    if not working:
        raise KageError("nothing to interrupt: no agent is at work", code="nothing", exit=Exit.NOTHING)
    return _push(working, "interrupt", {})


def _push(agents: list[Agent], name: str, params: dict[str, str]) -> list[int]:
    told = []
    for agent in agents:
        if agent.peer is not None:
            agent.peer.push(name, params)
            told.append(agent.number)
    return told


async def stop(conductor: Conductor, run: Run, which: int | str) -> list[int]:
    """End agents' turns and processes; their work is kept as candidates."""
    agents = [a for a in chosen(run, which) if living(a) or not a.record.status.state.ended]
    if not agents:
        raise KageError("nothing to stop: no agent is running", code="nothing", exit=Exit.NOTHING)
    await asyncio.gather(*(_stop(conductor, run, agent) for agent in agents))
    return [agent.number for agent in agents]


async def _stop(conductor: Conductor, run: Run, agent: Agent) -> None:
    agent.stopping = True
    try:
        if agent.peer is not None:
            agent.peer.push("stop", {})
        if not await asyncio.to_thread(processes.ended, agent.record.pid, agent.record.born, STOP_SECONDS):
            processes.end(agent.record.pid, agent.record.born)
        if not agent.record.status.state.ended:
            turn = agent.record.captured + 1
            await conductor.turn_ended(run, agent, State.STOPPED, "stopped by the user", turn)
    finally:
        agent.stopping = False


def living(agent: Agent) -> bool:
    """True while the agent's process is alive."""
    return processes.alive(agent.record.pid, agent.record.born)


async def resume(conductor: Conductor, run: Run, which: int | str, peer: Peer) -> list[int]:
    """Start ended processes again from their logs; tell living agents whose turn was cut short to go on."""
    wanted = chosen(run, which)
    ending = [agent.record for agent in wanted if agent.stopping]
    ends = (asyncio.to_thread(processes.ended, record.pid, record.born, STOP_SECONDS) for record in ending)
    await asyncio.gather(*ends)
    ended = [agent for agent in wanted if not living(agent)]
    cut = [agent for agent in wanted if living(agent) and agent.record.status.state in CUT_SHORT]
    if not ended and not cut:
        raise KageError("nothing to resume: the agent is running", code="nothing", exit=Exit.NOTHING)
    for agent in ended:
        await _start_again(conductor, run, agent, peer, resume=True)
    _push(cut, "steer", {"text": GO_ON})
    return sorted(agent.number for agent in (*ended, *cut))


async def restart(conductor: Conductor, run: Run, which: int | str, text: str, peer: Peer) -> list[int]:
    """Start agents again from the base; what they had done goes to the trash."""
    agents = chosen(run, which)
    for agent in agents:
        await _stop(conductor, run, agent)
        async with agent.reading:  # its files may have changed since its turn ended
            await conductor.capture(run, agent, "before restart")
        candidates = [c for c in run.record.status.candidates if c.number != agent.number]
        run.record.status.candidates = candidates
        await asyncio.to_thread(run.store.trash, run.ref(agent.number))
        files = agent.slot.included()
        await asyncio.to_thread(slots.fill, run.store, agent.slot, run.base)
        await asyncio.to_thread(slots.prepare, run.store, agent.slot, files)
        await run_setup(run, [agent], {agent.number: _spec(agent).profile})
        log = agent.folder / "log.jsonl"
        if log.exists():
            log.rename(agent.folder / f"log-{time.time_ns()}.jsonl")
        if text:
            _new_task(agent, players.tidy_task(text))
        agent.record.captured = 0
        agent.record.status.started = time.time()
        await _start_again(conductor, run, agent, peer, resume=False)
    return [agent.number for agent in agents]


def _spec(agent: Agent) -> AgentSpec:
    return loads((agent.folder / "spec.json").read_bytes(), AgentSpec)


def _new_task(agent: Agent, text: str) -> None:
    spec = _spec(agent)
    changed = msgspec.structs.replace(spec, task=msgspec.structs.replace(spec.task, text=text))
    draft = agent.folder / "spec.json.new"
    draft.write_bytes(dumps(changed))
    draft.replace(agent.folder / "spec.json")


async def _start_again(conductor: Conductor, run: Run, agent: Agent, peer: Peer, *, resume: bool) -> None:
    status = agent.record.status
    agent.record.pid, agent.record.born = None, ""
    if resume:  # the turn that was cut off goes on under its old number, and its files are read again
        agent.record.captured = max(0, agent.record.captured - 1)
    status.state, status.reason, status.ended = State.STARTING, "resumed" if resume else "restarted", None
    panes = panes_at(agent, peer)
    found = await asyncio.to_thread(panes.alive, status.pane) if status.pane else None
    if status.pane and found is not None:
        argv = agent_argv(agent, resume=resume)
        await asyncio.to_thread(panes.respawn, status.pane, argv, agent_environment(peer))
        conductor.agent_changed(run, agent)
    else:
        place: Place = "hidden" if agent.record.hidden else "beside"
        await open_panes(conductor, run, [agent], peer, place, resume=resume)


def panes_at(agent: Agent, peer: Peer) -> Panes:
    """The tmux server that holds an agent's pane, seen from a client."""
    panes = panes_of(peer)
    if agent.record.tmux and agent.record.tmux != str(panes.socket):
        return Panes(None, None, own_socket=Path(agent.record.tmux))
    return panes
