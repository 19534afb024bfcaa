"""Landing: a candidate comes into the user's working tree by three-way merge, and goes out again whole.

The order is fixed. Everything is merged in the store and verified (buffers unchanged, disk as expected)
before anything of the user's is touched; the intent and both trees are on disk before the first change;
open buffers are edited by their editors, all other files replaced by rename. A kaged that is killed in
between rolls forward at its next start (see reconcile): each file is either as before or as after.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kage_nvim.compare import disk, land
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.failpoints import fail_point
from kage_nvim.orchestrator import steps
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import Buffer, open_buffers
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Snapshot, Store
from kage_nvim.protocol import b64
from kage_nvim.store import LandedFile, Landing
from kage_nvim.trees import ABSENT, Entry, commit_tree, edit_tree

TEXT_MODES = ("100644", "100755")


@dataclass
class Change:
    """One file of a landing with where it is applied: in ``buffer``, or on disk when that is None."""

    plan: land.FilePlan
    buffer: Buffer | None
    disk_sha256: str | None

    @property
    def where(self) -> str:
        """As the user is told."""
        if self.buffer is None:
            return "disk"
        return "buffer" if self.buffer.content is None else "buffer-modified"


async def accept(
    conductor: Conductor, run: Run, number: int, chosen_paths: list[str], *, force: bool
) -> dict[str, Any]:
    """Land a candidate, or some of its files, onto what the user has now.

    Raises:
        KageError: there is no such candidate, it changes nothing (exit 3), it conflicts, or something
            changed meanwhile (exit 4); then nothing of the user's was touched.
    """
    candidate = run.candidate(number)
    chosen_paths = [run.repository.inside(path) for path in chosen_paths]
    async with conductor.landing:
        buffers = await open_buffers(conductor.peers, run.root)
        yours = await asyncio.to_thread(run.store.snapshot, _overlays(buffers, run.root))
        merge = await asyncio.to_thread(
            land.merge,
            run.store,
            await steps.base_for(conductor, run, yours.commit),
            yours.commit,
            candidate.commit,
            chosen_paths or None,
            label=f"agent {number}",
        )
        if merge.conflicts and not force:
            raise _conflict(number, merge.conflicts)
        before, files = await asyncio.to_thread(_as_on_disk, run.store, run.root, yours, merge.files, buffers)
        if not files:
            raise KageError(
                f"candidate {number} changes nothing that you do not have", code="nothing", exit=Exit.NOTHING
            )
        landing = Landing(
            repository=str(run.root),
            run=run.id,
            number=number,
            before=before,
            after=merge.tree,
            files=[],
            conflicts=len(merge.conflicts),
        )
        told = await _apply(conductor, run.store, run.root, landing, files, buffers)
        run.record.status.landed = number
        conductor.changed(run)
        conductor.spawn_task(conductor.gateway.outcome(run.id, number, "accepted"))
    conflicts = [{"path": c.path, "kind": c.kind, "line": c.line} for c in merge.conflicts]
    return {"landing": landing.id, "files": told, "conflicts": conflicts, "notes": []}


async def undo(conductor: Conductor, cwd: str) -> dict[str, Any]:
    """Take the newest landing back; edits made since are kept, and refuse where they conflict.

    Raises:
        KageError: nothing to undo (exit 3), or edits since overlap it (exit 4).
    """
    repository = await conductor.repository(cwd)
    root = repository.root
    async with conductor.landing:
        done = conductor.database.landings(str(root), "done")
        if not done:
            raise KageError("no landing to undo here", code="nothing", exit=Exit.NOTHING)
        landing = done[0]
        store = await asyncio.to_thread(Store.open, repository)
        buffers = await open_buffers(conductor.peers, root)
        now = await asyncio.to_thread(store.snapshot, _overlays(buffers, root))
        held = {str(buffer.path.relative_to(root)) for buffer in buffers}
        lost = [file for file in landing.files if file.where == "buffer-modified" and file.path not in held]
        after = await asyncio.to_thread(_without, store, landing.after, lost)
        plan = await asyncio.to_thread(land.undo_plan, store, landing.before, after, now.commit)
        back = Landing(
            repository=str(root),
            run=landing.run,
            number=landing.number,
            before=now.commit,
            after=plan.tree,
            files=[],
            undoes=landing.id,
        )
        told = await _apply(conductor, store, root, back, plan.files, buffers)
        landing.state = back.state = "undone"
        conductor.database.put_landing(landing)
        conductor.database.put_landing(back)
        run = conductor.runs.get(landing.run)
        if run is not None:
            run.record.status.landed = None
            conductor.changed(run)
        conductor.spawn_task(conductor.gateway.outcome(landing.run, landing.number, "undone"))
    return {"landing": landing.id, "files": told}


def _overlays(buffers: list[Buffer], root: Path) -> dict[str, bytes]:
    return {str(b.path.relative_to(root)): b.content for b in buffers if b.content is not None}


def _as_on_disk(
    store: Store, root: Path, yours: Snapshot, files: list[land.FilePlan], buffers: list[Buffer]
) -> tuple[str, list[land.FilePlan]]:
    """The commit that an undo goes back to, and the plan, where a sparse checkout leaves files out.

    Those are in the snapshot though not on disk: landing creates them, and undoing removes them again.
    """
    held = {buffer.path for buffer in buffers}
    left_out = {
        plan.path
        for plan in files
        if plan.old and root / plan.path not in held and not os.path.lexists(root / plan.path)
    }
    if not left_out:
        return yours.commit, files
    edits = [Entry(ABSENT, "0" * 40, path) for path in left_out]
    tree = edit_tree(store, yours.tree, edits, store.scratch / f"sparse-{secrets.token_hex(4)}")
    plans = [replace(plan, old=None) if plan.path in left_out else plan for plan in files]
    before = commit_tree(store, tree, yours.commit, "as on disk")
    return before, [plan for plan in plans if plan.old or plan.new]


def _without(store: Store, tree: str, lost: list[LandedFile]) -> str:
    """A landing's tree without the files that only an editor held and never saved: they are gone with it."""
    if not lost:
        return tree
    edits = [Entry(file.before_mode or ABSENT, file.before or "0" * 40, file.path) for file in lost]
    return edit_tree(store, tree, edits, store.scratch / f"undo-{secrets.token_hex(4)}")


def _conflict(number: int, conflicts: list[land.Conflict]) -> KageError:
    listed = "\n".join(f"  {c.path}:{c.line or 1} ({c.kind})" for c in conflicts)
    return refused(
        f"candidate {number} conflicts with what you have; nothing was changed:\n{listed}",
        fix=f"Merge those by hand in :KageDiff {number}, or :KageAccept! {number} writes conflict markers.",
        code="conflict",
        conflicts=[{"path": c.path, "kind": c.kind, "line": c.line} for c in conflicts],
    )


async def _apply(
    conductor: Conductor,
    store: Store,
    root: Path,
    landing: Landing,
    files: list[land.FilePlan],
    buffers: list[Buffer],
) -> list[dict[str, str]]:
    changes = await asyncio.to_thread(_assign, root, files, buffers)
    on_disk = [change for change in changes if change.buffer is None]
    await asyncio.to_thread(_verify, root, on_disk)
    in_buffers: dict[Peer, list[Change]] = defaultdict(list)
    for change in changes:
        if change.buffer is not None:
            in_buffers[change.buffer.peer].append(change)
    orders = {peer: [_land_file(root, change) for change in mine] for peer, mine in in_buffers.items()}
    for peer, order in orders.items():
        await _ask(peer, "land.prepare", {"landing": 0, "files": order})
    landing.files = [_landed(change) for change in changes]
    conductor.database.open_landing(landing)
    await asyncio.to_thread(_pin, store, landing)
    fail_point("land.intent")
    try:
        for peer, order in orders.items():
            await _ask(peer, "land.apply", {"landing": landing.id, "files": order})
    except KageError:
        landing.state = "abandoned"
        conductor.database.put_landing(landing)
        raise
    fail_point("land.buffers.done")
    try:
        await asyncio.to_thread(disk.write, root, [change.plan for change in on_disk])
    except KageError as error:
        landing.state = "done" if error.data.get("done") or orders else "abandoned"
        conductor.database.put_landing(landing)
        raise
    fail_point("land.action")
    landing.state = "done"
    conductor.database.put_landing(landing)
    fail_point("land.done")
    return [{"path": c.plan.path, "action": c.plan.action, "where": c.where} for c in changes]


def _assign(root: Path, files: list[land.FilePlan], buffers: list[Buffer]) -> list[Change]:
    """Say for each file where it is applied: text that an editor holds goes through that editor."""
    by_path = {buffer.path: buffer for buffer in buffers}
    changes = []
    for plan in files:
        path = root / plan.path
        modes = {blob.mode for blob in (plan.old, plan.new) if blob}
        buffer = by_path.get(path) if modes <= set(TEXT_MODES) else None
        if buffer is None and by_path.get(path) is not None and by_path[path].content is not None:
            raise refused(
                f"{plan.path} has unsaved changes and would become another kind of file",
                fix="Save or discard them first.",
            )
        found = None
        if path.is_file() and not path.is_symlink():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        changes.append(Change(plan, buffer, found))
    return changes


def _verify(root: Path, changes: list[Change]) -> None:
    wrong = disk.verify(root, [change.plan for change in changes])
    if wrong:
        listed = "\n".join(f"  {path}: {why}" for path, why in wrong)
        raise refused(
            f"files changed while the landing was prepared; nothing was changed:\n{listed}",
            fix="Try again.",
            code="changed",
            refused=[{"path": path, "why": why} for path, why in wrong],
        )


def _land_file(root: Path, change: Change) -> dict[str, Any]:
    plan, buffer = change.plan, change.buffer
    assert buffer is not None
    old = plan.old.data if plan.old else b""
    return {
        "path": str(root / plan.path),
        "tick": buffer.tick,
        "disk_sha256": change.disk_sha256,
        "yours_b64": b64(old),
        "new_b64": b64(plan.new.data) if plan.new else None,
        "mode": plan.new.mode if plan.new else TEXT_MODES[0],
        "conflicts": [list(span) for span in plan.conflict_ranges],
        "write": buffer.content is None,
    }


async def _ask(peer: Peer, method: str, params: dict[str, Any]) -> None:
    try:
        await peer.call(method, params)
    except KageError as error:
        if error.code != "changed":
            raise
        listed = "\n".join(f"  {entry['path']}: {entry['why']}" for entry in error.data.get("refused", []))
        raise refused(
            f"the editor cannot take the landing now; nothing was changed:\n{listed}",
            fix="Mend that (save, reload or :set modifiable), then try again.",
            code="changed",
            **error.data,
        ) from error


def _landed(change: Change) -> LandedFile:
    old, new = change.plan.old, change.plan.new
    return LandedFile(
        path=change.plan.path,
        before=old.sha if old else None,
        before_mode=old.mode if old else None,
        after=new.sha if new else None,
        after_mode=new.mode if new else None,
        where=change.where,
    )


def _pin(store: Store, landing: Landing) -> None:
    after = commit_tree(store, landing.after, landing.before, f"landing {landing.id}")
    store.pin(f"refs/kage/landings/{landing.id}", after)
