"""Checks: the project's own commands, run on a candidate or on what the user has merged so far.

A check of what the user has takes the place of the one before, for it is asked about newer text; so does one
of the same candidate. The user's own files are not touched: a snapshot of them, unsaved buffers included, is
laid out on a bench and the commands run in the sandbox there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from kage_nvim import config
from kage_nvim.config import REPOSITORY_FILE, Check, RepositoryConfig
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.evaluate.checks.found import absent, checks_of
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.outputs import text
from kage_nvim.evaluate.results import brief
from kage_nvim.orchestrator.checking import around
from kage_nvim.orchestrator.checking.evaluating import Heard, evaluate
from kage_nvim.orchestrator.checking.trials import Ground, Trials
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.players import Question, must_confirm, trusted
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

T = TypeVar("T")

_Asked = tuple[Path, str, int | None]
"""What is checked: of the repository, a candidate's run and number; no run for what the user has."""

_Of = tuple[str, Mapping[str, Check]]
"""A candidate's commit, or the tree of what the user has, and the checks that are run on it."""

_Begin = Callable[[], Coroutine[Any, Any, Evaluation]]


class Checks:
    """The checks of all repositories: what is under way, and who waits for it."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self.trials = Trials(conductor)
        self._under_way: dict[_Asked, asyncio.Task[Evaluation]] = {}
        self._of: dict[asyncio.Task[Evaluation], _Of] = {}
        self._askers: dict[asyncio.Task[Any], Peer] = {}
        # A timeout is not kept among results, for it may be chance; only who asks for it waits for it again.
        self._slow: dict[_Asked, tuple[_Of, Evaluation]] = {}

    async def check(
        self, peer: Peer, cwd: str, run: Run | None, number: int | None, confirmed: list[str]
    ) -> dict[str, Any]:
        """Run the repository's checks on candidate ``number``, or on what the user has now.

        Raises:
            KageError: there is nothing to run, something must be confirmed first (code ``confirm``), a newer
                check took the place of this one (code ``superseded``), or the tree cannot be laid out.
        """
        if run is not None and number is not None and run.record.course.proposals:
            raise KageError(
                f"candidate {number} is a proposal: there is nothing to run",
                fix="kage contrast compares proposals; kage spawn --on N TASK carries one out.",
                code="no_checks",
                exit=Exit.NOTHING,
            )
        repository = run.repository if run else await self._conductor.repository(cwd)
        env = peer.hello.env
        settings, wanted = await self.wanted(repository.root, env)
        missing = await asyncio.to_thread(absent, repository.root, settings, env.get("PATH", ""))
        if not wanted:
            why = f": {', '.join(missing)} not on PATH" if missing else ""
            raise KageError(
                f"no check is known for {repository.root.name}{why}",
                fix=f'Name one in {REPOSITORY_FILE}: [checks.test] command = "pytest" (:help kage-checks).',
                code="no_checks",
                exit=Exit.NOTHING,
            )
        self._confirm(repository.root, settings, confirmed)
        store = run.store if run else await asyncio.to_thread(Store.open, repository)
        ground = await around.ground(store, settings, env)
        if run is not None and number is not None:
            of = run.candidate(number).commit
            begin = partial(self._of_candidate, ground, run, number, of, wanted)
        else:
            commit, of = await self._yours(store)
            begin = partial(self._of_yours, ground, (commit, of), wanted)
        asked = (repository.root, run.id if run and number is not None else "", number)
        evaluation = await self._shared(asked, peer, begin, (of, wanted))
        told: dict[str, Any] = msgspec.to_builtins(evaluation)
        whose = {"run": run.id if run is not None and number is not None else None, "agent": number}
        return {**whose, "line": evaluation.line, "green": evaluation.green, "missing": missing, **told}

    async def candidate(self, run: Run, number: int) -> Evaluation | None:
        """Evaluate a candidate because its agent ended, nobody asking; ``None`` when nothing is known to run,
        or the user has not yet trusted it.

        Raises:
            KageError: as ``check``.
        """
        env = self._conductor.environment(run)
        settings, wanted = await self.wanted(run.root, env)
        if not wanted or self.questions(run.root, settings) or run.record.course.proposals:
            return None
        ground = await around.ground(run.store, settings, env)
        commit = run.candidate(number).commit
        slow = self._slow.get((run.root, run.id, number))
        if slow is not None and slow[0] == (commit, wanted):
            return slow[1]
        begin = partial(self._of_candidate, ground, run, number, commit, wanted)
        while True:
            try:
                return await self._shared((run.root, run.id, number), None, begin, (commit, wanted))
            except KageError as error:
                if error.code != "superseded":
                    self._unchecked(run, number, commit, error)
                if error.code != "superseded" or run.candidate(number).commit != commit:
                    raise
                # Somebody asked for the same: what comes of that is wanted here too.

    async def _shared(self, asked: _Asked, peer: Peer | None, begin: _Begin, of: _Of) -> Evaluation:
        """What comes of the same check that is under way (two editors may ask at once), else of a new one."""
        before = self._under_way.get(asked)
        if before is not None and self._of.get(before) == of:
            try:
                return await asyncio.shield(before)
            except asyncio.CancelledError:
                if not before.cancelled():
                    raise
                return await self._shared(asked, peer, begin, of)
        return await self._instead(asked, peer, begin(), of)

    async def ground(self, run: Run) -> tuple[Ground, dict[str, Check]]:
        """What trials on the trees of a run need, and the checks to run there; no check when there is none,
        or the user has not yet trusted them.

        Raises:
            KageError: the repository's settings cannot be read.
        """
        env = self._conductor.environment(run)
        settings, wanted = await self.wanted(run.root, env)
        ground = await around.ground(run.store, settings, env)
        return ground, {} if self.questions(run.root, settings) else wanted

    async def confirm(self, root: Path, env: Mapping[str, str], confirmed: list[str]) -> None:
        """Have the user's yes to the checks of a repository, if there are any.

        Raises:
            KageError: it is wanting (code ``confirm``), or the settings cannot be read.
        """
        settings, wanted = await self.wanted(root, env)
        if wanted:
            self._confirm(root, settings, confirmed)

    async def wanted(self, root: Path, env: Mapping[str, str]) -> tuple[RepositoryConfig, dict[str, Check]]:
        """The settings of a repository and its checks, named or found with the client's PATH."""
        settings = await asyncio.to_thread(config.load_repository, root)
        return settings, await asyncio.to_thread(checks_of, root, settings, env.get("PATH", ""))

    def questions(
        self, root: Path, settings: RepositoryConfig, yes: set[str] | None = None
    ) -> list[Question]:
        """What the user must still say yes to before a repository's commands are run."""
        known = self._conductor.database.confirmed(str(root)) | (yes or set())
        asked = trusted(settings, root)
        return [asked] if asked and asked.id not in known else []

    async def while_asked(self, peer: Peer, work: Coroutine[Any, Any, T]) -> T:
        """Do something that runs checks for as long as the one who asked is there."""
        task = asyncio.ensure_future(work)
        self._askers[task] = peer
        task.add_done_callback(self._askers.pop)
        return await task

    def gone(self, peer: Peer) -> None:
        """Nobody waits for what this peer asked any more: end it, with the processes that it started."""
        for task, asker in self._askers.items():
            if asker is peer:
                task.cancel()

    async def close(self, root: Path) -> None:
        """Give a repository's benches back."""
        await self.trials.benches.close(root)

    def _confirm(self, root: Path, settings: RepositoryConfig, confirmed: list[str]) -> None:
        left = self.questions(root, settings, set(confirmed))
        if left:
            raise must_confirm(left)
        for question in self.questions(root, settings):
            self._conductor.database.confirm(str(root), question.id)

    async def _yours(self, store: Store) -> tuple[str, str]:
        """A commit of what the user has now, and its tree."""
        root = store.repository.root
        buffers = await open_buffers(self._conductor.peers, root)
        commit = (await asyncio.to_thread(store.snapshot, overlays(buffers, root))).commit
        return commit, (await asyncio.to_thread(trees_of, store, [commit]))[0]

    async def _instead(
        self, asked: _Asked, peer: Peer | None, work: Coroutine[Any, Any, Evaluation], of: _Of
    ) -> Evaluation:
        """Do it in the place of what is under way for the same."""
        before = self._under_way.get(asked)
        if before is not None:
            before.cancel()
        task = asyncio.ensure_future(work)
        self._under_way[asked] = task
        self._of[task] = of
        task.add_done_callback(self._of.pop)
        if peer is not None:
            self._askers[task] = peer
            task.add_done_callback(self._askers.pop)
        try:
            return await task
        except asyncio.CancelledError:
            if self._under_way.get(asked) is task:
                raise
            raise refused("a newer check took the place of this one", code="superseded") from None
        finally:
            if self._under_way.get(asked) is task:
                del self._under_way[asked]

    async def _of_yours(
        self, ground: Ground, yours: tuple[str, str], wanted: Mapping[str, Check]
    ) -> Evaluation:
        root = ground.store.repository.root
        commit, tree = yours
        evaluation = Evaluation(commit=commit, tree=tree)
        with self._telling((root, "", None), partial(self._tell, root)) as heard:
            results = await self.trials.results(
                ground, tree, wanted, told=lambda found: heard(replace(evaluation, results=found))
            )
        return replace(evaluation, results=results)

    async def _of_candidate(
        self, ground: Ground, run: Run, number: int, commit: str, wanted: Mapping[str, Check]
    ) -> Evaluation:
        asked = (run.root, run.id, number)
        with self._telling(asked, partial(self._note, run)) as heard:
            found = await evaluate(self.trials, ground, run, commit, wanted, number=number, heard=heard)
        self._slow.pop(asked, None)
        if any(result.state == "timeout" for result in found.results):
            self._slow[asked] = (commit, wanted), found
        return found

    @contextmanager
    def _telling(self, asked: _Asked, say: Callable[[Evaluation], None]) -> Iterator[Heard]:
        """Say each state on the way. When it ends early and no other tells more, what did not come to its end
        says nothing."""
        last: list[Evaluation] = []

        def heard(evaluation: Evaluation) -> None:
            last[:] = [evaluation]
            say(evaluation)

        try:
            yield heard
        finally:
            for evaluation in last:
                left = [result for result in evaluation.results if result.state != "running"]
                is_newest = self._under_way.get(asked) is asyncio.current_task()
                if len(left) < len(evaluation.results) and is_newest:
                    say(replace(evaluation, results=left))

    def _note(self, run: Run, evaluation: Evaluation) -> None:
        """A candidate's states are part of its run."""
        self._tell(run.root, evaluation)
        for candidate in run.record.status.candidates:
            if candidate.number == evaluation.number and candidate.commit == evaluation.commit:
                candidate.checks = {result.name: result.state for result in evaluation.results}
                candidate.checked = evaluation.line
                candidate.green = evaluation.green if evaluation.ended else None
                candidate.weakened = [weakening.text for weakening in evaluation.weakened]
                self._conductor.changed(run)

    def _unchecked(self, run: Run, number: int, commit: str, error: KageError) -> None:
        """Say why nothing is known of a candidate, where its checks would stand."""
        for candidate in run.record.status.candidates:
            if candidate.number == number and candidate.commit == commit:
                candidate.checked = f"not checked: {text.line(error.message).rstrip(':')}"
                self._conductor.changed(run)

    def _tell(self, root: Path, evaluation: Evaluation) -> None:
        """To those who follow the repository; of thousands of tests they are told those that failed."""
        results = msgspec.to_builtins([brief(result) for result in evaluation.results])
        self._conductor.audience.say(
            root, "checks", {"agent": evaluation.number, "commit": evaluation.commit, "results": results}
        )
