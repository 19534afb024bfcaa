"""Sets that are tried because of what earlier tries let guess, or by chance. Pure but for the tries."""

from __future__ import annotations

import asyncio
import random

from kage_nvim.compare.searching.carrying import carried
from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.guesses import Causes, Doubts
from kage_nvim.compare.searching.tries import Tries

BLIND = 200
"""Pairs of guesses where no score tells one set from another."""
PATIENT = 20
"""Rounds of guesses that bring nothing before another way is gone."""
DRAWN = 12
"""Guesses drawn for a round; those that are known already are no news."""
PROBES = 12
"""Parts of all that are tried, twice, for tests that pass nowhere."""


async def guessed(tries: Tries, every: Set) -> Set:
    """All that goes together, but for what spoils tests as far as tries tell, and with what they need:
    each guess that fails rules some of its reasons out."""
    causes = Causes(tries.field)
    idle = 0
    while not tries.done and idle < PATIENT:
        key = tries.best.outcome.key if tries.best else ()
        drawn = (causes.guess(tries.seen, every) for _ in range(DRAWN))
        sets = list(dict.fromkeys(chosen for chosen in drawn if chosen not in tries.seen))[: tries.width]
        if not sets:
            break
        await tries.look(sets)
        idle = 0 if tries.best and tries.best.outcome.key > key else idle + 1
    return tries.higher(every, list(tries.seen))


async def doubted(tries: Tries, current: Set, *, to_the_end: bool = False) -> Set:
    """What is likeliest to be all well, where a try tells nothing else; until one does, or to the end."""
    doubts = Doubts(tries.field)
    known: set[Set] = set()
    for _ in range(BLIND):
        doubts.failed(chosen for chosen in tries.seen if chosen not in known)
        known |= tries.seen.keys()
        guess = await asyncio.to_thread(doubts.guess, dict(tries.seen))
        if guess is None or tries.done:
            break
        other = await asyncio.to_thread(doubts.guess, {**tries.seen, guess: tries.seen[current]})
        await tries.look([guess] if other is None else [guess, other])
        if not to_the_end and len({outcome.key for outcome in tries.seen.values()}) > 1:
            break
    return tries.higher(current, list(tries.seen))


async def probed(tries: Tries, current: Set) -> Set:
    """With what a test needs that passes in no set so far: some parts of all may let it pass, for what
    spoils it is not in them."""
    dice = random.Random(PROBES)
    places = tries.field.places()
    for share in (0.5, 0.25):
        if tries.done:
            break
        sets = []
        for _ in range(PROBES):
            chosen = [place for place in places if dice.random() < share]
            picked = (place & current or frozenset([dice.choice(sorted(place))]) for place in chosen)
            sets.append(tries.field.drop(frozenset().union(*picked), []))
        await tries.look(sets)
        current = await carried(tries, current)
    return current
