"""Step by step past the point at which a check stops, where it stops at the first thing that is wrong. Pure
but for the tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.tries import Outcome, Tries

CUTS = 3
"""A list is cut into so many parts at once."""


async def stepped(tries: Tries, ranked: Sequence[int]) -> Set:
    """From nothing, with what is needed to come further, until no candidate has it; what leads back is left
    out from then on."""
    current: Set = frozenset()
    harmful: set[int] = set()
    whose: list[int | None] = [None, *ranked]
    while whose and not tries.done:
        further, back = await _step(tries, current, _free(tries, current, harmful, whose[0]))
        harmful |= back
        if further:
            current = tries.field.put(current, further)
            whose = [None, *ranked]
        elif not back:
            whose.pop(0)
    return tries.higher(current, list(tries.seen))


def _free(tries: Tries, current: Set, harmful: set[int], number: int | None) -> list[int]:
    """The units of a candidate (or of all) that may be put beside the current ones."""
    field = tries.field
    units = range(len(field.agents)) if number is None else field.of(number)
    return [u for u in units if u not in current | harmful and not field.clashes[u] & current]


async def _step(tries: Tries, current: Set, free: list[int]) -> tuple[list[int], set[int]]:
    """The units among these that lead further, and those that lead back; none of either when nothing does."""
    (here,) = await tries.look([current])
    (after,) = await tries.look([tries.field.put(current, free)])
    if after.key < here.key:
        rest = [unit for unit in free if unit not in after.blamed]
        if len(rest) < len(free) and (await tries.look([tries.field.put(current, rest)]))[0].key > after.key:
            return [], set(free) & after.blamed
        last = await _first(tries, current, [], free, lambda outcome: outcome.key < here.key)
        return [], {free[last]}
    needed: list[int] = []
    while after.key > here.key and free:
        last = await _first(tries, current, needed, free, lambda outcome: outcome.key > here.key)
        needed.append(free[last])
        free = free[:last]
        if (await tries.look([tries.field.put(current, needed)]))[0].key > here.key:
            break
    return needed, set()


async def _first(
    tries: Tries, current: Set, more: list[int], free: list[int], found: Callable[[Outcome], bool]
) -> int:
    """The place in a list up to which it must be put in, with some more, for something to be found."""
    low, past = 0, len(free)
    while past - low > 1:
        cuts = sorted({low + (past - low) * part // CUTS for part in range(1, CUTS)} - {low, past})
        outcomes = await tries.look(tries.field.put(current, [*more, *free[:cut]]) for cut in cuts)
        for cut, outcome in zip(cuts, outcomes, strict=True):
            if found(outcome):
                past = cut
                break
            low = cut
    return past - 1
