"""What the gateway says of an agent's calls: tokens, dollars, a budget's warning, a refusal, a failure."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec

from kage_nvim.agent_runtime.clis.relay import Relay
from kage_nvim.agent_runtime.log import Usage
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.text import one_line

APART = 0.5
"""Seconds between two questions."""
SECONDS = 3.0
REPEATED = 40
"""Characters by which a sentence is known again."""


class Sums(msgspec.Struct):
    """The answer of ``GET /v1/kage/usage``: sums over all calls of the agent."""

    calls: int = 0
    open: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    warning: str = ""
    refused: str = ""
    failing: str = ""
    failing_for: float = 0.0
    waiting: str = ""

    def blamed(self, reason: str) -> str:
        """A failure's reason with the gateway's word for it, which most CLIs pass on with words of theirs."""
        if self.failing[:REPEATED] in reason:
            return self.failing or reason
        return f"{one_line(reason)}; the gateway says: {self.failing}"


class Meter:
    """Asks the gateway when calls have ended, and passes on what it says. ``latest`` is its last answer."""

    def __init__(self, relay: Relay, token: str, progress: Progress, known: Usage) -> None:
        self._relay = relay
        self._token = token
        self._progress = progress
        self._known = msgspec.structs.replace(known)
        self._asked = float("-inf")
        self._closed = 0
        self.latest = Sums()

    async def look(self, *, now: bool = False) -> Sums:
        """The sums, asked for when something may have changed; ``now`` in any case."""
        moment = time.monotonic()
        news = self._relay.open or self._relay.closed != self._closed or self.latest.open
        if now or (news and moment - self._asked >= APART):
            self._asked, self._closed = moment, self._relay.closed
            with contextlib.suppress(OSError, ValueError, asyncio.TimeoutError, msgspec.MsgspecError):
                self._take(await asyncio.wait_for(self._ask(), SECONDS))
        return self.latest

    def _take(self, sums: Sums) -> None:
        if sums.waiting != self.latest.waiting:
            self._progress.doing(f"waiting for {sums.waiting}" if sums.waiting else "")
        self.latest = sums
        known = self._known
        spent = Usage(
            tokens_in=sums.tokens_in - known.tokens_in,
            tokens_cached=sums.tokens_cached - known.tokens_cached,
            tokens_out=sums.tokens_out - known.tokens_out,
            cost_usd=None if sums.cost_usd is None else sums.cost_usd - (known.cost_usd or 0.0),
        )
        if spent.tokens_in > 0 or spent.tokens_out > 0:
            self._known = Usage(sums.tokens_in, sums.tokens_cached, sums.tokens_out, sums.cost_usd)
            self._progress.spent(spent)
        self._progress.warn(sums.warning)

    async def _ask(self) -> Sums:
        reader, writer = await self._relay.reach_gateway()
        try:
            head = "GET /v1/kage/usage HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
            writer.write(f"{head}Authorization: Bearer {self._token}\r\n\r\n".encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
        first, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in first.split(b"\r\n", 1)[0] + b" ":
            raise ValueError(first[:80])
        return msgspec.json.decode(body, type=Sums)
