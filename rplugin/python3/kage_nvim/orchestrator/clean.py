"""Clean: give slots and panes back. Nothing goes before its content is under the store's trash refs."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from kage_nvim import paths, processes
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.failpoints import fail_point
from kage_nvim.orchestrator import slots
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.tmux.panes import Panes

TRASH_DAYS = 30
"""How long what was cleaned can be brought back."""


async def clean(conductor: Conductor, runs: list[Run]) -> dict[str, Any]:
    """Free the slots and panes of runs, keeping their candidates in the trash for ``TRASH_DAYS``.

    Raises:
        KageError: an agent is still at work (exit 4), or there is nothing to clean (exit 3).
    """
    if not runs:
        raise KageError("nothing to clean", code="nothing", exit=Exit.NOTHING)
    for run in runs:
        busy = [
            a.number for a in run.agents.values() if not a.record.status.state.ended and a.peer is not None
        ]
        if busy:
            raise refused(
                f"run {run.id} still works: agent {', '.join(map(str, busy))}",
                fix=":Kage stop all ends them and keeps their work; then clean again.",
                code="busy",
            )
    trash: list[str] = []
    freed = 0
    for run in runs:
        trash += await clean_one(conductor, run)
        freed += len(run.agents)
    return {"runs": [run.id for run in runs], "freed": freed, "trash": trash}


async def clean_one(conductor: Conductor, run: Run) -> list[str]:
    """Clean one run, from wherever an earlier attempt got; returns the trash refs."""
    for agent in run.agents.values():
        if agent.record.status.state.ended:
            await _keep_later_work(conductor, run, agent)
    intent = conductor.database.open_intent("clean", {"run": run.id, "repository": str(run.root)})
    fail_point("clean.intent")
    await _end_panes(list(run.agents.values()))
    fail_point("clean.panes.done")
    trash = await _free(run)
    fail_point("clean.action")
    run.record.cleaned = time.time()
    conductor.runs.pop(run.id, None)
    if not conductor.of_repository(run.root):
        await conductor.checks.close(run.root)
        await asyncio.to_thread(slots.release_unclaimed, run.store)
    conductor.changed(run)
    conductor.database.close_intent(intent)
    fail_point("clean.done")
    return trash


async def _keep_later_work(conductor: Conductor, run: Run, agent: Agent) -> None:
    """Files may have changed after the candidate was read (the user worked in the slot): read them again.

    Raises:
        KageError: they cannot be kept, as on a full disk; so nothing may go.
    """
    try:
        async with agent.reading:
            await conductor.turns.capture(run, agent, "before clean")
    except (KageError, OSError) as error:
        if agent.slot.tree.is_dir():
            raise refused(
                f"the files of agent {agent.number} could not be kept, so nothing was cleaned: {error}",
                fix=f"Mend that (is a disk full?), or remove {agent.slot.tree} yourself, then clean again.",
                code="not_kept",
            ) from error


async def _free(run: Run) -> list[str]:
    trash = []
    for ref in await asyncio.to_thread(run.store.refs, f"refs/kage/{run.id}/"):
        trash.append(await asyncio.to_thread(run.store.trash, ref))
    for agent in run.agents.values():
        await asyncio.to_thread(slots.release, agent.slot)
    folder = paths.run_folder(run.id)
    if folder.exists():
        kept = paths.state() / "trash" / run.id
        kept.parent.mkdir(exist_ok=True)
        folder.rename(kept)
    await asyncio.to_thread(run.store.expire_trash, TRASH_DAYS)
    await asyncio.to_thread(run.store.expire_apart)
    await asyncio.to_thread(_expire_folders)
    return [name for name in trash if name]


def _expire_folders() -> None:
    limit = time.time() - TRASH_DAYS * 86400
    for folder in (paths.state() / "trash").glob("*"):
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


async def _end_panes(agents: list[Agent]) -> None:
    """Close the agents' panes and make sure of their processes: a pane's death alone does not end one."""
    by_server: dict[str, list[str]] = {}
    for agent in agents:
        agent.stopping = "the run is cleaned"
        if agent.record.tmux and agent.record.status.pane:
            by_server.setdefault(agent.record.tmux, []).append(agent.record.status.pane)
    for socket, panes in by_server.items():
        with suppress(KageError):
            await asyncio.to_thread(Panes(None, None, own_socket=Path(socket)).kill, panes)
    for agent in agents:
        processes.end(agent.record.pid, agent.record.born)


async def discard(run: Run) -> None:
    """Take back a run that never began: as clean, but there is no work to keep."""
    await _end_panes(list(run.agents.values()))
    await _free(run)
