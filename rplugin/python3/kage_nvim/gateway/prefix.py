"""The first calls of a run's agents, which begin with the same bytes: one goes ahead, so that the others find
those bytes in the provider's cache.

A provider that caches prompts has a prefix in its cache when it has read it, which is when the first byte of
an answer comes. So of calls that begin alike the first goes, and those that come meanwhile wait for its first
byte, but ``LONGEST`` after it left at most: a second is less than what a prompt read twice costs, and nobody
waits twice.

Local servers are not made to wait for: they cache as well, but answer for nothing, and one model after the
other. A server of one's own that speaks OpenAI's protocol counts as local.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from kage_nvim import discover
from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.pieces import to_json
from kage_nvim.gateway.provider import Answer

LONGEST = 1.0
"""Seconds after the leaving of the first call for which the others wait at most."""
WARM = 300.0
"""Seconds for which a prefix stays in a provider's cache, at the least that any promises."""
CACHING = (
    *("anthropic", "azure", "azure_ai", "bedrock", "deepseek", "fireworks_ai", "gemini", "groq"),
    *("mistral", "moonshot", "openai", "openrouter", "vertex_ai", "xai"),
)
"""Providers that keep prompts, by litellm's names."""


class Turn:
    """One call's way to its provider, as those behind it see it."""

    def __init__(self) -> None:
        self._left = asyncio.Event()
        self._left_at = 0.0
        self._read = asyncio.Event()

    async def leaving(self, answer: Answer) -> Answer:
        """The answer, passed on; its request leaves with the first step of the iteration."""
        if not self._left.is_set():
            self._left_at = asyncio.get_running_loop().time()
            self._left.set()
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                self._read.set()
                yield piece

    def over(self) -> None:
        """The call has ended, with an answer or without: it holds nobody up any more."""
        self._left.set()
        self._read.set()

    async def read(self, longest: float) -> None:
        """Wait for the first byte, but no longer than so many seconds after the request left: until then it
        may wait itself, at the provider's door, where whoever waits for it would have to wait as well."""
        await self._left.wait()
        until = self._left_at + longest - asyncio.get_running_loop().time()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._read.wait(), max(0.0, until))


class Prefixes:
    """The prefixes on their way to providers, and those that have arrived not long ago."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._ahead: dict[str, Turn] = {}

    @asynccontextmanager
    async def turn(self, agent: Registration, body: dict[str, Any]) -> AsyncIterator[Turn]:
        """Waits until a call that begins alike has its first byte, then yields this call's own turn."""
        key = prefix(agent, body)
        ahead = self._ahead.get(key) if key else None
        mine = Turn()
        if ahead is not None:
            await ahead.read(self._longest)
        elif key:
            self._ahead[key] = mine
            asyncio.get_running_loop().call_later(WARM, self._ahead.pop, key, None)
        try:
            yield mine
        finally:
            mine.over()


def prefix(agent: Registration, body: dict[str, Any]) -> str | None:
    """What names the beginning of a conversation that only starts; ``None`` when nothing is to be gained.

    A run's agents share their task, and one player's share the rest: the system's words and the tools.
    """
    model = agent.player.model or ""
    provider = discover.provider(model)
    own = agent.player.api_base is not None and provider == "openai"
    messages = body["messages"]
    started = any(message.get("role") == "assistant" for message in messages)
    if agent.player.recorded or own or provider not in CACHING or started or not messages:
        return None
    shared = to_json([agent.run, model, agent.player.api_base, body.get("tools"), messages[0]])
    return hashlib.sha256(shared).hexdigest()
