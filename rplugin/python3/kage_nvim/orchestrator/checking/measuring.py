"""Measuring: benchmarks of a candidate and of its base, in turns, while nothing else runs on the benches.

A first run of each warms what it needs and does not count. Then rounds follow, the base first in one and the
candidate first in the next, until there are enough and they agree, or the time for it is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import msgspec
from msgspec.structs import replace

from kage_nvim.config import Check
from kage_nvim.evaluate import compared
from kage_nvim.evaluate.checks.kinds import kind_of
from kage_nvim.evaluate.outputs.endings import lasts
from kage_nvim.evaluate.results import Result, begun
from kage_nvim.model import Profile
from kage_nvim.orchestrator.checking.trials import Ground, Told, Trials, as_begun, key_of

ROUNDS = 5
MOST = 9
"""Rounds where the first do not agree: five that are all above or below come about by chance once in sixteen
times."""
AGREEING = 60.0
"""Seconds after which rounds need not agree."""
PATIENCE = 240.0
"""Seconds for all rounds of one benchmark, after which no further round begins."""
LONG = 20.0
"""Seconds; a run that takes longer needs no other to warm it, and counts."""


def apart(wanted: Mapping[str, Check]) -> tuple[dict[str, Check], dict[str, Check]]:
    """The checks that pass or fail, and the benchmarks."""
    timed = {name: check for name, check in wanted.items() if kind_of(name, check) == "bench"}
    return {name: check for name, check in wanted.items() if name not in timed}, timed


async def measured(
    trials: Trials,
    ground: Ground,
    tree: str,
    base: str,
    wanted: Mapping[str, Check],
    *,
    told: Told = lambda _: None,
) -> list[Result]:
    """The benchmarks on a tree, compared with those on the base; ``told`` gets all of them as they go on.
    What is known of the two trees is not run again.

    Raises:
        KageError: a tree cannot be laid out.
    """
    found = {name: begun(name, check) for name, check in wanted.items()}

    def say(result: Result) -> None:
        found[result.name] = result
        told(list(found.values()))

    for name, check in wanted.items():
        key = msgspec.json.encode(("measured", base, key_of(name, check, ground)))
        known = trials.known(tree, key)
        if known is None:
            async with trials.measuring:
                known = trials.known(tree, key)
                if known is None:
                    result = await _measure(trials, ground, (base, tree), name, check, say)
                    if lasts(result.state, result.code):
                        trials.keep(tree, key, result)
                    say(result)
        if known is not None:
            say(as_begun(known, begun(name, check)))
    return list(found.values())


async def _measure(
    trials: Trials,
    ground: Ground,
    trees: tuple[str, str],
    name: str,
    check: Check,
    say: Callable[[Result], None],
) -> Result:
    """One benchmark on the base and on the tree; on the same tree twice there is nothing to compare."""
    from kage_nvim.evaluate.outputs import measures  # loaded with the first benchmark

    began = time.monotonic()
    async with AsyncExitStack() as stack:
        profiles = [await stack.enter_async_context(trials.bench(ground, tree)) for tree in sorted({*trees})]
        await stack.enter_async_context(trials.gate.alone())
        base, tree = (profiles[sorted({*trees}).index(each)] for each in trees)
        here, there = await _rounds(trials, None if base is tree else base, tree, name, check, say)
    result = replace(here[-1], seconds=round(time.monotonic() - began, 2))
    if not result.good:
        return compared.with_base(result, there[-1] if there else result)
    comparable = all(each.good for each in there)
    metrics = measures.together(here, there if comparable else [])
    if base is tree:
        metrics = [replace(metric, base=metric.value, change=1.0, verdict="same") for metric in metrics]
    note = "" if comparable else ", at the base it failed"
    rounds = f" ({len(here)} round{'s' * (len(here) > 1)})"
    result = replace(result, metrics=metrics, summary=f"{measures.line(metrics)}{note}{rounds}")
    return compared.with_base(result, there[-1] if there else result)


async def _rounds(
    trials: Trials,
    base: Profile | None,
    tree: Profile,
    name: str,
    check: Check,
    say: Callable[[Result], None],
) -> tuple[list[Result], list[Result]]:
    """What the tree and the base gave, round by round. A run of the tree's that fails is the last; a base's
    is the only one of the base, for the tree's own numbers are wanted all the same."""
    from kage_nvim.evaluate.outputs import measures

    began = time.monotonic()
    here: list[Result] = []
    there: list[Result] = []
    for number in range(MOST + 1):
        which = f"round {number} of {max(number, ROUNDS)}" if number else "a first run"
        say(replace(begun(name, check), summary=which))
        pair = [(there, base), (here, tree)] if number % 2 else [(here, tree), (there, base)]
        for results, profile in pair:
            if profile is not None:
                results.append(await trials.once(name, check, profile))
        if not here[-1].good:
            break
        if base is not None and not there[-1].good:
            base, there = None, there[-1:]
        if number == 0 and here[-1].seconds < LONG:
            here, there = [], [] if base is not None else there
            continue
        passed = time.monotonic() - began
        enough = len(here) >= ROUNDS and (passed > AGREEING or measures.settled(here, there))
        if enough or len(here) >= MOST or passed + passed / (number + 1) > PATIENCE:
            break
    return here, there
