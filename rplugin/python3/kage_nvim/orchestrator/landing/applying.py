"""Applying a plan to the user's files: in open editors where they hold a file, on disk otherwise.

The order is fixed. Everything is verified (buffers unchanged, disk as expected) before anything of the user's
is touched; the intent and both trees are on disk before the first change; open buffers are edited by their
editors, all other files replaced by rename. A kaged that is killed in between rolls forward at its next start
(see reconcile): each file is either as before or as after.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kage_nvim.compare import disk, land
from kage_nvim.errors import KageError, refused
from kage_nvim.failpoints import fail_point
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import Buffer
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.repository import user_config
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.protocol import b64
from kage_nvim.records import LandedFile, Landing
from kage_nvim.trees import changes, commit_tree

TEXT_MODES = ("100644", "100755")
IGNORED = "there is a file already, which git ignores"


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


async def apply(
    conductor: Conductor,
    store: Store,
    landing: Landing,
    files: Sequence[land.FilePlan],
    buffers: Sequence[Buffer],
) -> list[dict[str, str]]:
    """Bring the user's files where the plan says, and the landing into the database with them.

    Returns path, action and where (``disk``, ``buffer``, ``buffer-modified``) of each file.

    Raises:
        KageError: ``changed`` when a file is not what was merged any more (nothing was touched), ``write``.
    """
    root = Path(landing.repository)
    changed = await asyncio.to_thread(_assign, root, files, buffers)
    await asyncio.to_thread(_verify, store, root, changed)
    orders = _orders(root, changed)
    for peer, order in orders.items():
        await _ask(peer, "land.prepare", {"landing": 0, "files": order})
    landing.files = [_landed(change) for change in changed]
    await asyncio.to_thread(_count, store, landing)
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
        await asyncio.to_thread(_write, root, changed)
    except KageError as error:
        landing.state = "done" if error.data.get("done") or orders else "abandoned"
        conductor.database.put_landing(landing)
        raise
    fail_point("land.action")
    landing.state = "done"
    conductor.database.put_landing(landing)
    fail_point("land.done")
    return [{"path": c.plan.path, "action": c.plan.action, "where": c.where} for c in changed]


def _assign(root: Path, files: Sequence[land.FilePlan], buffers: Sequence[Buffer]) -> list[Change]:
    """Say for each file where it is applied: text that an editor holds goes through that editor."""
    by_path = {buffer.path: buffer for buffer in buffers}
    found = []
    for plan in files:
        path = root / plan.path
        modes = {blob.mode for blob in (plan.old, plan.new) if blob}
        is_text = modes <= set(TEXT_MODES) and not _changes_place(root, plan.path)
        buffer = by_path.get(path) if is_text else None
        if buffer is None and by_path.get(path) is not None and by_path[path].content is not None:
            raise refused(
                f"{plan.path} has unsaved changes and would become another kind of file",
                fix="Save or discard them first.",
            )
        digest = None
        if path.is_file() and not path.is_symlink():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found.append(Change(plan, buffer, digest))
    return found


def _changes_place(root: Path, path: str) -> bool:
    """True while a folder lies where the file shall be, or a file where its folder shall: first that has to
    go, which no editor does."""
    file = root / path
    inner = list(file.relative_to(root).parents)[:-1]
    return _is_folder(file) or any(
        os.path.lexists(root / parent) and not _is_folder(root / parent) for parent in inner
    )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _verify(store: Store, root: Path, changed: Sequence[Change]) -> None:
    """What is on disk, and what an editor shows of it unchanged, must be what was merged."""
    unsaved = [change.plan for change in changed if change.where == "buffer-modified"]
    wrong = disk.verify(
        root,
        [change.plan for change in changed if change.where != "buffer-modified"],
        file_mode=user_config(store.repository).file_mode,
        removed=[plan.path for plan in unsaved if plan.new is None],
    )
    # An unsaved buffer without a version of yours is one that no snapshot takes.
    wrong += [(plan.path, IGNORED) for plan in unsaved if plan.old is None]
    if wrong:
        listed = "\n".join(f"  {path}: {why}" for path, why in wrong)
        ignored = any(why == IGNORED for _, why in wrong)
        raise refused(
            f"the files are not what was merged; nothing was changed:\n{listed}",
            fix="Move the ignored files out of the way, or name other files." if ignored else "Try again.",
            code="changed",
            refused=[{"path": path, "why": why} for path, why in wrong],
        )


def _orders(root: Path, changed: Sequence[Change]) -> dict[Peer, list[dict[str, Any]]]:
    """What each editor has to do."""
    orders: dict[Peer, list[dict[str, Any]]] = defaultdict(list)
    for change in changed:
        plan, buffer = change.plan, change.buffer
        if buffer is None:
            continue
        orders[buffer.peer].append(
            {
                "path": str(root / plan.path),
                "tick": buffer.tick,
                "disk_sha256": change.disk_sha256,
                "yours_b64": b64(plan.old.data if plan.old else b""),
                "new_b64": b64(plan.new.data) if plan.new else None,
                "mode": plan.new.mode if plan.new else TEXT_MODES[0],
                "conflicts": [list(span) for span in plan.conflict_ranges],
                "write": buffer.content is None,
            }
        )
    return orders


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


def _write(root: Path, changed: Sequence[Change]) -> None:
    for change in changed:
        if change.buffer is not None and change.plan.new is None:
            disk.prune(root, change.plan.path)  # the editor removed the file alone
    disk.write(root, [change.plan for change in changed if change.buffer is None])


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


def _count(store: Store, landing: Landing) -> None:
    found = changes(store, landing.before, landing.after)
    landing.added = sum(change.added for change in found)
    landing.removed = sum(change.removed for change in found)


def _pin(store: Store, landing: Landing) -> None:
    after = commit_tree(store, landing.after, landing.before, f"landing {landing.id}")
    store.pin(f"refs/kage/landings/{landing.id}", after)
