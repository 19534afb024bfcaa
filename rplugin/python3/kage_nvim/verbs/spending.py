"""How runs are spent: turns to mend failures, what players were worth so far, what a run will take."""

from __future__ import annotations

import asyncio
from typing import Any

from kage_nvim import config, discover
from kage_nvim.orchestrator import experience, forecast, keys, past, players
from kage_nvim.orchestrator.checking import repairs
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.languages import of_path
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, Of, verb


class Repair(Of):
    confirmed: list[str] = []


class Stats(In):
    """``all``: of all repositories."""

    all: bool = False


class Estimate(In):
    """What a spawn would be asked for: ``players`` as words (``fast:2+tester``), ``count``, ``strategy`` and
    ``until``; ``path`` names a file whose language the change will be in."""

    players: list[str] = []
    count: int | None = None
    path: str = ""
    strategy: str = ""
    until: str = ""


@verb("repair", Repair)
async def _repair(conductor: Conductor, peer: Peer, asked: Repair) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    await conductor.checks.confirm(run.root, peer.hello.env, asked.confirmed)
    await keys.renew(conductor, peer)
    return {"agents": await repairs.ask(conductor, run, asked.agent)}


@verb("stats", Stats)
async def _stats(conductor: Conductor, peer: Peer, asked: Stats) -> dict[str, Any]:
    root = None if asked.all else (await conductor.repository(asked.cwd)).root
    told = await asyncio.to_thread(past.read, conductor.database, root)
    return {"repository": str(root) if root else None, "rows": experience.stats(told.agents)}


@verb("estimate", Estimate)
async def _estimate(conductor: Conductor, peer: Peer, asked: Estimate) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    user = await asyncio.to_thread(config.load_user)
    present = dict.fromkeys(peer.hello.keys, "set")
    found = await discover.found_async(present, probe=False) if not user.players else []
    path = peer.hello.env.get("PATH", "")
    seated, _ = await asyncio.to_thread(players.seats, asked.players, asked.count, user, found, path)
    told = await asyncio.to_thread(past.read, conductor.database)
    names, strategy = [seat.name for seat in seated], asked.strategy or user.defaults.strategy
    spent_as = past.UNTIL if asked.until else strategy
    return forecast.told(told, names, str(root), of_path(asked.path), spent_as)
