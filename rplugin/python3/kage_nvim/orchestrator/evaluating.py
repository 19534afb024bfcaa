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
from kage_nvim.evaluate.results import Result
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.trials import Ground, Trials
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
    heard: Heard = lambda _: None,
) -> Evaluation:
    """Run the checks on a commit of the run's store; ``heard`` gets the evaluation as it grows.

    Raises:
        KageError: a tree cannot be laid out.
    """
    store = run.store
    tree, base = await asyncio.to_thread(trees_of, store, [commit, run.start])
    evaluation = Evaluation(commit=commit, tree=tree, number=number)

    def told(results: list[Result]) -> None:
        heard(msgspec.structs.replace(evaluation, results=results))

    results, before = await asyncio.gather(
        trials.results(ground, tree, wanted, told=told), trials.results(ground, base, wanted)
    )
    at_base = {result.name: result for result in before}
    final = [compared.with_base(result, at_base[result.name]) for result in results]
    for index, result in enumerate(final):
        if result.regressed:
            final[index] = await _again(trials, ground, tree, base, wanted[result.name], result)
            told(final)
    evaluation = msgspec.structs.replace(evaluation, results=final)
    heard(evaluation)
    return evaluation


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
