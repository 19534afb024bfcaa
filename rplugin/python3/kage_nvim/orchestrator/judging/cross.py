"""The cross-matrix: each candidate's new and changed tests, run on every candidate.

A tree of the matrix is one candidate's with the base's tests in it and another's new ones laid over them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence

from kage_nvim.config import Check
from kage_nvim.evaluate.ranking import matrix
from kage_nvim.evaluate.ranking.matrix import Outcomes, is_test
from kage_nvim.orchestrator.checking.trials import Ground, Trials
from kage_nvim.trees import ABSENT, Change, Entry, edit_tree

MOST = 120
"""Trees of one matrix that are run; authors beyond are left out, and that is said."""

Told = dict[int, dict[int, Outcomes]]


async def cross(
    trials: Trials,
    ground: Ground,
    base_tree: str,
    trees: Mapping[int, str],
    changed: Mapping[int, Sequence[Change]],
    wanted: Mapping[str, Check],
    kinds: Mapping[str, str],
) -> tuple[Told, list[str]]:
    """How each candidate came out of each author's tests that tell something, and what was left out.

    ``changed`` is each candidate's change, without renames; ``kinds`` the kind of each check by name.

    Raises:
        KageError: a tree cannot be laid out.
    """
    tests = {name: check for name, check in wanted.items() if kinds.get(name) == "test"}
    authors = {number: _laid(changes) for number, changes in changed.items() if _laid(changes)}
    if not tests or not authors or len(trees) < 2:
        return {}, []
    by_content: dict[tuple[Entry, ...], list[int]] = {}
    for number, edits in authors.items():
        by_content.setdefault(edits, []).append(number)
    sets = sorted(by_content, key=lambda edits: [(entry.path, entry.sha) for entry in edits])
    fit = sets[: max(1, MOST // (len(trees) + 1))]
    notes = (
        [f"the new tests of {len(sets) - len(fit)} candidates were not run"] if len(fit) < len(sets) else []
    )
    known = matrix.flat(await trials.results(ground, base_tree, tests))
    told: Told = {}
    for edits in fit:
        for author, found in (
            await _of_tests(trials, ground, base_tree, trees, changed, tests, edits, by_content[edits], known)
        ).items():
            told[author] = found
    return told, notes


async def _of_tests(
    trials: Trials,
    ground: Ground,
    base_tree: str,
    trees: Mapping[int, str],
    changed: Mapping[int, Sequence[Change]],
    tests: Mapping[str, Check],
    edits: tuple[Entry, ...],
    authors: list[int],
    known: Outcomes,
) -> Told:
    """One set of tests on the base and on all candidates, for those who wrote it."""

    async def tried(tree: str, own: Sequence[Change]) -> Outcomes:
        back = [Entry(change.old_mode, change.old_sha, change.path) for change in own if is_test(change.path)]
        laid = {entry.path: entry for entry in [*back, *edits]}
        made = await asyncio.to_thread(
            edit_tree,
            ground.store,
            tree,
            list(laid.values()),
            ground.store.scratch / f"cross-{secrets.token_hex(4)}",
        )
        return matrix.flat(await trials.results(ground, made, tests))

    numbers = list(trees)
    base, *found = await asyncio.gather(
        tried(base_tree, []), *(tried(trees[number], changed[number]) for number in numbers)
    )
    outcomes = dict(zip(numbers, found, strict=True))
    told: Told = {}
    for author in authors:
        names = matrix.telling(outcomes[author], base, known)
        if names:
            told[author] = {
                number: {name: passed.get(name, False) for name in names}
                for number, passed in outcomes.items()
            }
    return told


def _laid(changes: Sequence[Change]) -> tuple[Entry, ...]:
    """The test files that a candidate added or changed."""
    return tuple(
        Entry(change.new_mode, change.new_sha, change.path)
        for change in changes
        if is_test(change.path) and change.new_mode != ABSENT and change.kind in ("text", "binary")
    )
