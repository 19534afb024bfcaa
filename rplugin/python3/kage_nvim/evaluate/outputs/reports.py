"""Files that a check wrote, read as what they are: the work of code that nobody trusts.

No symbolic link is followed on the way, nothing but a regular file is opened, and no more than a limit read.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath

LIMIT = 64 * 1024 * 1024
"""Bytes of a report, or of all that one pattern names; more is not read."""
_MOST = 5000
"""Files that a pattern may name."""
_WALKED = 200_000
"""Entries that are looked at for a pattern."""


def read(root: str, path: str) -> list[bytes]:
    """The content of the file at ``path`` below ``root``, or of each that a pattern (``*``, ``**``) names.

    Raises:
        OSError: one is no regular file, or they are larger than the limit.
    """
    found: list[bytes] = []
    room = LIMIT
    for each in _named(root, path):
        with suppress(FileNotFoundError), _folder(root, each) as (folder, name):
            data = _content(folder, name, room)
            room -= len(data)
            found.append(data)
    return found


def remove(root: str, path: str) -> None:
    """Remove what a check before this one wrote there."""
    for each in _named(root, path):
        with suppress(OSError), _folder(root, each) as (folder, name):
            os.unlink(name, dir_fd=folder)


def is_pattern(path: str) -> bool:
    """Whether a path names several files."""
    return any(sign in path for sign in "*?[")


@contextmanager
def _folder(root: str, path: str) -> Iterator[tuple[int, str]]:
    """The folder of a path, opened without following any link below ``root``, and the last name."""
    *folders, name = PurePosixPath(path).parts
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(
                folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle
            )
            os.close(handle)
            handle = inner
        yield handle, name
    finally:
        os.close(handle)


def _content(folder: int, name: str, room: int) -> bytes:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise OSError("it is no file")
        if info.st_size > room:
            raise OSError(f"it has {info.st_size} bytes, {LIMIT} is the most")
        return file.read(room)


def _named(root: str, path: str) -> list[str]:
    if not is_pattern(path):
        return [path]
    shape = _shape(path)
    found: list[str] = []
    looked = 0
    for folder, folders, files, _ in os.fwalk(root, follow_symlinks=False):
        folders[:] = sorted(name for name in folders if name != ".git")
        looked += len(folders) + len(files)
        below = os.path.relpath(folder, root)
        names = files if below == "." else [f"{below}/{name}" for name in files]
        found += [name for name in sorted(names) if shape.fullmatch(name)]
        if looked > _WALKED or len(found) > _MOST:
            break
    return found[:_MOST]


def _shape(path: str) -> re.Pattern[str]:
    """``**/`` is any number of folders, ``*`` stays within one."""
    parts = []
    for part in PurePosixPath(path).parts:
        if part == "**":
            parts.append("(?:[^/]+/)*")
            continue
        inner = fnmatch.translate(part).removesuffix(r"\Z").removesuffix(r"\z")
        parts.append(inner.replace("(?s:.*", "(?s:[^/]*").replace(".*", "[^/]*") + "/")
    return re.compile("".join(parts).removesuffix("/"))
