"""Units of candidates as what a search chooses from, as what somebody complains of, and as they are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations
from typing import Any

from kage_nvim.compare.links import needs
from kage_nvim.compare.searching.field import Field, Set
from kage_nvim.compare.units import Parts, Unit, exclude


def field_of(made: Parts) -> Field:
    """The field of all units, with what excludes and what needs what."""
    clashes: list[set[int]] = [set() for _ in made.units]
    for one, other in _near(made.units):
        if exclude(made.units[one], made.units[other]):
            clashes[one].add(other)
            clashes[other].add(one)
    return Field(
        [unit.agents for unit in made.units],
        [made.size(unit) for unit in made.units],
        [frozenset(found) for found in clashes],
        needs(made),
    )


def _near(units: list[Unit]) -> Iterable[tuple[int, int]]:
    """Pairs that may exclude each other: of one file, or both of which put a file somewhere."""
    by_path: dict[str, list[int]] = defaultdict(list)
    for at, unit in enumerate(units):
        by_path[unit.path].append(at)
    putting = [at for at, unit in enumerate(units) if unit.target]
    pairs = {pair for own in by_path.values() for pair in combinations(own, 2)}
    return sorted(pairs | set(combinations(putting, 2)))


def blamed(units: Sequence[Unit], chosen: Set, complaints: Collection[tuple[str, int]]) -> Set:
    """The chosen units that have a path (which may begin further out) and a line of the tree made of
    them, or the line beside it."""
    renamed = {units[at].path: units[at].to for at in chosen if units[at].to}
    shifts: dict[str, int] = defaultdict(int)
    found = set()
    for at in sorted(chosen, key=lambda at: (units[at].first, units[at].past)):
        unit = units[at]
        path = unit.target or renamed.get(unit.path, unit.path)
        first = unit.first + shifts[path]
        last = first + len(unit.lines)
        if unit.kind == "hunk":
            shifts[path] += len(unit.lines) - (unit.past - unit.first)
        whole = unit.kind != "hunk"
        if any(
            (whole or first - 1 <= line <= last) and f"/{there}".endswith(f"/{path}")
            for there, line in complaints
        ):
            found.add(at)
    return frozenset(found)


def told(unit: Unit) -> dict[str, Any]:
    """A unit as it is kept and sent: base lines ``[first, past)``, 1-based; 0 where it is not about lines."""
    about = {"path": unit.path, "kind": unit.kind, "first": unit.first, "past": unit.past}
    return about | {"agents": list(unit.agents)} | ({"to": unit.to} if unit.to else {})


def note(units: Sequence[Unit]) -> str:
    """``1: 7 hunks, 3: 2 hunks``: each hunk is counted for the one of its candidates that has most."""
    votes = Counter(agent for unit in units for agent in unit.agents)
    counts = Counter(min(unit.agents, key=lambda agent: (-votes[agent], agent)) for unit in units)
    parts = (f"{agent}: {count} hunk{'s' * (count > 1)}" for agent, count in sorted(counts.items()))
    return ", ".join(parts)
