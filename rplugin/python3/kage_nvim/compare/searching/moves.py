"""Ways from a set of units to one of more worth, chunk by chunk. Pure but for the tries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kage_nvim.compare.searching.carrying import carried
from kage_nvim.compare.searching.field import Field, Set
from kage_nvim.compare.searching.tries import Outcome, Tries, better, no_worse

FEW = 2
"""Tests that must have been won, at least, for their causes to be sought one by one."""


def union(field: Field, ranked: Sequence[int], first: int | None = None) -> Set:
    """All that goes together of these candidates: what most of them agree on, or one of them, first."""
    place = {number: at for at, number in enumerate(ranked)}

    def order(unit: int) -> tuple[object, ...]:
        votes = [number for number in field.agents[unit] if number in place]
        return (first not in votes, -len(votes), min(place[number] for number in votes), unit)

    units = [unit for unit, agents in enumerate(field.agents) if any(n in place for n in agents)]
    return field.settled(sorted(units, key=order))


async def grown(tries: Tries, ranked: Sequence[int]) -> Set:
    """From nothing, with each candidate's units that break nothing of what passes by then; then with those
    versions of others that let more pass."""
    field = tries.field
    current: Set = frozenset()
    for number in ranked:
        free = [u for u in field.of(number) if u not in current and not field.clashes[u] & current]
        current = await tries.moved(current, free, field.put, no_worse)
        if tries.done:
            return current
    for number in ranked:
        others = [u for u in field.of(number) if u not in current]
        current = await tries.moved(current, others, field.put, better)
        if tries.done:
            return current
    return tries.higher(current, [tries.best.chosen] if tries.best else [])


async def single(tries: Tries, current: Set) -> Set:
    """With every unit that lets more pass all by itself."""
    field = tries.field
    nothing = tries.seen[frozenset()]
    sets = [field.put(frozenset(), [unit]) for unit in range(len(field.agents))]
    step = 4 * tries.width
    for at in range(0, len(sets), step):
        await tries.look(sets[at : at + step])
        if tries.done:
            return current
    gains = sorted(
        (chosen for chosen in dict.fromkeys(sets) if better(nothing, tries.seen[chosen])), key=tries.worth
    )
    order = [unit for chosen in reversed(gains) for unit in sorted(chosen)]
    joint = await tries.moved(frozenset(), order, field.put, better)
    rest = [unit for unit in sorted(current) if unit not in joint and not field.clashes[unit] & joint]
    return tries.higher(current, [joint, await tries.moved(joint, rest, field.put, no_worse)])


async def flipped(tries: Tries, current: Set) -> Set:
    """With places taken out or decided otherwise, many at a time at first, as long as that helps."""
    places = tries.field.places()
    size = max(1, len(places) // 4)
    while not tries.done:
        before = current
        found = []
        for sets, part in _flips(tries.field, current, places, size):
            for chosen, at in zip(sets, await tries.look(sets), strict=True):
                if at.key > tries.seen[before].key:
                    found.append((chosen, part))
            if tries.done:
                break
        if found:
            joint = before
            for chosen, part in found:
                joint = tries.field.complete((joint - part) | (chosen & part))
            await tries.look([joint])
            current = tries.higher(joint, [chosen for chosen, _ in found])
        if size == 1 and current == before:
            return current
        size = max(1, size // 2) if current == before else size
    return current


def _flips(field: Field, current: Set, places: Sequence[Set], size: int) -> Iterable[tuple[list[Set], Set]]:
    """Chunks of places, each with the sets that decide all of it otherwise."""
    for at in range(0, len(places), size):
        part = frozenset().union(*places[at : at + size])
        others = [field.drop(current, part)]
        for number in field.numbers:
            theirs = [unit for unit in sorted(part) if number in field.agents[unit]]
            others.append(field.put(current, theirs))
        yield [chosen for chosen in dict.fromkeys(others) if chosen != current], part


async def smaller(tries: Tries) -> None:
    """Drop from the best what brings nothing, until every unit that is left does."""
    if tries.best is None:
        return

    def enough(_: Outcome, after: Outcome) -> bool:
        return tries.best is not None and after.key >= tries.best.outcome.key

    def order(unit: int) -> tuple[object, ...]:
        agents = tries.field.agents[unit]
        return (len(agents), list(agents), unit)  # what several agree on is needed, most likely

    gained = tries.best.outcome.good - tries.seen[frozenset()].good if frozenset() in tries.seen else ()
    if len(gained) > FEW:
        await carried(tries, frozenset(), tries.best.chosen)
    while True:
        before = tries.best.chosen
        await tries.moved(before, sorted(before, key=order), tries.field.drop, enough)
        if tries.best.chosen == before:
            return
