"""Trials: commands run on trees of a repository, in the sandbox, on a bench; what is known is not run again.

A tree here is any that the store holds: a candidate, the base, one with other tests laid over it, a part of
what candidates did. Results are kept by tree and command, so that none is ever run twice.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from kage_nvim import sandbox
from kage_nvim.config import Check, RepositoryConfig
from kage_nvim.evaluate.checks.kinds import kind_of
from kage_nvim.evaluate.checks.listening import Listening, listen, with_env
from kage_nvim.evaluate.outputs.endings import lasts
from kage_nvim.evaluate.results import Result, begun
from kage_nvim.model import Profile
from kage_nvim.orchestrator.checking.bench import is_changed
from kage_nvim.orchestrator.checking.benches import Benches
from kage_nvim.orchestrator.checking.gate import Gate
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.protocol import dumps, loads
from kage_nvim.sandbox import Completed
from kage_nvim.trees import commit_tree
from kage_nvim.visible import visible

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

Told = Callable[[list[Result]], None]
READING = 4
"""Raised when results are read otherwise than before: what was kept is then run again."""

_PLAIN = 16_384
"""Bytes; longer records are kept compressed: names of tests are much alike."""


class Ground(msgspec.Struct, frozen=True):
    """What all trials of one repository share: the store, its settings, the client's environment, and what
    lies around its trees (see ``around``)."""

    store: Store
    settings: RepositoryConfig
    env: Mapping[str, str]
    around: bytes = b""


class Trials:
    """See the module."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self.benches = Benches(conductor)
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}
        self._cores = asyncio.Semaphore(os.cpu_count() or 1)
        self.gate = Gate()
        self.measuring = asyncio.Lock()

    async def results(
        self,
        ground: Ground,
        tree: str,
        wanted: Mapping[str, Check],
        *,
        told: Told = lambda _: None,
        attempt: int = 0,
    ) -> list[Result]:
        """Run checks on a tree, those that are known aside; ``told`` gets all of them each time one ends.
        ``attempt`` tells one time of running the same from the next, where results may differ.

        Raises:
            KageError: the tree cannot be laid out.
        """
        found = self._found(ground, tree, wanted, attempt)
        told(list(found.values()))
        if all(result.state != "running" for result in found.values()):
            return list(found.values())
        # Agents often make the same of a task: who asks for a tree that is being tried waits for that.
        async with self._turn(tree):
            found |= self._found(ground, tree, wanted, attempt)
            left = [name for name, result in found.items() if result.state == "running"]
            if left:
                await self._run_all(ground, tree, wanted, attempt, found, told)
        told(list(found.values()))
        return list(found.values())

    def _found(
        self, ground: Ground, tree: str, wanted: Mapping[str, Check], attempt: int
    ) -> dict[str, Result]:
        """What is known of a tree; what is not, as begun."""
        found = {}
        for name, check in wanted.items():
            known = self.known(tree, key_of(name, check, ground, attempt))
            found[name] = as_begun(known, begun(name, check)) if known else begun(name, check)
        return found

    @asynccontextmanager
    async def _turn(self, tree: str) -> AsyncIterator[None]:
        """One at a time for a tree; nothing is kept of trees that nobody asks for."""
        lock, waiting = self._turns.get(tree, (asyncio.Lock(), 0))
        self._turns[tree] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(tree)
            if waiting > 1:
                self._turns[tree] = lock, waiting - 1

    async def _run_all(
        self,
        ground: Ground,
        tree: str,
        wanted: Mapping[str, Check],
        attempt: int,
        found: dict[str, Result],
        told: Told,
    ) -> None:
        """Run what is not known yet of ``found``, and put in what comes out."""
        commit = await asyncio.to_thread(_commit, ground.store, tree)
        left = [name for name, result in found.items() if result.state == "running"]

        again: list[str] = []

        async def one(name: str, profile: Profile) -> None:
            async with self._cores, self.gate.beside():
                result = found[name] = await self.once(name, wanted[name], profile)
            told(list(found.values()))
            beside = profile is shared and len(left) > 1
            if beside and await asyncio.to_thread(is_changed, ground.store, profile.worktree):
                again.append(name)
            elif lasts(result.state, result.code):
                self.keep(tree, key_of(name, wanted[name], ground, attempt), result)

        async with self.benches.use(ground.store, commit, ground.settings, ground.env) as shared:
            await asyncio.gather(*(one(name, shared) for name in left))
        # One of them changed files that others were reading: each again by itself, on files of its own.
        found.update({name: begun(name, wanted[name]) for name in again})
        for name in again:
            async with self.benches.use(ground.store, commit, ground.settings, ground.env) as profile:
                await one(name, profile)

    async def command(
        self, ground: Ground, tree: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float
    ) -> Completed:
        """Run one command on a tree, in the sandbox, whatever it says.

        Raises:
            KageError: the tree cannot be laid out.
        """
        commit = await asyncio.to_thread(_commit, ground.store, tree)
        async with (
            self.benches.use(ground.store, commit, ground.settings, ground.env) as profile,
            self._cores,
            self.gate.beside(),
        ):
            return await sandbox.run(profile, argv, stdin=stdin, timeout=timeout)

    @asynccontextmanager
    async def bench(self, ground: Ground, tree: str) -> AsyncIterator[Profile]:
        """A tree laid out for one who runs commands there alone (``gate``), beyond the number of benches that
        others wait for: two such trees are held at once.

        Raises:
            KageError: the tree cannot be laid out.
        """
        commit = await asyncio.to_thread(_commit, ground.store, tree)
        async with self.benches.use(
            ground.store, commit, ground.settings, ground.env, beyond=True
        ) as profile:
            yield profile

    async def once(self, name: str, check: Check, profile: Profile) -> Result:
        """One check in the sandbox, on a tree that is laid out."""
        command = ["sh", "-c", check.command] if isinstance(check.command, str) else check.command
        heard = await asyncio.to_thread(listen, name, check, profile)
        try:
            done = await sandbox.run(with_env(profile, heard.env), command, timeout=check.timeout)
        except OSError as error:
            return msgspec.structs.replace(begun(name, check), state="error", summary=visible(str(error)))
        return await asyncio.to_thread(_read, begun(name, check), check, done, profile, heard)

    def known(self, tree: str, key: bytes) -> Result | None:
        """What is kept of a tree under a key."""
        record = self._conductor.database.result(tree, key)
        if record is None:
            return None
        return loads(record if record.startswith(b"{") else zlib.decompress(record), Result)

    def keep(self, tree: str, key: bytes, result: Result) -> None:
        """Keep a result under a key."""
        record = dumps(result)
        self._conductor.database.keep_result(
            tree, key, record if len(record) < _PLAIN else zlib.compress(record, 1)
        )


def key_of(name: str, check: Check, ground: Ground, attempt: int = 0) -> bytes:
    """What decides what a check says of a tree; its name (but for the kind), its weight and its repair turns
    do not."""
    plain = msgspec.structs.replace(check, kind="", weight=1.0, required=None, retry=0)
    setup = ground.settings.setup
    return msgspec.json.encode((READING, kind_of(name, check), plain, setup, ground.around, attempt))


def as_begun(known: Result, begun: Result) -> Result:
    """A result that is kept, under the name and with the weight that its check has now."""
    return msgspec.structs.replace(
        known, name=begun.name, weight=begun.weight, required=begun.required, cached=True
    )


def _commit(store: Store, tree: str) -> str:
    """A commit of a tree, the same each time, for slots are filled from commits."""
    return commit_tree(store, tree, None, "a tree to be tried", when=0)


def _read(begun: Result, check: Check, done: Completed, profile: Profile, heard: Listening) -> Result:
    """What reads all the forms is loaded with the first result."""
    from kage_nvim.evaluate.outputs.reading import read

    return read(begun, check, done, profile, heard)
