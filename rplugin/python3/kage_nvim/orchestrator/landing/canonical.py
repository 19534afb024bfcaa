"""From the bytes on disk to what git keeps of them: line ends, filters (LFS), ``$Id$``, encodings.

Snapshots and candidates hold files as they lie on disk, and a commit of the user's must hold what ``git add``
would have made of them. Results go to the store; nothing of the user's is written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kage_nvim.git import fields, line, run_git
from kage_nvim.orchestrator.repository import user_config
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import (
    ABSENT,
    EXECUTABLE,
    PLAIN,
    SUBMODULE,
    Entry,
    changes,
    edit_tree,
    entries,
    read_blobs,
    writing,
)

FEW = 1000
_ATTRIBUTES = ("text", "crlf", "eol", "filter", "ident", "working-tree-encoding")


@dataclass(frozen=True)
class Edit:
    """One file before and after a change, as git keeps both: mode and blob; ``None`` is absent."""

    path: str
    old: tuple[str, str] | None
    new: tuple[str, str] | None

    @property
    def pointer(self) -> bool:
        """Whether a submodule is meant."""
        return any(side is not None and side[0] == SUBMODULE for side in (self.old, self.new))


def edits(store: Store, before: str, after: str, tree: str, env: Mapping[str, str]) -> list[Edit]:
    """What turns ``before`` into ``after`` (trees of bytes on disk), in the form that ``tree`` (git's) has.

    ``env`` is the user's environment, whose filters are run.

    Raises:
        KageError: a filter of the user's failed; git's own words.
    """
    found = changes(store, before, after, renames=False)
    sides = [
        (change.path, mode, sha)
        for change in found
        for mode, sha in ((change.old_mode, change.old_sha), (change.new_mode, change.new_sha))
    ]
    regular = {(path, sha) for path, mode, sha in sides if mode in (PLAIN, EXECUTABLE)}
    kept = {entry.path: entry.sha for entry in _at(store, tree, [path for path, _ in regular])}
    canonical = _canonical(store, regular, env)

    def side(path: str, mode: str, sha: str, as_kept: bool) -> tuple[str, str] | None:
        if mode == ABSENT:
            return None
        return mode, sha if as_kept else canonical.get((path, sha), sha)

    made = []
    for change in found:
        old = (change.path, change.old_sha)
        # git leaves the line ends of a file alone that it keeps in the bytes of the disk.
        as_kept = kept.get(change.path) == change.old_sha and canonical.get(old) != change.old_sha
        made.append(
            Edit(
                change.path,
                side(change.path, change.old_mode, change.old_sha, as_kept),
                side(change.path, change.new_mode, change.new_sha, as_kept),
            )
        )
    return made


def _at(store: Store, tree: str, paths: list[str]) -> list[Entry]:
    """The files at these paths; as many as no command line could hold are looked for among all."""
    if not paths:
        return []
    if len(paths) <= FEW:
        return entries(store, tree, sorted(set(paths)))
    wanted = set(paths)
    return [entry for entry in entries(store, tree) if entry.path in wanted]


def put(store: Store, tree: str, made: Iterable[Edit], *, new: bool) -> str:
    """The tree with one side of these edits in it."""
    found = []
    for edit in made:
        mode, sha = (edit.new if new else edit.old) or (ABSENT, "0" * len(tree))
        found.append(Entry(mode, sha, edit.path))
    return edit_tree(store, tree, found, store.scratch / f"edits-{secrets.token_hex(4)}") if found else tree


def _canonical(
    store: Store, wanted: set[tuple[str, str]], env: Mapping[str, str]
) -> dict[tuple[str, str], str]:
    """(path, blob) → the blob that git would keep of it; those that nothing converts are left out."""
    converted = _converted(store, sorted({path for path, _ in wanted}), env)
    asked = [(path, sha) for path, sha in sorted(wanted) if path in converted]
    blobs = read_blobs(store, (sha for _, sha in asked))
    made = {}
    for path, sha in asked:
        out = run_git(
            ["hash-object", "-w", "--stdin", f"--path={path}"],
            cwd=store.repository.root,
            env=writing(store.git_dir),
            input=blobs[sha],
            config=("core.safecrlf=false",),
            trusted=True,
            base=env,
        )
        made[path, sha] = line(out)
    return made


def _converted(store: Store, paths: list[str], env: Mapping[str, str]) -> set[str]:
    """Those of the paths that git converts on their way in."""
    root = store.repository.root
    if not paths:
        return set()
    out = run_git(
        ["check-attr", "-z", "--stdin", *_ATTRIBUTES],
        cwd=root,
        input=b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths),
        trusted=True,
        base=env,
    )
    found = fields(out)
    said = {
        (path, name): value for path, name, value in zip(found[::3], found[1::3], found[2::3], strict=True)
    }
    every = user_config(store.repository, env).autocrlf

    def converts(path: str) -> bool:
        values = {name: said.get((path, name), "unspecified") for name in _ATTRIBUTES}
        if any(value not in ("unspecified", "unset") for value in values.values()):
            return True
        return every and values["text"] == "unspecified" and values["crlf"] == "unspecified"

    return {path for path in paths if converts(path)}
