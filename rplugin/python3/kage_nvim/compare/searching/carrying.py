"""From a set in which a test passes what lets it pass is carried over to another. Pure but for the tries."""

from __future__ import annotations

from collections.abc import Iterable

from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.tries import Tries, no_worse


async def carried(tries: Tries, current: Set, source: Set | None = None) -> Set:
    """With what lets tests pass in other sets (or in one), for every test for which that is found."""
    stuck: set[str] = set()
    been: set[Set] = set()
    while current not in been and (source is not None or not tries.done):
        been.add(current)
        (here,) = await tries.look([current])
        others = tries.seen.values() if source is None else [tries.seen[source]]
        wanted = frozenset().union(*(outcome.good for outcome in others)) - here.good - stuck
        if not wanted:
            break
        donor = _donor(tries, current, wanted) if source is None else source
        names = wanted & tries.seen[donor].good
        found = await _causes(tries, current, donor, names)
        joint = _mixed(tries, current, donor, found.values())
        (after,) = await tries.look([joint])
        if joint != current and no_worse(here, after):
            current = joint
            stuck |= names - after.good if source is None or not names & after.good else set()
            continue
        stuck |= names
        single = [_mixed(tries, current, donor, [place]) for place in dict.fromkeys(found.values())]
        await tries.look(single)
        current = tries.higher(current, [joint, *single])
    return current


def _donor(tries: Tries, current: Set, wanted: frozenset[str]) -> Set:
    """The set in which most of these tests pass, then that which is most like the current one."""
    return max(
        tries.seen,
        key=lambda one: (len(wanted & tries.seen[one].good), -len(one ^ current), -len(one), sorted(one)),
    )


async def _causes(tries: Tries, current: Set, donor: Set, names: Iterable[str]) -> dict[str, Set]:
    """For each test that passes in ``donor`` and not in ``current`` a place of which it needs the donor's
    version. The way from one to the other, place by place, is halved for all tests at once: each try
    tells of every test on which side of it the place is."""
    places = [place for place in tries.field.places() if place & current != place & donor]
    bounds = {name: (0, len(places)) for name in sorted(names)}
    while wide := {(low, past) for low, past in bounds.values() if past - low > 1}:
        widest = sorted(wide, key=lambda gap: (gap[0] - gap[1], gap))[: tries.width]
        middles = sorted({(low + past) // 2 for low, past in widest})
        if len(wide) < tries.width:  # fewer tests than cores: more places on the way of each
            middles = sorted({low + (past - low) * k // 3 for low, past in wide for k in (1, 2)} - {0})
        outcomes = await tries.look(_mixed(tries, current, donor, places[:middle]) for middle in middles)
        for middle, outcome in zip(middles, outcomes, strict=True):
            for name, (low, past) in bounds.items():
                if low < middle < past:
                    bounds[name] = (low, middle) if name in outcome.good else (middle, past)
    return {name: places[past - 1] for name, (_, past) in bounds.items() if places}


def _mixed(tries: Tries, current: Set, donor: Set, places: Iterable[Set]) -> Set:
    from_donor = frozenset().union(*places)
    return tries.field.complete((current - from_donor) | (donor & from_donor))
