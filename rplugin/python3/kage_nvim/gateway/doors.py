"""The doors to the providers, shared by all agents: how many calls pass at once, and when to come again.

A door stands for one address (the host of an ``api_base``) or one provider. ``[providers.NAME] concurrency``
says how many calls may be behind it; a name may be that of the provider (``openai``) or of the host
(``127.0.0.1:8080``), and a call passes every door that is its own, so that none is ever overfull, whichever
players share it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from kage_nvim import discover
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player

WIDEST = 32
"""Calls behind one door when the configuration does not say."""
DOWN = 5.0
"""Seconds in which nobody tries again what was found unreachable: they are told the same at once."""
PROBE = 30.0
"""Seconds between two calls that look whether a shut door may be open."""


class Told(NamedTuple):
    """What a provider said to a call, or that nobody was there; in words for the player that made it."""

    problem: Problem
    player: str


class Shut(Exception):
    """Nobody passes for so many ``seconds``, for what was ``told`` to another call."""

    def __init__(self, told: Told, seconds: float) -> None:
        super().__init__(told.problem.message)
        self.told = told
        self.seconds = seconds


class Door:
    """One door.

    It is ``widest`` until the provider answers 429. Then it is half as wide, though only once for the calls
    that were behind it at that time, and nobody passes before the time that the provider named. Each good
    answer opens it again a little: by one for as many answers as it is wide. A time that a caller cannot wait
    is that of a quota, which its owner may raise meanwhile: each ``PROBE`` seconds one such caller passes.
    """

    def __init__(self) -> None:
        self.widest = WIDEST
        self._width = float(WIDEST)
        self._busy = 0
        self._narrowed = 0.0
        self._shut: Told | None = None
        self._shut_at = self._shut_until = self._probe_at = 0.0
        self._down: dict[str, tuple[Told, float]] = {}
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def slot(self, longest: float = math.inf) -> AsyncIterator[None]:
        """Wait for the turn, and hold it. ``longest`` is how many seconds the caller would wait for a door
        that is shut.

        Raises:
            Shut: it is.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._busy < max(1, int(min(self._width, self.widest))))
            self._check_open(longest)
            self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            await self._tell()

    def _check_open(self, longest: float) -> None:
        now = time.monotonic()
        wait = self._shut_until - now
        if self._shut is None or wait <= 0:
            return
        if wait <= longest or now < self._probe_at:
            raise Shut(self._shut, wait)
        self._probe_at = now + PROBE

    async def fine(self, began: float, place: str = "") -> None:
        """The provider answered a call that ``began`` (monotonic) then, at this address."""
        self._down.pop(place, None)
        if began >= self._shut_at:
            self._shut = None
        if self._width < self.widest:
            self._width = min(self.widest, self._width + 1 / self._width)
            await self._tell()

    def too_many(self, began: float, told: Told) -> None:
        """The provider said 429 to a call that ``began`` (monotonic) then: come back in ``after`` seconds, if
        it named them."""
        now, after = time.monotonic(), told.problem.after
        if began >= self._narrowed:
            self._width = max(1.0, min(self._width, self._busy + 1) / 2)
            self._narrowed = now
        if after is not None and (self._shut is None or now + after > self._shut_until):
            self._shut, self._shut_at, self._shut_until = told, now, now + after
            self._probe_at = now + PROBE

    def unreached(self, place: str, told: Told) -> None:
        """Nobody answers at this address."""
        self._down[place] = (told, time.monotonic() + DOWN)

    def down(self, place: str) -> Told | None:
        """Why a call to this address need not be tried now."""
        told, until = self._down.get(place, (None, 0.0))
        return told if time.monotonic() < until else None

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
async def passing(doors: list[Door], longest: float = math.inf) -> AsyncIterator[None]:
    """Behind all of the doors at once; raises ``Shut`` like ``slot``."""
    async with AsyncExitStack() as stack:
        for door in doors:
            await stack.enter_async_context(door.slot(longest))
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
