"""Candidates side by side."""

from __future__ import annotations

import asyncio
from typing import Any

from kage_nvim.orchestrator import comparing, proposals, steps
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, verb


class Diff(In):
    agents: list[int] = []


class DiffList(Diff):
    """``early``: agents at work without a candidate are no error. With ``yours`` the answer has, under that
    name, a commit of what the user has now."""

    early: bool = False
    yours: bool = False


class Look(In):
    on: bool = True


class DiffFile(Diff):
    """``yours``: a commit of what the user has, whose change of the file is in the answer, too."""

    path: str = ""
    yours: str = ""


class Align(Diff):
    paths: list[str] = []


class FileAt(In):
    """``tree``: any tree or commit of the run's store."""

    tree: str = ""
    path: str = ""


class DiffText(In):
    """``against``: another candidate in the place of the base."""

    agent: int = 0
    against: int | None = None
    form: str = "patch"


@verb("diff", DiffList)
async def _diff(conductor: Conductor, peer: Peer, asked: DiffList) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    base = await steps.compared_with(conductor, run)
    answer = await comparing.diff(run, asked.agents, base, early=asked.early)
    return answer | ({"yours": await steps.yours(conductor, run)} if asked.yours else {})


@verb("look", Look)
async def _look(conductor: Conductor, peer: Peer, asked: Look) -> dict[str, Any]:
    """While the peer looks at a run, agents at work are shown as they go on; it ends with the connection."""
    if not asked.on and asked.run:
        conductor.live.look_away(peer, asked.run)
        return {"run": asked.run}
    run = await conductor.run(asked.cwd, asked.run)
    if asked.on:
        conductor.live.look(peer, run)
    else:
        conductor.live.look_away(peer, run.id)
    return {"run": run.id}


@verb("diff_file", DiffFile)
async def _diff_file(conductor: Conductor, peer: Peer, asked: DiffFile) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    base = await steps.compared_with(conductor, run)
    answer = await comparing.diff_file(run, asked.path, asked.agents, base)
    if asked.yours:
        answer["yours"] = await asyncio.to_thread(comparing.change_of, run, asked.path, base, asked.yours)
    return answer


@verb("align", Align)
async def _align(conductor: Conductor, peer: Peer, asked: Align) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    base = await steps.compared_with(conductor, run)
    return await comparing.aligned(run, asked.agents, asked.paths, base)


@verb("contrast", Diff)
async def _contrast(conductor: Conductor, peer: Peer, asked: Diff) -> dict[str, Any]:
    from kage_nvim.orchestrator.contrast import contrast

    run = await conductor.run(asked.cwd, asked.run)
    if run.record.course.proposals:
        return await proposals.contrast(run, asked.agents)
    return await contrast(run, asked.agents, await steps.compared_with(conductor, run))


@verb("diff_text", DiffText)
async def _diff_text(conductor: Conductor, peer: Peer, asked: DiffText) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    if asked.against is None:
        base = await steps.compared_with(conductor, run)
    else:
        base = run.seen(asked.against).commit
    return await comparing.diff_text(run, asked.agent, asked.form, base)


@verb("file_at", FileAt)
async def _file_at(conductor: Conductor, peer: Peer, asked: FileAt) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await asyncio.to_thread(comparing.file_at, run, asked.tree, asked.path)
