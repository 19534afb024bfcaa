"""A conductor without processes: candidates come from real slots, and land in a real repository."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kage_nvim import paths
from kage_nvim.model import CandidateStatus, RunStatus, Task
from kage_nvim.orchestrator import candidates, comparing, slots
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.landing import accepting, undoing
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store, discover
from kage_nvim.records import Landing, RunRecord
from kage_nvim.store import Database
from tests.unit.git.support import put

Files = dict[str, bytes | str | None]
"""What an agent makes of files: bytes, the target of a symbolic link, or ``None`` for gone."""


class Nobody:
    """No editor is connected, and no gateway keeps a ledger."""

    def editors(self) -> list[Peer]:
        return []

    clients = editors

    async def outcome(self, run: str, number: int, outcome: str) -> None:
        """Nothing to note."""


class Desk:
    """One run in the repository at ``root``; the snapshot of this moment is its base."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store.open(discover(root))
        self.base = self.store.snapshot({})
        self.database = Database(paths.data() / "kage.db")
        self.peers: Any = Nobody()
        self.runs = 0
        self.begin()

    def begin(self) -> None:
        """Another run, on what the user has now."""
        self.base = self.store.snapshot({})
        self.runs += 1
        status = RunStatus(
            id=f"r{self.runs}",
            task="t",
            repository=str(self.root),
            store=str(self.store.git_dir),
            base=self.base.commit,
            created=time.time(),
        )
        self.run = Run(RunRecord(status=status, task=Task("t")), self.store.repository, self.store)

    def candidate(self, number: int, make: Files | Callable[[Path], object]) -> CandidateStatus:
        """What an agent leaves in its slot becomes a candidate, as a turn's end does it."""
        slot = slots.acquire(self.store, self.base.commit, held=set())
        try:
            if callable(make):
                make(slot.tree)
            else:
                edit(slot.tree, make)
            found = candidates.capture(self.store, slot, self.base.commit, "work", number)
        finally:
            slots.release(slot)
        self.store.pin(self.run.ref(number), found.commit)
        status = CandidateStatus(number=number, agent=number, commit=found.commit, files=found.files)
        self.run.set_candidate(status)
        return status

    def accept(self, *numbers: int, paths: list[str] | None = None, force: bool = False) -> dict[str, Any]:
        """``kage accept``."""
        return self._with(
            lambda conductor: accepting.accept(conductor, self.run, numbers, paths or [], force=force)
        )

    def undo(self, count: int = 1) -> dict[str, Any]:
        """``kage undo``."""
        return self._with(lambda conductor: undoing.undo(conductor, str(self.root), count))

    def diffed(self, *numbers: int) -> dict[str, Any]:
        """The answer of ``kage diff``."""
        return asyncio.run(comparing.diff(self.run, list(numbers), self.base.commit))

    def diff(self, *numbers: int) -> dict[str, dict[str, Any]]:
        """The files of ``kage diff`` by path."""
        return {entry["path"]: entry for entry in self.diffed(*numbers)["files"]}

    def history(self) -> list[Landing]:
        """Newest first."""
        return self.database.landings(str(self.root))

    def _with(self, work: Callable[[Conductor], Any]) -> dict[str, Any]:
        async def do() -> dict[str, Any]:
            conductor = Conductor(self.database, self.peers, 1)
            conductor.gateway = Nobody()  # type: ignore[assignment]
            conductor.runs[self.run.id] = self.run
            answer: dict[str, Any] = await work(conductor)
            return answer

        return asyncio.run(do())


def edit(root: Path, files: Files) -> None:
    """Make files, links and folders what is said, deletions first."""
    for name in sorted(files, key=lambda name: files[name] is not None):
        path, data = root / name, files[name]
        if data is None or path.is_symlink() or isinstance(data, str):
            path.unlink(missing_ok=True)
            while data is None and path.parent != root and not os.listdir(path.parent):  # noqa: PTH208
                path = path.parent
                path.rmdir()
        if isinstance(data, str):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(data)
        elif data is not None:
            put(root, {name: data})
