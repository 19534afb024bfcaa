"""What a CLI may have of the user's home for its own login: copies, laid beside the slot for its sandbox.

Never the files themselves: an agent that could write them could plant a hook or a server there that runs as
the user tomorrow. What was copied is readable inside, by the user's own wish; nothing comes back.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kage_nvim.errors import KageError
from kage_nvim.model import Profile

INSIDE = "/run/kage/expose"
FILE_BYTES = 1_000_000
ALL_BYTES = 8_000_000
"""A login is small; histories, caches and logs beside it are not, and stay where they are."""
FILES = 300
"""A folder with more files in it than this is left out."""


def expose(profile: Profile, names: Sequence[str], home: Path) -> tuple[Profile, list[str]]:
    """Copy files and folders of ``home`` and bind the copies; returns the profile and notes for the user.

    Raises:
        KageError: a name is not one below home, or nothing is there.
    """
    target = Path(profile.env["HOME"]).parent / "etc" / "expose"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, parents=True)
    notes: list[str] = []
    left = ALL_BYTES
    for name in names:
        source = _below(name, home)
        for path in _files(source, home, notes):
            shown = path.relative_to(home)
            try:
                size = path.stat().st_size
                if size > min(FILE_BYTES, left):
                    notes.append(f"not exposed, too big: ~/{shown}")
                    continue
                left -= size
                _copy(path, target / shown)
            except OSError as error:
                notes.append(f"not exposed, {error.strerror or error}: ~/{shown}")
    binds = [*profile.binds, (str(target), INSIDE)]
    return msgspec.structs.replace(profile, binds=binds), notes


def _below(name: str, home: Path) -> Path:
    """The path that the user named.

    Raises:
        KageError: it is not below home, or it is not there.
    """
    given = Path(name).expanduser() if not name.startswith("~/") else home / name[2:]
    path = Path(os.path.normpath(home / given))
    if path == home or not path.is_relative_to(home):
        raise KageError(
            f"`expose` names {name}, which is not below your home",
            fix='Name files or folders in it, such as "~/.claude".',
            code="config",
        )
    if not (path.is_file() or path.is_dir()):
        raise KageError(
            f"`expose` names {name}, which is not there",
            fix="Sign in with the CLI itself first, or correct `expose` in config.toml.",
            code="config",
        )
    return path


def _files(source: Path, home: Path, notes: list[str]) -> Iterator[Path]:
    """The regular files of one name; folders below it that are big are named and left out, and so are
    links that lead out of it: only what the user named is meant, wherever that itself may lie."""
    if source.is_file():
        yield source
        return
    folders, root = [source], source.resolve()
    while folders:
        folder = folders.pop()
        found = sorted(folder.iterdir())
        if len(found) > FILES:
            notes.append(f"not exposed, too many files: ~/{folder.relative_to(home)}")
            continue
        for path in found:
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                if _little(path):
                    folders.append(path)
                else:
                    notes.append(f"not exposed, too big: ~/{path.relative_to(home)}")
            elif stat.S_ISLNK(mode) and not path.resolve().is_relative_to(root):
                notes.append(f"not exposed, a link that leads elsewhere: ~/{path.relative_to(home)}")
            elif stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and path.is_file()):
                yield path


def _little(folder: Path) -> bool:
    files = total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            files += 1
            total += Path(at, name).lstat().st_size
            if files > FILES or total > FILE_BYTES:
                return False
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as content:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(made, "wb") as copy:
            shutil.copyfileobj(content, copy)
