"""What candidates, and the user's own files, are worth."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, verb


class Check(In):
    """``agent``: a candidate's number, or none for what the user has now."""

    agent: int | None = None
    confirmed: list[str] = []


@verb("check", Check)
async def _check(conductor: Conductor, peer: Peer, asked: Check) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run) if asked.agent is not None or asked.run else None
    return await conductor.checks.check(peer, asked.cwd, run, asked.agent, asked.confirmed)
