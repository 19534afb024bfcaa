"""Conducting agents at work: send, task, interrupt, stop, restart, resume."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import paths, processes
from kage_nvim.errors import Exit, KageError, usage
from kage_nvim.model import NEW_TASK, AgentSpec, State
from kage_nvim.orchestrator import players, slots
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.launch import agent_argv, agent_environment, open_panes, panes_of
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.setup import run_setup
from kage_nvim.orchestrator.tmux.panes import Panes, Place
from kage_nvim.protocol import dumps, loads

CUT_SHORT = (State.FAILED, State.STOPPED, State.INTERRUPTED)
GO_ON = "Go on with the task from where you are."
Which = int | str | list[int]
"""Agents as a command names them: a number, several, or all."""
BY_USER = "stopped by the user"
STOP_SECONDS = 3.0
"""How long a stopped agent may take to end by itself before its process is killed."""


def chosen(run: Run, which: Which) -> list[Agent]:
    """The agents of those numbers (a text may hold several, as ``2,3``), or all of them.

    Raises:
        KageError: there is no such agent.
    """
    if which == "all":
        return list(run.agents.values())
    numbers = which if isinstance(which, list) else re.split(r"[\s,]+", str(which).strip(" ,"))
    wrong = [number for number in numbers if not str(number).isdigit()]
    if wrong or not numbers:
        raise KageError(
            f"`{wrong[0] if wrong else which}` is no agent",
            fix="Give its number, several (2,3), or all.",
            code="usage",
            exit=Exit.USAGE,
        )
    return [run.agent(number) for number in dict.fromkeys(map(int, numbers))]


def hears(agent: Agent) -> bool:
    """True while there is, or is about to be, a process that messages reach."""
    if agent.peer is not None or agent.record.status.state is State.STARTING:
        return True
    return living(agent)  # it connects again in a moment: kaged was started anew


async def send(conductor: Conductor, run: Run, which: Which, text: str) -> dict[str, Any]:
    """Say something to agents: in between two model calls, or as a new turn when they are idle.

    Returns ``agents``, who are told, and ``missed``: the numbers of those without a process.

    Raises:
        KageError: nobody is there to hear it; the message says how that is mended.
    """
    if not text.strip():
        raise usage("the message is empty", "Say what the agent is to hear: kage send N TEXT.")
    message = players.tidy_task(text)
    agents = chosen(run, which)
    missed = [agent for agent in agents if not hears(agent)]
    if len(missed) == len(agents):
        numbers = ",".join(str(agent.number) for agent in missed)
        states = ", ".join(f"agent {a.number}: {a.record.status.state.value}" for a in missed)
        raise KageError(
            f"there is no process to hear it ({states})",
            fix=f":Kage resume {numbers} (kage resume {numbers}) goes on from the log; then send again.",
            code="not_running",
        )
    told = [agent for agent in agents if agent not in missed]
    for agent in told:
        _by_hand(run, agent)
        say(conductor, run, agent, message)
    return {"agents": [agent.number for agent in told], "missed": [agent.number for agent in missed]}


def _by_hand(run: Run, agent: Agent) -> None:
    """The user has an agent go on that the strategy ended, or after all had ended: it is the strategy's no
    longer."""
    agent.record.by_hand = agent.record.by_hand or agent.record.spared or run.settled
    run.halted = False


def say(conductor: Conductor, run: Run, agent: Agent, message: str) -> None:
    """Tell an agent now, or as soon as its process is connected."""
    agent.called = True
    if agent.peer is not None:
        agent.peer.push("steer", {"text": message})
    else:
        agent.record.mail = [*agent.record.mail, message]
        conductor.agent_changed(run, agent)


async def task(conductor: Conductor, run: Run, text: str) -> dict[str, Any]:
    """Change the task of the run: those at work are told, idle ones get it as a new turn, and the others when
    they are resumed or restarted. Returns ``agents`` and ``later``, their numbers."""
    changed = players.tidy_task(text)
    if changed == run.record.task.text:
        raise KageError("that is the task already", code="nothing", exit=Exit.NOTHING)
    _log_task(run, changed)
    run.record.task = msgspec.structs.replace(run.record.task, text=changed)
    run.record.status.task = changed
    told: list[int] = []
    later: list[int] = []
    for agent in run.agents.values():
        _new_task(agent, changed)
        (told if hears(agent) else later).append(agent.number)
        say(conductor, run, agent, NEW_TASK + changed)
    conductor.changed(run)
    return {"task": changed, "agents": told, "later": later}


def _log_task(run: Run, text: str) -> None:
    """Keep what the task was and what it is now in the run's own log, of the agents' logs' form."""
    path = paths.run_folder(run.id) / "log.jsonl"
    events: list[dict[str, Any]] = [{"t": round(time.time(), 3), "kind": "task", "text": text}]
    if not path.exists():
        events.insert(0, {"t": run.record.status.created, "kind": "task", "text": run.record.task.text})
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("ab") as file:
        file.write(b"".join(dumps(event) + b"\n" for event in events))


async def interrupt(run: Run, which: Which) -> list[int]:
    """Stop what agents are doing right now, or begin to do because they were just spoken to; they wait for
    what is said next."""
    working = [a for a in chosen(run, which) if a.called or not a.record.status.state.ended]
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


async def stop(conductor: Conductor, run: Run, which: Which) -> list[int]:
    """End agents' turns and processes; their work is kept as candidates."""
    agents = [a for a in chosen(run, which) if living(a) or not a.record.status.state.ended]
    run.halted = run.halted or (which == "all" and not run.settled)
    if not agents and not run.following:
        raise KageError("nothing to stop: no agent is running", code="nothing", exit=Exit.NOTHING)
    for agent in agents:
        if agent.record.held:  # first of all: else it would start when the one before it ends
            not_started(conductor, run, agent, BY_USER)
    await asyncio.gather(*(end(conductor, run, agent) for agent in agents))
    return [agent.number for agent in agents]


def not_started(conductor: Conductor, run: Run, agent: Agent, reason: str) -> None:
    """An agent that was held is not wanted any more."""
    status = agent.record.status
    agent.record.held = False
    status.state, status.reason, status.activity = State.STOPPED, reason, ""
    status.ended = status.since = time.time()
    conductor.agent_changed(run, agent)


async def end(conductor: Conductor, run: Run, agent: Agent, reason: str = BY_USER) -> None:
    """End one agent's turn and process, at once: its model calls and commands go with it."""
    async with agent.ending:
        agent.stopping = reason
        try:
            if agent.peer is not None:
                agent.peer.push("stop", {"reason": reason})
            record = agent.record
            if not await asyncio.to_thread(processes.ended, record.pid, record.born, STOP_SECONDS):
                processes.end(record.pid, record.born)
            if not record.status.state.ended:
                await conductor.turns.ended(run, agent, State.STOPPED, reason, record.captured + 1)
        finally:
            agent.stopping = ""


def living(agent: Agent) -> bool:
    """True while the agent's process is alive."""
    return processes.alive(agent.record.pid, agent.record.born)


async def resume(conductor: Conductor, run: Run, which: Which, peer: Peer) -> list[int]:
    """Start ended processes again from their logs; tell living agents whose turn was cut short to go on."""
    wanted = chosen(run, which)
    for agent in wanted:
        async with agent.ending:  # else its end would be taken for that of the process that is started now
            pass
    ended = [agent for agent in wanted if not living(agent)]
    cut = [agent for agent in wanted if living(agent) and agent.record.status.state in CUT_SHORT]
    if not ended and not cut:
        raise KageError("nothing to resume: the agent is running", code="nothing", exit=Exit.NOTHING)
    for agent in (*ended, *cut):
        _by_hand(run, agent)
    for agent in ended:
        await _start_again(conductor, run, agent, peer, resume=True)
    _push(cut, "steer", {"text": GO_ON})
    return sorted(agent.number for agent in (*ended, *cut))


async def restart(conductor: Conductor, run: Run, which: Which, text: str, peer: Peer) -> list[int]:
    """Start agents again from where they began; what they had done goes to the trash."""
    agents = chosen(run, which)
    new = players.tidy_task(text) if text else ""
    for agent in agents:
        _by_hand(run, agent)
        if len(agents) == len(run.agents):  # the run begins anew, with its strategy
            agent.record.by_hand = False
    await asyncio.gather(*(end(conductor, run, agent) for agent in agents))
    for agent in agents:
        async with agent.reading:  # its files may have changed since its turn ended
            await conductor.turns.capture(run, agent, "before restart")
        candidates = [c for c in run.record.status.candidates if c.number != agent.number]
        run.record.status.candidates = candidates
        await asyncio.to_thread(run.store.trash, run.ref(agent.number))
        files = agent.slot.included()
        await asyncio.to_thread(slots.fill, run.store, agent.slot, run.start_of(agent))
        await asyncio.to_thread(slots.prepare, run.store, agent.slot, files)
        await run_setup(run, [agent], {agent.number: _spec(agent).profile})
        log = agent.folder / "log.jsonl"
        if log.exists():
            log.rename(agent.folder / f"log-{time.time_ns()}.jsonl")
        if new:
            _new_task(agent, new)
        agent.record.captured, agent.record.mail, agent.record.repairs = 0, [], []
        if agent.record.synthesis is not None:
            agent.record.synthesis.kept, agent.record.synthesis.said = None, ""
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
    resume = resume and (agent.folder / "log.jsonl").exists()  # one that was held has no log yet
    agent.record.held = agent.record.resting = agent.record.spared = False
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
        conductor.spawn_task(conductor.must_arrive(run, agent))
    else:
        place: Place = "hidden" if agent.record.hidden else "beside"
        await open_panes(conductor, run, [agent], peer, place, resume=resume)


def panes_at(agent: Agent, peer: Peer) -> Panes:
    """The tmux server that holds an agent's pane, seen from a client."""
    panes = panes_of(peer)
    if agent.record.tmux and agent.record.tmux != str(panes.socket):
        return Panes(None, None, own_socket=Path(agent.record.tmux))
    return panes
