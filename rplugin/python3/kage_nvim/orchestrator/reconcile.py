"""Reconcile: at each start, find out what is left of what an earlier kaged knew, and finish or take back.

An intent without its end is rolled back (a spawn) or forward (a clean, a landing). Agents whose process is
alive connect by themselves; those whose process died have their files read, so that no work is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kage_nvim.compare import disk, land
from kage_nvim.errors import KageError
from kage_nvim.failpoints import fail_point
from kage_nvim.model import State
from kage_nvim.orchestrator import course, live, shadow, slots
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.records import Landing, RunRecord
from kage_nvim.trees import read_blobs

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

RESULTS_KEPT = 30 * 86_400.0
"""Seconds that what checks said is remembered."""


async def reconcile(conductor: Conductor) -> None:
    """Bring memory, database, slots and landings to one truth."""
    for note in conductor.database.notes:
        log.warning("%s", note)
    conductor.database.drop_results(time.time() - RESULTS_KEPT)
    for record in conductor.database.runs():
        try:
            run = await asyncio.to_thread(_load, conductor, record)
        except KageError as error:
            log.warning("run %s is out of reach: %s", record.status.id, error)
            continue
        conductor.runs[run.id] = run
    fail_point("reconcile.loaded")
    await _finish_intents(conductor)
    for landing in conductor.database.landings(state="intent"):
        await asyncio.to_thread(_finish_landing, conductor, landing)
    for run in conductor.runs.values():
        for agent in run.agents.values():
            if agent.record.held:
                continue
            if agent.record.pid is None and not agent.record.status.state.ended:
                conductor.spawn_task(conductor.must_arrive(run, agent))
            else:
                conductor.spawn_task(conductor.watch_death(run, agent))
            if agent.record.status.state is State.CHECKING:
                conductor.turns.check_again(run, agent)
        if not run.settled:
            conductor.spawn_task(course.follow(conductor, run))
        elif not run.record.over and run.agents:
            conductor.turns.follow(run, next(reversed(run.agents.values())))


def _load(conductor: Conductor, record: RunRecord) -> Run:
    repository = shadow.discover(Path(record.status.repository))
    store = Store.open(repository)
    run = Run(record, repository, store)
    live.forget(run)
    for entry in conductor.database.agents(run.id):
        run.agents[entry.status.number] = Agent(entry, slots.slot(store, entry.slot))
    return run


async def _finish_intents(conductor: Conductor) -> None:
    from kage_nvim.orchestrator import clean, spawn

    for intent in conductor.database.open_intents():
        run_id = str(intent.payload["run"])
        run = conductor.runs.get(run_id)
        log.info("finishing %s of run %s", intent.kind, run_id)
        try:
            if intent.kind == "spawn":
                await spawn.undo(conductor, run_id, intent.payload["repository"], intent.payload["tmux"])
            elif intent.kind == "clean" and run is not None:
                await clean.clean_one(conductor, run)
        except (KageError, OSError) as error:  # a repository that is gone, a full disk: at the next start
            log.warning("%s of run %s could not be finished: %s", intent.kind, run_id, error)
            continue
        conductor.database.close_intent(intent.id)


def _finish_landing(conductor: Conductor, landing: Landing) -> None:
    """Roll a landing forward: what is still as before becomes as after; what is neither is left alone."""
    root = Path(landing.repository)
    try:
        store = Store.open(shadow.discover(root))
        plans = _plans(store, landing)
    except KageError as error:
        log.warning("landing %s is out of reach: %s", landing.id, error)
        return
    wrong = dict(disk.verify(root, plans))
    disk.write(root, [plan for plan in plans if plan.path not in wrong])
    for path, why in wrong.items():
        log.info("landing %s left %s alone: %s", landing.id, path, why)
    landing.state = "done" if landing.undoes is None else "undone"
    conductor.database.put_landing(landing)
    if landing.undoes is not None:
        for other in conductor.database.landings(landing.repository):
            if other.id == landing.undoes or other.id in landing.takes_back:
                other.state = "undone"
                conductor.database.put_landing(other)


def _plans(store: Store, landing: Landing) -> list[land.FilePlan]:
    """What the landing was to do on disk; what only an editor held is the editor's."""
    files = [file for file in landing.files if file.where != "buffer-modified"]
    blobs = read_blobs(store, [sha for file in files for sha in (file.before, file.after) if sha])

    def blob(sha: str | None, mode: str | None) -> land.Blob | None:
        return land.Blob(mode, sha, blobs[sha]) if sha and mode else None

    return [
        land.FilePlan(file.path, blob(file.before, file.before_mode), blob(file.after, file.after_mode))
        for file in files
    ]
