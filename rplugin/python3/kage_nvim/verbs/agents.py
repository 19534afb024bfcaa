"""What is asked of runs and their agents."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import config
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import Player, RunStatus
from kage_nvim.orchestrator import control, keys, roles, shared_roles, spawn
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import SpawnRequest
from kage_nvim.verbs.table import In, Of, verb


class Wait(In):
    any: bool = False
    timeout: float | None = None


class Say(Of):
    text: str = ""


class Roles(In):
    name: str = ""


class Shared(In):
    """``digests`` are those of the roles that the user has seen and wants; none of them: just show."""

    url: str = ""
    names: list[str] = []
    digests: list[str] = []


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


@verb("subscribe", In)
async def _subscribe(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    return conductor.audience.follow(peer, root)


@verb("spawn", SpawnRequest)
async def _spawn(conductor: Conductor, peer: Peer, asked: SpawnRequest) -> dict[str, Any]:
    return await spawn.spawn(conductor, peer, asked)


@verb("agent.state", Report)
async def _agent_state(conductor: Conductor, peer: Peer, asked: Report) -> dict[str, Any]:
    await conductor.turns.reported(peer, msgspec.structs.asdict(asked))
    return {}


@verb("wait", Wait)
async def _wait(conductor: Conductor, peer: Peer, asked: Wait) -> RunStatus:
    run = await conductor.run(asked.cwd, asked.run)

    def over() -> bool:
        ended = [agent.record.status.state.ended for agent in run.agents.values()]
        return any(ended) if asked.any else run.settled

    try:
        await asyncio.wait_for(conductor.audience.until(over), asked.timeout)
    except asyncio.TimeoutError:
        raise KageError(
            f"run {run.id} still works after {asked.timeout:g} s", code="timeout", exit=Exit.TIMED_OUT
        ) from None
    return run.status()


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


@verb("role", Roles)
async def _role(conductor: Conductor, peer: Peer, asked: Roles) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    if asked.name:
        return {"roles": [await asyncio.to_thread(roles.find, asked.name, root)]}
    found = await asyncio.to_thread(roles.listed, root)
    return {"roles": [found[name] for name in sorted(found)]}


@verb("role_add", Shared)
async def _role_add(conductor: Conductor, peer: Peer, asked: Shared) -> dict[str, Any]:
    env, cwd = peer.hello.env, Path(asked.cwd)
    offered = await asyncio.to_thread(shared_roles.fetch, asked.url, asked.names, env, cwd)
    added = await asyncio.to_thread(shared_roles.keep, offered, asked.digests)
    root = cwd
    with suppress(KageError):  # roles are added outside repositories too
        root = (await conductor.repository(asked.cwd)).root
    known = {} if added else await asyncio.to_thread(roles.listed, root)
    wanted = [offer.role for offer in offered]
    instead = {role.name: known[role.name].source for role in wanted if role.name in known}
    return {"offered": wanted, "instead": instead, "added": [role.name for role in added]}


@verb("role_remove", Roles)
async def _role_remove(conductor: Conductor, peer: Peer, asked: Roles) -> dict[str, Any]:
    return {"removed": (await asyncio.to_thread(shared_roles.remove, asked.name)).name}


@verb("warm", In)
async def _warm(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    user = await asyncio.to_thread(config.load_user)
    found = user.players.values() or [Player(model="any")] * bool(peer.hello.keys)
    if any((player.model or player.cli) and not player.recorded for player in found):
        await conductor.gateway.ensure()
        await conductor.gateway.load()
    return {}
