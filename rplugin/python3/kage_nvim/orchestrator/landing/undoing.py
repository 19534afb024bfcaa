"""Undo: landings leave the working tree again, newest first, and what the user did since stays."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kage_nvim.compare import land
from kage_nvim.errors import Exit, KageError, usage
from kage_nvim.orchestrator import folders
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import Buffer, open_buffers, overlays
from kage_nvim.orchestrator.landing import applying, branches
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.records import LandedFile, Landing
from kage_nvim.trees import ABSENT, Entry, edit_tree


@dataclass(frozen=True)
class _Way:
    """The way back: the tree it leads to, and what it does to the user's files."""

    tree: str
    files: list[land.FilePlan]


async def undo(conductor: Conductor, cwd: str, count: int = 1) -> dict[str, Any]:
    """Take the newest ``count`` landings back, all or none; edits made since are kept.

    The answer: ``landing`` (the newest one's id), ``landings`` (all ids), ``files`` (path, action, where),
    ``notes`` (which commits stay).

    Raises:
        KageError: nothing to undo (exit 3), or edits since overlap a landing (exit 4): nothing was changed.
    """
    if count < 1:
        raise usage(f"`undo {count}` takes back no landing", "Say how many: 1 or more.")
    repository = await conductor.repository(cwd)
    root = repository.root
    async with conductor.landing:
        done = [entry for entry in conductor.database.landings(str(root), "done") if entry.undoes is None]
        if len(done) < count:
            raise _too_few(len(done))
        landings = done[:count]
        store = await asyncio.to_thread(Store.open, repository)
        buffers = await open_buffers(conductor.peers, root)
        now = await asyncio.to_thread(store.snapshot, overlays(buffers, root))
        way = await asyncio.to_thread(_way_back, store, root, landings, now.tree, buffers)
        newest = landings[0]
        back = Landing(
            repository=str(root),
            run=newest.run,
            number=newest.number,
            before=now.commit,
            after=way.tree,
            files=[],
            head=now.parent,
            undoes=newest.id,
            takes_back=[landing.id for landing in landings],
        )
        told = await applying.apply(conductor, store, back, way.files, buffers)
        await asyncio.to_thread(_furnish, root, landings)
        for landing in (*landings, back):
            landing.state = "undone"
            conductor.database.put_landing(landing)
        _forget(conductor, root, landings)
    notes = [note for landing in landings if (note := branches.stays(store, landing))]
    return {"landing": newest.id, "landings": back.takes_back, "files": told, "notes": notes}


def _too_few(there: int) -> KageError:
    if not there:
        return KageError("no landing to undo here", code="nothing", exit=Exit.NOTHING)
    only = "only 1 landing" if there == 1 else f"only {there} landings"
    return KageError(
        f"{only} can be undone here; nothing was changed",
        fix=f":KageUndo {there} takes back all; :Kage history lists them.",
        code="nothing",
        exit=Exit.NOTHING,
    )


def _way_back(
    store: Store, root: Path, landings: Sequence[Landing], now: str, buffers: Sequence[Buffer]
) -> _Way:
    """One three-way merge for each landing, newest first, before anything is touched."""
    held = {str(buffer.path.relative_to(root)) for buffer in buffers}
    tree = now
    for step, landing in enumerate(landings, 1):
        lost = [file for file in landing.files if file.where == "buffer-modified" and file.path not in held]
        try:
            tree = land.undo_plan(store, landing.before, _without(store, landing.after, lost), tree).tree
        except KageError as error:
            raise _named(error, step, landing) from error
    return _Way(tree, land.plans(store, now, tree))


def _named(error: KageError, step: int, landing: Landing) -> KageError:
    """The conflict, with the step that it is in and what can be done without it."""
    rows = error.data.get("conflicts", [])
    listed = "\n".join(f"  {row['path']}:{row['line'] or 1} ({row['kind']})" for row in rows)
    numbers = " and ".join(map(str, landing.numbers or [landing.number]))
    which = f"step {step} (landing {landing.id}, candidate {numbers} of {landing.run})"
    fix = "Undo your own changes there first, or edit those files by hand."
    if step > 1:
        fix += f" :KageUndo {step - 1} takes back what came after it."
    return KageError(
        f"{which} was changed since it was landed; nothing was changed:\n{listed}",
        fix=fix,
        code=error.code,
        exit=error.exit,
        data={**error.data, "step": step, "landing": landing.id},
    )


def _furnish(root: Path, landings: Sequence[Landing]) -> None:
    """Make the folders again that were there, empty, before the landings: no tree knows of them."""
    for landing in landings:
        for path in landing.folders:
            if all(
                not os.path.lexists(root / part) or folders.is_folder(root / part) for part in _ways(path)
            ):
                (root / path).mkdir(parents=True, exist_ok=True)


def _ways(path: str) -> list[Path]:
    return [Path(path), *list(Path(path).parents)[:-1]]


def _without(store: Store, tree: str, lost: list[LandedFile]) -> str:
    """A landing's tree without the files that only an editor held and never saved: they are gone with it."""
    if not lost:
        return tree
    edits = [Entry(file.before_mode or ABSENT, file.before or "0" * 40, file.path) for file in lost]
    return edit_tree(store, tree, edits, store.scratch / f"undo-{secrets.token_hex(4)}")


def _forget(conductor: Conductor, root: Path, landings: Sequence[Landing]) -> None:
    """Say of the runs what of them is landed now, and to the ledger what was taken back."""
    done = conductor.database.landings(str(root), "done")
    for name in {landing.run for landing in landings}:
        run = conductor.runs.get(name)
        if run is not None:
            left = [entry.number for entry in done if entry.run == name and entry.undoes is None]
            run.record.status.landed = left[0] if left else None
            conductor.changed(run)
    for landing in landings:
        for number in landing.numbers or [landing.number]:
            conductor.spawn_task(conductor.gateway.outcome(landing.run, number, "undone"))
