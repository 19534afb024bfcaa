"""What several candidates bring together: a tree of all their changes that do not contradict each other.

A file is followed from the base: what each candidate makes of it (new text, mode, name, or nothing at all) is
gathered, then text, mode and name are decided each for itself, and where candidates disagree the base's stays
and a conflict says so. New files are decided by their path.

    base      candidate 1         candidate 2         together
    a         a with line 3 new   b (a renamed)       b with line 3 new
    c         -                   c with line 1 new   c; conflict: modify/delete
              n                   n, the same         n
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from kage_nvim.compare.hunks import Hunk, of_patches, split
from kage_nvim.compare.picks import take, together
from kage_nvim.git import HasGitDir
from kage_nvim.trees import (
    ABSENT,
    EXECUTABLE,
    PLAIN,
    SUBMODULE,
    SYMLINK,
    Entry,
    changes_with_patches,
    edit_tree,
    read_blobs,
    trees_of,
    write_blob,
)

__all__ = ["Conflict", "Union", "take", "union"]

T = TypeVar("T")

_REGULAR = (PLAIN, EXECUTABLE)


@dataclass(frozen=True)
class Conflict:
    """What candidates made different things of, so that the union leaves the base's as it is.

    ``line`` is the first of the base lines, 1-based; ``None`` where the whole file is meant. ``kind`` is
    ``content``, ``binary``, ``mode``, ``symlink``, ``submodule``, ``type``, ``modify/delete``, ``add/add``,
    ``rename/rename``, ``rename/add`` or ``file/directory``.
    """

    path: str
    line: int | None
    agents: list[int]
    kind: str


@dataclass(frozen=True)
class Union:
    """A tree with all that the candidates bring without contradicting each other, and the contradictions.

    Conflicts are sorted by path and line.
    """

    tree: str
    conflicts: list[Conflict]


class _Blob(NamedTuple):
    mode: str
    sha: str


class _Made(NamedTuple):
    """What a candidate makes of a file: ``path`` is ``None`` if it deletes it, ``hunks`` if it is no text."""

    path: str | None
    blob: _Blob
    hunks: list[Hunk] | None


@dataclass
class _File:
    """A file of the base (or, with ``old`` of mode ``000000``, a new one), and what candidates make of it."""

    path: str
    old: _Blob
    made: dict[int, _Made] = field(default_factory=dict)

    @property
    def new(self) -> bool:
        return self.old.mode == ABSENT


@dataclass
class _Result:
    """Where a file goes and what it becomes; ``path`` is ``None`` when it goes."""

    file: _File
    path: str | None
    blob: _Blob
    agents: list[int]


def union(store: HasGitDir, base: str, candidates: Mapping[int, str]) -> Union:
    """What the candidates (commits or trees by number) bring together, on top of ``base``.

    The numbers' order makes no difference. Nothing but objects in the store is written.
    """
    tree = trees_of(store, [base])[0]
    files = _gathered(store, tree, candidates)
    decided = _Decision(store, files)
    results = [result for file in files if (result := decided.result(file))]
    results = _settled(results, files, decided.conflicts)
    edits = list(_edits(results))
    if edits:
        tree = edit_tree(store, tree, edits, store.git_dir / f"index.{uuid.uuid4().hex}")
    order = sorted(decided.conflicts, key=lambda found: (found.path, found.line or 0, found.kind))
    return Union(tree, order)


def _gathered(store: HasGitDir, base: str, candidates: Mapping[int, str]) -> list[_File]:
    """Every file that a candidate touches, by its path, those of the base before new ones."""
    found: dict[tuple[bool, str], _File] = {}
    for number in sorted(candidates):
        changes, patches = changes_with_patches(store, base, candidates[number], renames=True)
        for change, hunks in zip(changes, of_patches(changes, patches), strict=True):
            new = change.status == "A"
            path = change.old_path or change.path
            old = _Blob(change.old_mode, change.old_sha)
            file = found.setdefault((new, path), _File(path, old))
            gone = change.status == "D"
            made = _Made(None if gone else change.path, _Blob(change.new_mode, change.new_sha), hunks)
            file.made[number] = made
    return [found[key] for key in sorted(found)]


class _Decision:
    """What becomes of each file by itself."""

    def __init__(self, store: HasGitDir, files: Sequence[_File]) -> None:
        self.store = store
        self.conflicts: list[Conflict] = []
        disputed = [
            file for file in files if _text(file) and len({made.blob.sha for made in _kept(file)}) > 1
        ]
        wanted = {made.blob.sha for file in disputed for made in _kept(file)}
        wanted |= {file.old.sha for file in disputed if not file.new}
        self.blobs = read_blobs(store, wanted)

    def result(self, file: _File) -> _Result | None:
        """What a file becomes; ``None``: it stays as it is in the base."""
        agents = sorted(file.made)
        deleting = [number for number in agents if file.made[number].path is None]
        if deleting and len(deleting) < len(agents):
            self._conflict(file, "modify/delete", agents)
            return None
        if deleting:
            return _Result(file, None, _Blob(ABSENT, file.old.sha), agents)
        names = _changed((made.path for made in file.made.values()), file.path)
        if len(names) > 1:
            self._conflict(file, "rename/rename", agents)
            return None
        blob = self._blob(file, agents)
        return None if blob is None else _Result(file, names.pop() if names else file.path, blob, agents)

    def _blob(self, file: _File, agents: list[int]) -> _Blob | None:
        blobs = _changed((made.blob for made in file.made.values()), file.old)
        if len(blobs) < 2:
            return blobs.pop() if blobs else file.old
        kinds = {file.old.mode, *(blob.mode for blob in blobs)} - {ABSENT}
        modes = _changed((blob.mode for blob in blobs), file.old.mode)
        shas = _changed((blob.sha for blob in blobs), file.old.sha)
        if kinds <= set(_REGULAR) and len(modes) > 1:
            self._conflict(file, "mode", agents)
            return None
        if not kinds <= set(_REGULAR) or (len(shas) > 1 and not _text(file)):
            self._conflict(file, _kind(file, kinds), agents)
            return None
        mode = modes.pop() if modes else file.old.mode
        sha = self._text(file) if len(shas) > 1 else shas.pop() if shas else file.old.sha
        return None if sha is None else _Blob(mode, sha)

    def _text(self, file: _File) -> str | None:
        """The blob of the text that comes of all; a new file of which there are several has none."""
        base = [] if file.new else split(self.blobs[file.old.sha])
        sides = {n: (split(self.blobs[made.blob.sha]), made.hunks or []) for n, made in file.made.items()}
        composed = together(base, sides, file.path)
        for place in composed.open:
            agents = sorted(agent for version in place.versions for agent in version.agents)
            line = None if file.new else place.first
            self.conflicts.append(Conflict(file.path, line, agents, "add/add" if file.new else "content"))
        if file.new and composed.open:
            return None
        return write_blob(self.store, b"".join(composed.lines))

    def _conflict(self, file: _File, kind: str, agents: list[int]) -> None:
        self.conflicts.append(Conflict(file.path, None, agents, kind))


def _kept(file: _File) -> Iterator[_Made]:
    return (made for made in file.made.values() if made.path is not None)


def _changed(found: Iterable[T], old: object) -> set[T]:
    return {value for value in found if value != old}


def _text(file: _File) -> bool:
    """Is it text before and after, in every candidate that keeps it?"""
    return file.old.mode in (*_REGULAR, ABSENT) and all(
        made.blob.mode in _REGULAR and made.hunks is not None for made in _kept(file)
    )


def _kind(file: _File, modes: Collection[str]) -> str:
    """The kind of a conflict over a file of these modes that is not merged by lines."""
    if file.new:
        return "add/add"
    kinds = {"regular" if mode in _REGULAR else mode for mode in modes}
    if len(kinds) > 1:
        return "type"
    return {SYMLINK: "symlink", SUBMODULE: "submodule"}.get(kinds.pop(), "binary")


def _settled(results: list[_Result], files: Sequence[_File], conflicts: list[Conflict]) -> list[_Result]:
    """Those results that do not stand in each other's way, by their path or by a folder of it.

    One that is dropped leaves the base's file where it is, which may be in the way of others.
    """
    while True:
        clash = _clash(results, files)
        if clash is None:
            return results
        kind, path, dropped = clash
        agents = sorted({agent for result in dropped for agent in result.agents})
        conflicts.append(Conflict(path, None, agents, kind))
        results = [result for result in results if result not in dropped]


def _clash(results: Sequence[_Result], files: Sequence[_File]) -> tuple[str, str, list[_Result]] | None:
    """Results that cannot stand together, or beside what is left of the base."""
    standing: dict[str, list[_Result]] = {}
    for result in results:
        if result.path is not None:
            standing.setdefault(result.path, []).append(result)
    leaving = {id(result.file) for result in results if result.path != result.file.path}
    for file in files:
        if not file.new and id(file) not in leaving:
            standing.setdefault(file.path, [])
    for path in sorted(standing):
        if len(moved := standing[path]) > 1:
            renamed = sum(not result.file.new for result in moved)
            return ("rename/rename" if renamed > 1 else "rename/add"), path, moved
        for folder in _folders(path):
            if folder in standing and (new := _arrived([*standing[folder], *moved])):
                return "file/directory", folder, new
    return None


def _arrived(results: Collection[_Result]) -> list[_Result]:
    """Those that come to a path where the base has no file."""
    return [result for result in results if result.file.new or result.path != result.file.path]


def _folders(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _edits(results: Iterable[_Result]) -> Iterator[Entry]:
    for result in results:
        if not result.file.new and result.path != result.file.path:
            yield Entry(ABSENT, result.file.old.sha, result.file.path)
        if result.path is not None:
            yield Entry(result.blob.mode, result.blob.sha, result.path)
