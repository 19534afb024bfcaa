"""Checks: the project's own commands, run on a candidate or on what the user has merged so far.

A repository's checks run one after the other, on one bench. A check of what the user has takes the place of
the one before, for it is asked about newer text; so does one of the same candidate. The user's own files are
not touched: a snapshot of them, unsaved buffers included, is laid out on the bench and the commands run in
the sandbox there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim import config, sandbox
from kage_nvim.config import REPOSITORY_FILE, Check, RepositoryConfig
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.evaluate.found import checks_of
from kage_nvim.evaluate.results import Result, read
from kage_nvim.model import Profile
from kage_nvim.orchestrator.bench import Bench
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.players import Question, must_confirm
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import trees_of
from kage_nvim.visible import quoted, visible

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

REMEMBERED = 200
"""Results that are kept, by tree and command."""
_Asked = tuple[Path, str, int | None]
"""What is checked: of the repository, a candidate's run and number; no run for what the user has."""


class Checks:
    """The checks of all repositories: their benches, what is under way, what is known already."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._benches: dict[Path, Bench] = {}
        self._under_way: dict[_Asked, asyncio.Task[list[Result]]] = {}
        self._askers: dict[asyncio.Task[list[Result]], Peer] = {}
        self._turns: dict[Path, asyncio.Lock] = {}
        self._known: OrderedDict[tuple[str, bytes], Result] = OrderedDict()

    async def check(
        self, peer: Peer, cwd: str, run: Run | None, number: int | None, confirmed: list[str]
    ) -> dict[str, Any]:
        """Run the repository's checks on candidate ``number``, or on what the user has now.

        Raises:
            KageError: there is nothing to run, something must be confirmed first (code ``confirm``), a newer
                check took the place of this one (code ``superseded``), or the tree cannot be laid out.
        """
        repository = run.repository if run else await self._conductor.repository(cwd)
        settings = await asyncio.to_thread(config.load_repository, repository.root)
        path = peer.hello.env.get("PATH", "")
        wanted = await asyncio.to_thread(checks_of, repository.root, settings, path)
        if not wanted:
            raise KageError(
                f"no check is known for {repository.root.name}",
                fix=f'Name one in {REPOSITORY_FILE}: [checks.test] command = "pytest" (:help kage-checks).',
                code="no_checks",
                exit=Exit.NOTHING,
            )
        self._trusted(repository.root, settings, confirmed)
        store = run.store if run else await asyncio.to_thread(Store.open, repository)
        commit = run.candidate(number).commit if run and number is not None else await self._yours(store)
        order = _Order(store, commit, wanted, settings, peer, number, run)
        asked = order.asked
        before = self._under_way.get(asked)
        if before is not None:
            before.cancel()
        task = asyncio.ensure_future(self._on(order))
        self._under_way[asked] = task
        self._askers[task] = peer
        task.add_done_callback(self._askers.pop)
        try:
            results = await task
        except asyncio.CancelledError:
            if self._under_way.get(asked) is task:
                raise
            raise refused("a newer check took the place of this one", code="superseded") from None
        finally:
            if self._under_way.get(asked) is task:
                del self._under_way[asked]
        return {"agent": number, "commit": commit, "results": msgspec.to_builtins(results)}

    def gone(self, peer: Peer) -> None:
        """Nobody waits for what this peer asked any more: end it, with the processes that it started."""
        for task, asker in self._askers.items():
            if asker is peer:
                task.cancel()

    async def close(self, root: Path) -> None:
        """Give a repository's bench back."""
        bench = self._benches.pop(root, None)
        if bench is not None:
            await bench.close()

    def _trusted(self, root: Path, settings: RepositoryConfig, confirmed: list[str]) -> None:
        """The commands of a cloned repository's file need the user's word, once for its content."""
        if not (settings.checks or settings.setup):
            return
        content = (root / REPOSITORY_FILE).read_bytes()
        commands = [check.command for check in settings.checks.values()]
        commands += [settings.setup.command] if settings.setup else []
        shown = ", ".join(quoted(_shown(command)) for command in commands)
        asked = Question(
            f"trust:{hashlib.sha256(content).hexdigest()}",
            f"Trust {REPOSITORY_FILE} of {root.name}? It runs {shown} in the sandbox.",
        )
        database = self._conductor.database
        if asked.id not in database.confirmed(str(root)) | set(confirmed):
            raise must_confirm([asked])
        database.confirm(str(root), asked.id)

    async def _yours(self, store: Store) -> str:
        root = store.repository.root
        buffers = await open_buffers(self._conductor.peers, root)
        return (await asyncio.to_thread(store.snapshot, overlays(buffers, root))).commit

    async def _on(self, order: _Order) -> list[Result]:
        """Say what is known already, run the rest, telling each state on the way."""
        (tree,) = await asyncio.to_thread(trees_of, order.store, [order.commit])
        found: dict[str, Result] = {}
        for name, check in order.wanted.items():
            known = self._known.get((tree, _key(check, order.settings)))
            running = Result(name=name, state="running", command=visible(_shown(check.command)))
            found[name] = msgspec.structs.replace(known, name=name, cached=True) if known else running
        self._tell(order, found)
        if any(result.state == "running" for result in found.values()):
            try:
                # Those before have ended when they give the bench free, cancelled ones as well.
                async with self._turns.setdefault(order.root, asyncio.Lock()):
                    await self._run_all(order, tree, found)
            finally:
                left = {name: result for name, result in found.items() if result.state != "running"}
                is_newest = self._under_way.get(order.asked) is asyncio.current_task()
                if len(left) < len(found) and is_newest:
                    # It ends early, and no other tells more: what did not come to its end says nothing.
                    self._tell(order, left)
        return list(found.values())

    async def _run_all(self, order: _Order, tree: str, found: dict[str, Result]) -> None:
        """Run what is not known yet of ``found``, and put in what comes out."""
        profile = await self._laid(order)
        limit = asyncio.Semaphore(os.cpu_count() or 1)

        async def one(name: str) -> None:
            check = order.wanted[name]
            async with limit:
                result = await _run(name, check, profile)
            found[name] = result
            if result.state in ("pass", "fail"):
                self._remember((tree, _key(check, order.settings)), result)
            self._tell(order, found)

        await asyncio.gather(*(one(name) for name, result in found.items() if result.state == "running"))

    async def _laid(self, order: _Order) -> Profile:
        """Lay the order's files out on the bench."""
        root = order.root
        user = await asyncio.to_thread(config.load_user)
        bench = self._benches.setdefault(root, Bench(order.store))
        held = {
            agent.record.slot for run in self._conductor.of_repository(root) for agent in run.agents.values()
        }
        laying = asyncio.ensure_future(
            bench.lay(order.commit, held, user, order.settings, order.peer.hello.env)
        )
        try:
            return await asyncio.shield(laying)
        except asyncio.CancelledError:
            # The thread that writes goes on: nobody else may lay files out beside it.
            await asyncio.wait([laying])
            raise

    def _remember(self, key: tuple[str, bytes], result: Result) -> None:
        self._known[key] = result
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _tell(self, order: _Order, found: dict[str, Result]) -> None:
        """To those who follow the repository; a candidate's states are part of its run, too."""
        results = msgspec.to_builtins(list(found.values()))
        self._conductor.audience.say(
            order.root, "checks", {"agent": order.number, "commit": order.commit, "results": results}
        )
        if order.run is not None and order.number is not None:
            candidate = order.run.candidate(order.number)
            if candidate.commit == order.commit:
                candidate.checks = {name: result.state for name, result in found.items()}
                self._conductor.changed(order.run)


@dataclass(frozen=True)
class _Order:
    """One request: which commit, with what, for whom."""

    store: Store
    commit: str
    wanted: dict[str, Check]
    settings: RepositoryConfig
    peer: Peer
    number: int | None
    run: Run | None

    @property
    def root(self) -> Path:
        return self.store.repository.root

    @property
    def asked(self) -> _Asked:
        return self.root, self.run.id if self.run and self.number is not None else "", self.number


def _shown(command: str | list[str]) -> str:
    return command if isinstance(command, str) else " ".join(command)


def _key(check: Check, settings: RepositoryConfig) -> bytes:
    return msgspec.json.encode((check, settings.setup))


async def _run(name: str, check: Check, profile: Profile) -> Result:
    """One check in the sandbox."""
    command = ["sh", "-c", check.command] if isinstance(check.command, str) else check.command
    try:
        done = await sandbox.run(profile, command, timeout=check.timeout)
    except OSError as error:
        return Result(
            name=name, state="error", command=visible(_shown(check.command)), summary=visible(str(error))
        )
    roots = tuple(filter(None, (profile.worktree, profile.alias)))
    failures, passed, total, summary, tail = await asyncio.to_thread(read, done.output, roots)
    state = "timeout" if done.timed_out else "pass" if done.returncode == 0 else "fail"
    if done.timed_out:
        summary = f"not done after {check.timeout:g} s"
    return Result(
        name=name,
        state=state,
        command=visible(_shown(check.command)),
        code=done.returncode,
        seconds=round(done.seconds, 2),
        passed=passed,
        total=total,
        summary=summary,
        failures=failures if state != "pass" else [],
        tail=tail,
    )
