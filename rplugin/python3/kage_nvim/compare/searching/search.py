"""A search over units of change for the set of them that is worth most, and then is smallest.

each candidate whole → without what lets nothing pass → unions → is there one in which all is well?
    no, and it stops early   step by step past each point at which it stops
    no, but tests are told   guess what they need and what spoils them from all tries so far (guesses.Causes)
    no, but scores differ    grow from nothing, chunk by chunk, halving chunks in which something breaks;
                             exchange versions; carry over what lets a single test pass elsewhere
    no, and nothing tells    what is likeliest after so many that failed (guesses.Doubts)
    at last                  drop what brings nothing, chunk by chunk (delta debugging)

The best so far is always known, so that the search can be ended at any time. It is the same each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from kage_nvim.compare.searching.carrying import carried
from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.guessing import doubted, guessed, probed
from kage_nvim.compare.searching.moves import flipped, grown, single, smaller, union
from kage_nvim.compare.searching.sound import spoilers
from kage_nvim.compare.searching.stepping import stepped
from kage_nvim.compare.searching.tries import Standing, Tries

SHARE = 0.85
"""The part of the time that the search for more may take; the rest is for dropping what brings nothing, and
all that is left once nothing more is to be won."""


async def search(tries: Tries, seconds: float | None = None) -> Standing | None:
    """Search until nothing better is found, or the time is over; ``None``: not even one was scored."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_both(tries, seconds), seconds)
    return tries.best


async def _both(tries: Tries, seconds: float | None) -> None:
    ended = False
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_more(tries), None if seconds is None else seconds * SHARE)
        ended = True
    await smaller(tries)
    tries.ended = ended


async def _more(tries: Tries) -> None:
    """Sets in which more passes, until all does or no way is left."""
    field = tries.field
    wholes = [field.settled(field.of(number)) for number in field.numbers]
    outcomes = await tries.look([frozenset(), *wholes])
    if tries.done:
        return
    dead = await spoilers(tries, wholes)
    ranked = sorted(field.numbers, key=lambda n: outcomes[field.numbers.index(n) + 1].key, reverse=True)
    every = field.drop(union(field, ranked), dead)
    for sets in ([every], [field.drop(union(field, ranked, first), dead) for first in ranked]):
        await tries.look(sets)
        if tries.done:
            return
    current = every
    if not tries.tell:
        current = await doubted(tries, current)
    if not tries.done and tries.tell:
        await _told(tries, ranked, every)
    if not tries.done:
        await doubted(tries, current, to_the_end=True)


async def _told(tries: Tries, ranked: Sequence[int], every: Set) -> None:
    """The search where tries tell more than that all is not well."""
    current = tries.higher(every, list(tries.seen))
    if any(outcome.stopped for outcome in tries.seen.values()):
        current = await stepped(tries, ranked)
    if not tries.done and len({outcome.good for outcome in tries.seen.values()}) > 1:
        current = await guessed(tries, every)
        if not tries.done:
            await carried(tries, current)
        if not tries.done:
            current = await grown(tries, ranked)
        if not tries.done:
            current = await probed(tries, current)
    for step in (single, carried, _turned):
        if not tries.done:
            current = await step(tries, current)
    if not tries.done:
        await _turned(tries, await grown(tries, ranked))


async def _turned(tries: Tries, current: Set) -> Set:
    """With what flips and tests of others bring, until neither does."""
    while not tries.done:
        other = await carried(tries, await flipped(tries, current))
        if other == current:
            break
        current = other
    return current
