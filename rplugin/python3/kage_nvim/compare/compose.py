"""Hunks taken onto a base: of one file, and what several candidates can bring together. """

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kage_nvim.compare.hunks import Hunk
from kage_nvim.git import HasGitDir


@dataclass(frozen=True)
class Conflict:
    """What candidates made different things of, so that the union leaves the base's as it is.

    ``line`` is the first of the base lines, 1-based; ``None`` where the whole file is meant. ``kind`` is
    ``content``, ``binary``, ``mode``, ``symlink``, ``submodule``, ``type``, ``modify/delete``, ``add/add``,
    ``rename/rename``, ``rename/add`` or ``file/directory``.
    """

    path: str
    line: int | None
    agents: list[int]
    kind: str


@dataclass(frozen=True)
class Union:
    """A tree with all that the candidates bring without contradicting each other, and the contradictions."""

    tree: str
    conflicts: list[Conflict]


def take(base: Sequence[bytes], picks: Iterable[tuple[Hunk, Sequence[bytes]]]) -> list[bytes]:
    """The base's lines with picks taken: a hunk, and the lines that replace its base lines.

    Raises:
        ValueError: two of them overlap.
    """
    raise NotImplementedError


def union(store: HasGitDir, base: str, candidates: Mapping[int, str]) -> Union:
    """What the candidates (commits or trees by number) bring together, on top of ``base``."""
    raise NotImplementedError
