"""Landing: candidates come into the user's working tree by three-way merge.

Of several candidates the union lands: all that they do not contradict each other in. What they make of the
same place differently is left as the user has it, and listed. Everything is merged in the store before
anything of the user's is touched (see applying); undoing takes it out again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kage_nvim.compare import land
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator import folders
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import Buffer, open_buffers, overlays
from kage_nvim.orchestrator.landing import applying, branches, keeping, offers, pointers
from kage_nvim.orchestrator.landing.branches import Part, Wish
from kage_nvim.orchestrator.landing.keeping import Keep
from kage_nvim.orchestrator.landing.offers import Offer
from kage_nvim.orchestrator.landing.picking import Pick
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Snapshot, Store
from kage_nvim.records import Landing
from kage_nvim.trees import ABSENT, Entry, commit_tree, edit_tree

WORKING_TREE = Wish()


async def accept(
    conductor: Conductor,
    run: Run,
    numbers: Sequence[int],
    chosen: Sequence[str],
    *,
    force: bool,
    peer: Peer | None = None,
    wish: Wish = WORKING_TREE,
    picks: Sequence[Pick] = (),
    shown: str = "",
    hindrance: Callable[[], str] = str,
) -> dict[str, Any]:
    """Land candidates, or some of their files, or ``picks`` (of the base ``shown``), onto what the user has,
    unless there is a ``hindrance`` once all landings before have ended (empty: none).

    The answer: ``landing`` (its id), ``numbers``, ``files`` (path, action, where), ``conflicts`` (path, kind,
    line, agents; it is ``marked`` in the file, or that landed ``whole``, or was left as it is), ``notes``;
    with a ``wish`` of ``peer`` for commits also ``commits`` and ``branch``.

    Raises:
        KageError: there is no such candidate, its agent is ``working``, it changes nothing (exit 3), it
            conflicts, or something changed meanwhile (exit 4); then nothing of the user's was touched.
    """
    candidates = [_ready(run, number, force=force) for number in numbers]
    paths = [run.repository.inside(path) for path in chosen]
    async with conductor.landing:
        if why := hindrance():
            raise refused(why, code="hindered")
        buffers = await open_buffers(conductor.peers, run.root)
        yours = await asyncio.to_thread(run.store.snapshot, overlays(buffers, run.root))
        if picks:
            offered = await offers.picked(conductor, run, candidates, picks, shown, yours)
            parts = [Part(offered.numbers, offered.base, offered.tree)]
        else:
            offered = await offers.offer(conductor, run, candidates, paths, yours)
            parts = await asyncio.to_thread(keeping.parts, run, candidates, paths)
        keep = Keep(peer, wish, parts) if peer and (wish.commits or wish.branch) else None
        if keep and wish.branch:
            return await keeping.on_branch(conductor, run, keep)
        merge = await asyncio.to_thread(_merge, run.store, offered, yours, force=force)
        if merge.conflicts and (keep or not force):
            raise _conflict(offered, merge.conflicts)
        return await _land(conductor, run, offered, yours, merge, buffers, keep)


def _ready(run: Run, number: int, *, force: bool) -> CandidateStatus:
    candidate = run.candidate(number)
    if candidate.live and not force:
        raise refused(
            f"agent {number} is still at work: its files are as they happen to be now",
            fix=f"Wait for it (kage wait), stop it (kage stop {number}), or land what is there with"
            f" :KageAccept! {number} (--force).",
            code="working",
        )
    return candidate


def _merge(store: Store, offered: Offer, yours: Snapshot, *, force: bool) -> land.Merge:
    merge = land.merge(store, offered.base, yours.commit, offered.tree, label=_label(offered))
    if force:
        return merge
    replaced = [
        land.Conflict(plan.path, "LFS pointer in place of content", None)
        for plan in merge.files
        if plan.old and plan.new and plan.new.is_lfs_pointer and not plan.old.is_lfs_pointer
    ]
    return replace(merge, conflicts=[*merge.conflicts, *replaced])


def _label(offered: Offer) -> str:
    """The candidates' side of conflict markers."""
    return f"agent{'s' if len(offered.numbers) > 1 else ''} {'+'.join(map(str, offered.numbers))}"


async def _land(
    conductor: Conductor,
    run: Run,
    offered: Offer,
    yours: Snapshot,
    merge: land.Merge,
    buffers: Sequence[Buffer],
    keep: Keep | None,
) -> dict[str, Any]:
    before, files = await asyncio.to_thread(_as_on_disk, run, yours, merge.files, buffers)
    offered = await asyncio.to_thread(offers.where_left, run.store, offered, merge.tree)
    notes = await asyncio.to_thread(pointers.notes, run.root, merge.pointers)
    if not files:
        earlier = keeping.uncommitted(conductor, run, offered.numbers, offered.paths) if keep else None
        if keep and earlier:
            return await keeping.commit_earlier(conductor, run, keep, earlier)
        raise _nothing(offered, merge.conflicts, notes)
    planned = None
    if keep:
        planned = await branches.plan(keep.peer, run, keep.wish, yours.tree, merge.tree, keep.parts)
    landing = Landing(
        repository=str(run.root),
        run=run.id,
        number=offered.numbers[-1],
        before=before,
        after=merge.tree,
        files=[],
        conflicts=len(merge.conflicts) + len(offered.between),
        numbers=offered.numbers,
        commits=[candidate.commit for candidate in offered.candidates],
        head=yours.parent,
        folders=await asyncio.to_thread(_folders, run.root, files),
        left=sorted(offered.paths if offered.partly else {conflict.path for conflict in offered.between}),
        marked=sorted({conflict.path for conflict in merge.conflicts}),
    )
    told = await applying.apply(conductor, run.store, landing, files, buffers)
    run.record.status.landed = landing.number
    conductor.changed(run)
    for number in offered.numbers:
        conductor.spawn_task(conductor.gateway.outcome(run.id, number, "accepted"))
    if offered.between:
        notes.append(_left(offered))
    answer = {
        "landing": landing.id,
        "numbers": offered.numbers,
        "files": told,
        "conflicts": [
            *_rows(offered, merge.conflicts, {plan.path for plan in files}),
            *_rows_between(offered),
        ],
        "notes": notes,
    }
    return await keeping.commit(conductor, landing, planned, answer) if planned else answer


def _rows(
    offered: Offer, conflicts: Sequence[land.Conflict], landed: Container[str] = ()
) -> list[dict[str, Any]]:
    return [
        {
            "path": c.path,
            "kind": c.kind,
            "line": c.line,
            "agents": offered.numbers,
            "marked": c.line is not None,
            "whole": c.line is None and c.path in landed,
        }
        for c in conflicts
    ]


def _rows_between(offered: Offer) -> list[dict[str, Any]]:
    return [
        {"path": c.path, "kind": c.kind, "line": c.line, "agents": c.agents, "marked": False, "whole": False}
        for c in offered.between
    ]


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(f"  {_place(row['path'], row['line'])} ({row['kind']})" for row in rows)


def _place(path: str, line: int | None) -> str:
    return path if line is None else f"{path}:{line}"


SAID = 3
"""Places that a message names; the answer's ``conflicts`` has them all."""


def _left(offered: Offer) -> str:
    """What is said of the places that candidates differ in, in one line."""
    places = [_place(c.path, c.line) for c in offered.between]
    named = ", ".join(places[:SAID]) + (f" and {len(places) - SAID} more" if len(places) > SAID else "")
    differ = "1 place differs" if len(places) == 1 else f"{len(places)} places differ"
    was = "was" if len(places) == 1 else "were"
    return f"{differ} between {offered.of} and {was} left as you have it: {named}"


def _nothing(offered: Offer, conflicts: Sequence[land.Conflict], notes: Sequence[str]) -> KageError:
    if conflicts:
        rows = _rows(offered, conflicts)
        return refused(
            f"nothing of {offered.name} could be landed, and no markers can say why; yours is as it was:\n"
            f"{_listed(rows)}",
            fix=f"Take it as a whole in :KageDiff {offered.numbers[0]}.",
            code="conflict",
            conflicts=rows,
        )
    if offered.between:
        numbers = " ".join(map(str, offered.numbers))
        return refused(
            f"nothing of {offered.name} could be landed; {_left(offered)}",
            fix=f"Choose between them in :KageDiff {numbers}, or land one alone.",
            code="conflict",
            conflicts=_rows_between(offered),
        )
    verb = "change" if len(offered.numbers) > 1 else "changes"
    said = "\n".join([f"{offered.name} {verb} nothing that you do not have", *notes])
    fix = "What was landed before is yours since, whatever you made of it: undo that to land it anew."
    return KageError(said, fix=fix if offered.again else "", code="nothing", exit=Exit.NOTHING)


def _conflict(offered: Offer, conflicts: Sequence[land.Conflict]) -> KageError:
    rows = _rows(offered, conflicts)
    verb = "conflict" if len(offered.numbers) > 1 else "conflicts"
    numbers = " ".join(map(str, offered.numbers))
    return refused(
        f"{offered.name} {verb} with what you have; nothing was changed:\n{_listed(rows)}",
        fix=f"Merge those by hand in :KageDiff {numbers}, or :KageAccept! {numbers} writes conflict markers.",
        code="conflict",
        conflicts=[{**row, "marked": False} for row in rows],
    )


def _folders(root: Path, files: Sequence[land.FilePlan]) -> list[str]:
    """The empty folders that new files come into: no tree knows of them, and they shall outlive the files."""
    found: set[Path] = set()
    for plan in files:
        if plan.old is None:
            path = Path(plan.path)
            found.update(part for part in (path, *list(path.parents)[:-1]) if folders.is_folder(root / part))
    return sorted(part.as_posix() for part in found if not any((root / part).iterdir()))


def _as_on_disk(
    run: Run, yours: Snapshot, files: list[land.FilePlan], buffers: Sequence[Buffer]
) -> tuple[str, list[land.FilePlan]]:
    """The commit that an undo goes back to, and the plan, where a sparse checkout leaves files out.

    Those are in the snapshot though not on disk: landing creates them, and undoing removes them again.
    """
    store = run.store
    held = {buffer.path for buffer in buffers}
    left_out = {
        plan.path
        for plan in files
        if plan.old and run.root / plan.path not in held and not os.path.lexists(run.root / plan.path)
    }
    if not left_out:
        return yours.commit, files
    edits = [Entry(ABSENT, "0" * 40, path) for path in left_out]
    tree = edit_tree(store, yours.tree, edits, store.scratch / f"sparse-{secrets.token_hex(4)}")
    plans = [replace(plan, old=None) if plan.path in left_out else plan for plan in files]
    before = commit_tree(store, tree, yours.commit, "as on disk")
    return before, [plan for plan in plans if plan.old or plan.new]
