"""Benches: how many trees of a repository can be looked at side by side, and who waits for which.

There are as many as the machine has cores. Each is a warm slot (see ``bench``); a tree that was laid out last
on a free one is looked at there again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from kage_nvim import config
from kage_nvim.config import RepositoryConfig
from kage_nvim.model import Profile
from kage_nvim.orchestrator.checking.bench import Bench
from kage_nvim.orchestrator.shadow import Store

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor


class Benches:
    """Those of all repositories, by the repository's root."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._all: dict[Path, list[Bench]] = {}
        self._free: dict[Path, list[Bench]] = {}
        self._room: dict[Path, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def use(
        self,
        store: Store,
        commit: str,
        settings: RepositoryConfig,
        env: Mapping[str, str],
        *,
        beyond: bool = False,
    ) -> AsyncIterator[Profile]:
        """Lay a commit's files out on a bench and hold it; yields how commands run there. ``beyond``: though
        as many are held as there may be.

        Raises:
            KageError: the slot cannot be made, or the setup command fails in it.
        """
        root = store.repository.root
        room = self._room.setdefault(root, asyncio.Semaphore(os.cpu_count() or 1))
        async with nullcontext() if beyond else room:
            bench = self._take(store, commit)
            try:
                yield await self._laid(bench, commit, settings, env)
            finally:
                self._free.setdefault(root, []).append(bench)

    async def close(self, root: Path) -> None:
        """Give a repository's benches back."""
        for bench in self._all.pop(root, []):
            await bench.close()
        self._free.pop(root, None)

    def _take(self, store: Store, commit: str) -> Bench:
        root = store.repository.root
        free = self._free.setdefault(root, [])
        if not free:
            free.append(Bench(store))
            self._all.setdefault(root, []).append(free[-1])
        same = [bench for bench in free if bench.commit == commit]
        chosen = (same or free)[-1]
        free.remove(chosen)
        return chosen

    async def _laid(
        self, bench: Bench, commit: str, settings: RepositoryConfig, env: Mapping[str, str]
    ) -> Profile:
        root = bench.store.repository.root
        user = await asyncio.to_thread(config.load_user)
        held = {
            agent.record.slot for run in self._conductor.of_repository(root) for agent in run.agents.values()
        }
        laying = asyncio.ensure_future(bench.lay(commit, held, user, settings, dict(env)))
        try:
            return await asyncio.shield(laying)
        except asyncio.CancelledError:
            # The thread that writes goes on: nobody else may lay files out beside it.
            await asyncio.wait([laying])
            raise
