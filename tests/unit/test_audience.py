"""Who is told what changed, and how often."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kage_nvim.model import RunStatus
from kage_nvim.orchestrator.audience import COALESCE, RECENT, Audience
from kage_nvim.protocol import Hello
from tests.fixtures import clock

HERE, THERE = Path("/here"), Path("/there")


class Listener:
    """A peer that keeps what it was told."""

    hello = Hello(protocol=1, version="", kind="editor", pid=0)

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def push(self, name: str, params: Any) -> None:
        """Keep it."""
        self.told.append(params)

    async def call(self, method: str, params: object, timeout: float = 30.0) -> Any:
        """Nothing is asked here."""
        raise AssertionError(method)


def run(number: int) -> RunStatus:
    """A run with that name."""
    return RunStatus(id=str(number), task="x", repository="/here", store="", base="", created=0.0)


def test_many_changes_are_one_push_to_those_who_follow_that_repository() -> None:
    async def story() -> tuple[Listener, Listener]:
        audience = Audience(7, lambda root: [run(number) for number in range(RECENT + 5)])
        near, far = Listener(), Listener()
        first = audience.follow(near, HERE)
        audience.follow(far, THERE)
        for _ in range(5):
            audience.tell(HERE)
        await asyncio.sleep(COALESCE * 2)  # what was told together has been said
        audience.leave(near)
        audience.tell(HERE)
        await asyncio.sleep(COALESCE * 2)  # what was told together has been said
        assert near.told[0]["seq"] > first["seq"]
        return near, far

    near, far = clock.run(story())
    assert len(near.told) == 1
    assert (near.told[0]["epoch"], near.told[0]["repository"]) == (7, "/here")
    assert [entry.id for entry in near.told[0]["runs"]] == [str(number) for number in range(RECENT)]
    assert far.told == []


def test_whoever_waits_goes_on_with_the_change_that_fulfils_it() -> None:
    async def story() -> None:
        audience = Audience(7, lambda root: [])
        seen: list[int] = []
        waiting = asyncio.create_task(audience.until(lambda: len(seen) == 2))
        for number in range(2):
            await asyncio.sleep(0)
            assert not waiting.done()
            seen.append(number)
            audience.tell(HERE)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(story())
