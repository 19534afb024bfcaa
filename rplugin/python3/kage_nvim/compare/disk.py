"""Landing on disk: check every file first, then replace each by an atomic rename.

All work happens relative to open folders, reached from the root one component at a time without following
symbolic links: neither a link in the tree nor one swapped in meanwhile leads a write outside. New contents
are written beside their targets before the first of these is touched, so a full disk changes nothing.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from kage_nvim.compare.plan import Blob, FilePlan
from kage_nvim.errors import KageError, refused
from kage_nvim.failpoints import fail_point
from kage_nvim.trees import EXECUTABLE, SYMLINK

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_POINTER = "it was changed on disk (or is too big: the run has only its LFS pointer)"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def verify(
    root: Path, files: Sequence[FilePlan], *, file_mode: bool = True, removed: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Which files cannot be landed, and why: (path, reason) each. Empty means that ``write`` may go on.

    Each ``old`` must be what is on disk now, in bytes, type and (with ``file_mode``) executable bit. Files
    that somebody else will have ``removed`` before are in nobody's way.
    """
    going = {plan.path for plan in files if plan.new is None} | set(removed)
    found = []
    for plan in files:
        why = _objection(root, plan, going, file_mode)
        if why:
            found.append((plan.path, why))
    return found


def write(root: Path, files: Sequence[FilePlan]) -> list[tuple[str, str]]:
    """Make the files on disk what the plan says; (path, action) of each. Call ``verify`` first.

    Deletions come first, so that a folder can take a file's place and the other way round. Folders that are
    left empty are removed. Owner, group and permission bits stay, but for the executable ones.

    Raises:
        KageError: code ``write``; ``data.done`` lists the paths that were already changed, mostly none.
    """
    if any(_outside(plan.path) for plan in files):
        raise refused("a path of the plan leads out of the working tree", code="write")
    done: list[tuple[str, str]] = []
    order = sorted(files, key=lambda plan: (plan.new is not None, plan.path))
    try:
        staged = {plan.path: _stage(root, plan, plan.new) for plan in order if plan.new is not None}
        for plan in order:
            _finish(root, plan, staged.get(plan.path, ""))
            done.append((plan.path, plan.action))
            fail_point("land.file.action")
    except OSError as error:
        sweep(root, files)
        raise KageError(
            f"{error.filename or root} could not be written: {error.strerror}",
            fix="kage undo takes back what was written." if done else "Nothing was changed.",
            code="write",
            data={"done": [path for path, _ in done]},
        ) from error
    return done


def sweep(root: Path, files: Sequence[FilePlan]) -> None:
    """Remove what a ``write`` that was killed left beside its targets."""
    for plan in files:
        for parent in PurePosixPath(plan.path).parents:
            beside = (parent / _staged(plan.path)).as_posix()
            with suppress(OSError), _folder(root, beside, create=False) as folder:
                os.unlink(_staged(plan.path), dir_fd=folder)


def _outside(path: str) -> bool:
    """True for what is no path of a file in a working tree: it leads out of it, or into ``.git``."""
    return any(name in ("", ".", "..") or name.lower() == ".git" for name in path.split("/"))


def _objection(root: Path, plan: FilePlan, going: set[str], file_mode: bool) -> str:
    if _outside(plan.path):
        return "it leads out of the working tree"
    for parent in reversed(list(PurePosixPath(plan.path).parents)[:-1]):
        found = _lstat(root / parent)
        if found is None:
            break
        if not stat.S_ISDIR(found.st_mode):
            if parent.as_posix() in going:
                break
            link = stat.S_ISLNK(found.st_mode)
            return f"{parent} is a symbolic link" if link else f"{parent} is in the way"
    else:
        return _differs(root, plan, going, file_mode)
    return "" if plan.old is None else "it is not there any more"


def _differs(root: Path, plan: FilePlan, going: set[str], file_mode: bool) -> str:
    file = root / plan.path
    found = _lstat(file)
    if found is None:
        return "" if plan.old is None else "it is not there any more"
    if stat.S_ISDIR(found.st_mode):
        stay = [path for path in _below(root, plan.path) if path not in going]
        if stay:
            return f"a folder is in the way, with {stay[0]}"
        return "it is a folder now" if plan.old else ""
    if plan.old is None:
        renamed = any(_same_but_for_case(root, plan.path, path) for path in going)
        return "" if renamed else "there is a file already, which git ignores"
    try:
        return _content(file, found, plan.old, file_mode)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _same_but_for_case(root: Path, path: str, other: str) -> bool:
    """True where a file system that ignores case has one file for both names."""
    if path == other or path.casefold() != other.casefold():
        return False
    try:
        return (root / path).samefile(root / other)
    except OSError:
        return False


def _content(file: Path, found: os.stat_result, old: Blob, file_mode: bool) -> str:
    if stat.S_ISLNK(found.st_mode) != (old.mode == SYMLINK) or not (
        stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)
    ):
        return "it is another kind of file now"
    if old.mode == SYMLINK:
        return "" if os.fsencode(file.readlink()) == old.data else "it was changed on disk"
    if hashlib.sha256(file.read_bytes()).digest() != hashlib.sha256(old.data).digest():
        return _POINTER if old.is_lfs_pointer else "it was changed on disk"
    if file_mode and bool(found.st_mode & stat.S_IXUSR) != (old.mode == EXECUTABLE):
        return "its executable bit was changed"
    return ""


def _below(root: Path, folder: str) -> Iterator[str]:
    """Everything below a folder but folders that hold something."""
    for top, inner, names in os.walk(root / folder):
        links = [name for name in inner if (Path(top) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(top) / name).relative_to(root).as_posix()
        if not inner and not names and Path(top) != root / folder:
            yield Path(top).relative_to(root).as_posix()


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a folder of it is a link to itself
            return None
        raise


def _staged(path: str) -> str:
    """The name of a file's new content until it takes its place; the same on every try."""
    return f".kage-landing-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _nearest(root: Path, path: str) -> PurePosixPath:
    """The file's folder, or the nearest one above it that exists and is no symbolic link."""
    found = PurePosixPath()
    for name in PurePosixPath(path).parts[:-1]:
        seen = _lstat(root / found / name)
        if seen is None or not stat.S_ISDIR(seen.st_mode):
            break
        found /= name
    return found


@contextmanager
def _folder(root: Path, path: str, *, create: bool) -> Iterator[int]:
    """The file's folder, open, made when it is wanted and absent."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in PurePosixPath(path).parts[:-1]:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=folder)
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _stage(root: Path, plan: FilePlan, new: Blob) -> str:
    """Write the new content to where a rename can bring it to its place; returns that path.

    A mere change of mode needs none.
    """
    name = _staged(plan.path)
    beside = (_nearest(root, plan.path) / name).as_posix()
    if plan.action == "mode":
        return beside
    with _folder(root, beside, create=False) as folder:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        if new.mode == SYMLINK:
            os.symlink(os.fsdecode(new.data), name, dir_fd=folder)
            return beside
        bits = 0o777 if new.mode == EXECUTABLE else 0o666
        handle = os.open(name, _NEW, bits, dir_fd=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(new.data)
            file.flush()
            if _nearest(root, plan.path) == PurePosixPath(plan.path).parent:
                _like(root / plan.path, handle, new.mode)
            os.fsync(handle)
    return beside


def _like(target: Path, handle: int, mode: str) -> None:
    """Give an open file the owner and permissions of the file that it will replace."""
    found = _lstat(target)
    if found is None or not stat.S_ISREG(found.st_mode):
        return
    with suppress(PermissionError):
        os.fchown(handle, found.st_uid, found.st_gid)
    os.fchmod(handle, _bits(found.st_mode, mode))


def _bits(now: int, mode: str) -> int:
    """Permission bits for git's mode: all stay as they are unless the executable ones have to change."""
    bits = stat.S_IMODE(now)
    if (mode == EXECUTABLE) == bool(bits & stat.S_IXUSR):
        return bits
    return bits | (bits & 0o444) >> 2 if mode == EXECUTABLE else bits & ~0o111


def _finish(root: Path, plan: FilePlan, staged: str) -> None:
    name = PurePosixPath(plan.path).name
    if plan.new is None:
        with suppress(FileNotFoundError), _folder(root, plan.path, create=False) as folder:
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        prune(root, plan.path)
    elif plan.action == "mode":
        with _folder(root, plan.path, create=False) as folder:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                os.fchmod(handle, _bits(os.fstat(handle).st_mode, plan.new.mode))
            finally:
                os.close(handle)
    else:
        with _folder(root, staged, create=False) as source, _folder(root, plan.path, create=True) as folder:
            with suppress(OSError):
                os.rmdir(name, dir_fd=folder)  # an empty folder that git knows nothing of
            os.rename(_staged(plan.path), name, src_dir_fd=source, dst_dir_fd=folder)
            os.fsync(folder)


def prune(root: Path, path: str) -> None:
    """Remove the folders that the deletion of this file left empty."""
    for parent in list(PurePosixPath(path).parents)[:-1]:
        with suppress(FileNotFoundError), _folder(root, parent.as_posix(), create=False) as folder:
            try:
                os.rmdir(parent.name, dir_fd=folder)
            except OSError:
                return
