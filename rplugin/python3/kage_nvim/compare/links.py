"""Which units need others: what uses a name that only another brings, a file where one must go first. Pure.

Names are read by their look, in whatever language: a name counts as brought by a unit only if the files that
candidates change do not know it at all, so that little is taken for a need that is none. What is missed shows
in the checks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kage_nvim.compare.units import Parts, Unit

_NAME = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*")
_DEFINES = re.compile(
    rb"\b(?:def|class|function|func|fn|fun|sub|struct|enum|trait|interface|type|typedef|module|namespace|const"
    rb"|let|var|val|static|define|macro_rules!|import|as|use|record|protocol|object)\s+"
    rb"(?:\([^)]*\)\s*)?([A-Za-z_$][A-Za-z0-9_$]*)"
)
_ASSIGNED = re.compile(
    rb"^(?:local\s+|export\s+)?([A-Za-z_$][A-Za-z0-9_$]*)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE
)
_IMPORTED = re.compile(rb"^\s*(?:from\s+\S+\s+)?import\s+(.+)$", re.MULTILINE)
_MEMBER = re.compile(rb"^\s*([A-Z][A-Z0-9_]+)\b", re.MULTILINE)


def defined(text: bytes) -> set[bytes]:
    """The names that a text brings, as far as it looks so."""
    names = set(_DEFINES.findall(text)) | set(_ASSIGNED.findall(text)) | set(_MEMBER.findall(text))
    for listed in _IMPORTED.findall(text):
        names.update(part.split()[-1] for part in listed.replace(b"(", b"").split(b",") if part.split())
    return {name for name in names if len(name) > 1}


def used(text: bytes) -> set[bytes]:
    """All names in a text."""
    return set(_NAME.findall(text))


def significant(lines: Iterable[bytes]) -> set[bytes]:
    """The lines that say something."""
    return {stripped for line in lines if len(stripped := line.strip()) > 2}


def needs(made: Parts) -> list[list[frozenset[int]]]:
    """For each unit its needs, each the units of which one must be there too."""
    units = made.units
    known = set().union(*(used(b"".join(lines)) for lines in made.texts.values()))
    known |= {part for path in made.old for part in _of_path(path)}
    bringing: dict[bytes, set[int]] = defaultdict(set)
    for at, unit in enumerate(units):
        for name in _brought(unit) - known:
            bringing[name].add(at)
    found: list[list[frozenset[int]]] = []
    for at, unit in enumerate(units):
        wanted = used(b"".join(unit.lines)) & bringing.keys() if unit.is_text else set()
        groups = []
        for name in sorted(wanted):
            group = bringing[name]
            own = {other for other in group if set(units[other].agents) & set(unit.agents)}
            if at not in group and own:
                groups.append(frozenset(group))
        groups += _room(units, at)
        found.append(list(dict.fromkeys(groups)))
    return found


def _brought(unit: Unit) -> set[bytes]:
    names = defined(b"".join(unit.lines)) if unit.is_text else set()
    return names | _of_path(unit.target) if unit.target else names


def _of_path(path: str) -> set[bytes]:
    """What a file is imported as."""
    return {PurePosixPath(path).stem.encode("utf-8", "surrogateescape")}


def _room(units: Sequence[Unit], at: int) -> list[frozenset[int]]:
    """What must go from the base before a file can be where this unit puts it."""
    target = units[at].target
    if not target:
        return []
    groups: dict[str, set[int]] = defaultdict(set)
    for other, unit in enumerate(units):
        leaves = unit.kind == "delete" or (unit.to and unit.to != unit.path)
        blocks = unit.path == target or f"{unit.path}/" == target[: len(unit.path) + 1]
        if leaves and other != at and (blocks or unit.path.startswith(f"{target}/")):
            groups[unit.path].add(other)
    return [frozenset(group) for _, group in sorted(groups.items())]
