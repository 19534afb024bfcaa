"""Fixtures of the agent's tests: its surroundings, and a player ready to take a turn in them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin.loop import ModelPlayer
from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.link import Link
from kage_nvim.agent_runtime.log import Log, recover
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from tests.conftest import until
from tests.unit.agent.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An agent's surroundings, without a sandbox."""
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def sandboxed(tmp_path: Path) -> Iterator[World]:
    """The same with a real sandbox."""
    world = World(tmp_path, mode="on")
    yield world
    world.close()


async def eventually(condition: Callable[[], object]) -> None:
    """Wait beside a running turn until the condition holds."""
    await asyncio.to_thread(until, condition)


class Seat:
    """One agent inside the test's own process: its inbox, what it shows, and its turns."""

    def __init__(self, world: World, *, resume: bool = False, **changes: Any) -> None:
        self.spec = world.spec(**changes)
        self.inbox = Inbox()
        self._shown = world.folder / "screen.txt"
        file = os.open(self._shown, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        past = recover(self.spec.log)
        log = Log(self.spec.log)
        self.link = Link(self.spec, self.inbox)
        self.progress = Progress(log, self.link, past, priced=self.spec.priced)
        self.player = ModelPlayer(self.spec, past, log, Screen(file), self.inbox, self.progress)
        self._resume = resume

    def turn(self, *beside: Callable[[], Awaitable[object]]) -> TurnEnd:
        """Take one turn, with something happening beside it."""

        async def together() -> TurnEnd:
            self.inbox.begin()
            self.progress.begin_turn(again=self._resume)
            turn = asyncio.create_task(self.player.turn(again=self._resume))
            others = [asyncio.ensure_future(one()) for one in beside]
            end = await asyncio.wait_for(turn, 20)
            await asyncio.gather(*others)
            return end

        return asyncio.run(together())

    @property
    def shown(self) -> str:
        return self._shown.read_text("utf-8")
