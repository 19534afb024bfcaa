"""When a call may go out: budgets, one limiter per provider, and when to try again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from kage_nvim.gateway.ledger import Caller, Ledger, Limits, Room
from kage_nvim.gateway.prices import Price
from kage_nvim.gateway.problems import Problem

TRIES = 3
FIRST_WAIT = 0.5
"""Seconds before the second try; doubled for each further one."""
LONGEST_WAIT = 20.0
"""Seconds; a provider that asks for more gets no second try, and the agent is told."""
WIDEST = 32
"""Calls in flight to one provider when it never complained."""
USUAL_OUT = 16_384
"""Tokens of output that a call may have when money is limited and nobody said how many."""
LEAST_OUT = 1_024
"""With room for fewer tokens of output than this a call is not worth its input."""


def backoff(attempt: int, after: float | None) -> float:
    """Seconds before try number ``attempt`` + 1: what the provider asked for, else twice as long each time;
    with jitter, so that agents that failed together do not come back together."""
    usual: float = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return max(after or 0.0, usual) * random.uniform(1.0, 1.25)


class Limiter:
    """One provider's door, shared by all agents.

    It is as wide as ``WIDEST`` until the provider answers 429. Then it halves, nobody passes before the time
    that the provider named, and each good answer makes it one wider again.
    """

    def __init__(self) -> None:
        self._width = WIDEST
        self._busy = 0
        self._closed_until = 0.0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for the turn, and hold it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._busy < self._width)
            self._busy += 1
        try:
            await self._opening()
            yield
        finally:
            self._busy -= 1
            await self._tell()

    async def fine(self) -> None:
        """The provider answered."""
        if self._width < WIDEST:
            self._width += 1
            await self._tell()

    def too_many(self, seconds: float) -> None:
        """The provider said 429, come back in so many seconds."""
        self._width = max(1, self._busy // 2)
        self._closed_until = max(self._closed_until, time.monotonic() + min(seconds, LONGEST_WAIT))

    async def _opening(self) -> None:
        wait = self._closed_until - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait * random.uniform(1.0, 1.1))
            await self._opening()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may go out: its ledger row, and the most tokens it may answer with (``None``: the
    provider's own limit)."""

    row: int
    max_tokens: int | None


class Budget:
    """Holds money for calls before they are made."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._freed = asyncio.Condition()

    async def hold(
        self, caller: Caller, limits: Limits, price: Price | None, tokens_in: int, max_tokens: int | None
    ) -> Hold:
        """Reserve what the call may cost at most; waits while calls under way hold what may come back.

        With a limit the answer's length has to be bounded: to ``max_tokens``, to ``USUAL_OUT`` when that is
        not given, or to what is left of the money. A player without a price reserves nothing.

        Raises:
            Problem: a limit has no room for this call, even when all others have ended.
        """
        if price is None or not limits.any:
            row = self._ledger.open(caller, Limits(), 0.0)
            return Hold(row=row or 0, max_tokens=max_tokens)
        wanted = max_tokens or USUAL_OUT
        while True:
            room = self._ledger.room(caller, limits)
            assert room is not None
            bound = min(wanted, _affordable(price, tokens_in, room.left_usd))
            if bound >= min(wanted, LEAST_OUT):
                cost = tokens_in * price.dearest_in + bound * price.dearest_out
                row = self._ledger.open(caller, limits, min(cost, room.left_usd))
                if row is not None:
                    return Hold(row=row, max_tokens=bound)
            elif room.open_usd == 0:
                raise _no_room(caller, room, price, tokens_in, min(wanted, LEAST_OUT))
            await self._wait()

    async def freed(self) -> None:
        """Tell those who wait that a call was settled."""
        async with self._freed:
            self._freed.notify_all()

    async def _wait(self) -> None:
        """Until a call is settled here, or for a second: a gateway being drained settles some too."""
        async with self._freed:
            try:
                await asyncio.wait_for(self._freed.wait(), 1.0)
            except asyncio.TimeoutError:
                return


def _affordable(price: Price, tokens_in: int, usd: float) -> int:
    """Tokens of output that the money is enough for, after the input."""
    left = usd - tokens_in * price.dearest_in
    if left < 0:
        return 0
    return int(left / price.dearest_out) if price.dearest_out else 1_000_000_000


def _no_room(caller: Caller, room: Room, price: Price, tokens_in: int, out: int) -> Problem:
    needs = tokens_in * price.dearest_in + out * price.dearest_out
    whose = {
        "agent_usd": f"agent {caller.number}",
        "run_usd": "this run",
        "day_usd": "this repository today",
    }[room.name]
    exact = abs(room.held_usd - room.cost_usd) < 1e-9
    spent = "spent" if exact else "spent or reserved"
    return Problem(
        "budget",
        f"{whose} has {spent} ${room.held_usd:.4f} of ${room.limit_usd:.2f} ({room.name}), and the next call"
        f" may cost ${needs:.4f}. Raise {room.name} under [budget] in .kage.toml or [defaults] in config.toml"
        " and start a new run, or accept what is there.",
    )
