"""Tasks in parts."""

from __future__ import annotations

from typing import Any

from kage_nvim.model import Task
from kage_nvim.orchestrator import parts, uniting
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, verb


class Divide(In):
    """``count``: how many parts; ``player``: who proposes them."""

    task: Task = Task("")
    count: int | None = None
    player: str = ""


@verb("plan", Divide)
async def _plan(conductor: Conductor, peer: Peer, asked: Divide) -> dict[str, Any]:
    repository = await conductor.repository(asked.cwd)
    return await parts.plan(conductor, repository, asked.task, asked.count, asked.player)


@verb("parts", In)
async def _parts(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    if run.record.course.parts and (number := await uniting.unite(conductor, run)):
        conductor.spawn_task(conductor.checks.candidate(run, number))
    return uniting.told(run)
