"""The cross-matrix: each candidate's new and changed tests, run on every candidate.

A tree of the matrix is one candidate's with the base's tests in it and another's new ones laid over them.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate.checks.kinds import kind_of
from kage_nvim.evaluate.ranking import matrix
from kage_nvim.evaluate.ranking.matrix import Outcomes, is_test
from kage_nvim.evaluate.results import Result
from kage_nvim.orchestrator.checking.trials import Ground, Trials, key_of
from kage_nvim.trees import ABSENT, Change, Entry, edit_tree

MOST = 120
"""Trees of one matrix that are run; authors beyond are left out, and that is said."""

LEAST, PLENTY = 32.0, 8
"""Seconds that another's tests have on a candidate at least, and how often the time that they take on its
author's code."""

Told = dict[int, dict[int, Outcomes]]


async def cross(
    trials: Trials,
    ground: Ground,
    base_tree: str,
    trees: Mapping[int, str],
    changed: Mapping[int, Sequence[Change]],
    wanted: Mapping[str, Check],
) -> tuple[Told, list[str]]:
    """How each candidate came out of each author's tests that tell something, and what was left out.

    ``changed`` is each candidate's change, without renames.

    Raises:
        KageError: a tree cannot be laid out.
    """
    tests = {name: check for name, check in wanted.items() if kind_of(name, check) == "test"}
    more = ground.settings.tests.files
    authors = {number: edits for number, files in changed.items() if (edits := _laid(files, more))}
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
        authors_of = by_content[edits]
        told |= await _of_tests(trials, ground, base_tree, trees, changed, tests, edits, authors_of, known)
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

    async def tried(tree: str, own: Sequence[Change], checks: Mapping[str, Check]) -> list[Result]:
        more = ground.settings.tests.files
        back = [Entry(c.old_mode, c.old_sha, c.path) for c in own if is_test(c.path, more)]
        laid = list({entry.path: entry for entry in [*back, *edits]}.values())
        scratch = ground.store.scratch / f"cross-{secrets.token_hex(4)}"
        made = await asyncio.to_thread(edit_tree, ground.store, tree, laid, scratch)
        found = await trials.results(ground, made, checks)
        for one in found:
            if one.state == "timeout" and checks is not tests:  # its author's code had done it long before
                trials.keep(made, key_of(one.name, checks[one.name], ground), one)
        return found

    own = await asyncio.gather(*(tried(trees[number], changed[number], tests) for number in authors))
    passed = dict(zip(authors, map(matrix.flat, own), strict=True))
    quick = {name: _bounded(name, check, own) for name, check in tests.items()}
    base = matrix.flat(await tried(base_tree, [], quick)) if any(map(_any, passed.values())) else {}
    names = {author: matrix.telling(found, base, known) for author, found in passed.items()}
    if not any(names.values()):
        return {}
    others = [number for number in trees if number not in authors]
    found = await asyncio.gather(*(tried(trees[number], changed[number], quick) for number in others))
    outcomes = passed | dict(zip(others, map(matrix.flat, found), strict=True))
    return {
        author: {number: {name: here.get(name, False) for name in told} for number, here in outcomes.items()}
        for author, told in names.items()
        if told
    }


def _any(outcomes: Outcomes) -> bool:
    return any(outcomes.values())


def _bounded(name: str, check: Check, ran: Sequence[Sequence[Result]]) -> Check:
    """A check with the time that its tests need where they pass, and plenty: one that hangs on the code of
    others shall not hold up everybody. Doubling steps keep it the same from one time to the next."""
    seconds = max((one.seconds for results in ran for one in results if one.name == name), default=0.0)
    bound = LEAST
    while bound < seconds * PLENTY:
        bound *= 2
    return msgspec.structs.replace(check, timeout=min(check.timeout, bound))


def _laid(changes: Sequence[Change], more: Sequence[str]) -> tuple[Entry, ...]:
    """The test files that a candidate added or changed."""
    return tuple(
        Entry(change.new_mode, change.new_sha, change.path)
        for change in changes
        if is_test(change.path, more) and change.new_mode != ABSENT and change.kind in ("text", "binary")
    )
