"""Candidates side by side."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator import steps, views
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, verb


class Diff(In):
    agents: list[int] = []


class DiffFile(Diff):
    path: str = ""


class DiffText(In):
    agent: int = 0
    form: str = "patch"


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
