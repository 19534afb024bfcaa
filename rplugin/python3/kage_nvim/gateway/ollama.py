"""Whether a server on this machine is an Ollama that has a model answered by its makers' machines.

Such a model may have any name here, and any provider's prefix may lead to it. Only Ollama knows: it is asked
for every call. That a server is another one is found out once a minute, so that a slow one is not held up.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from kage_nvim import discover
from kage_nvim.errors import KageError
from kage_nvim.gateway import egress
from kage_nvim.model import Player

NAMES = frozenset({"ollama", "ollama_chat"})
PORT = ":11434"
TOLD = frozenset({"remote_host", "remote_model", "details", "model_info", "modelfile", "capabilities"})
"""What an Ollama tells of a model, some of it at least."""
LOOK_SECONDS = 2.0
ASK_SECONDS = 5.0
REMEMBERED_SECONDS = 60.0


class Ollamas:
    """What is known of this machine's servers."""

    def __init__(self) -> None:
        self._others: dict[str, float] = {}

    async def lends(self, name: str, player: Player) -> bool:
        """True for a model that another machine runs.

        Raises:
            KageError: code ``privacy``; an Ollama does not say so in time, or not in words known here.
        """
        base, model = player.api_base or "", player.model or ""
        root = base.rstrip("/").removesuffix("/v1").removesuffix("/api")
        if not egress.local_host(base) or time.monotonic() < self._others.get(root, 0.0):
            return False
        named = discover.provider(model) in NAMES or PORT in base
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            looks = True if named else await _is_one(session, root)
            if looks is False:
                return self._other(root)
            status, shown = await _shown(session, root, model.partition("/")[2])
        if isinstance(shown, dict) and status == 200:
            if looks is None and TOLD.isdisjoint(shown):
                return self._other(root)
            return bool(shown.get("remote_host") or shown.get("remote_model"))
        if looks is None:
            return self._other(root)
        if status in (0, 400, 404, 405, 501):  # nobody there, or it has no such model: the call will tell
            return False
        raise KageError(
            f"privacy: nothing may be sent for the player `{name}`: the Ollama at {root} did not say whether"
            f" it runs `{model}` itself",
            fix="Look at that server, then send the agent a message to let it try again; or allow"
            ' "ollama.com" in [privacy].',
            code="privacy",
        )

    def _other(self, root: str) -> bool:
        self._others[root] = time.monotonic() + REMEMBERED_SECONDS
        return False


async def _is_one(session: aiohttp.ClientSession, root: str) -> bool | None:
    """Whether an Ollama speaks there; ``None`` when that does not become clear."""
    try:
        timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS)
        async with session.get(f"{root}/api/version", timeout=timeout, allow_redirects=False) as answer:
            if answer.status == 404:
                return False
            said = await answer.json(content_type=None)
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError):
        return None
    return True if answer.status == 200 and isinstance(said, dict) and "version" in said else None


async def _shown(session: aiohttp.ClientSession, root: str, model: str) -> tuple[int, Any]:
    """Status and body of ``/api/show``: status 0 when nobody is there, 408 when nothing came in time."""
    try:
        async with session.post(f"{root}/api/show", json={"model": model}, allow_redirects=False) as answer:
            try:
                return answer.status, await answer.json(content_type=None)
            except ValueError:
                return answer.status, None
    except asyncio.TimeoutError:
        return 408, None
    except aiohttp.ClientConnectorError:
        return 0, None
    except aiohttp.ClientError:
        return 502, None
