"""Folders that an agent may have left in any shape: remove them, empty them, lock what is shared."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kage_nvim.errors import KageError

_READ_BY_GIT = frozenset({".gitignore", ".gitattributes"})


def remove(path: Path) -> None:
    """Remove whatever is at ``path``, never following a symbolic link.

    ``rm`` is used because it copes with trees deeper than the recursion or path limits of Python.

    Raises:
        KageError: code ``folder``, when something there cannot be removed.
    """
    if not os.path.lexists(path):
        return
    if _rm(path).returncode == 0:
        return
    make_accessible(path)
    done = _rm(path)
    if done.returncode:
        raise KageError(
            f"{path} cannot be removed: {done.stderr.decode(errors='replace').strip()}",
            fix="Look for a process that still works in it, or for files of another owner.",
            code="folder",
        )


def make_accessible(path: Path) -> None:
    """Give the owner back what a ``chmod 000`` took; symbolic links below are left alone."""
    if is_folder(path):
        subprocess.run(["chmod", "-R", "u+rwX", "--", str(path)], capture_output=True, check=False)


def open_up(tree: Path, notes: list[str]) -> list[str]:
    """Make a worktree fit to be read by git; returns the folders in it that hold a ``.git``.

    Folders closed with chmod are opened, also for writing, or the slot's next agent could not. Pipes and the
    like under names that git opens are removed, since git would wait at them for ever; ``notes`` gets a line
    for each, and for what cannot be read at all.
    """
    nested = []
    pending = [tree]
    while pending:
        folder = pending.pop()
        try:
            mode = folder.lstat().st_mode
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
            found = list(os.scandir(folder))
        except OSError as error:
            notes.append(f"{folder.relative_to(tree)} cannot be read and was left out: {error.strerror}")
            continue
        for entry in found:
            if entry.name == ".git":
                if folder != tree:
                    nested.append(folder.relative_to(tree).as_posix())
            elif entry.is_dir(follow_symlinks=False):
                pending.append(Path(entry.path))
            elif entry.name in _READ_BY_GIT and not (entry.is_symlink() or entry.is_file()):
                Path(entry.path).unlink()
                notes.append(f"{Path(entry.path).relative_to(tree)} was no file and was removed")
    return nested


def fresh(path: Path) -> None:
    """Make ``path`` an empty folder of mode 0700."""
    remove(path)
    path.mkdir(mode=0o700, parents=True)


def is_folder(path: Path) -> bool:
    """True for a folder that is no symbolic link."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among all processes and threads of this user while the block runs."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _rm(path: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["rm", "-rf", "--", str(path)], capture_output=True, check=False)
