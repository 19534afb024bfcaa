"""The sets of units that were tried so far, what came of each, and the best of them. Pure but for the score,
which is asked for and may take its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as later

from kage_nvim.compare.searching.field import Field, Set


@dataclass(frozen=True)
class Outcome:
    """What a set is worth: ``key`` is compared first to last, more is better. ``good`` and ``bad`` name what
    passes and what fails, as far as that is told; what is in neither is not known. ``perfect``: nothing is
    left to wish for; ``stopped``: it told no more after the first thing that is wrong; ``blamed``: units that
    it complains of; ``counts``: tests that pass and that fail, to be shown."""

    key: tuple[float, ...]
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    perfect: bool = False
    stopped: bool = False
    blamed: Set = frozenset()
    counts: tuple[int, int] = (0, 0)


Score = Callable[[Set], Awaitable[Outcome]]
Move = Callable[[Set, Iterable[int]], Set]
Allowed = Callable[[Outcome, Outcome], bool]


@dataclass(frozen=True)
class Standing:
    """A set and what came of it."""

    chosen: Set
    outcome: Outcome


@dataclass
class Tries:
    """``best`` is the best so far, ``count`` counts scores; ``told`` is called when there is a better one.
    ``ended``: no way was left, nor was time what ended it."""

    field: Field
    score: Score
    width: int = 2
    told: Callable[[Tries], None] = lambda _: None
    best: Standing | None = None
    count: int = 0
    ended: bool = False
    seen: dict[Set, Outcome] = later(default_factory=dict)

    def __post_init__(self) -> None:
        self._room = asyncio.Semaphore(2 * self.width)  # one is made ready while another is tried

    async def look(self, sets: Iterable[Set]) -> list[Outcome]:
        """Score sets, side by side; what is known is not asked for again."""
        wanted = list(sets)
        found: dict[Set, Outcome] = {}
        todo = iter(dict.fromkeys(wanted))

        async def work() -> None:
            for chosen in todo:
                found[chosen] = await self._one(chosen)

        workers = [asyncio.ensure_future(work()) for _ in range(len(wanted))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
        return [found[chosen] for chosen in wanted]

    async def _one(self, chosen: Set) -> Outcome:
        if chosen not in self.seen:
            async with self._room:
                outcome = await self.score(chosen)
            self.count += 1
            self.seen[chosen] = outcome
            best = self.best
            if best is None or self._worth(chosen, outcome) > self._worth(best.chosen, best.outcome):
                self.best = Standing(chosen, outcome)
                self.told(self)
        return self.seen[chosen]

    def worth(self, chosen: Set) -> tuple[object, ...]:
        """What a set that was tried is worth beside others; more is better."""
        return self._worth(chosen, self.seen[chosen])

    def _worth(self, chosen: Set, outcome: Outcome) -> tuple[object, ...]:
        lines, units = self.field.size(chosen)
        return (outcome.key, -lines, -units, [-unit for unit in sorted(chosen)])

    @property
    def done(self) -> bool:
        """True when nothing is left to wish for but a smaller set."""
        return self.best is not None and self.best.outcome.perfect

    @property
    def tell(self) -> bool:
        """True when one try told something else than another."""
        return len({(outcome.key, outcome.good) for outcome in self.seen.values()}) > 1

    def higher(self, current: Set, others: Iterable[Set]) -> Set:
        """The one of most worth, the current one if that is as good: what shows no use yet may be needed."""
        best = max([current, *others], key=self.worth)
        return best if self.seen[best].key > self.seen[current].key else current

    async def moved(
        self, current: Set, chunk: Sequence[int], move: Move, allowed: Allowed, known_bad: bool = False
    ) -> Set:
        """Put in, or drop, as much of a chunk as is allowed; what is not allowed as a whole is halved."""
        if not chunk:
            return current
        if not known_bad:
            moved = move(current, chunk)
            before, after = await self.look([current, moved])
            if allowed(before, after) or moved == current:
                return moved
            if after.key == before.key and after.good == before.good:
                return current  # no worse, and no better in any part of it that would show
        if len(chunk) == 1:
            return current
        left, right = chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]
        sets = [current, move(current, left), move(current, right)]
        before, first, second = await self.look(sets)
        fits, fits_too = allowed(before, first), allowed(before, second)
        if fits:
            return await self.moved(sets[1], right, move, allowed, not fits_too)
        if fits_too:
            return await self.moved(sets[2], left, move, allowed, True)
        current = await self.moved(current, left, move, allowed, True)
        return await self.moved(current, right, move, allowed, True)


def no_worse(before: Outcome, after: Outcome) -> bool:
    """Nothing that passed fails."""
    return after.key >= before.key and not before.good & after.bad


def better(before: Outcome, after: Outcome) -> bool:
    """More passes, and nothing that passed fails."""
    return after.key > before.key and not before.good & after.bad
