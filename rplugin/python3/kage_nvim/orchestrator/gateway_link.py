"""kaged's dealings with the gateway: start it, register agents, tell it outcomes. Never a key."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from typing import Any
from urllib.parse import urlencode

import msgspec

from kage_nvim import paths, processes, unixhttp
from kage_nvim.errors import KageError
from kage_nvim.model import Player
from kage_nvim.orchestrator.players import Seat

START_SECONDS = 15.0


class GatewayLink:
    """The gateway as kaged sees it: a sibling with a socket of its own, started when a run needs it."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()

    def alive(self) -> bool:
        """False when the gateway's process is gone, or it is being started."""
        if self._starting.locked():
            return True
        try:
            facts = json.loads(paths.gateway_file().read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return processes.born(int(facts["pid"])) != ""

    async def ensure(self) -> str:
        """The gateway's socket, once it answers there.

        Raises:
            KageError: it did not come up.
        """
        async with self._starting:
            socket = await asyncio.to_thread(_answering)
            if socket:
                return socket
            _start()
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:
                await asyncio.sleep(0.03)
                if socket := await asyncio.to_thread(_answering):
                    return socket
        raise KageError(
            f"the gateway did not answer within {START_SECONDS:.0f} s",
            fix=f"Its last words are in {paths.state() / 'gateway.log'}.",
            code="gateway",
        )

    async def load(self) -> None:
        """Let it load its model library now, for a model will be called soon."""
        await self._post("/kage/load", {})

    async def register(
        self, run: str, number: int, token: str, seat: Seat, repository: str, terms: dict[str, Any]
    ) -> bool:
        """Make an agent's token known, with the player it may use and on which terms (``money.terms``).
        Returns whether the player has a price."""
        answer = await self._post(
            "/kage/agents",
            {
                "token": token,
                "run": run,
                "number": number,
                "player_name": seat.name,
                "player": msgspec.to_builtins(seat.player),
                "role": seat.role,
                "repository": repository,
                "provider": seat.cli.provider if seat.cli else "",
                **terms,
            },
        )
        return bool(answer.get("priced", True))  # a gateway of an older Kage does not say

    async def outcome(self, run: str, number: int, outcome: str) -> None:
        """Note in the ledger what became of an agent's work."""
        await self._post("/kage/outcome", {"run": run, "number": number, "outcome": outcome})

    async def known_keys(self) -> list[str]:
        """The names of the variables that clients have brought so far."""
        socket = await self.ensure()
        status, answer = await _request(socket, "GET", "/kage/keys")
        if status != 200:
            raise KageError(f"the gateway answered {status} to /kage/keys: {answer}", code="gateway")
        return list(answer["known"])

    async def priced(self, players: list[Player]) -> list[bool]:
        """For each player, whether it has a price."""
        await self.ensure()
        return list(await self._post("/kage/priced", msgspec.to_builtins(players)))

    async def cost(self, run: str, repository: str) -> dict[str, Any]:
        """The ledger's sums for a run, today and by player."""
        return await self._get("/kage/cost", run=run, repository=repository)

    async def usage(self, run: str, number: int) -> dict[str, Any]:
        """What an agent's calls used, as the ledger has it; empty for one that was never registered."""
        return await self._get("/kage/usage", run=run, number=str(number))

    async def _get(self, url: str, **query: str) -> dict[str, Any]:
        socket = await self.ensure()
        url = f"{url}?{urlencode(query)}"
        status, answer = await _request(socket, "GET", url)
        if status != 200:
            raise KageError(f"the gateway answered {status} to {url}: {answer}", code="gateway")
        return dict(answer)

    async def _post(self, url: str, body: object) -> Any:
        try:
            status, answer = await asyncio.to_thread(unixhttp.request, _named(), "POST", url, body)
        except (OSError, ValueError, KeyError):
            socket = await self.ensure()
            status, answer = await _request(socket, "POST", url, body)
        if status != 200:
            raise KageError(f"the gateway answered {status} to {url}: {answer}", code="gateway")
        return answer or {}


async def _request(socket: str, method: str, url: str, body: object = None) -> tuple[int, Any]:
    """Ask the gateway that answers there.

    Raises:
        KageError: it does not any more, or not in time.
    """
    try:
        return await asyncio.to_thread(unixhttp.request, socket, method, url, body)
    except OSError as error:
        raise KageError(f"the gateway did not answer to {url}: {error}", code="gateway") from error


def _named() -> str:
    """The socket that the gateway's file names, whether it answers there or not."""
    return str(json.loads(paths.gateway_file().read_text("utf-8"))["socket"])


def _answering() -> str | None:
    try:
        socket = _named()
        status, _ = unixhttp.request(socket, "GET", "/kage/health", timeout=2.0)
    except (OSError, ValueError, KeyError):
        return None
    return socket if status == 200 else None


def _start() -> None:
    """Start it as a sibling: in a session of its own, so that it outlives kaged. Its environment is ours,
    which holds no key."""
    with (paths.state() / "gateway.log").open("ab") as log:
        subprocess.Popen(
            [paths.python(), "-I", "-m", "kage_nvim.gateway"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=dict(os.environ),
            start_new_session=True,
        )
