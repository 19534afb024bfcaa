"""The snapshot: the user's working tree as a commit in the store, in the exact bytes that lie on disk.

``git add -A`` would not do: it converts (line ends, LFS and other filters, ``$Id$``, encodings), dies of an
unborn nested repository, takes in what should stay out, and misses files that git was told to ignore. So the
index is copied, git lists what differs, and ``update-index`` takes just that, with conversions switched off.
Files that look clean to git *because* it converts them are hashed anew.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kage_nvim import paths
from kage_nvim.git import HasGitDir
from kage_nvim.orchestrator.conversion import Converted, blob_sizes, find_converted
from kage_nvim.orchestrator.repository import Repository, UserConfig, head_of, state_of, user_config
from kage_nvim.orchestrator.view import Listing, View, pattern, view
from kage_nvim.trees import (
    ABSENT,
    BROUGHT,
    EXECUTABLE,
    PLAIN,
    SUBMODULE,
    Entry,
    bring,
    commit_tree,
    write_blob,
)

SIZE_LIMIT = 50 * 1024 * 1024
"""Bytes; untracked files above this are left out and named."""


@dataclass(frozen=True)
class Snapshot:
    """A base: ``commit`` on top of ``parent`` (the user's HEAD), what to tell, and the paths left out."""

    commit: str
    tree: str
    parent: str | None
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass
class _Plan:
    """What has to happen to the copied index: remove, hash anew, take from disk; and what to tell."""

    remove: list[Entry] = field(default_factory=list)
    renew: list[Entry] = field(default_factory=list)
    take: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def take_snapshot(
    store: HasGitDir,
    repository: Repository,
    overlays: Mapping[str, bytes],
    *,
    scratch: Path,
    size_limit: int = SIZE_LIMIT,
) -> Snapshot:
    """Commit the working tree, with ``overlays`` (path → bytes of an unsaved buffer), into the store.

    ``scratch`` is a folder of ours for the time it takes. Nothing in the user's repository is written.

    Raises:
        KageError: git's own words when it cannot read the repository.
    """
    with ThreadPoolExecutor(4) as pool:
        head = pool.submit(head_of, repository.git_dir)
        config = user_config(repository)
        with view(
            repository.root,
            store,
            scratch=scratch,
            object_format=repository.object_format,
            config=config,
            index=repository.git_dir / "index",
            exclude=exclude_files(repository, config),
            attributes=repository.common_dir / "info" / "attributes",
        ) as look:
            _first_time(store, head.result())
            look.unfold(head.result())
            listing = pool.submit(look.listing, _own_folders(repository.root))
            converted = pool.submit(find_converted, look, config)
            entries = {(entry.path, entry.stage): entry for entry in look.entries()}
            plan = _plan(repository.root, listing.result(), entries, size_limit)
            _renew_converted(repository.root, plan, entries, converted.result(), store, size_limit)
            look.set_raw()
            _apply(look, plan)
            _overlay(look, store, config, overlays, entries, plan)
            tree = look.write_tree()
    parent = head.result()
    state = state_of(repository.git_dir)
    if state:
        plan.notes.append(
            f"git is in the middle of a {state}: the agents start from the files as they are now"
        )
    commit = commit_tree(store, tree, parent, "Kage: the working tree as it was")
    return Snapshot(commit, tree, parent, plan.notes, plan.skipped)


def _first_time(store: HasGitDir, head: str | None) -> None:
    """Copy HEAD's trees in one pack, once: written one by one they take seconds in a big repository."""
    if head and not (store.git_dir / BROUGHT).exists():
        bring(store, [head], blobs=False)
        (store.git_dir / BROUGHT).mkdir(exist_ok=True)


def human(size: int) -> str:
    """A size as a person says it."""
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def exclude_files(repository: Repository, config: UserConfig) -> list[Path]:
    """The user's exclude files, weakest first."""
    own = repository.common_dir / "info" / "exclude"
    return [config.excludes, own] if config.excludes else [own]


def _own_folders(root: Path) -> list[str]:
    """Patterns for Kage's own folders when they lie inside the repository (a home under git)."""
    found = []
    for folder in (paths.data(), paths.state()):
        real = folder.resolve()
        if real.is_relative_to(root.resolve()):
            found.append(pattern(real.relative_to(root.resolve()).as_posix()))
    return found


def _plan(root: Path, listing: Listing, entries: Mapping[tuple[str, int], Entry], size_limit: int) -> _Plan:
    plan = _Plan()
    tracked = {path: entry for (path, _), entry in entries.items()}
    submodules = {path for path, entry in tracked.items() if entry.mode == SUBMODULE}
    if submodules:
        names = ", ".join(sorted(submodules))
        plan.notes.append(f"submodules are there to be read, changes in them are not taken: {names}")
    if listing.nested:
        names = ", ".join(path.rstrip("/") for path in listing.nested)
        plan.notes.append(f"nested repositories left out: {names}")
        plan.skipped += [path.rstrip("/") for path in listing.nested]
    hidden = [
        entry.path for entry in entries.values() if entry.tag != "H" and entry.hidden and _there(root, entry)
    ]
    unmerged = {path for path, stage in entries if stage}
    known = dict.fromkeys([*listing.changed, *hidden, *sorted(unmerged)])
    leading = _Leading(root)
    for path in known:
        if path not in submodules:
            _file(root, plan, tracked[path], leading, path in hidden)
    plan.remove += [
        Entry(ABSENT, tracked[path].sha, path) for path in listing.deleted if path not in submodules
    ]
    for path in listing.untracked:
        size = _size(root, path)
        if size is not None and size > size_limit:
            plan.notes.append(f"untracked {path} ({human(size)}) left out")
            plan.skipped.append(path)
        elif size is not None and not os.access(root / path, os.R_OK):
            plan.notes.append(f"untracked {path} cannot be read and was left out")
            plan.skipped.append(path)
        else:
            plan.take.append(path)
    return plan


def _file(root: Path, plan: _Plan, entry: Entry, leading: _Leading, hidden: bool) -> None:
    """Plan one tracked file that differs: only files and symbolic links can be taken from disk."""
    try:
        mode = (root / entry.path).lstat().st_mode
    except OSError:
        mode = 0
    if leading.symlink(entry.path) or not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        plan.remove.append(Entry(ABSENT, entry.sha, entry.path))
        return
    if stat.S_ISREG(mode) and not os.access(root / entry.path, os.R_OK):
        plan.notes.append(f"{entry.path} cannot be read: the agents see what git keeps of it")
        return
    if hidden and not entry.stage:
        plan.renew.append(Entry(entry.mode, entry.sha, entry.path))
    plan.take.append(entry.path)


def _there(root: Path, entry: Entry) -> bool:
    return os.path.lexists(root / entry.path)


class _Leading:
    """Tells whether a path lies behind a symbolic link, asking once per folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[PurePosixPath, bool] = {PurePosixPath("."): False}

    def symlink(self, path: str) -> bool:
        return self._folder(PurePosixPath(path).parent)

    def _folder(self, folder: PurePosixPath) -> bool:
        if folder not in self.known:
            self.known[folder] = self._folder(folder.parent) or (self.root / folder).is_symlink()
        return self.known[folder]


def _size(root: Path, path: str) -> int | None:
    """Bytes of a regular file, ``None`` for anything else."""
    try:
        found = os.lstat(f"{root}/{path}")  # asked for every file of some repositories: no Path is made
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _renew_converted(
    root: Path,
    plan: _Plan,
    entries: Mapping[tuple[str, int], Entry],
    converted: Converted,
    store: HasGitDir,
    size_limit: int,
) -> None:
    """Plan to hash those clean files anew whose bytes on disk are not those of their blob.

    Big files behind a filter (LFS) keep their pointer.
    """
    for path in sorted(converted.filtered):
        size = _size(root, path)
        if size is not None and size > size_limit:
            plan.notes.append(f"{path} ({human(size)}) stays as the pointer that git keeps")
            plan.skipped.append(path)
    pointers = set(plan.skipped)
    plan.take = [path for path in plan.take if path not in pointers]
    busy = {*plan.take, *pointers, *(entry.path for entry in plan.remove)}
    clean: list[tuple[Entry, int]] = []
    for path in converted.paths:
        entry = entries.get((path, 0))
        if entry is None or path in busy or entry.mode == SUBMODULE:
            continue
        size = _size(root, path)
        if size is not None:
            clean.append((entry, size))
    kept = blob_sizes(store, (entry.sha for entry, _ in clean if entry.path not in converted.opaque))
    for found, size in clean:
        if found.path in converted.opaque or kept.get(found.sha) != size:
            plan.renew.append(Entry(found.mode, found.sha, found.path))
            plan.take.append(found.path)


def _apply(look: View, plan: _Plan) -> None:
    if plan.remove or plan.renew:
        look.put([*plan.remove, *plan.renew])
    if plan.take:
        look.take(plan.take)


def _overlay(
    look: View,
    store: HasGitDir,
    config: UserConfig,
    overlays: Mapping[str, bytes],
    entries: Mapping[tuple[str, int], Entry],
    plan: _Plan,
) -> None:
    """Put the bytes of unsaved buffers over what was taken from disk."""
    root = look.work_tree
    wanted = {name: data for path, data in overlays.items() if (name := _inside(root, path))}
    known = {path for path, _ in entries} | set(plan.take)
    new = [path for path in wanted if path not in known]
    ignored = look.ignored(new) if new else set()
    put = []
    for path, data in wanted.items():
        if path in ignored or _foreign(root, path, entries):
            plan.notes.append(f"unsaved {path} left out: git ignores it here")
            plan.skipped.append(path)
            continue
        entry = entries.get((path, 0))
        put.append(Entry(_mode(root / path, entry, config), write_blob(store, data), path))
    if put:
        look.put(put)


def _inside(root: Path, path: str) -> str | None:
    """The path of the file that a buffer stands for, relative to the root; ``None`` when it is outside."""
    real, top = (root / path).resolve(), root.resolve()
    if not real.is_relative_to(top) or ".git" in real.relative_to(top).parts:
        return None
    return real.relative_to(top).as_posix()


def _foreign(root: Path, path: str, entries: Mapping[tuple[str, int], Entry]) -> bool:
    """True for a file of a submodule or of a nested repository."""
    for folder in list(PurePosixPath(path).parents)[:-1]:
        entry = entries.get((folder.as_posix(), 0))
        if (entry and entry.mode == SUBMODULE) or (root / folder / ".git").exists():
            return True
    return False


def _mode(file: Path, entry: Entry | None, config: UserConfig) -> str:
    """The mode of a file under an overlay: from disk where that means something, else from the index."""
    if config.file_mode and file.is_file():
        return EXECUTABLE if file.stat().st_mode & stat.S_IXUSR else PLAIN
    return EXECUTABLE if entry is not None and entry.mode == EXECUTABLE else PLAIN
