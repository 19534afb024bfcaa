"""What is read of runs: status, logs, reasons, costs."""

from __future__ import annotations

import asyncio
from typing import Any

from kage_nvim.model import Status
from kage_nvim.orchestrator import control, doctor, money, sent, summary, views
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, Of, verb


class StatusOf(In):
    all: bool = False


class Log(In):
    agent: int = 1
    after: int = 0
    limit: int = 0


class Outgoing(In):
    agent: int | None = None
    full: bool = False


@verb("status", StatusOf)
async def _status(conductor: Conductor, peer: Peer, asked: StatusOf) -> Status:
    if asked.all:
        everything = sorted(conductor.runs.values(), key=lambda run: run.record.status.created, reverse=True)
        return Status(runs=[run.status() for run in everything])
    if asked.run:
        return Status(runs=[(await conductor.run(asked.cwd, asked.run)).status()])
    root = (await conductor.repository(asked.cwd)).root
    return Status(runs=[run.status() for run in conductor.of_repository(root)])


@verb("log", Log)
async def _log(conductor: Conductor, peer: Peer, asked: Log) -> dict[str, Any]:
    agent = (await conductor.run(asked.cwd, asked.run)).agent(asked.agent)
    return await asyncio.to_thread(views.log_events, agent, asked.after, asked.limit)


@verb("outgoing", Outgoing)
async def _outgoing(conductor: Conductor, peer: Peer, asked: Outgoing) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    if asked.agent is not None:
        run.agent(asked.agent)
    return {"calls": await asyncio.to_thread(sent.sent, run.id, asked.agent, full=asked.full)}


@verb("summary", Of)
async def _summary(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    agents = control.chosen(run, asked.agent)
    return await asyncio.to_thread(summary.of_run, run, agents)


@verb("explain", Of)
async def _explain(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    made = views.made_by_none(run, asked.agent)
    if made is not None:
        return {"lines": views.explain_made(run, made), "agents": [], "candidate": made}
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


@verb("doctor", In)
async def _doctor(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return {"checks": await doctor.checks(conductor, peer)}
