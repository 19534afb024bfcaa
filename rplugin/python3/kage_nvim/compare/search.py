"""A search over units of change for the set of them that is worth most, and then is smallest. Pure but for
the score, which is asked for and may take its time.

each candidate whole → unions → is there one in which all is well?
    no, but tests are told   guess what they need and what spoils them from all tries so far (guesses.Causes)
    no, but scores differ    grow from nothing, chunk by chunk, halving chunks in which something breaks;
                             exchange versions; carry over what lets a single test pass elsewhere
    no, and nothing tells    what is likeliest after so many that failed (guesses.Doubts)
    at last                  drop what brings nothing, chunk by chunk (delta debugging)

The best so far is always known, so that the search can be ended at any time. It is the same each time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field as later

from kage_nvim.compare.field import Field, Set
from kage_nvim.compare.guesses import Causes, Doubts

SHARE = 0.7
"""The part of the time that the search for more may take; the rest is for dropping what brings nothing."""
BLIND = 200
"""Pairs of guesses where no score tells one set from another."""
PATIENT = 20
"""Rounds of guesses that bring nothing before another way is gone."""
DRAWN = 12
"""Guesses drawn for a round; those that are known already are no news."""
FEW = 2
"""Tests that must have been won, at least, for their causes to be sought one by one."""
PROBES = 12
"""Parts of all that are tried, twice, for tests that pass nowhere."""


@dataclass(frozen=True)
class Outcome:
    """What a set is worth: ``key`` is compared first to last, more is better; ``good`` and ``bad`` name what
    passes and what fails, as far as that is told; ``perfect``: nothing is left to wish for."""

    key: tuple[float, ...]
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    perfect: bool = False


Score = Callable[[Set], Awaitable[Outcome]]


@dataclass(frozen=True)
class Standing:
    """A set and what came of it."""

    chosen: Set
    outcome: Outcome


@dataclass
class Search:
    """``best`` is the best so far, ``tries`` counts scores; ``told`` is called when there is a better one."""

    field: Field
    score: Score
    width: int = 2
    told: Callable[[Search], None] = lambda _: None
    best: Standing | None = None
    tries: int = 0
    seen: dict[Set, Outcome] = later(default_factory=dict)

    async def run(self, seconds: float | None = None) -> Standing | None:
        """Search until nothing better is found, or the time is over; ``None``: not even one was scored."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._both(seconds), seconds)
        return self.best

    async def _both(self, seconds: float | None) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._more(), None if seconds is None else seconds * SHARE)
        await self._smaller()

    async def look(self, sets: Iterable[Set]) -> list[Outcome]:
        """Score sets, side by side; what is known is not asked for again."""
        wanted = list(sets)
        found: dict[Set, Outcome] = {}
        todo = iter(dict.fromkeys(wanted))

        async def work() -> None:
            for chosen in todo:
                found[chosen] = await self._one(chosen)

        workers = [asyncio.ensure_future(work()) for _ in range(min(2 * self.width, len(wanted)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
        return [found[chosen] for chosen in wanted]

    async def _one(self, chosen: Set) -> Outcome:
        if chosen not in self.seen:
            outcome = await self.score(chosen)
            self.tries += 1
            self.seen[chosen] = outcome
            if self.best is None or self._worth(chosen, outcome) > self._worth(*_pair(self.best)):
                self.best = Standing(chosen, outcome)
                self.told(self)
        return self.seen[chosen]

    def _worth(self, chosen: Set, outcome: Outcome) -> tuple[object, ...]:
        lines, units = self.field.size(chosen)
        return (outcome.key, -lines, -units, [-unit for unit in sorted(chosen)])

    @property
    def done(self) -> bool:
        """True when nothing is left to wish for but a smaller set."""
        return self.best is not None and self.best.outcome.perfect

    # More that passes.

    async def _more(self) -> None:
        numbers = self.field.numbers
        wholes = [self.field.settled(self.field.of(number)) for number in numbers]
        outcomes = await self.look([frozenset(), *wholes])
        ranked = sorted(numbers, key=lambda n: outcomes[numbers.index(n) + 1].key, reverse=True)
        every = self._union(ranked)
        for sets in ([every], [self._union(ranked, first) for first in ranked]):
            await self.look(sets)
            if self.done:
                return
        current = self._best_of([every])
        if len({(outcome.key, outcome.good) for outcome in self.seen.values()}) == 1:
            current = await self._doubted(current)
        if not self.done and len({(outcome.key, outcome.good) for outcome in self.seen.values()}) > 1:
            await self._told(ranked, every)
        if not self.done:
            await self._doubted(current, to_the_end=True)

    async def _told(self, ranked: Sequence[int], every: Set) -> None:
        """The search where tries tell more than that all is not well."""
        current = self._higher(every, list(self.seen))
        if len({outcome.good for outcome in self.seen.values()}) > 1:
            current = await self._guessed(every)
            for step in (self._carried, lambda _: self._grown(ranked), self._probed):
                if not self.done:
                    current = await step(current)
        for step in (self._single, self._carried, self._turned):
            if not self.done:
                current = await step(current)
        if not self.done:
            await self._turned(await self._grown(ranked))

    async def _turned(self, current: Set) -> Set:
        """With what flips and tests of others bring, until neither does."""
        while not self.done:
            carried = await self._carried(await self._flipped(current))
            if carried == current:
                break
            current = carried
        return current

    def _union(self, ranked: Sequence[int], first: int | None = None) -> Set:
        """All that goes together of these candidates: what most of them agree on, or one of them, first."""
        place = {number: at for at, number in enumerate(ranked)}

        def order(unit: int) -> tuple[object, ...]:
            votes = [number for number in self.field.agents[unit] if number in place]
            return (first not in votes, -len(votes), min(place[number] for number in votes), unit)

        units = [unit for unit, agents in enumerate(self.field.agents) if any(n in place for n in agents)]
        return self.field.settled(sorted(units, key=order))

    def _best_of(self, sets: Iterable[Set]) -> Set:
        return max(sets, key=lambda chosen: self._worth(chosen, self.seen[chosen]))

    def _higher(self, current: Set, others: Iterable[Set]) -> Set:
        """The one of most worth, the current one if that is as good: what shows no use yet may be needed."""
        best = self._best_of([current, *others])
        return best if self.seen[best].key > self.seen[current].key else current

    async def _grown(self, ranked: Sequence[int]) -> Set:
        """From nothing, with each candidate's units that break nothing of what passes by then; then with
        those versions of others that let more pass."""
        current: Set = frozenset()
        for number in ranked:
            free = [
                u for u in self.field.of(number) if u not in current and not self.field.clashes[u] & current
            ]
            current = await self._moved(current, free, self.field.put, _no_worse)
            if self.done:
                return current
        for number in ranked:
            others = [u for u in self.field.of(number) if u not in current]
            current = await self._moved(current, others, self.field.put, _better)
            if self.done:
                return current
        return self._higher(current, [self.best.chosen] if self.best else [])

    async def _moved(
        self,
        current: Set,
        chunk: Sequence[int],
        move: Callable[[Set, Iterable[int]], Set],
        allowed: Callable[[Outcome, Outcome], bool],
        known_bad: bool = False,
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
            return await self._moved(sets[1], right, move, allowed, not fits_too)
        if fits_too:
            return await self._moved(sets[2], left, move, allowed, True)
        current = await self._moved(current, left, move, allowed, True)
        return await self._moved(current, right, move, allowed, True)

    async def _carried(self, current: Set, source: Set | None = None) -> Set:
        """With what lets tests pass in other sets (or in one), for every test for which that is found."""
        stuck: set[str] = set()
        been: set[Set] = set()
        while current not in been and (source is not None or not self.done):
            been.add(current)
            (here,) = await self.look([current])
            others = self.seen.values() if source is None else [self.seen[source]]
            wanted = frozenset().union(*(outcome.good for outcome in others)) - here.good - stuck
            if not wanted:
                break
            donor = self._donor(current, wanted) if source is None else source
            names = wanted & self.seen[donor].good
            found = await self._causes(current, donor, names)
            joint = self._mixed(current, donor, found.values())
            (after,) = await self.look([joint])
            if joint != current and _no_worse(here, after):
                current = joint
                stuck |= names - after.good if source is None or not names & after.good else set()
                continue
            stuck |= names
            single = [self._mixed(current, donor, [place]) for place in dict.fromkeys(found.values())]
            await self.look(single)
            current = self._higher(current, [joint, *single])
        return current

    def _donor(self, current: Set, wanted: frozenset[str]) -> Set:
        """The set in which most of these tests pass, then that which is most like the current one."""
        return max(
            self.seen,
            key=lambda one: (len(wanted & self.seen[one].good), -len(one ^ current), -len(one), sorted(one)),
        )

    async def _causes(self, current: Set, donor: Set, names: Iterable[str]) -> dict[str, Set]:
        """For each test that passes in ``donor`` and not in ``current`` a place of which it needs the donor's
        version. The way from one to the other, place by place, is halved for all tests at once: each try
        tells of every test on which side of it the place is."""
        places = [place for place in self.field.places() if place & current != place & donor]
        bounds = {name: (0, len(places)) for name in sorted(names)}
        while wide := {(low, past) for low, past in bounds.values() if past - low > 1}:
            middles = sorted(
                {
                    (low + past) // 2
                    for low, past in sorted(wide, key=lambda gap: (gap[0] - gap[1], gap))[: self.width]
                }
            )
            if len(wide) < self.width:  # fewer tests than cores: more places on the way of each
                middles = sorted({low + (past - low) * k // 3 for low, past in wide for k in (1, 2)} - {0})
            outcomes = await self.look(self._mixed(current, donor, places[:middle]) for middle in middles)
            for middle, outcome in zip(middles, outcomes, strict=True):
                for name, (low, past) in bounds.items():
                    if low < middle < past:
                        bounds[name] = (low, middle) if name in outcome.good else (middle, past)
        return {name: places[past - 1] for name, (_, past) in bounds.items() if places}

    def _mixed(self, current: Set, donor: Set, places: Iterable[Set]) -> Set:
        from_donor = frozenset().union(*places)
        return self.field.complete((current - from_donor) | (donor & from_donor))

    async def _guessed(self, every: Set) -> Set:
        """All that goes together, but for what spoils tests as far as tries tell, and with what they need:
        each guess that fails rules some of its reasons out."""
        causes = Causes(self.field)
        idle = 0
        while not self.done and idle < PATIENT:
            key = self.best.outcome.key if self.best else ()
            drawn = (causes.guess(self.seen, every) for _ in range(DRAWN))
            sets = list(dict.fromkeys(chosen for chosen in drawn if chosen not in self.seen))[: self.width]
            if not sets:
                break
            await self.look(sets)
            idle = 0 if self.best and self.best.outcome.key > key else idle + 1
        return self._higher(every, list(self.seen))

    async def _doubted(self, current: Set, *, to_the_end: bool = False) -> Set:
        """What is likeliest to be all well, where a try tells nothing else; until one does, or to the end."""
        doubts = Doubts(self.field)
        known: set[Set] = set()
        for _ in range(BLIND):
            doubts.failed(chosen for chosen in self.seen if chosen not in known)
            known |= self.seen.keys()
            guess = await asyncio.to_thread(doubts.guess, dict(self.seen))
            if guess is None or self.done:
                break
            other = await asyncio.to_thread(doubts.guess, {**self.seen, guess: self.seen[current]})
            await self.look([guess] if other is None else [guess, other])
            if not to_the_end and len({outcome.key for outcome in self.seen.values()}) > 1:
                break
        return self._higher(current, list(self.seen))

    async def _probed(self, current: Set) -> Set:
        """With what a test needs that passes in no set so far: some parts of all may let it pass, for what
        spoils it is not in them."""
        dice = random.Random(PROBES)
        places = self.field.places()
        for share in (0.5, 0.25):
            if self.done:
                break
            sets = []
            for _ in range(PROBES):
                chosen = [place for place in places if dice.random() < share]
                picked = (place & current or frozenset([dice.choice(sorted(place))]) for place in chosen)
                sets.append(self.field.drop(frozenset().union(*picked), []))
            await self.look(sets)
            current = await self._carried(current)
        return current

    async def _single(self, current: Set) -> Set:
        """With every unit that lets more pass all by itself."""
        nothing = self.seen[frozenset()]
        sets = [self.field.put(frozenset(), [unit]) for unit in range(len(self.field.agents))]
        step = 4 * self.width
        for at in range(0, len(sets), step):
            await self.look(sets[at : at + step])
            if self.done:
                return current
        gains = sorted(
            (chosen for chosen in dict.fromkeys(sets) if _better(nothing, self.seen[chosen])),
            key=lambda chosen: self._worth(chosen, self.seen[chosen]),
        )
        order = [unit for chosen in reversed(gains) for unit in sorted(chosen)]
        joint = await self._moved(frozenset(), order, self.field.put, _better)
        rest = [
            unit for unit in sorted(current) if unit not in joint and not self.field.clashes[unit] & joint
        ]
        return self._higher(current, [joint, await self._moved(joint, rest, self.field.put, _no_worse)])

    async def _flipped(self, current: Set) -> Set:
        """With places taken out or decided otherwise, many at a time at first, as long as that helps."""
        places = self.field.places()
        size = max(1, len(places) // 4)
        while not self.done:
            before = current
            better = []
            for moved, part in self._flips(current, places, size):
                for chosen, at in zip(moved, await self.look(moved), strict=True):
                    if at.key > self.seen[before].key:
                        better.append((chosen, part))
                if self.done:
                    break
            if better:
                joint = before
                for chosen, part in better:
                    joint = self.field.complete((joint - part) | (chosen & part))
                await self.look([joint])
                current = self._higher(joint, [chosen for chosen, _ in better])
            if size == 1 and current == before:
                return current
            size = max(1, size // 2) if current == before else size
        return current

    def _flips(self, current: Set, places: Sequence[Set], size: int) -> Iterable[tuple[list[Set], Set]]:
        """Chunks of places, each with the sets that decide all of it otherwise."""
        for at in range(0, len(places), size):
            part = frozenset().union(*places[at : at + size])
            others = [self.field.drop(current, part)]
            for number in self.field.numbers:
                theirs = [unit for unit in sorted(part) if number in self.field.agents[unit]]
                others.append(self.field.put(current, theirs))
            yield [chosen for chosen in dict.fromkeys(others) if chosen != current], part

    # Less that brings nothing.

    async def _smaller(self) -> None:
        """Drop from the best what brings nothing, until every unit that is left does."""
        if self.best is None:
            return

        def enough(_: Outcome, after: Outcome) -> bool:
            return self.best is not None and after.key >= self.best.outcome.key

        def order(unit: int) -> tuple[object, ...]:
            agents = self.field.agents[unit]
            return (len(agents), list(agents), unit)  # what several agree on is needed, most likely

        gained = self.best.outcome.good - self.seen[frozenset()].good if frozenset() in self.seen else ()
        if len(gained) > FEW:
            await self._carried(frozenset(), self.best.chosen)
        while True:
            before = self.best.chosen
            await self._moved(before, sorted(before, key=order), self.field.drop, enough)
            if self.best.chosen == before:
                return


def _pair(standing: Standing) -> tuple[Set, Outcome]:
    return standing.chosen, standing.outcome


def _no_worse(before: Outcome, after: Outcome) -> bool:
    return after.key >= before.key and not before.good - after.good


def _better(before: Outcome, after: Outcome) -> bool:
    return after.key > before.key and not before.good - after.good
