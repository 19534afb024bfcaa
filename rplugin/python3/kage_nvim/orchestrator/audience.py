"""Who is told what changed: editors that follow a repository, and whoever waits for agents to end.

change   change change             change
  |        |      |                  |
  |<---- COALESCE ---->| one push    |<---- COALESCE ---->| one push
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kage_nvim.model import RunStatus
from kage_nvim.orchestrator.peers import Peer

COALESCE = 0.05
"""Seconds between a change and the push that tells of it."""
RECENT = 10
"""Runs of a repository that a push holds, the newest ones; what is older is asked for by name."""


class Audience:
    """``epoch`` tells one life of kaged from the next, the sequence number one push from the next.

    ``runs`` gives the runs of a repository as views show them, newest first.
    """

    def __init__(self, epoch: int, runs: Callable[[Path], list[RunStatus]]) -> None:
        self._epoch = epoch
        self._runs = runs
        self._followers: dict[int, tuple[Peer, Path]] = {}
        self._sequence = 0
        self._dirty: set[Path] = set()
        self._waiting: set[asyncio.Event] = set()

    def follow(self, peer: Peer, root: Path) -> dict[str, Any]:
        """Tell ``peer`` from now on about the repository at ``root``; returns the state of now."""
        self._followers[id(peer)] = (peer, root)
        return self._state(root)

    def leave(self, peer: Peer) -> None:
        """A peer went away."""
        self._followers.pop(id(peer), None)

    def tell(self, root: Path) -> None:
        """Something of that repository changed: its followers soon get its state, once for many changes."""
        for event in self._waiting:
            event.set()
        if not self._dirty:
            asyncio.get_running_loop().call_later(COALESCE, self._push)
        self._dirty.add(root)

    def say(self, root: Path, name: str, params: dict[str, Any]) -> None:
        """Push something else than the state to those who follow a repository, at once."""
        for peer, followed in list(self._followers.values()):
            if followed == root:
                peer.push(name, {"repository": str(root)} | params)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on runs holds; it is looked at after each change."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not condition():
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)

    def _push(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for peer, root in list(self._followers.values()):
            if root in dirty:
                peer.push("update", self._state(root))

    def _state(self, root: Path) -> dict[str, Any]:
        self._sequence += 1
        runs = self._runs(root)[:RECENT]
        return {"epoch": self._epoch, "seq": self._sequence, "repository": str(root), "runs": runs}
