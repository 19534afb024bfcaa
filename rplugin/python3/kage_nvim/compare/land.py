"""Landing: a three-way merge on trees, from what agent and user both started from.

git 2.38's ``merge-tree`` finds the base by history alone, so the three trees are committed for the occasion:
base, and both sides on top of it. These commits have no parents, so that no gc of the user's history
can break a landing. Attributes and settings of the user do not take part: the same trees always merge alike.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kage_nvim.compare.choose import choose
from kage_nvim.compare.plan import Blob, Conflict, FilePlan, Merge, Pointer
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.git import HasGitDir, failure, fields, git_result
from kage_nvim.trees import (
    ABSENT,
    EXECUTABLE,
    PLAIN,
    SUBMODULE,
    Change,
    Entry,
    bring,
    changes,
    commit_tree,
    edit_tree,
    read_blobs,
    trees_of,
    write_blob,
    writing,
)

__all__ = [
    "Blob",
    "Conflict",
    "FilePlan",
    "Merge",
    "Pointer",
    "conflict_ranges",
    "empty_tree",
    "merge",
    "named",
    "only",
    "plans",
    "undo_plan",
]

_KINDS = {"contents": "content", "rename involved in collision": "rename"}


def merge(
    store: HasGitDir,
    base: str,
    yours: str,
    candidate: str,
    paths: Sequence[str] | None = None,
    *,
    label: str = "agent",
) -> Merge:
    """Merge a candidate onto what the user has now. All three are commits or trees in the store.

    ``paths`` takes only these of the candidate's changes (see ``only``). ``label`` names its side of the
    markers (``agent 2``); the user's side is ``yours``. Nothing outside the store is written.

    Raises:
        KageError: ``not_changed`` when the candidate does not change one of ``paths``.
    """
    base_tree, yours_tree, other = trees_of(store, [base, yours, candidate])
    if paths is not None:
        other, _ = only(store, base_tree, other, paths)
    bring(store, [base_tree, yours_tree, other])
    started = commit_tree(store, base_tree, None, "base", when=0)
    ours = commit_tree(store, yours_tree, started, "yours", when=0)
    theirs = commit_tree(store, other, started, label, when=0)
    done = git_result(
        ["merge-tree", "--write-tree", "-z", "--messages", ours, theirs],
        git_dir=store.git_dir,
        env=writing(store.git_dir),
        config=("merge.directoryRenames=false", "merge.conflictStyle=merge", "merge.renormalize=false"),
    )
    if done.code > 1:
        raise failure("merge-tree", done)
    tree, unmerged, messages = _parse(done.out)
    names = {ours: "yours", theirs: label}
    kinds = {_renamed(path, names): kind for path, kind in messages.items()}
    if done.code:
        tree = _relabel(store, tree, unmerged, names)
    files = [
        replace(plan, conflict_ranges=conflict_ranges(plan.new.data, label))
        if plan.path in kinds and plan.new
        else plan
        for plan in plans(store, yours_tree, tree)
    ]
    return Merge(tree, _conflicts(kinds, files), files, _pointers(store, yours_tree, tree))


def undo_plan(store: HasGitDir, before_tree: str, after_tree: str, now_tree: str) -> Merge:
    """What takes a landing back: from ``now``, undo the way from ``before`` to ``after``.

    Raises:
        KageError: ``conflict``, when the user has changed the same lines since; see ``data.conflicts``.
    """
    merged = merge(store, after_tree, now_tree, before_tree, label="before")
    if merged.conflicts:
        names = ", ".join(dict.fromkeys(conflict.path for conflict in merged.conflicts))
        raise refused(
            f"what was landed has been changed since in: {names}",
            fix="Undo your own changes there first, or edit those files by hand; nothing was changed.",
            code="conflict",
            conflicts=[
                {"path": conflict.path, "kind": conflict.kind, "line": conflict.line}
                for conflict in merged.conflicts
            ],
        )
    return merged


def conflict_ranges(data: bytes, label: str) -> list[tuple[int, int]]:
    """Lines of the conflicts that are marked ``yours`` against ``label``: 1-based, both ends included."""
    first, last = b"<<<<<<< yours", b">>>>>>> " + label.encode()
    found = []
    start = 0
    for number, text in enumerate(data.split(b"\n"), 1):
        if _marks(text, first):
            start = number
        elif start and _marks(text, last):
            found.append((start, number))
            start = 0
    return found


def _marks(text: bytes, marker: bytes) -> bool:
    """True for a marker line; git names the path behind the label when a file was renamed."""
    return text.startswith(marker) and text[len(marker) :].rstrip(b"\r")[:1] in (b"", b":")


def only(
    store: HasGitDir, base: str, candidate: str, paths: Sequence[str], others: Iterable[str] = ()
) -> tuple[str, set[str]]:
    """The base with just those changes of the candidate that ``paths`` name (see ``choose``), and the paths
    that these are. ``others`` may be named too, though the candidate does not change them.

    Raises:
        KageError: ``not_changed`` when the candidate does not change one of ``paths``.
    """
    renames = ((change.path, change.old_path) for change in changes(store, base, candidate))
    picked, missed = choose(renames, paths, others)
    if missed:
        raise KageError(
            f"not changed by this candidate: {', '.join(sorted(missed))}",
            fix="kage diff --stat lists the files that it changes.",
            code="not_changed",
            exit=Exit.NOTHING,
        )
    edits = [
        Entry(change.new_mode, change.new_sha, change.path)
        for change in changes(store, base, candidate, renames=False)
        if change.path in picked
    ]
    return edit_tree(store, base, edits, _scratch(store)), picked


def named(found: Iterable[str], paths: Sequence[str]) -> set[str]:
    """Those of the paths found that the user named."""
    return choose(((path, None) for path in found), paths)[0]


def _scratch(store: HasGitDir) -> Path:
    return store.git_dir / f"index.{uuid.uuid4().hex}"


def _parse(out: bytes) -> tuple[str, list[Entry], dict[str, str]]:
    """Tree, unmerged entries and (path → kind of conflict) out of ``merge-tree -z``."""
    found = fields(out)
    tree, at = found[0], 1
    unmerged = []
    while at < len(found) and found[at]:
        meta, path = found[at].split("\t", 1)
        mode, sha, stage = meta.split(" ")
        unmerged.append(Entry(mode, sha, path, int(stage)))
        at += 1
    at += 1
    kinds: dict[str, str] = {}
    while at < len(found):
        count = int(found[at])
        touched, kind = found[at + 1 : at + 1 + count], found[at + 1 + count]
        if kind.startswith("CONFLICT"):
            word = kind.partition("(")[2].rstrip(")")
            kinds.setdefault(touched[0], _KINDS.get(word, word))
        at += count + 3
    for entry in unmerged:
        kinds.setdefault(entry.path, "content")
    return tree, unmerged, kinds


def _renamed(path: str, names: Mapping[str, str]) -> str:
    """A path that git made up for a conflict (``file~COMMIT``), with the side's name in it."""
    for commit, name in names.items():
        path = path.replace(f"~{commit}", f"~{name.replace(' ', '-')}")
    return path


def _relabel(store: HasGitDir, tree: str, unmerged: Iterable[Entry], names: Mapping[str, str]) -> str:
    """Write the sides' names where git, which knows them by commit only, wrote commits."""
    touched = {entry.path for entry in unmerged}
    empty = empty_tree(store)
    edits = []
    entries = [
        change
        for change in changes(store, empty, tree, renames=False)
        if change.path in touched or _renamed(change.path, names) != change.path
    ]
    regular = [entry for entry in entries if entry.new_mode in (PLAIN, EXECUTABLE)]
    blobs = read_blobs(store, (entry.new_sha for entry in regular))
    for entry in entries:
        sha, path = entry.new_sha, _renamed(entry.path, names)
        data = blobs.get(sha)
        named = None if data is None else _name_markers(data, names)
        if named is not None and named != data:
            sha = write_blob(store, named)
        if path != entry.path:
            edits.append(Entry(ABSENT, entry.new_sha, entry.path))
        edits.append(Entry(entry.new_mode, sha, path))
    return edit_tree(store, tree, edits, _scratch(store)) if edits else tree


def _name_markers(data: bytes, names: Mapping[str, str]) -> bytes:
    for commit, name in names.items():
        data = re.sub(rb"(?m)^(<{7}|>{7}) " + commit.encode(), rb"\1 " + name.encode(), data)
    return data


def empty_tree(store: HasGitDir) -> str:
    """The tree with nothing in it."""
    done = git_result(["mktree"], git_dir=store.git_dir, env=writing(store.git_dir))
    return done.out.decode().strip()


def _conflicts(kinds: Mapping[str, str], plans: Iterable[FilePlan]) -> list[Conflict]:
    """One for each marked place, or one without a line for a file that could not be marked."""
    ranges = {plan.path: plan.conflict_ranges for plan in plans}
    found: list[Conflict] = []
    for path, kind in sorted(kinds.items()):
        lines: list[int | None] = [first for first, _ in ranges.get(path, [])]
        found += [Conflict(path, kind, line) for line in lines or [None]]
    return found


def plans(store: HasGitDir, yours: str, merged: str) -> list[FilePlan]:
    """What turns the files of one tree into those of another; submodules stay."""
    found = [
        change
        for change in changes(store, yours, merged, renames=False)
        if SUBMODULE not in (change.old_mode, change.new_mode)
    ]
    blobs = read_blobs(
        store,
        (
            sha
            for change in found
            for mode, sha in ((change.old_mode, change.old_sha), (change.new_mode, change.new_sha))
            if mode != ABSENT
        ),
    )
    return [_plan(change, blobs) for change in found]


def _pointers(store: HasGitDir, yours: str, merged: str) -> list[Pointer]:
    """What would have to happen to submodules."""

    def commit(mode: str, sha: str) -> str | None:
        return sha if mode == SUBMODULE else None

    return [
        Pointer(change.path, commit(change.old_mode, change.old_sha), commit(change.new_mode, change.new_sha))
        for change in changes(store, yours, merged, renames=False)
        if SUBMODULE in (change.old_mode, change.new_mode)
    ]


def _plan(change: Change, blobs: Mapping[str, bytes]) -> FilePlan:
    old = None if change.old_mode == ABSENT else Blob(change.old_mode, change.old_sha, blobs[change.old_sha])
    new = None if change.new_mode == ABSENT else Blob(change.new_mode, change.new_sha, blobs[change.new_sha])
    return FilePlan(change.path, old, new)
