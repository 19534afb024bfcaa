"""Ranking a run's candidates on evidence: checks, the others' tests, behaviour, text. No model is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from kage_nvim.config import Check
from kage_nvim.errors import KageError
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.outputs import text
from kage_nvim.evaluate.ranking import alike, gate, matrix, oddities
from kage_nvim.evaluate.ranking.matrix import is_test
from kage_nvim.evaluate.ranking.order import Facts, standings
from kage_nvim.evaluate.ranking.probes import evidence, questions
from kage_nvim.evaluate.ranking.probes.questions import Question, Told
from kage_nvim.evaluate.verdict import Point, Verdict
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator import proposals
from kage_nvim.orchestrator.checking.trials import Ground
from kage_nvim.orchestrator.judging import cross, probing
from kage_nvim.orchestrator.runs import Run
from kage_nvim.trees import ABSENT, SUBMODULE, Change, changes, read_blobs, trees_of, up_to

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

LARGEST = 1_000_000
"""Bytes of a file that is compared by more than its name."""
COMPILING = 20.0
"""Seconds in which the project's Python says whether it can read a file."""
_HEARD, _HALF, _LITTLE = 1.0, 0.25, 0.01
"""What a candidate's word counts on how code should behave: all that could be checked passed; at most so
much, by how much of it passed; it regressed or weakened tests."""


class Made(msgspec.Struct):
    """One candidate's change: its tree, its files, what they hold now."""

    tree: str
    files: list[Change]
    held: dict[str, bytes | None]


async def rank(conductor: Conductor, run: Run, numbers: Sequence[int] | None = None) -> Verdict:
    """Rank the finished candidates of a run, or those of them that are named.

    Raises:
        KageError: a named candidate is not there or not finished, or a tree cannot be laid out.
    """
    began = time.monotonic()
    chosen = _chosen(run, numbers)
    verdict = Verdict(run=run.id, task=run.record.task.text)
    if not chosen:
        verdict.notes.append("there is no candidate yet")
        return verdict
    facts, notes = await _Ranking(conductor, run, chosen).facts()
    verdict.ranking, verdict.clusters = standings(facts)
    verdict.winner = next((place.number for place in verdict.ranking if not place.gate), None)
    verdict.notes += notes
    verdict.seconds = round(time.monotonic() - began, 2)
    return verdict


def _chosen(run: Run, numbers: Sequence[int] | None) -> list[CandidateStatus]:
    if numbers is not None:
        return [run.candidate(number) for number in dict.fromkeys(numbers)]
    return [found for found in run.record.status.candidates if found.number not in run.live]


class _Ranking:
    """One ranking: everything that is known is gathered, then put in order at once."""

    def __init__(self, conductor: Conductor, run: Run, chosen: list[CandidateStatus]) -> None:
        self.conductor, self.run, self.chosen = conductor, run, chosen
        self.notes: list[str] = []
        self.base_tree = ""
        self.base: dict[str, tuple[str, bytes]] = {}
        self.made: dict[int, Made] = {}

    async def facts(self) -> tuple[list[Facts], list[str]]:
        """What is known of each candidate, and what could not be found out."""
        await asyncio.to_thread(self._read)
        if self.run.record.course.proposals:
            return await asyncio.to_thread(self._documents), self.notes
        ground, wanted = await self.conductor.checks.ground(self.run)
        if not wanted:
            self.notes.append("no check is known, or none is trusted yet: the ranking stands on less")
        evaluations, unchecked = await self._evaluations() if wanted else ({}, {})
        if unchecked and not evaluations:  # it is nobody's own doing
            self.notes.append(f"no check could be run: {next(iter(unchecked.values()))}")
            wanted, unchecked = {}, {}
        if not wanted:
            plain = msgspec.structs.replace(ground.settings, setup=None)
            ground = msgspec.structs.replace(ground, settings=plain)
        facts = {found.number: self._plain(found, evaluations.get(found.number)) for found in self.chosen}
        await self._gate(ground, facts, unchecked)
        in_play = {number: self.made[number].tree for number, one in facts.items() if not one.gate}
        try:
            await self._tried(ground, wanted, facts, in_play)
        except KageError as error:
            self.notes.append(f"the ranking stands on less: {_line(error)}")
        return list(facts.values()), self.notes

    def _documents(self) -> list[Facts]:
        """Nothing runs on documents: who has one is all that is known."""
        facts = [self._plain(found, None) for found in self.chosen]
        for one, found in zip(facts, self.chosen, strict=True):
            one.gate = "" if proposals.document(self.run, found) else "it holds no document"
        return facts

    async def _tried(
        self, ground: Ground, wanted: Mapping[str, Check], facts: Mapping[int, Facts], trees: dict[int, str]
    ) -> None:
        """Find out what the candidates do in each other's tests, and when their functions are called."""
        told: cross.Told = {}
        trials = self.conductor.checks.trials
        if wanted and trees:
            files = {number: self.made[number].files for number in trees}
            told, left = await cross.cross(trials, ground, self.base_tree, trees, files, wanted)
            self.notes += left
            for number, counted in matrix.scores(told).items():
                facts[number].matrix = counted
        if trees:
            before = {path: data for path, (_, data) in self.base.items() if not is_test(path)}
            after = {number: _code(self.made[number], before) for number in trees}
            asked, found = await probing.probe(
                trials, self.conductor.database, ground, self.base_tree, trees, before, after
            )
            _heard(facts, asked, found, told)

    def _read(self) -> None:
        """The candidates' changes and what is in their files; those that are too large by name only."""
        run = self.run
        commits = [found.commit for found in self.chosen]
        self.base_tree, *trees = trees_of(run.store, [run.start, *commits])
        by_tree = {
            tree: changes(run.store, self.base_tree, tree, renames=False) for tree in dict.fromkeys(trees)
        }
        all_changes = [change for found in by_tree.values() for change in found]
        shas = {
            sha
            for change in all_changes
            for sha, mode in ((change.old_sha, change.old_mode), (change.new_sha, change.new_mode))
            if mode not in (ABSENT, SUBMODULE)
        }
        held = read_blobs(run.store, up_to(run.store, sorted(shas), LARGEST))
        for change in all_changes:
            if change.old_mode != ABSENT:
                data = held.get(change.old_sha, change.old_sha.encode())
                self.base[change.path] = change.old_mode, data
        for found, tree in zip(self.chosen, trees, strict=True):
            mine = by_tree[tree]
            files = {
                change.path: None
                if change.new_mode == ABSENT
                else held.get(change.new_sha, change.new_sha.encode())
                for change in mine
            }
            self.made[found.number] = Made(tree, mine, files)

    async def _evaluations(self) -> tuple[dict[int, Evaluation], dict[int, str]]:
        """What the checks say of each candidate; and of which they cannot be run, why."""
        told: dict[int, Evaluation] = {}
        failed: dict[int, str] = {}

        async def one(number: int) -> None:
            try:
                evaluation = await self.conductor.checks.candidate(self.run, number)
            except KageError as error:
                if error.code == "superseded":
                    raise
                failed[number] = _line(error)
            else:
                if evaluation is not None:
                    told[number] = evaluation

        await asyncio.gather(*(one(found.number) for found in self.chosen))
        return told, failed

    def _plain(self, found: CandidateStatus, evaluation: Evaluation | None) -> Facts:
        """What is known of a candidate without running anything more."""
        mine = self.made[found.number]
        here = {
            change.path: None if data is None else (change.new_mode, data)
            for change in mine.files
            for data in [mine.held[change.path]]
        }
        odd = [
            point
            for path, data in sorted(mine.held.items())
            if path.endswith(".py") and data is not None and not is_test(path)
            for point in oddities.of_file(path, self.base[path][1] if path in self.base else None, data)
        ]
        agent = self.run.agents.get(found.agent) if found.agent is not None else None
        return Facts(
            number=found.number,
            content=alike.of_change(self.base, here),
            exact=mine.tree,
            evaluation=evaluation,
            odd=odd,
            size=sum(change.added + change.removed for change in mine.files),
            cost_usd=agent.record.status.cost_usd if agent else None,
        )

    async def _gate(self, ground: Ground, facts: Mapping[int, Facts], unchecked: Mapping[int, str]) -> None:
        before = {path: data for path, (_, data) in self.base.items()}
        all_empty = not any(mine.files for mine in self.made.values())
        for number, one in facts.items():
            mine = self.made[number]
            held = {path: data for path, data in mine.held.items() if data is not None}
            wrong = await self._confirmed(ground, mine.tree, gate.broken(before, held))
            if not mine.files and not all_empty:
                one.gate = "it changes nothing"
            elif wrong:
                one.gate = "; ".join(f"{path} {why}" for path, why in wrong.items())
                one.points += [Point(why, path) for path, why in wrong.items()]
            elif number in unchecked:
                one.gate = f"its checks cannot be run: {unchecked[number]}"
            elif one.evaluation:
                one.gate = gate.not_built(one.evaluation)

    async def _confirmed(self, ground: Ground, tree: str, wrong: dict[str, str]) -> dict[str, str]:
        """Of what cannot be read, what the project's own Python, which may be a newer one, cannot either."""
        paths = [path for path in wrong if path.endswith(".py")]
        if not paths:
            return wrong
        command = ["python3", "-c", gate.COMPILES, *paths]
        done = await self.conductor.checks.trials.command(ground, tree, command, timeout=COMPILING)
        return {path: why for path, why in wrong.items() if done.returncode or path not in paths}


def _line(error: KageError) -> str:
    """What went wrong, on one line."""
    return text.line(error.message).rstrip(":")


def _code(mine: Made, before: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What a candidate has of all files that anybody changed, tests aside."""
    return {**before, **{path: data for path, data in mine.held.items() if not is_test(path)}}


def _heard(
    facts: Mapping[int, Facts], asked: list[Question], found: Mapping[int, Told], tests: cross.Told
) -> None:
    """Take over what the candidates' functions did; ``tests`` is what they did in each other's tests."""
    for number, told in found.items():
        one = facts[number]
        one.examples = told.examples
        one.unsteady = told.unsteady
        one.odd = [*one.odd, *(Point(text) for text in told.odd)]
        if told.first_failed:
            one.points.append(Point(told.first_failed))
        if told.import_error:
            one.points.append(Point(f"it cannot be loaded: {told.import_error}"))
    ran = {n: matrix.flat(e.results) if (e := facts[n].evaluation) else {} for n in found}
    # A candidate's own new tests are no part of how it behaves; those are in the matrix.
    shared = set.intersection(*map(set, ran.values())) if ran else set()
    votes = {number: _vote(facts[number]) for number in found}
    for number, agreement in questions.agreements(asked, found, votes).items():
        one = facts[number]
        one.agreement = agreement
        if found[number].whole:
            one.behaviour = (
                tuple(map(evidence.strict, found[number].calls)),
                [(name, passed) for name, passed in sorted(ran[number].items()) if name in shared],
                [(author, sorted(tried.get(number, {}).items())) for author, tried in sorted(tests.items())],
            )


def _vote(facts: Facts) -> float:
    """What a candidate's word counts on how the code should behave."""
    if facts.evaluation and (facts.evaluation.regressed or facts.evaluation.weakened):
        return _LITTLE
    passed, total = facts.examples
    part = facts.share * (passed / total if total else 1.0)
    return _HEARD if part == 1.0 else _LITTLE + _HALF * part
