"""Commits, trees and what differs between them, read from and written to a git directory of Kage's own.

Every object that Kage writes goes to ``own`` inside the store, and is written *without sight of the user's
objects*: git touches the time stamp of an object (or of its whole pack) that it finds in place of writing it
again, in borrowed folders too, and the user's ``.git`` has to stay as it is.

The runner is used rather than GitPython: kinds, modes and line counts of all files come out of one hardened
``diff-tree`` here (GitPython needs two calls, neither hardened), reading one file takes it two processes and
twice the time, and it cannot open SHA-256 repositories.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kage_nvim.git import HasGitDir, fields, run_git

SYMLINK = "120000"
SUBMODULE = "160000"
PLAIN = "100644"
EXECUTABLE = "100755"
ABSENT = "000000"
BROUGHT = "brought"
"""Folder in the store with an empty file for each tree that ``bring`` has copied whole."""


@dataclass(frozen=True)
class Change:
    """One file that differs between two trees.

    ``kind`` is ``text``, ``binary``, ``symlink`` or ``submodule``; ``status`` one of A, M, D, R (renamed,
    from ``old_path``) and T (its type changed); modes are git's octal ones, ``000000`` for absent;
    ``added`` and ``removed`` count lines, 0 for binary files. ``old_sha`` and ``new_sha`` name the two blobs.
    """

    path: str
    kind: str
    status: str
    old_path: str | None
    old_mode: str
    new_mode: str
    added: int
    removed: int
    old_sha: str = ""
    new_sha: str = ""


class Entry(NamedTuple):
    """One line of an index: mode, blob, path, the stage of an unmerged one, git's tag (``ls-files -v``)."""

    mode: str
    sha: str
    path: str
    stage: int = 0
    tag: str = "H"

    @property
    def hidden(self) -> bool:
        """True when git was told not to look at the file: skip-worktree, or assume-unchanged."""
        return self.tag == "S" or self.tag.islower()


def changes(store: HasGitDir, old: str, new: str, *, renames: bool = True) -> list[Change]:
    """What turns one tree into the other, by path; renames are found unless told otherwise."""
    raw, at, out = _raw(store, old, new, ["--numstat"], renames)
    counts = _counts(fields(out[at:]))
    return sorted(
        (_change(entry, counts.get(entry[6], ("0", "0"))) for entry in raw), key=lambda change: change.path
    )


def changes_with_patches(
    store: HasGitDir, old: str, new: str, *, renames: bool = False
) -> tuple[list[Change], bytes]:
    """The same in git's order, and the patches of these changes, in this order and without context.

    They are made with the algorithm and the options that Neovim compares with. A change of type has two
    patches; an empty file is never a renamed one, as when git merges. ``binary`` and the counts of lines are
    for those who read the patches: here every regular file is ``text`` with 0 lines.
    """
    # The heuristic would slide an insertion by what stands around it, so that agents who insert the same at
    # the same place would not meet there.
    options = ["-p", "-U0", "--diff-algorithm=histogram", "--no-indent-heuristic", "--no-rename-empty"]
    raw, at, out = _raw(store, old, new, options, renames)
    return [_change(entry, ("0", "0")) for entry in raw], out[at:].removeprefix(b"\0")


_Raw = tuple[str, str, str, str, str, "str | None", str]


def _raw(
    store: HasGitDir, old: str, new: str, options: list[str], renames: bool
) -> tuple[list[_Raw], int, bytes]:
    """The changed files in git's order, and what git printed, with where that goes on after them."""
    found_by = "--find-renames" if renames else "--no-renames"
    command = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", found_by, *options, old, new]
    out = run_git(command, git_dir=store.git_dir)
    raw: list[_Raw] = []
    at = 0
    while out[at : at + 1] == b":":
        meta, at = _field(out, at)
        old_mode, new_mode, old_sha, new_sha, status = meta[1:].split(" ")
        path, at = _field(out, at)
        old_path = None
        if status[0] in "RC":
            old_path = path
            path, at = _field(out, at)
        raw.append((status[0], old_mode, new_mode, old_sha, new_sha, old_path, path))
    return raw, at, out


def _field(out: bytes, at: int) -> tuple[str, int]:
    """A NUL-terminated field, and where the next one begins."""
    end = out.index(b"\0", at)
    return os.fsdecode(out[at:end]), end + 1


def _counts(found: list[str]) -> dict[str, tuple[str, str]]:
    counts: dict[str, tuple[str, str]] = {}
    at = 0
    while at < len(found):
        added, removed, path = found[at].split("\t", 2)
        if not path:
            path = found[at + 2]
            at += 2
        counts[path] = (added, removed)
        at += 1
    return counts


def _change(raw: _Raw, count: tuple[str, str]) -> Change:
    status, old_mode, new_mode, old_sha, new_sha, old_path, path = raw
    mode = old_mode if new_mode == ABSENT else new_mode
    if mode == SUBMODULE:
        kind = "submodule"
    elif mode == SYMLINK:
        kind = "symlink"
    else:
        kind = "binary" if count[0] == "-" else "text"
    added, removed = (0, 0) if count[0] == "-" else (int(count[0]), int(count[1]))
    return Change(path, kind, status, old_path, old_mode, new_mode, added, removed, old_sha, new_sha)


def patch(store: HasGitDir, old: str, new: str) -> bytes:
    """The change as a patch that ``git apply`` takes, binary files included."""
    return run_git(
        ["diff-tree", "-r", "-p", "--binary", "--full-index", "--find-renames", old, new],
        git_dir=store.git_dir,
    )


def diffstat(store: HasGitDir, old: str, new: str) -> bytes:
    """The change as ``git diff --stat`` shows it, 80 columns wide."""
    return run_git(["diff-tree", "-r", "--stat=80", "--find-renames", old, new], git_dir=store.git_dir)


def trees_of(store: HasGitDir, names: Iterable[str]) -> list[str]:
    """The trees that commits or trees stand for."""
    wanted = [f"{name}^{{tree}}" for name in names]
    return run_git(["rev-parse", *wanted], git_dir=store.git_dir).decode().split()


def entries(store: HasGitDir, tree: str, paths: Iterable[str] = ()) -> list[Entry]:
    """All files of a tree, or those of them that lie at ``paths``."""
    out = run_git(
        ["ls-tree", "-r", "-z", "--full-tree", tree, "--", *paths],
        git_dir=store.git_dir,
        env={"GIT_LITERAL_PATHSPECS": "1"},
    )
    found = []
    for text in fields(out):
        meta, path = text.split("\t", 1)
        mode, _, sha = meta.split(" ")
        found.append(Entry(mode, sha, path))
    return found


def read_blobs(store: HasGitDir, shas: Iterable[str]) -> dict[str, bytes]:
    """The content of many blobs, in one call."""
    wanted = list(dict.fromkeys(shas))
    if not wanted:
        return {}
    out = run_git(
        ["cat-file", "--batch"], git_dir=store.git_dir, input="".join(f"{sha}\n" for sha in wanted).encode()
    )
    found: dict[str, bytes] = {}
    at = 0
    for sha in wanted:
        end = out.index(b"\n", at)
        size = int(out[at:end].split(b" ")[2])
        found[sha] = out[end + 1 : end + 1 + size]
        at = end + size + 2
    return found


def up_to(store: HasGitDir, shas: Iterable[str], size: int) -> list[str]:
    """Those of the blobs that have at most ``size`` bytes."""
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    check = ["cat-file", "--batch-check=%(objectname) %(objectsize)"]
    lines = run_git(check, git_dir=store.git_dir, input=asked).decode().splitlines() if asked else []
    sizes = (line.split(" ") for line in lines)
    return [sha for sha, found in sizes if found.isdigit() and int(found) <= size]


def own_objects(git_dir: Path) -> Path:
    """The folder in a store for objects of its own; it borrows from nobody."""
    return git_dir / "own"


def writing(git_dir: Path) -> dict[str, str]:
    """The environment for writing: only the store's own objects exist."""
    return {"GIT_OBJECT_DIRECTORY": str(own_objects(git_dir))}


def write_blob(store: HasGitDir, data: bytes) -> str:
    """Keep these bytes as a blob and return its name."""
    out = run_git(
        ["hash-object", "-w", "--stdin"], git_dir=store.git_dir, env=writing(store.git_dir), input=data
    )
    return out.decode().strip()


def bring(store: HasGitDir, names: Iterable[str], *, blobs: bool = True) -> int:
    """Copy what these trees consist of into the store's own objects; returns how many were copied.

    Without ``blobs`` only trees are copied. What a partial clone lacks is passed over.
    """
    trees = trees_of(store, names)
    brought = store.git_dir / BROUGHT
    known = [tree for tree in trees if (brought / tree).exists()]
    if len(known) == len(trees):
        return 0
    kinds = [] if blobs else ["--filter=blob:none"]
    options = ["--objects", "--no-object-names", "--missing=allow-any", *kinds]
    listed = run_git(
        ["rev-list", *options, *(set(trees) - set(known)), "--not", *known], git_dir=store.git_dir
    )
    checked = run_git(
        ["cat-file", "--batch-check"], git_dir=store.git_dir, env=writing(store.git_dir), input=listed
    )
    missing = [text.split()[0] for text in checked.decode().splitlines() if text.endswith(" missing")]
    if missing:
        # No deltas are searched for: those of the user's packs are used again, the rest is rarely much.
        run_git(
            ["pack-objects", "-q", "--window=0", str(own_objects(store.git_dir) / "pack" / "pack")],
            git_dir=store.git_dir,
            input="".join(f"{name}\n" for name in missing).encode(),
        )
    if blobs:
        brought.mkdir(exist_ok=True)
        for tree in trees:
            (brought / tree).touch()
    return len(missing)


def index_info(found: Iterable[Entry]) -> bytes:
    """Input for ``update-index -z --index-info``; mode ``000000`` removes."""
    return b"".join(os.fsencode(f"{entry.mode} {entry.sha} {entry.stage}\t{entry.path}\0") for entry in found)


def edit_tree(store: HasGitDir, tree: str, edits: Iterable[Entry], scratch: Path) -> str:
    """Replace (or, with mode ``000000``, remove) single files of a tree and return the new tree.

    ``scratch`` is the name of an index file that does not exist yet; it is removed again.
    """
    env = {"GIT_INDEX_FILE": str(scratch)}
    try:
        run_git(["read-tree", tree], git_dir=store.git_dir, env=env)
        run_git(
            ["update-index", "-z", "--index-info"],
            git_dir=store.git_dir,
            env=env,
            input=index_info(sorted(edits, key=lambda entry: entry.mode != ABSENT)),
        )
        env |= writing(store.git_dir)
        return run_git(["write-tree", "--missing-ok"], git_dir=store.git_dir, env=env).decode().strip()
    finally:
        scratch.unlink(missing_ok=True)


def commit_tree(
    store: HasGitDir,
    tree: str,
    parent: str | None,
    message: str,
    *,
    author: str = "Kage",
    when: int | None = None,
) -> str:
    """Commit a tree, with Kage as its author, and return the commit. ``when`` is in Unix seconds."""
    stamp = f"{int(time.time()) if when is None else when} +0000"
    # Not commit-tree: it wants to see the parent, which is the user's, and would write where that is seen.
    text = f"tree {tree}\n" + (f"parent {parent}\n" if parent else "")
    text += "".join(f"{role} {author} <kage@localhost> {stamp}\n" for role in ("author", "committer"))
    out = run_git(
        ["hash-object", "-t", "commit", "-w", "--stdin"],
        git_dir=store.git_dir,
        env=writing(store.git_dir),
        input=f"{text}\n{message}\n".encode(errors="replace"),
    )
    return out.decode().strip()
