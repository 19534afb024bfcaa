"""The doors to the providers, shared by all agents: how many calls pass at once, and when to come again.

A door stands for one address (the host of an ``api_base``) or one provider. ``[providers.NAME] concurrency``
says how many calls may be behind it; a name may be that of the provider (``openai``) or of the host
(``127.0.0.1:8080``), and a call passes every door that is its own, so that none is ever overfull, whichever
players share it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from kage_nvim import discover
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player

WIDEST = 32
"""Calls behind one door when the configuration does not say."""
DOWN = 5.0
"""Seconds in which nobody tries again what was found unreachable: they are told the same at once."""


class Door:
    """One door.

    It is ``widest`` until the provider answers 429. Then it is half as wide, though only once for the calls
    that were behind it at that time, and nobody passes before the time that the provider named. Each good
    answer opens it again a little: by one for as many answers as it is wide.
    """

    def __init__(self) -> None:
        self.widest = WIDEST
        self._width = float(WIDEST)
        self._busy = 0
        self._narrowed = 0.0
        self._closed_until = 0.0
        self._down_until = 0.0
        self._down: Problem | None = None
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for the turn, and hold it."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._busy < max(1, int(min(self._width, self.widest))))
                if (wait := self._closed_until - time.monotonic()) <= 0:
                    self._busy += 1
                    break
            await asyncio.sleep(wait * random.uniform(1.0, 1.1))
        try:
            yield
        finally:
            self._busy -= 1
            await self._tell()

    async def fine(self) -> None:
        """The provider answered."""
        self._down = None
        if self._width < self.widest:
            self._width = min(self.widest, self._width + 1 / self._width)
            await self._tell()

    def too_many(self, began: float, seconds: float | None) -> None:
        """The provider said 429 to a call that ``began`` (monotonic) then: come back in so many seconds, if
        it named them."""
        if began >= self._narrowed:
            self._width = max(1.0, min(self._width, self._busy + 1) / 2)
            self._narrowed = time.monotonic()
        if seconds is not None:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def unreached(self, problem: Problem) -> None:
        """Nobody answers there."""
        self._down, self._down_until = problem, time.monotonic() + DOWN

    @property
    def down(self) -> Problem | None:
        """Why a call need not be tried now."""
        return self._down if time.monotonic() < self._down_until else None

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Doors:
    """All doors, by name."""

    def __init__(self) -> None:
        self._doors: dict[str, Door] = {}

    def of(self, player: Player, concurrency: Mapping[str, int]) -> list[Door]:
        """The doors that a player's calls pass, always in the same order; the first is the address's own."""
        provider = discover.provider(player.model or "")
        place = address(player.api_base) if player.api_base else provider
        named = {address(name): most for name, most in concurrency.items()}
        limits = {place: named.get(place, named.get(place.partition(":")[0], WIDEST))}
        if provider in named:
            limits[provider] = named[provider]
        found = []
        for name, most in limits.items():
            door = self._doors.setdefault(name, Door())
            door.widest = most
            found.append(door)
        return found


@asynccontextmanager
async def passing(doors: list[Door]) -> AsyncIterator[None]:
    """Behind all of the doors at once."""
    async with AsyncExitStack() as stack:
        for door in doors:
            await stack.enter_async_context(door.slot())
        yield


def address(url: str) -> str:
    """Host and port of an address, or the name of a provider; this machine has one name."""
    url = url if "//" in url else f"http://{url}"
    parts = urlsplit(url)
    host = (parts.hostname or url).lower()
    try:
        port = parts.port
    except ValueError:
        port = None
    if discover.is_loopback(url):
        host = "127.0.0.1"
    return f"{host}:{port}" if port else host
