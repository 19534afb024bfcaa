"""Which commit an agent's submodules stand at, read as data: no git runs in a folder that an agent can write.

An agent finds a submodule's files without its repository. Where it made one nevertheless, or moved it, the
commit is part of its candidate; what it did to the files alone is not, and is said.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from kage_nvim.orchestrator import folders

_COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(rb"ref: (refs/[\x21-\x7e]+)")


def moved(tree: Path, submodules: Mapping[str, str]) -> dict[str, str]:
    """Those of the submodules (path → commit) in a worktree that stand at another commit, and at which."""
    heads = {path: _head(tree, path) for path in submodules}
    return {
        path: head
        for path, head in heads.items()
        if head != submodules[path] and len(head) == len(submodules[path])
    }


def edited(tree: Path, root: Path, submodules: Iterable[str], included: Iterable[str]) -> list[str]:
    """Those of the files copied into submodules of ``tree`` that differ from the user's at ``root``."""
    tops = tuple(f"{path}/" for path in submodules)
    return [path for path in included if path.startswith(tops) and _differ(tree / path, root / path)]


def _differ(file: Path, other: Path) -> bool:
    try:
        one, two = file.lstat(), other.lstat()
        if stat.S_IFMT(one.st_mode) != stat.S_IFMT(two.st_mode):
            return True
        if stat.S_ISLNK(one.st_mode):
            return file.readlink() != other.readlink()
        if (one.st_size, one.st_mtime_ns) == (two.st_size, two.st_mtime_ns) or not stat.S_ISREG(one.st_mode):
            return False
        return one.st_size != two.st_size or file.read_bytes() != other.read_bytes()
    except OSError:
        return os.path.lexists(file) != os.path.lexists(other)


def _head(tree: Path, path: str) -> str:
    """The commit that a submodule's own HEAD names; empty when there is none to be read."""
    folder = tree / path
    if not all(folders.is_folder(tree / part) for part in (path, *map(str, Path(path).parents))):
        return ""
    home = folder / ".git"
    pointer = _read(home)
    if pointer.startswith(b"gitdir: "):
        home = Path(os.path.normpath(folder / os.fsdecode(pointer[8:].strip())))
        if not home.is_relative_to(tree):
            return ""
    if home.resolve() != Path(os.path.normpath(tree.resolve() / home.relative_to(tree))):
        return ""
    head = _read(home / "HEAD").strip()
    ref = _REF.fullmatch(head)
    if ref and b".." not in ref[1]:
        loose = _read(home / os.fsdecode(ref[1])).strip()
        packed = re.search(rb"(?m)^([0-9a-f]+) " + re.escape(ref[1]) + rb"$", _read(home / "packed-refs"))
        head = loose or (packed[1] if packed else b"")
    return head.decode() if _COMMIT.fullmatch(head) else ""


def _read(file: Path) -> bytes:
    """The beginning of a regular file, never of a link, a pipe or a device."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(handle, 1 << 20) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    finally:
        os.close(handle)
