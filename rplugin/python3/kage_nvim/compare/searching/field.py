"""What a search chooses from: units of change, which of them exclude and which need each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Set = frozenset[int]
"""Units, by their index."""


@dataclass(frozen=True)
class Field:
    """What there is to choose from. For each unit: whose it is, how many lines it changes, the units that
    exclude it, and its needs: of each of these groups it needs one."""

    agents: Sequence[Sequence[int]]
    sizes: Sequence[int]
    clashes: Sequence[Set]
    needs: Sequence[Sequence[Set]]

    def of(self, agent: int) -> list[int]:
        """The units of one candidate."""
        return [unit for unit, agents in enumerate(self.agents) if agent in agents]

    @property
    def numbers(self) -> list[int]:
        """The candidates."""
        return sorted({agent for agents in self.agents for agent in agents})

    def size(self, chosen: Set) -> tuple[int, int]:
        """Changed lines, and units."""
        return sum(self.sizes[unit] for unit in chosen), len(chosen)

    def settled(self, order: Iterable[int]) -> Set:
        """The units in this order, each unless one before excludes it."""
        return self.complete(self._alone(order))

    def put(self, chosen: Set, units: Iterable[int]) -> Set:
        """With these units; what they exclude gives way."""
        new = self._alone(units)
        away = frozenset().union(*(self.clashes[unit] for unit in new))
        return self.complete(new | (chosen - away), keep=new)

    def drop(self, chosen: Set, units: Iterable[int]) -> Set:
        """Without these units, and without those that need them."""
        left = set(chosen) - set(units)
        while wanting := [unit for unit in left if self._lacks(unit, left)]:
            left -= set(wanting)
        return frozenset(left)

    def complete(self, chosen: Set, keep: Set = frozenset()) -> Set:
        """With what they need, where that is not excluded; those that cannot have it go, unless kept."""
        have = set(chosen)
        while wanting := [(unit, group) for unit in sorted(have) for group in self._lacks(unit, have)]:
            before = set(have)
            for unit, group in wanting:
                if unit not in have or group & have:
                    continue
                fitting = [other for other in sorted(group) if not self.clashes[other] & have]
                own = [other for other in fitting if set(self.agents[other]) & set(self.agents[unit])]
                if fitting:
                    have.add((own or fitting)[0])
                elif unit not in keep:
                    have.discard(unit)
            if have == before:
                break
        return frozenset(have)

    def _alone(self, units: Iterable[int]) -> Set:
        chosen: set[int] = set()
        for unit in units:
            if not self.clashes[unit] & chosen:
                chosen.add(unit)
        return frozenset(chosen)

    def _lacks(self, unit: int, have: set[int]) -> list[Set]:
        return [group for group in self.needs[unit] if not group & have]

    def places(self) -> list[Set]:
        """Units that exclude each other, directly or through others, together; every other one alone."""
        seen: set[int] = set()
        found = []
        for unit in range(len(self.agents)):
            if unit in seen:
                continue
            group, todo = {unit}, [unit]
            while todo:
                for other in self.clashes[todo.pop()] - group:
                    group.add(other)
                    todo.append(other)
            seen |= group
            found.append(frozenset(group))
        return found
