"""Candidates: an agent's files as a commit on top of the base.

Only *files* are read. The agent's git directory, its ``.git`` file, nested repositories, hooks and
attributes are data here: the host's git runs with a directory made for this one look (see ``view``).
"""

from __future__ import annotations

import stat as modes
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kage_nvim.errors import KageError
from kage_nvim.failpoints import fail_point
from kage_nvim.orchestrator import folders, gitlinks, kageignore
from kage_nvim.orchestrator.repository import user_config
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.orchestrator.snapshot import SIZE_LIMIT, exclude_files, human
from kage_nvim.orchestrator.view import View, pattern, view
from kage_nvim.trees import ABSENT, SUBMODULE, Change, Entry, changes, commit_tree, patch
from kage_nvim.trees import diffstat as stat

__all__ = ["Candidate", "Change", "capture", "changes", "patch", "stat"]


@dataclass(frozen=True)
class Candidate:
    """``commit`` on the base, its ``tree``, how many ``files`` and lines differ, and what to tell."""

    commit: str
    tree: str
    files: int
    added: int
    removed: int
    notes: list[str] = field(default_factory=list)


def capture(
    store: Store,
    slot: Slot,
    base: str,
    message: str,
    number: int,
    *,
    size_limit: int = SIZE_LIMIT,
    litter: Sequence[str] = (),
) -> Candidate:
    """Commit the files of a slot's worktree on top of ``base``; equal to the base, the commit is empty.

    Ignored files, new ones that its CLI's ``litter`` (patterns) names, files copied in by
    ``.worktreeinclude``, sockets, pipes and devices are left out, files above ``size_limit`` bytes are left
    out and named. A submodule is the commit that it stands at; its files are not part of the candidate.

    Raises:
        KageError: code ``worktree``, when the worktree is no folder any more.
    """
    if not folders.is_folder(slot.tree):
        raise KageError(
            f"the worktree of agent {number} is gone: {slot.tree} is no folder",
            fix=f"Restart the agent: kage restart {number}",
            code="worktree",
        )
    repository = store.repository
    config = user_config(repository)
    notes: list[str] = []
    nested = folders.open_up(slot.tree, notes)
    with view(
        slot.tree,
        store,
        scratch=store.scratch,
        object_format=repository.object_format,
        config=config,
        index=slot.index,
        exclude=exclude_files(repository, config),
    ) as look:
        look.exclude(litter)
        tracked = {entry.path: entry for entry in look.entries()}
        submodules = {path: entry.sha for path, entry in tracked.items() if entry.mode == SUBMODULE}
        if submodules:
            _move(look, slot, repository.root, submodules, notes)
        kept = {*slot.included(), *submodules}
        kept |= _withheld(store, look, tracked, kept, nested, notes)
        _bring_in(look, tracked, nested, kept, size_limit, notes)
        tree = look.write_tree()
    fail_point("candidate.capture.action")
    commit = commit_tree(store, tree, base, message, author=f"Kage agent {number}")
    found = changes(store, base, commit)
    return Candidate(
        commit,
        tree,
        len(found),
        sum(change.added for change in found),
        sum(change.removed for change in found),
        notes,
    )


def _move(look: View, slot: Slot, root: Path, submodules: Mapping[str, str], notes: list[str]) -> None:
    """Bring the commits of submodules into the view's index, and name the files in them that were changed."""
    moved = gitlinks.moved(slot.tree, submodules)
    if moved:
        look.put(Entry(SUBMODULE, commit, path) for path, commit in moved.items())
    look.overlook(submodules)
    edited = gitlinks.edited(slot.tree, root, submodules, slot.included())
    if edited:
        notes.append(f"changes inside submodules are not part of it: {', '.join(edited)}")


def _verdict(tree: Path, path: str, size_limit: int, notes: list[str]) -> str:
    """Whether a file is taken (``take``), no file any more (``gone``), or left as it was (``leave``)."""
    file = tree / path
    try:
        found = file.lstat()
    except OSError:
        return "gone"
    if any((tree / parent).is_symlink() for parent in list(Path(path).parents)[:-1]):
        return "gone"
    if modes.S_ISLNK(found.st_mode):
        return "take"
    if not modes.S_ISREG(found.st_mode):
        return "gone"
    if found.st_size > size_limit:
        notes.append(f"{path} ({human(found.st_size)}) left out")
        return "leave"
    if not found.st_mode & modes.S_IRUSR:
        file.chmod(modes.S_IMODE(found.st_mode) | modes.S_IRUSR)
    return "take"


def _withheld(
    store: Store,
    look: View,
    tracked: Mapping[str, Entry],
    kept: Collection[str],
    nested: Sequence[str],
    notes: list[str],
) -> set[str]:
    """New files where the user has files that no agent gets: to land one would be to overwrite the other."""
    if not kageignore.used(store.repository):
        return set()
    listing = look.listing([pattern(folder) for folder in nested if folder not in kept])
    new = {path for path in (*listing.untracked, *_inside(look, nested)) if path not in kept}
    found = kageignore.named(store.repository, store, new - tracked.keys(), store.scratch)
    if found:
        notes.append(f"left out, since {kageignore.NAME} names it: {', '.join(sorted(found))}")
    return found


def _bring_in(
    look: View,
    tracked: Mapping[str, Entry],
    nested: Sequence[str],
    kept: Collection[str],
    size_limit: int,
    notes: list[str],
) -> None:
    """Bring what changed on disk into the view's index, but for ``kept`` paths."""
    nested = [folder for folder in nested if folder not in kept]
    listing = look.listing([pattern(folder) for folder in nested])
    new = [*listing.untracked, *_inside(look, nested)]
    gone = [path for path in listing.deleted if path not in kept]
    taken = []
    for path in (*listing.changed, *new):
        verdict = "leave" if path in kept else _verdict(look.work_tree, path, size_limit, notes)
        if verdict == "take":
            taken.append(path)
        elif verdict == "gone" and path in tracked:
            gone.append(path)
    if gone:
        look.put(Entry(ABSENT, tracked[path].sha, path) for path in gone)
    if taken:
        look.take(taken)


def _inside(look: View, nested: Sequence[str]) -> list[str]:
    """Files of the repositories that the agent made inside its worktree, but for what is ignored.

    git itself is never asked about them: it would open files there that may be pipes without an end.
    """
    found: list[str] = []
    wanted = set(nested) - (look.ignored(nested) if nested else set())
    for folder in sorted(wanted):
        below = [other.removeprefix(f"{folder}/") for other in nested if other.startswith(f"{folder}/")]
        found += look.files_below(folder, [pattern(path) for path in below])
    ignored = look.ignored(found) if found else set()
    return [path for path in found if path not in ignored]
