"""Evaluation: the checks on a candidate, held against the same checks on what its agent began from.

What failed there cannot regress, what comes out differently when it is run again counts for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate import compared
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.results import Result, begun
from kage_nvim.orchestrator.checking import measuring
from kage_nvim.orchestrator.checking.trials import Ground, Trials
from kage_nvim.orchestrator.runs import Run
from kage_nvim.trees import trees_of

AGAIN = 2
"""How often a check is run again in which something failed that passed at the base."""

Heard = Callable[[Evaluation], None]


async def evaluate(
    trials: Trials,
    ground: Ground,
    run: Run,
    commit: str,
    wanted: Mapping[str, Check],
    *,
    number: int | None = None,
    start: str = "",
    heard: Heard = lambda _: None,
) -> Evaluation:
    """Run the checks on a commit of the run's store; ``heard`` gets the evaluation as it grows, ``start`` is
    held against in the place of what the run's agents began from.

    Raises:
        KageError: a tree cannot be laid out.
    """
    evaluation, base = await asyncio.to_thread(_prepared, ground, run, commit, start or run.start)
    evaluation = msgspec.structs.replace(evaluation, number=number)
    tree = evaluation.tree

    so_far = {name: begun(name, check) for name, check in wanted.items()}

    def told(results: list[Result]) -> None:
        so_far.update({result.name: result for result in results})
        heard(msgspec.structs.replace(evaluation, results=list(so_far.values())))

    untimed, timed = measuring.apart(wanted)
    results, before = await asyncio.gather(
        trials.results(ground, tree, untimed, told=told), trials.results(ground, base, untimed)
    )
    at_base = {result.name: result for result in before}
    final = [compared.with_base(result, at_base[result.name]) for result in results]
    for index, result in enumerate(final):
        if result.regressed:
            final[index] = await _again(trials, ground, tree, base, wanted[result.name], result)
            told(final)
    told(final)
    told(await measuring.measured(trials, ground, tree, base, timed, told=told))
    evaluation = msgspec.structs.replace(evaluation, results=list(so_far.values()))
    heard(evaluation)
    return evaluation


def _prepared(ground: Ground, run: Run, commit: str, start: str) -> tuple[Evaluation, str]:
    """What is run for a commit, with what weakens tests in it; and the base's tree."""
    # Reading programs needs modules that nothing else does: kaged starts without them.
    from kage_nvim.evaluate.guard.overlay import overlay
    from kage_nvim.evaluate.guard.weakened.apart import weakened

    store, tests = run.store, ground.settings.tests
    own, base = trees_of(store, [commit, start])
    if not tests.overlay:
        return Evaluation(commit=commit, tree=own), base
    tree, overlaid = overlay(store, base, own, store.scratch, tests.files)
    found = weakened(store, base, own, tests.files)
    return Evaluation(commit=commit, tree=tree, weakened=found, overlaid=overlaid), base


async def _again(
    trials: Trials, ground: Ground, tree: str, base: str, check: Check, result: Result
) -> Result:
    """Run a check again in which something regressed, here and at the base, until nothing is in doubt."""
    for attempt in range(1, AGAIN + 1):
        (here,), (there,) = await asyncio.gather(
            trials.results(ground, tree, {result.name: check}, attempt=attempt),
            trials.results(ground, base, {result.name: check}, attempt=attempt),
        )
        result = compared.without_flaky(result, here, there)
        if not result.regressed:
            break
    return result
