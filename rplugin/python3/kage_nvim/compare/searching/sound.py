"""Which units let nothing pass at all: what cannot be loaded or built tells nothing of the rest, so that they
are sought first, and are left out from then on. Pure but for the tries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.tries import Tries


async def spoilers(tries: Tries, wholes: Sequence[Set]) -> Set:
    """The units of these sets, which were tried, that let nothing pass where something does without them."""
    if not tries.seen[frozenset()].good:
        return frozenset()
    dead = [whole for whole in wholes if not tries.seen[whole].good]
    return frozenset().union(*await asyncio.gather(*(_of(tries, whole) for whole in dead)))


async def _of(tries: Tries, whole: Set) -> Set:
    """Those of one set: what is sound of it grows, up to the next one that spoils all."""
    found: set[int] = set()
    sound, left = await _cleared(tries, whole)
    while left and not await _passes(tries, sound, left):
        low, past = 0, len(left)
        while past - low > 1:
            middle = (low + past) // 2
            if await _passes(tries, sound, left[:middle]):
                low = middle
            else:
                past = middle
        found.add(left[past - 1])
        sound = tries.field.put(sound, left[:low])
        left = left[past:]
    return frozenset(found)


async def _cleared(tries: Tries, whole: Set) -> tuple[Set, list[int]]:
    """A part that is sound, and the rest: what is complained of, when that is enough, else all."""
    rest = whole
    while not (outcome := tries.seen[rest]).good and outcome.blamed & rest:
        rest = tries.field.drop(rest, outcome.blamed)
        await tries.look([rest])
    return (rest, sorted(whole - rest)) if outcome.good else (frozenset(), sorted(whole))


async def _passes(tries: Tries, sound: Set, more: Sequence[int]) -> bool:
    (outcome,) = await tries.look([tries.field.put(sound, more)])
    return bool(outcome.good)
