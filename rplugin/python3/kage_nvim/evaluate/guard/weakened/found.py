"""What a candidate's tree did to the tests of the tree that its agent began from."""

from __future__ import annotations

from collections.abc import Sequence

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.testfiles import HOOKS, kind
from kage_nvim.evaluate.guard.weakened.compare import SHARED, compare
from kage_nvim.evaluate.guard.weakened.spoken import ENDS
from kage_nvim.git import HasGitDir
from kage_nvim.trees import SUBMODULE, changes, entries, read_blobs, up_to

LARGEST = 500_000
"""Bytes of a file that is looked into; a larger one is only compared as a whole."""
MOST = 20_000_000
"""Bytes of both versions of all files that are looked into: more is no change that anybody wrote."""


def weakened(store: HasGitDir, base: str, tree: str, more: Sequence[str] = ()) -> list[Weakening]:
    """What weakens tests between two trees; ``more`` are globs of files that are tests there.

    Raises:
        KageError: a tree is not in the store.
    """
    old: dict[str, str] = {}
    new: dict[str, str] = {}
    for change in changes(store, base, tree, renames=False):
        if change.kind == "submodule" or not _counts(change.path, more):
            continue
        if change.old_sha.strip("0") and change.old_mode != SUBMODULE:
            old[change.path] = change.old_sha
        if change.new_sha.strip("0") and change.new_mode != SUBMODULE:
            new[change.path] = change.new_sha
    if not old and not new:
        return []
    shas = {*old.values(), *new.values()}
    texts = read_blobs(store, up_to(store, shas, LARGEST))
    if sum(map(len, texts.values())) > MOST:
        text = f"{len({*old, *new})} files changed, too many to be read for weakened tests"
        return [Weakening("unread", "", 0, text)]

    def contents(side: dict[str, str]) -> dict[str, bytes]:
        return {path: texts.get(sha, sha.encode()) for path, sha in side.items()}

    paths = {entry.path: entry.sha for entry in entries(store, base)}
    shared = {path: paths[path] for path in SHARED if path in paths}
    around = read_blobs(store, up_to(store, set(shared.values()), LARGEST)) if shared else {}
    same = {path: around[sha] for path, sha in shared.items() if sha in around}
    return compare(contents(old), contents(new), around=same, paths=set(paths), more=more)


def _counts(path: str, more: Sequence[str]) -> bool:
    """Whether a file can have to do with tests: one of them, or code that they can load."""
    code = path.rpartition(".")[2] in {*ENDS, "py", "pth"}
    return code or kind(path, more) != "other" or bool(HOOKS.match(path))
