"""``python -m kage_nvim.gateway``: be the gateway, or end at once when there is one.

The sockets are bound before anything big is imported, so that whoever started the gateway finds it within
tens of milliseconds and only waits for the answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sqlite3
import sys
import time
from typing import TYPE_CHECKING

from kage_nvim import paths
from kage_nvim.errors import KageError
from kage_nvim.gateway.place import Place, Sockets, kaged_listens

if TYPE_CHECKING:
    from kage_nvim.gateway.server import Server

LINGER = 30.0
"""Seconds without kaged and without a request after which the gateway ends; ``KAGE_LINGER`` changes it."""
TICK = 0.5
"""Seconds between looks at the socket's path."""
SECRET_NAME = re.compile(r"(_|^)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|BEDROCK)$")
DRAIN = 300.0
"""Seconds that calls under way have to end after SIGTERM."""


def main() -> int:
    """Run until nobody needs the gateway; the exit code."""
    _drop_secrets()
    logging.disable(logging.CRITICAL)  # libraries log requests, and requests hold prompts
    place = Place.claim()
    if place is None:
        return 0
    try:
        asyncio.run(_serve(place, place.bind()))
    except (KageError, OSError, sqlite3.Error) as error:
        print(f"kage gateway: {error}", file=sys.stderr)
        return 1
    return 0


def _drop_secrets() -> None:
    """Start again without the variables that hold secrets, if there are any: keys come from clients, after
    the user's yes, and an environment can be read in /proc for as long as its process lives."""
    clean = {name: value for name, value in os.environ.items() if not SECRET_NAME.search(name.upper())}
    if clean != dict(os.environ):
        os.execve(sys.executable, [sys.executable, "-I", "-m", "kage_nvim.gateway"], clean)


class Doors:
    """The applications behind the sockets: all of it for kaged and clients, the models alone for agents."""

    def __init__(self, server: Server) -> None:
        from aiohttp import web

        self._whole, self._models = (
            web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
            for app in (server.app(), server.models())
        )

    async def open(self, sockets: Sockets) -> None:
        """Serve here, and nowhere else."""
        from aiohttp import web

        await self.close()
        for runner in (self._whole, self._models):
            if runner.server is None:
                await runner.setup()
        await web.SockSite(self._whole, sockets.whole).start()
        await web.SockSite(self._models, sockets.models).start()
        await web.SockSite(self._models, sockets.port).start()

    async def close(self) -> None:
        """Take no new connection."""
        for runner in (self._whole, self._models):
            for site in list(runner.sites):
                await site.stop()

    async def end(self) -> None:
        """Cut what is still open."""
        await self._whole.cleanup()
        await self._models.cleanup()


async def _serve(place: Place, sockets: Sockets) -> None:
    from kage_nvim.gateway.ledger import Ledger
    from kage_nvim.gateway.server import Server

    ledger = Ledger(paths.state() / "ledger.db")
    server = Server(ledger)
    doors = Doors(server)
    await doors.open(sockets)
    asked_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    tending = asyncio.ensure_future(_tend(place, doors, server))
    ending = asyncio.ensure_future(asked_to_end.wait())
    await asyncio.wait([tending, ending], return_when=asyncio.FIRST_COMPLETED)
    tending.cancel()
    await doors.close()
    place.leave()
    await _drain(server)
    await doors.end()
    ledger.close()


async def _tend(place: Place, doors: Doors, server: Server) -> None:
    """Keep the sockets where they belong; return when nobody needs the gateway."""
    linger = float(os.environ.get("KAGE_LINGER") or LINGER)
    needed = time.monotonic()
    looked = 0.0
    while True:
        await asyncio.sleep(min(TICK, linger))
        if place.lost():
            await doors.close()
            await doors.open(place.bind())
        now = time.monotonic()
        if now - looked >= linger / 3:
            looked = now
            needed = now if kaged_listens() else needed
        needed = now if server.busy else max(needed, server.last)
        if now - needed >= linger:
            return


async def _drain(server: Server) -> None:
    """Wait for calls under way; a second SIGTERM ends that."""
    hurried = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, hurried.set)
    waits = [asyncio.ensure_future(event.wait()) for event in (server.quiet, hurried)]
    await asyncio.wait(waits, timeout=DRAIN, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


if __name__ == "__main__":
    sys.exit(main())
