"""The verbs that kaged answers: one row each, the parameters it takes and the function that does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from kage_nvim import config
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import Player, RunStatus, Status
from kage_nvim.orchestrator import (
    clean,
    control,
    doctor,
    keys,
    landing,
    money,
    panes_view,
    roles,
    sent,
    spawn,
    steps,
    summary,
    views,
)
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import SpawnRequest


class In(msgspec.Struct):
    """Any verb's repository (a folder in it) and run (the newest when not said)."""

    cwd: str = ""
    run: str | None = None


class StatusOf(In):
    all: bool = False


class Wait(In):
    any: bool = False
    timeout: float | None = None


class Of(In):
    agent: int | str | list[int] = "all"


class Log(In):
    agent: int = 1
    after: int = 0
    limit: int = 0


class Outgoing(In):
    agent: int | None = None
    full: bool = False


class Say(Of):
    text: str = ""


class Roles(In):
    name: str = ""


class Report(msgspec.Struct):
    """``agent.state``: what an agent does now; counts are totals of the agent, ``cost_usd`` in US dollars."""

    state: str
    turn: int
    reason: str = ""
    activity: str = ""
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    rule: str = ""
    evidence: str = ""
    warning: str = ""


class Diff(In):
    agents: list[int] = []


class DiffFile(Diff):
    path: str = ""


class DiffText(In):
    agent: int = 0
    form: str = "patch"


class Accept(In):
    agent: int = 0
    paths: list[str] = []
    force: bool = False


class Clean(In):
    all: bool = False


@dataclass(frozen=True)
class Verb:
    """What a method takes and what it does."""

    params: type[Any]
    run: Callable[[Conductor, Peer, Any], Awaitable[Any]]


VERBS: dict[str, Verb] = {}


def verb(name: str, params: type[Any]) -> Callable[[Any], Any]:
    """Put a function into the table under the protocol's name."""

    def put(function: Any) -> Any:
        VERBS[name] = Verb(params, function)
        return function

    return put


@verb("subscribe", In)
async def _subscribe(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    return conductor.audience.follow(peer, root)


@verb("spawn", SpawnRequest)
async def _spawn(conductor: Conductor, peer: Peer, asked: SpawnRequest) -> dict[str, Any]:
    return await spawn.spawn(conductor, peer, asked)


@verb("agent.state", Report)
async def _agent_state(conductor: Conductor, peer: Peer, asked: Report) -> dict[str, Any]:
    await conductor.agent_state(peer, msgspec.structs.asdict(asked))
    return {}


@verb("status", StatusOf)
async def _status(conductor: Conductor, peer: Peer, asked: StatusOf) -> Status:
    if asked.all:
        everything = sorted(conductor.runs.values(), key=lambda run: run.record.status.created, reverse=True)
        return Status(runs=[run.status() for run in everything])
    if asked.run:
        return Status(runs=[(await conductor.run(asked.cwd, asked.run)).status()])
    root = (await conductor.repository(asked.cwd)).root
    return Status(runs=[run.status() for run in conductor.of_repository(root)])


@verb("wait", Wait)
async def _wait(conductor: Conductor, peer: Peer, asked: Wait) -> RunStatus:
    run = await conductor.run(asked.cwd, asked.run)

    def over() -> bool:
        ended = [agent.record.status.state.ended for agent in run.agents.values()]
        return any(ended) if asked.any else all(ended)

    try:
        await asyncio.wait_for(conductor.audience.until(over), asked.timeout)
    except asyncio.TimeoutError:
        raise KageError(
            f"run {run.id} still works after {asked.timeout:g} s", code="timeout", exit=Exit.TIMED_OUT
        ) from None
    return run.status()


@verb("outgoing", Outgoing)
async def _outgoing(conductor: Conductor, peer: Peer, asked: Outgoing) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    if asked.agent is not None:
        run.agent(asked.agent)
    return {"calls": await asyncio.to_thread(sent.sent, run.id, asked.agent, full=asked.full)}


@verb("log", Log)
async def _log(conductor: Conductor, peer: Peer, asked: Log) -> dict[str, Any]:
    agent = (await conductor.run(asked.cwd, asked.run)).agent(asked.agent)
    return await asyncio.to_thread(views.log_events, agent, asked.after, asked.limit)


@verb("send", Say)
async def _send(conductor: Conductor, peer: Peer, asked: Say) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    await keys.renew(conductor, peer)
    return await control.send(conductor, run, asked.agent, asked.text)


@verb("task", Say)
async def _task(conductor: Conductor, peer: Peer, asked: Say) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    if not asked.text:
        return {"task": run.record.task.text, "agents": [], "later": []}
    await keys.renew(conductor, peer)
    return await control.task(conductor, run, asked.text)


@verb("summary", Of)
async def _summary(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    agents = control.chosen(run, asked.agent)
    return await asyncio.to_thread(summary.of_run, run, agents)


@verb("role", Roles)
async def _role(conductor: Conductor, peer: Peer, asked: Roles) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    if asked.name:
        return {"roles": [await asyncio.to_thread(roles.find, asked.name, root)]}
    found = await asyncio.to_thread(roles.listed, root)
    return {"roles": [found[name] for name in sorted(found)]}


@verb("interrupt", Of)
async def _interrupt(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    return {"agents": await control.interrupt(await conductor.run(asked.cwd, asked.run), asked.agent)}


@verb("stop", Of)
async def _stop(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return {"agents": await control.stop(conductor, run, asked.agent)}


@verb("resume", Of)
async def _resume(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    await keys.renew(conductor, peer)
    return {"agents": await control.resume(conductor, run, asked.agent, peer)}


@verb("restart", Say)
async def _restart(conductor: Conductor, peer: Peer, asked: Say) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    await keys.renew(conductor, peer)
    return {"agents": await control.restart(conductor, run, asked.agent, asked.text, peer)}


@verb("focus", Of)
async def _focus(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await panes_view.focus(run, control.chosen(run, asked.agent)[0], peer)


@verb("hide", In)
async def _hide(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return await panes_view.hide(conductor, await conductor.run(asked.cwd, asked.run), peer)


@verb("attach", In)
async def _attach(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return panes_view.attach(await conductor.run(asked.cwd, asked.run), peer)


@verb("diff", Diff)
async def _diff(conductor: Conductor, peer: Peer, asked: Diff) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await views.diff(run, asked.agents, await steps.compared_with(conductor, run))


@verb("diff_file", DiffFile)
async def _diff_file(conductor: Conductor, peer: Peer, asked: DiffFile) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await views.diff_file(run, asked.path, asked.agents, await steps.compared_with(conductor, run))


@verb("diff_text", DiffText)
async def _diff_text(conductor: Conductor, peer: Peer, asked: DiffText) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await views.diff_text(run, asked.agent, asked.form, await steps.compared_with(conductor, run))


@verb("accept", Accept)
async def _accept(conductor: Conductor, peer: Peer, asked: Accept) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await landing.accept(conductor, run, asked.agent, asked.paths, force=asked.force)


@verb("undo", In)
async def _undo(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return await landing.undo(conductor, asked.cwd)


@verb("history", In)
async def _history(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    found = conductor.database.landings(str(root))
    return {"landings": [entry for entry in found if entry.undoes is None]}


@verb("clean", Clean)
async def _clean(conductor: Conductor, peer: Peer, asked: Clean) -> dict[str, Any]:
    if asked.run or not asked.all:
        return await clean.clean(conductor, [await conductor.run(asked.cwd, asked.run)])
    root = (await conductor.repository(asked.cwd)).root
    return await clean.clean(conductor, conductor.of_repository(root))


@verb("explain", Of)
async def _explain(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    chosen = control.chosen(run, asked.agent)
    lines = [line for agent in chosen for line in views.explain(run, agent)]
    return {"lines": lines, "agents": [views.explained(agent) for agent in chosen]}


@verb("cost", In)
async def _cost(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    here = conductor.of_repository(root)
    run = await conductor.run(asked.cwd, asked.run) if asked.run or here else None
    place = run.root if run else root
    return money.with_agents(await conductor.gateway.cost(run.id if run else "", str(place)), run)


@verb("warm", In)
async def _warm(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    user = await asyncio.to_thread(config.load_user)
    found = user.players.values() or [Player(model="any")] * bool(peer.hello.keys)
    if any((player.model or player.cli) and not player.recorded for player in found):
        await conductor.gateway.ensure()
        await conductor.gateway.load()
    return {}


@verb("doctor", In)
async def _doctor(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return {"checks": await doctor.checks(conductor, peer)}
