"""What was landed of candidates before, so that landing them again brings the rest and reverts nothing.

A file that was landed has the candidate's version as its base from then on: what the user made of it since is
theirs. That holds as long as it is still there: not when the user took it back by hand, or went to a branch
that never had it. Content tells; where it does not, the history of the user's HEAD does.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from kage_nvim.git import git_result
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Snapshot, Store
from kage_nvim.records import LandedFile, Landing
from kage_nvim.trees import ABSENT, Change, Entry, changes, edit_tree, entries


def of(conductor: Conductor, run: Run, numbers: Sequence[int]) -> list[Landing]:
    """The landings of any of these candidates that were not taken back, newest first."""
    found = conductor.database.landings(str(run.root), "done")
    return [
        landing
        for landing in found
        if landing.run == run.id and landing.undoes is None and set(_numbers(landing)) & set(numbers)
    ]


def _numbers(landing: Landing) -> list[int]:
    return landing.numbers or [landing.number]


def ground(
    run: Run,
    landings: Sequence[Landing],
    base: str,
    offered: str,
    commits: Mapping[int, str],
    yours: Snapshot,
    paths: set[str],
) -> str:
    """The tree to merge from: ``base``, with those of ``paths`` that the user has as they were landed.

    ``offered`` is the tree that shall land, made of ``commits`` (by candidate).
    """
    edits: dict[str, Entry] = {}
    for landing in landings:
        wanted = paths - edits.keys() - set(landing.left)
        landed = {file.path: file for file in landing.files if file.path in wanted}
        tree = _brought(landing, offered, commits)
        if landed and tree is not None:
            for path in _still_there(run.store, base, yours, landing, landed):
                edits[path] = _entry(run.store, tree, path)
    if not edits:
        return base
    return edit_tree(run.store, base, edits.values(), run.store.scratch / f"ground-{secrets.token_hex(4)}")


def _brought(landing: Landing, offered: str, commits: Mapping[int, str]) -> str | None:
    """The tree of what a landing brought; ``None`` when it brought more or less than one tree can tell."""
    if len(landing.commits) == 1:
        return landing.commits[0]
    same = set(commits.items()) <= set(zip(landing.numbers, landing.commits, strict=True))
    return offered if same else None


def _entry(store: Store, tree: str, path: str) -> Entry:
    found = [entry for entry in entries(store, tree, [path]) if entry.path == path]
    return found[0] if found else Entry(ABSENT, "0" * 40, path)


def _still_there(
    store: Store, base: str, yours: Snapshot, landing: Landing, landed: dict[str, LandedFile]
) -> list[str]:
    """Those of the landed files that the user still has, edited or not."""
    since_base = _by_path(store, base, yours.tree)
    since = _by_path(store, landing.after, yours.tree)
    since_before = _by_path(store, landing.before, yours.tree)
    found = []
    for path in landed:
        if path not in since_base:
            continue  # as it was when the run began: it was taken back by hand
        kept, back = _distance(since.get(path)), _distance(since_before.get(path))
        if path in landing.marked and back:
            kept = back  # what became of the conflict is like neither side
        if kept < back or (kept == back and _descends(store, landing.head, yours.parent)):
            found.append(path)
    return found


def _by_path(store: Store, old: str, new: str) -> dict[str, Change]:
    return {change.path: change for change in changes(store, old, new, renames=False)}


def _distance(change: Change | None) -> int:
    """How much a file was changed, in lines; at least 1 when it was at all."""
    return 0 if change is None else max(1, change.added + change.removed)


def _descends(store: Store, old: str | None, new: str | None) -> bool:
    """True when the user's HEAD now has their HEAD of then in its history."""
    if old is None or old == new:
        return True
    if new is None:
        return False
    return git_result(["merge-base", "--is-ancestor", old, new], git_dir=store.git_dir).code == 0
