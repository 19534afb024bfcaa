"""What tries have told so far, and the set that is likely to be all well after it. Pure.

``Causes`` reads single tests: one that fails in some sets and passes in others lacks there what it needs, or
meets what spoils it, and every try rules causes out for all tests at once. ``Doubts`` is for where each try
says no and nothing else: worlds are drawn by chance, those in which a try had said yes are dropped, and the
set that is well in most of the worlds left is the next. Both draw the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kage_nvim.compare.searching.field import Field, Set
    from kage_nvim.compare.searching.tries import Outcome

WORLDS = 1500
"""Worlds that are held at once, in which a set may be well."""
SETS = 60
"""Sets that are compared for the next try."""
DRAWS = 20_000
"""Worlds drawn at most, when there are few left."""


class Causes:
    """What single tests need and what spoils them."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._dice = random.Random(len(field.agents))
        units = range(len(field.agents))
        self._places = [place for place in field.places() if len(place) > 1]
        # Of two versions of one thing either may do, so that a place as a whole can be what is needed.
        self._features = [frozenset([unit]) for unit in units] + self._places

    def guess(self, seen: Mapping[Set, Outcome], start: Set) -> Set:
        """``start`` without what spoils tests in ``seen`` and with what they need, as one reading has it."""
        needed, harmful = self._read(seen)
        bound = frozenset[int]().union(*needed)
        if self._dice.random() < 0.5 and self._unpassed(seen):
            harmful |= self._stray(bound)
            needed += [frozenset([self._dice.choice(sorted(place))]) for place in self._places]
        made = self._field.drop(start, harmful | self._untried(seen))
        needed.sort(key=lambda _: self._dice.random())  # two of them may exclude each other
        wanted = [unit for feature in needed if not feature & made for unit in self._one(feature, harmful)]
        return self._field.put(made, wanted)

    def _untried(self, seen: Mapping[Set, Outcome]) -> set[int]:
        """Units to leave out this time, as they may spoil everything: of those that were in no set in which
        anything passed a part is let in, a smaller one as long as that goes wrong."""
        sound = frozenset[int]().union(*(chosen for chosen, outcome in seen.items() if outcome.good))
        broken = [chosen - sound for chosen, outcome in seen.items() if not outcome.good]
        if not any(broken):
            return set()
        spoiling = {unit for rest in broken if len(rest) == 1 for unit in rest}
        doubtful = [unit for unit in range(len(self._field.agents)) if unit not in sound | spoiling]
        smallest = min((len(rest) for rest in broken if rest), default=1)
        part = min(len(doubtful), max(1, (smallest + 1) // 2))
        return spoiling | set(doubtful) - set(self._dice.sample(doubtful, part))

    def _unpassed(self, seen: Mapping[Set, Outcome]) -> bool:
        """Is there a test that passes nowhere? Then no try tells what it needs: only chance finds one."""
        good = frozenset[str]().union(*(outcome.good for outcome in seen.values()))
        return any(outcome.bad - good for outcome in seen.values() if outcome.good)

    def _stray(self, bound: Set) -> set[int]:
        """Some that nothing is known to need."""
        share = self._dice.choice((0.0, 0.2, 0.5, 0.8))
        return {u for u in range(len(self._field.agents)) if u not in bound and self._dice.random() < share}

    def _one(self, feature: Set, harmful: set[int]) -> list[int]:
        units = sorted(feature - harmful) or sorted(feature)
        return [self._dice.choice(units)]

    def _read(self, seen: Mapping[Set, Outcome]) -> tuple[list[Set], set[int]]:
        every = frozenset[str]().union(*(outcome.bad for outcome in seen.values()))
        runs = [(chosen, outcome) for chosen, outcome in seen.items() if outcome.good]
        needed: dict[Set, None] = {}
        harmful: set[int] = set()
        # Where nothing passes, something spoils all: that tells nothing of single tests.
        sets = [chosen for chosen, _ in runs]
        masks = self._masks(sets)
        told = {name: [0, 0] for name in sorted(every)}  # some runs stop before they come to a test
        for at, (_, outcome) in enumerate(runs):
            for names, which in ((outcome.good & every, 0), (outcome.bad, 1)):
                for name in names:
                    told[name][which] |= 1 << at
        for passed, failed in dict.fromkeys(map(tuple, told.values())):
            found, spoiling = self._explained(masks, passed, failed)
            needed |= dict.fromkeys(found)
            harmful |= spoiling
        return list(needed), harmful

    def _masks(self, sets: Sequence[Set]) -> list[int]:
        """For each feature the sets in which it is, as bits."""
        return [
            sum(1 << at for at, chosen in enumerate(sets) if feature & chosen) for feature in self._features
        ]

    def _explained(self, masks: Sequence[int], passed: int, failed: int) -> tuple[list[Set], set[int]]:
        """A small reading of why a test failed where it did: what it lacked, what spoiled it."""
        needed: list[Set] = []
        harmful: set[int] = set()
        if not passed:
            return needed, harmful
        options = []
        for at, mask in enumerate(masks):
            if not passed & ~mask:
                options.append((failed & ~mask, at, True))
            if not passed & mask and len(self._features[at]) == 1:
                options.append((failed & mask, at, False))
        while failed and options:
            covers = [(failed & cover).bit_count() for cover, _, _ in options]
            most = max(covers)
            if not most:
                break
            equal = [option for option, count in zip(options, covers, strict=True) if count == most]
            cover, at, lacks = self._dice.choice(equal)
            failed &= ~cover
            if lacks:
                needed.append(self._features[at])
                continue
            # Of many suspects half at a time: whatever comes out of it leaves half of them.
            suspects = [other for _, other, lacking in equal if not lacking]
            for other in self._dice.sample(suspects, (len(suspects) + 1) // 2):
                harmful |= self._features[other]
        return needed, harmful


class Doubts:
    """Worlds in which all that was tried had failed: what is needed there, and what spoils all."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._dice = random.Random(len(field.agents))
        self._places = [sorted(place) for place in field.places()]
        self._failed: list[int] = []
        self._worlds: list[tuple[int, int]] = []

    def failed(self, sets: Iterable[Set]) -> None:
        """All is not well in these."""
        for chosen in sets:
            bits = _bits(chosen)
            self._failed.append(bits)
            self._worlds = [world for world in self._worlds if not _well(world, bits)]

    def guess(self, seen: Mapping[Set, Outcome]) -> Set | None:
        """The set that is well in most worlds; ``None`` when no new one is found."""
        draws = 0
        while len(self._worlds) < WORLDS and draws < DRAWS:
            draws += 1
            world = self._world()
            if not any(_well(world, bits) for bits in self._failed):
                self._worlds.append(world)
            if draws > WORLDS and len(self._worlds) > WORLDS // 5:
                break
        best: tuple[int, Set] | None = None
        for world in self._dice.sample(self._worlds, min(SETS, len(self._worlds))):
            chosen = self._set(world)
            if chosen not in seen:
                bits = _bits(chosen)
                well = sum(not harmful & bits and not needed & ~bits for needed, harmful in self._worlds)
                if best is None or well > best[0]:
                    best = well, chosen
        return best[1] if best else None

    def _world(self) -> tuple[int, int]:
        dice = self._dice
        rate = {number: dice.choice((0.0, 0.0, 0.03, 0.1)) for number in self._field.numbers}
        needed = harmful = 0
        for place in self._places:
            right = None
            votes = [len(self._field.agents[unit]) for unit in place]
            if dice.random() < (0.12 if len(place) == 1 and votes[0] == 1 else 0.5):
                (right,) = dice.choices(place, [vote * vote for vote in votes])
                needed |= 1 << right
            for unit in place:
                agents = self._field.agents[unit]
                if unit != right and dice.random() < min(rate[agent] for agent in agents) / len(agents):
                    harmful |= 1 << unit
        return needed, harmful

    def _set(self, world: tuple[int, int]) -> Set:
        """All that goes together in a world, and some more left out that it can do without."""
        needed, harmful = world
        dice = self._dice
        units = [unit for unit in range(len(self._field.agents)) if not harmful >> unit & 1]
        share = dice.choice((0.0, 0.0, 0.1, 0.2, 0.4))
        whose = dice.choice([None, *self._field.numbers])
        kept = [
            unit
            for unit in units
            if needed >> unit & 1
            or dice.random() >= share
            or (whose is not None and whose not in self._field.agents[unit])
        ]
        order = sorted(kept, key=lambda u: (not needed >> u & 1, -len(self._field.agents[u]), dice.random()))
        return self._field.settled(order)


def _bits(chosen: Set) -> int:
    return sum(1 << unit for unit in chosen)


def _well(world: tuple[int, int], bits: int) -> bool:
    needed, harmful = world
    return not harmful & bits and not needed & ~bits
