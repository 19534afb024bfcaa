"""The base's tests laid over a candidate's tree, so that what is run is what the base asked for.

What the candidate added stays where it cannot change the outcome of the base's tests. Of files that hold more
than settings of tests only these settings are put back.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kage_nvim.evaluate.guard.merged import functions, harmless, renamed, with_settings
from kage_nvim.evaluate.guard.testfiles import HOOKS, in_the_way, kind
from kage_nvim.git import HasGitDir
from kage_nvim.trees import (
    ABSENT,
    SUBMODULE,
    Change,
    Entry,
    changes,
    edit_tree,
    entries,
    read_blobs,
    write_blob,
)


def overlay(
    store: HasGitDir, base: str, tree: str, scratch: Path, more: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """The tree to run, and the paths in it that are not as the candidate left them.

    Args:
        store: what holds both trees.
        base: the tree that the agent began from.
        tree: the candidate's.
        scratch: a folder for an index file.
        more: globs of files that are tests in this repository.

    Raises:
        KageError: a tree is not in the store.
    """
    found = [
        change for change in changes(store, base, tree) if SUBMODULE not in (change.old_mode, change.new_mode)
    ]
    if not any(_counts(change, more) for change in found):
        return tree, []
    edits: dict[str, Entry] = {}
    names = {entry.path: entry.sha for entry in entries(store, base)}
    new = {
        change.path: change.new_sha
        for change in found
        if change.status == "A" and change.path.endswith(".py")
    }
    moved = [
        (change.old_path, change.path)
        for change in found
        if change.old_path and kind(change.old_path, more) == kind(change.path, more) == "other"
    ]
    for change in found:
        edits |= {entry.path: entry for entry in _edits(store, change, names, new, moved, more)}
    edits |= _cleared(store, tree, edits.values())
    if not edits:
        return tree, []
    laid = edit_tree(store, tree, edits.values(), scratch / f"overlay-{secrets.token_hex(4)}")
    return laid, sorted(edits)


def _counts(change: Change, more: Sequence[str]) -> bool:
    paths = [change.path, change.old_path or change.path]
    return any(kind(path, more) != "other" or HOOKS.match(path) for path in paths)


def _edits(
    store: HasGitDir,
    change: Change,
    names: Mapping[str, str],
    new: Mapping[str, str],
    moved: Sequence[tuple[str, str]],
    more: Sequence[str],
) -> Iterable[Entry]:
    """What puts one file back."""
    if change.status == "A":
        if _unwanted(store, change, names, new, more):
            yield Entry(ABSENT, "0" * len(change.new_sha), change.path)
        return
    path = change.old_path or change.path
    what = kind(path, more)
    old = Entry(change.old_mode, change.old_sha, path)
    if what in ("test", "data"):
        followed = what == "test" and change.new_mode == change.old_mode and _follows(store, change, moved)
        if not followed:
            yield old
        elif change.old_path:  # under its old name, by which its tests are known
            yield Entry(change.new_mode, change.new_sha, path)
        if change.old_path and kind(change.path, more) == what:
            # It was moved: both would be the same test twice, and two modules of one name.
            yield Entry(ABSENT, "0" * len(change.new_sha), change.path)
    elif what in ("support", "settings"):
        if (
            change.status != "M"
            or change.new_mode != change.old_mode
            or not _stays(store, change, names, new)
        ):
            yield old
    elif what == "mixed" and change.status == "M":
        texts = read_blobs(store, [change.old_sha, change.new_sha])
        merged = with_settings(path, texts[change.old_sha], texts[change.new_sha])
        if merged is not None and merged != texts[change.new_sha]:
            yield Entry(change.new_mode, write_blob(store, merged), path)


def _follows(store: HasGitDir, change: Change, moved: Sequence[tuple[str, str]]) -> bool:
    """Whether a test differs only by the new names of files that were moved."""
    if not moved or change.status == "D":
        return False
    texts = read_blobs(store, [change.old_sha, change.new_sha])
    return renamed(texts[change.old_sha], moved) == texts[change.new_sha]


def _stays(store: HasGitDir, change: Change, names: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether the candidate only added what tests can ask for, and hides nothing they ask for already."""
    others = [sha for path, sha in names.items() if path.endswith("conftest.py") and path != change.path]
    old = [change.old_sha] if change.status != "A" else []
    strangers = {path: sha for path, sha in new.items() if path != change.path}
    texts = read_blobs(store, [*old, change.new_sha, *others, *strangers.values()])
    taken = {name for sha in others for name in functions(texts[sha])}
    sources = {path: texts[sha] for path, sha in strangers.items()}
    return harmless(change.path, texts[old[0]] if old else b"", texts[change.new_sha], taken, sources)


def _unwanted(
    store: HasGitDir, change: Change, names: Mapping[str, str], new: Mapping[str, str], more: Sequence[str]
) -> bool:
    """A new file that would be loaded beside, or before, the base's tests and could change what they say."""
    path = change.path
    folder, _, name = path.rpartition("/")
    if HOOKS.match(path):
        return in_the_way(path, names)
    loaded = name == "conftest.py" or (name == "__init__.py" and kind(path, more) == "support")
    if not loaded and (kind(path, more) != "settings" or path.startswith(".github/")):
        return False
    inside = f"{folder}/" if folder else ""
    if not any(known.startswith(inside) and kind(known, more) == "test" for known in names):
        return False  # it holds for the candidate's own tests alone
    return not _stays(store, change, names, new) if loaded else not folder


def _cleared(store: HasGitDir, tree: str, edits: Iterable[Entry]) -> dict[str, Entry]:
    """A file, or a link, that stands where a folder of the base's tests was, and what is in a folder that
    stands where a file was."""
    wanted = {entry.path for entry in edits if entry.mode != ABSENT}
    above = {path[:at] for path in wanted for at, char in enumerate(path) if char == "/"}
    cleared = {}
    for entry in entries(store, tree) if wanted else ():
        inside = any(entry.path[:at] in wanted for at, char in enumerate(entry.path) if char == "/")
        if entry.path in above or inside:
            cleared[entry.path] = Entry(ABSENT, "0" * len(entry.sha), entry.path)
    return cleared
