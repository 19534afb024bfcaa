"""A landing as data: what is there, what shall be, and where the two sides disagree."""

from __future__ import annotations

from dataclasses import dataclass, field

from kage_nvim.trees import EXECUTABLE, PLAIN, SYMLINK

_LFS = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True)
class Blob:
    """A file as git keeps it: mode, name of the blob, its bytes (a link's target for a symbolic link)."""

    mode: str
    sha: str
    data: bytes = field(repr=False)

    @property
    def is_lfs_pointer(self) -> bool:
        """True for the few lines that git-lfs keeps in git in place of a file's content."""
        return len(self.data) < 1024 and self.data.startswith(_LFS)


@dataclass(frozen=True)
class FilePlan:
    """What landing does to one file: ``old`` is there now, ``new`` shall be; ``None`` means absent.

    ``conflict_ranges`` are the lines, 1-based and both ends included, of the conflicts marked in ``new``.
    """

    path: str
    old: Blob | None
    new: Blob | None
    conflict_ranges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def action(self) -> str:
        """``create``, ``delete``, ``symlink``, ``mode`` (only the mode changes) or ``write``."""
        if self.new is None:
            return "delete"
        if self.new.mode == SYMLINK:
            return "symlink"
        if self.old is None:
            return "create"
        regular = self.old.mode in (PLAIN, EXECUTABLE)
        return "mode" if regular and self.old.sha == self.new.sha else "write"


@dataclass(frozen=True)
class Conflict:
    """Where both sides changed the same: ``kind`` is ``content``, ``binary``, ``modify/delete``, ``add/add``,
    ``rename/rename``, ``file/directory`` …; ``line`` (1-based, in the marked file) is ``None`` where the
    whole file is meant.
    """

    path: str
    kind: str
    line: int | None


@dataclass(frozen=True)
class Pointer:
    """A submodule that would move from one commit to another; ``None`` means that it is none there."""

    path: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Merge:
    """The merged tree, with markers where it conflicts, and what turns the user's files into it."""

    tree: str
    conflicts: list[Conflict]
    files: list[FilePlan]
    pointers: list[Pointer] = field(default_factory=list)
