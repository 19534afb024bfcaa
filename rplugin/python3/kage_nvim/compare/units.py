"""What candidates change, taken apart into units that can be put together anew, and trees made of them.

A unit is a hunk, or what a candidate does to a file beside its lines (it deletes, renames or adds it, or
changes its mode); a file that is no text is one unit as a whole. What several candidates do alike is one unit
of theirs. Units that cannot stand together exclude each other: they change the same base lines otherwise.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

import msgspec

from kage_nvim.compare.align import overlap
from kage_nvim.compare.hunks import Hunk, of_patches, split
from kage_nvim.compare.links import defined, significant
from kage_nvim.compare.picks import take
from kage_nvim.git import HasGitDir
from kage_nvim.trees import (
    ABSENT,
    EXECUTABLE,
    PLAIN,
    Change,
    Entry,
    changes_with_patches,
    edit_tree,
    read_blobs,
    trees_of,
    write_blob,
)

_REGULAR = (PLAIN, EXECUTABLE)


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One unit. ``kind`` is ``hunk``, ``new``, ``delete``, ``rename``, ``mode`` or ``whole``.

    ``path`` is the base's, or the new file's. Base lines ``[first, past)``, 1-based, become ``lines`` (a new
    text file has base lines [1, 1)). ``to`` is the new name, ``mode`` the new mode, ``sha`` the blob of what
    is no text; ``at`` is which block of one insertion it is; ``agents`` did it.
    """

    kind: str
    path: str
    agents: tuple[int, ...] = ()
    first: int = 0
    past: int = 0
    lines: tuple[bytes, ...] = ()
    to: str = ""
    mode: str = ""
    sha: str = ""
    at: int = 0

    @property
    def target(self) -> str:
        """The path at which it lets a file be, where that is another than the base's; else empty."""
        return self.to or (self.path if self.kind == "new" else "")

    @property
    def is_text(self) -> bool:
        """True for lines of a text."""
        return self.kind == "hunk" or (self.kind == "new" and not self.sha)


@dataclass
class Parts:
    """All units of some candidates, in order, and the base's versions of the files that they change."""

    base: str
    units: list[Unit]
    old: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: dict[str, list[bytes]] = field(default_factory=dict)

    def size(self, unit: Unit) -> int:
        """Changed lines; what has none counts as one."""
        gone = len(self.texts.get(unit.path, ())) if unit.kind == "delete" else unit.past - unit.first
        return max(1, gone + len(unit.lines))


def parts(store: HasGitDir, base: str, candidates: Mapping[int, str]) -> Parts:
    """Take apart what candidates (commits or trees by number) make of ``base``."""
    tree = trees_of(store, [base])[0]
    made = Parts(tree, [])
    changes: list[tuple[int, Change, list[Hunk] | None]] = []
    for number in sorted(candidates):
        found, patches = changes_with_patches(store, tree, candidates[number], renames=True)
        hunks = of_patches(found, patches)
        changes += [(number, change, own) for change, own in zip(found, hunks, strict=True)]
    texts = [change for _, change, hunks in changes if hunks is not None]
    shas = {change.new_sha for change in texts if change.new_mode != ABSENT}
    blobs = read_blobs(store, shas | {change.old_sha for change in texts if change.old_mode != ABSENT})
    units: dict[Unit, list[int]] = defaultdict(list)
    for number, change, own in changes:
        path = change.old_path or change.path
        if change.old_mode != ABSENT:
            made.old[path] = change.old_mode, change.old_sha
            if own is not None:
                made.texts[path] = split(blobs[change.old_sha])
        old = made.texts.get(path, [])
        for unit in _units(change, own, old, split(blobs.get(change.new_sha, b""))):
            units[unit].append(number)
    by_line = _by_line(units)
    made.units = sorted(
        (msgspec.structs.replace(unit, agents=tuple(sorted(agents))) for unit, agents in by_line.items()),
        key=lambda unit: (unit.path, unit.kind, unit.first, unit.past, unit.agents, unit.at, unit.lines),
    )
    return made


def _units(
    change: Change, hunks: list[Hunk] | None, old: Sequence[bytes], lines: Sequence[bytes]
) -> Iterable[Unit]:
    path = change.old_path or change.path
    if change.status == "D":
        yield Unit(kind="delete", path=path)
    elif change.status == "A":
        if hunks is None or change.new_mode not in _REGULAR:
            yield Unit(kind="new", path=path, mode=change.new_mode, sha=change.new_sha)
        else:
            yield Unit(kind="new", path=path, mode=change.new_mode, first=1, past=1, lines=tuple(lines))
    elif hunks is None or {change.old_mode, change.new_mode} - set(_REGULAR):
        to = change.path if change.path != path else ""
        yield Unit(kind="whole", path=path, mode=change.new_mode, sha=change.new_sha, to=to)
    else:
        if change.path != path:
            yield Unit(kind="rename", path=path, to=change.path)
        if change.old_mode != change.new_mode:
            yield Unit(kind="mode", path=path, mode=change.new_mode)
        for hunk in hunks:
            first, new = hunk.a0, tuple(lines[hunk.b0 - 1 : hunk.b1 - 1])
            if first + 1 == hunk.a1 and len(new) > 1 and new[0].rstrip(b"\r\n") == old[first - 1]:
                first, new = hunk.a1, new[1:]  # put after a last line that had no newline
            yield Unit(kind="hunk", path=path, first=first, past=hunk.a1, lines=new)


def _by_line(units: Mapping[Unit, list[int]]) -> dict[Unit, list[int]]:
    """Hunks that overlap others, and put a line for each line, line by line: where candidates changed
    neighbouring lines, each line is a choice of its own. So is each block of an insertion beside others."""
    by_path: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.kind == "hunk":
            by_path[unit.path].append(unit)
    apart = {
        one
        for own in by_path.values()
        for pair in combinations(own, 2)
        for one in pair
        if overlap(pair[0].first, pair[0].past, pair[1].first, pair[1].past)
        and 1 < one.past - one.first == len(one.lines)
    }
    alike = {
        one
        for own in by_path.values()
        for pair in combinations(own, 2)
        for one in pair
        if pair[0].first == pair[0].past == pair[1].first == pair[1].past and _alike(*pair)
    }
    found: dict[Unit, list[int]] = defaultdict(list)
    for unit, agents in units.items():
        pieces = [unit]
        if unit in alike:
            pieces = [
                msgspec.structs.replace(unit, lines=block, at=at)
                for at, block in enumerate(_blocks(unit.lines))
            ]
        elif unit in apart:
            pieces = [
                msgspec.structs.replace(unit, first=unit.first + at, past=unit.first + at + 1, lines=(line,))
                for at, line in enumerate(unit.lines)
            ]
        for piece in pieces:
            found[piece] += [agent for agent in agents if agent not in found[piece]]
    return found


def _blocks(lines: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """The blocks of an insertion: one begins at a line as far out as any, after an empty one."""
    depths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    starts = [
        at
        for at, line in enumerate(lines)
        if line.strip() and len(line) - len(line.lstrip()) == min(depths) and at and not lines[at - 1].strip()
    ]
    # The empty lines before a block are its own, as an insertion at the end of a file has them.
    begins = []
    for at in starts:
        while at and not lines[at - 1].strip():
            at -= 1
        begins.append(at)
    cuts = sorted({0, *begins, len(lines)})
    return [tuple(lines[first:past]) for first, past in pairwise(cuts)]


def exclude(one: Unit, other: Unit) -> bool:
    """Can these two not stand together?"""
    if one.target and other.target and _in_the_way(one, other):
        return True
    if one.path != other.path or (one.kind == "new") != (other.kind == "new"):
        return False
    if one.is_text and other.is_text:
        if one.first == one.past == other.first == other.past:
            if one.at != other.at and one.agents == other.agents:
                return False  # two blocks of one insertion
            return one.mode != other.mode or _alike(one, other)
        return overlap(one.first, one.past, other.first, other.past)
    # Beside lines: of one kind two differ, what deletes or replaces the file leaves room for nothing else.
    return one.kind == other.kind or bool({one.kind, other.kind} & {"delete", "whole"})


def _in_the_way(one: Unit, other: Unit) -> bool:
    a, b = one.target, other.target
    if a == b:
        return not (one.is_text and other.is_text and one.path == other.path)
    return a.startswith(f"{b}/") or b.startswith(f"{a}/")


def _alike(one: Unit, other: Unit) -> bool:
    """Of two insertions at one place: are they two versions of the same, not two things?"""
    first, second = b"".join(one.lines), b"".join(other.lines)
    if defined(first) & defined(second):
        return True
    ours, theirs = significant(one.lines), significant(other.lines)
    return 2 * len(ours & theirs) >= min(len(ours), len(theirs))


class Builder:
    """Makes trees of units. A file that was made is not made again."""

    def __init__(self, store: HasGitDir, made: Parts) -> None:
        self._store = store
        self._parts = made
        self._blobs: dict[tuple[Unit, ...], str] = {}

    def tree(self, units: Iterable[Unit]) -> str:
        """The base with these units, none of which may exclude another; returns the tree."""
        files: dict[tuple[bool, str], list[Unit]] = defaultdict(list)
        for unit in units:
            files[unit.kind == "new", unit.path].append(unit)
        edits = [edit for (_, path), own in sorted(files.items()) for edit in self._file(path, own)]
        if not edits:
            return self._parts.base
        # Removals first: what is put where another file goes away must not go with it.
        kept = {edit.path for edit in edits if edit.mode != ABSENT}
        edits = [edit for edit in edits if edit.mode != ABSENT or edit.path not in kept]
        index = self._store.git_dir / f"index.{uuid.uuid4().hex}"
        return edit_tree(self._store, self._parts.base, edits, index)

    def _file(self, path: str, units: list[Unit]) -> list[Entry]:
        by_kind = {unit.kind: unit for unit in units}
        if "new" in by_kind:
            new = by_kind["new"]
            return [Entry(new.mode, new.sha or self._text([], units), path)]
        mode, sha = self._parts.old[path]
        if "delete" in by_kind:
            return [Entry(ABSENT, sha, path)]
        whole = by_kind.get("whole")
        moved = by_kind.get("rename") or whole
        to = moved.to if moved and moved.to else path
        gone = [Entry(ABSENT, sha, path)] if to != path else []
        if whole:
            return [*gone, Entry(whole.mode, whole.sha, to)]
        if "mode" in by_kind:
            mode = by_kind["mode"].mode
        hunks = [unit for unit in units if unit.kind == "hunk"]
        return [*gone, Entry(mode, self._text(self._parts.texts[path], hunks) if hunks else sha, to)]

    def _text(self, base: Sequence[bytes], units: Iterable[Unit]) -> str:
        """The blob of a text with these changes; of insertions at one place the first agent's is first."""
        order = tuple(
            sorted(units, key=lambda unit: (unit.first, unit.past, unit.agents, unit.at, unit.lines))
        )
        if order not in self._blobs:
            places: dict[tuple[int, int], list[bytes]] = defaultdict(list)
            for unit in order:
                here = places[unit.first, unit.past]
                if here and not here[-1].endswith(b"\n"):
                    here[-1] += b"\n"
                here += unit.lines
            picks = [(Hunk(first, past, 1, 1), lines) for (first, past), lines in places.items()]
            self._blobs[order] = write_blob(self._store, b"".join(take(base, picks)))
        return self._blobs[order]
