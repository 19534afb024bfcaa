"""Composing: the candidates' hunks put together so that the most checks pass, with the smallest diff.

The search (``compare.searching``) is pure; here its sets become trees, trees are tried on benches, and what
was found becomes the run's next candidate. Files that hold tests are left as the base has them, for no hunk
may win by weakening what it is held against.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim.compare.combine import blamed, field_of, note, told
from kage_nvim.compare.searching.field import Set
from kage_nvim.compare.searching.search import search
from kage_nvim.compare.searching.tries import Outcome, Tries
from kage_nvim.compare.units import Builder, Parts, Unit, parts
from kage_nvim.config import Check
from kage_nvim.errors import Exit, KageError, refused, usage
from kage_nvim.evaluate import compared
from kage_nvim.evaluate.guard.testfiles import HOOKS, holds_tests
from kage_nvim.evaluate.results import Result
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator.checking import measuring
from kage_nvim.orchestrator.checking.trials import Ground, Trials
from kage_nvim.orchestrator.combining.worth import Worth, places
from kage_nvim.orchestrator.runs import Run
from kage_nvim.trees import changes, commit_tree, trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

SECONDS = 50.0
"""How long is searched when nothing else is said."""
LONGEST = 3600.0
PATIENCE = 6.0
"""A tree may take so many times what the base takes, and some seconds, for others may be at work and it may
have to wait for a bench; else it is said to hang."""


class Found(msgspec.Struct, kw_only=True):
    """What a composition came to: the candidate's ``number`` (``None``: none was made, ``said`` tells why),
    where each hunk comes from, and the search in figures."""

    run: str
    number: int | None = None
    note: str = ""
    line: str = ""
    green: bool | None = None
    hunks: list[dict[str, Any]] = []
    left: int = 0
    tries: int = 0
    seconds: float = 0.0
    said: str = ""


@dataclass
class _Work:
    """One search under way."""

    conductor: Conductor
    run: Run
    ground: Ground
    wanted: Mapping[str, Check]
    parts: Parts
    builder: Builder
    before: dict[str, Result]
    worth: Worth
    patience: float
    began: float

    async def score(self, chosen: Set) -> Outcome:
        """Try a set of units."""
        tree = await asyncio.to_thread(self.builder.tree, [self.parts.units[at] for at in sorted(chosen)])
        trials: Trials = self.conductor.checks.trials
        try:
            results = await asyncio.wait_for(trials.results(self.ground, tree, self.wanted), self.patience)
        except (asyncio.TimeoutError, KageError):  # it hangs, or cannot even be set up
            return Outcome((-1.0,))
        results = [compared.with_base(result, self.before[result.name]) for result in results]
        outcome = self.worth.outcome(results)
        if outcome.good and not outcome.stopped:
            return outcome
        return replace(outcome, blamed=blamed(self.parts.units, chosen, places(results)))

    def tell(self, tries: Tries, state: str = "searching") -> None:
        """Say how far the search is: to those who follow the repository."""
        best = tries.best
        if best is None:
            return
        units = [self.parts.units[at] for at in best.chosen]
        said = {
            "run": self.run.id,
            "state": state,
            "hunks": len(units),
            "note": note(units),
            "passed": best.outcome.counts[0],
            "failing": best.outcome.counts[1],
            "green": best.outcome.perfect,
            "tries": tries.count,
            "seconds": round(time.monotonic() - self.began, 1),
        }
        self.conductor.audience.say(self.run.root, "compose", said)


async def compose(conductor: Conductor, run: Run, numbers: Sequence[int], seconds: float | None) -> Found:
    """Put the hunks of candidates (all by default) together, and make that the run's next candidate.

    Raises:
        KageError: there are no two candidates, no check, or it is done already in another place.
    """
    candidates = chosen(run, numbers)
    limit = SECONDS if seconds is None else seconds
    if not 0 < limit <= LONGEST:
        raise usage(f"--seconds {limit:g} is no time to search in", f"Give 1 to {LONGEST:.0f} seconds.")
    if run.combining.locked():
        raise refused(
            f"run {run.id} is being composed or synthesised already",
            fix="Wait for it; it says how far it is.",
            code="combining",
        )
    async with run.combining:
        work = await _begin(conductor, run, candidates)
        field = field_of(work.parts)
        tries = Tries(field, work.score, width=os.cpu_count() or 1, told=work.tell)
        try:
            await search(tries, limit)
        except asyncio.CancelledError:  # who asked is gone: what was best by then stays
            await _keep(work, candidates, tries)
            raise
        work.tell(tries, "ended")
        found = await _keep(work, candidates, tries)
        if found.number is not None:
            evaluation = await conductor.checks.candidate(run, found.number)
            if evaluation is not None:
                found.line, found.green = evaluation.line, evaluation.green
        return found


def chosen(run: Run, numbers: Sequence[int]) -> list[CandidateStatus]:
    """The candidates that are put together.

    Raises:
        KageError: there are no two, or one of those that are named is still at work, or not there; or they
            are documents.
    """
    if run.record.course.proposals:
        raise KageError(
            f"the candidates of run {run.id} are proposals: no check tells which of their lines are good",
            fix="Read them beside each other (kage diff), and carry one out: kage spawn --on N TASK.",
            code="kind",
            exit=Exit.NOTHING,
        )
    if numbers:
        found = [run.candidate(number) for number in dict.fromkeys(numbers)]
    else:
        agents = run.record.status.candidates
        found = [one for one in agents if one.files and one.kind != "composed" and one.number not in run.live]
    if len(found) < 2:
        have = ", ".join(str(candidate.number) for candidate in found) or "none"
        raise KageError(
            f"two candidates at least are put together, and there are not: {have}",
            fix="Wait for the agents (kage wait), or name two: kage compose 1 2.",
            code="no_candidates",
            exit=Exit.NOTHING if not numbers else Exit.USAGE,
        )
    return found


async def checks_for(conductor: Conductor, run: Run) -> tuple[Ground, dict[str, Check]]:
    """The ground of trials, and the checks that tell trees apart: those that measure do not.

    Raises:
        KageError: there is no check.
    """
    ground, wanted = await conductor.checks.ground(run)
    wanted, _ = measuring.apart(wanted)
    if not wanted:
        raise KageError(
            f"no check is known for {run.root.name}: nothing tells which hunks are good",
            fix='Name one in .kage.toml: [checks.test] command = "pytest" (:help kage-checks); or choose by'
            " hand: :KageDiff, and :Kage take for what all agree on.",
            code="no_checks",
            exit=Exit.NOTHING,
        )
    return ground, wanted


async def _begin(conductor: Conductor, run: Run, candidates: list[CandidateStatus]) -> _Work:
    began = time.monotonic()
    ground, wanted = await checks_for(conductor, run)
    commits = {candidate.number: candidate.commit for candidate in candidates}
    made = await asyncio.to_thread(parts, run.store, run.start, commits)
    tests = ground.settings.tests.files
    made.units = [
        unit
        for unit in made.units
        if not (holds_tests(unit.path, tests) or holds_tests(unit.target, tests) or HOOKS.match(unit.path))
    ]
    if not made.units:
        raise KageError(
            "the candidates change nothing but tests: there is nothing to compose",
            fix="Take tests by hand: :KageDiff.",
            code="nothing",
            exit=Exit.NOTHING,
        )
    before = await conductor.checks.trials.results(ground, made.base, wanted)
    slowest = sum(result.seconds for result in before)
    by_name = {result.name: result for result in before}
    return _Work(
        conductor=conductor,
        run=run,
        ground=ground,
        wanted=wanted,
        parts=made,
        builder=Builder(run.store, made),
        before=by_name,
        worth=Worth(by_name),
        patience=4.0 + PATIENCE * slowest,
        began=began,
    )


async def _keep(work: _Work, candidates: list[CandidateStatus], tries: Tries) -> Found:
    """Make the best that was found a candidate, or say why it is none."""
    run, best = work.run, tries.best
    found = Found(run=run.id, tries=tries.count, seconds=round(time.monotonic() - work.began, 2))
    if best is None:
        found.said = "nothing could be tried in that time"
        return found
    limited = "" if tries.ended else ", as far as was tried in that time"
    found.left = best.outcome.counts[1]
    units = [work.parts.units[at] for at in sorted(best.chosen)]
    if not units:
        found.said = f"no hunks of these candidates pass more than the base does{limited}"
        return found
    tree = await asyncio.to_thread(work.builder.tree, units)
    for candidate, own in zip(candidates, await _trees(run, candidates), strict=True):
        whole = tries.field.settled(tries.field.of(candidate.number))
        if own == tree or whole == best.chosen:
            most = f"candidate {candidate.number} as it is passes the most"
            found.said = f"{most}: no hunk of another adds to it{limited}"
            return found
    there = run.record.status.candidates
    for candidate, own in zip(there, await _trees(run, there), strict=True):
        if own == tree:
            found.said = f"candidate {candidate.number} is that already"
            return found
    found.number = await _candidate(run, tree, units)
    found.note = note(units)
    found.hunks = run.record.provenance[found.number]
    work.conductor.changed(run)
    return found


async def _trees(run: Run, candidates: Sequence[CandidateStatus]) -> list[str]:
    return await asyncio.to_thread(trees_of, run.store, [candidate.commit for candidate in candidates])


async def _candidate(run: Run, tree: str, units: Sequence[Unit]) -> int:
    """Keep a tree as the run's next candidate, and where each hunk comes from."""
    number = run.next_number()
    text = f"composed: {note(units)}"
    commit = await asyncio.to_thread(commit_tree, run.store, tree, run.base, text)
    await asyncio.to_thread(run.store.pin, run.ref(number), commit)
    changed = await asyncio.to_thread(changes, run.store, run.base, commit)
    run.record.provenance[number] = [told(unit) for unit in units]
    run.set_candidate(
        CandidateStatus(
            number=number,
            kind="composed",
            commit=commit,
            files=len(changed),
            added=sum(change.added for change in changed),
            removed=sum(change.removed for change in changed),
            note=note(units),
        )
    )
    return number
