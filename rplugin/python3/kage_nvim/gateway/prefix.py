"""The first calls of a run's agents, which begin with the same bytes: one goes ahead, so that the others find
those bytes in the provider's cache.

A provider that caches prompts has a prefix in its cache when it has read it, which is when the first byte of
an answer comes. So of calls that begin alike the first goes, and those that come meanwhile wait for its first
byte, but ``LONGEST`` at most: a second is less than what a prompt read twice costs, and nobody waits twice.

Local servers are not made to wait for: they cache as well, but answer for nothing, and one model after the
other. A server of one's own that speaks OpenAI's protocol counts as local.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from kage_nvim import discover
from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.pieces import to_json

LONGEST = 1.0
"""Seconds that a call waits at most."""
WARM = 300.0
"""Seconds for which a prefix stays in a provider's cache, at the least that any promises."""
CACHING = (
    *("anthropic", "azure", "azure_ai", "bedrock", "deepseek", "fireworks_ai", "gemini", "groq"),
    *("mistral", "moonshot", "openai", "openrouter", "vertex_ai", "xai"),
)
"""Providers that keep prompts, by litellm's names."""


class Prefixes:
    """The prefixes on their way to providers, and those that have arrived not long ago."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._read: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, agent: Registration, body: dict[str, Any]) -> AsyncIterator[Callable[[], None]]:
        """Waits until a call that begins alike has its first byte. What it yields is called at ours."""
        key = prefix(agent, body)
        ahead = self._read.get(key) if key else None
        if ahead is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ahead.wait(), self._longest)
        mine = ahead or asyncio.Event()
        if key and ahead is None:
            self._read[key] = mine
            asyncio.get_running_loop().call_later(WARM, self._read.pop, key, None)
        try:
            yield mine.set
        finally:
            mine.set()  # a call that failed holds nobody up


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
