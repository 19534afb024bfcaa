"""The editor's side of the connection to kaged: a thread of its own, so that no handler ever waits.

Messages leave by ``send`` and ``reply`` and arrive through one callback, as plain dictionaries:

    {"id": 3, "result": …} or {"id": 3, "error": {…}}     the answer to ``send(3, …)``
    {"push": "update", "params": {…}}                      something changed
    {"call": 9, "method": "editor.buffers", "params": {…}} kaged asks; answered by ``reply(9, …)``
    {"link": "up"} or {"link": "down", "reason": "…"}      the connection itself
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from kage_nvim.client import Client
from kage_nvim.errors import KageError

CRASHES = 3
"""After this many lost connections within a minute, the link waits for the user's next command."""


class EditorLink:
    """A lasting connection for the editor: made on first use, made again when kaged is killed.

    Every method returns at once and may be called from any thread; ``on_message`` is called from the
    link's own thread.
    """

    def __init__(self, on_message: Callable[[dict[str, Any]], None]) -> None:
        self._on_message = on_message
        self._loop = asyncio.new_event_loop()
        self._client: Client | None = None
        self._opening: asyncio.Lock | None = None
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._last_call = 0
        self._lost: list[float] = []
        self._tasks: set[asyncio.Future[Any]] = set()
        threading.Thread(target=self._loop.run_forever, name="kaged-link", daemon=True).start()

    def send(self, number: int, method: str, params: dict[str, Any]) -> None:
        """Ask kaged; the answer arrives as a message with the same ``id``."""
        self._run(self._send(number, method, params))

    def reply(self, call: int, result: Any, error: dict[str, Any] | None) -> None:
        """Answer a message that had ``call``."""
        self._loop.call_soon_threadsafe(self._answered, call, result, error)

    def close(self) -> None:
        """Hang up and end the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        def start() -> None:
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(start)

    async def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        try:
            client = await self._open()
            result = await client.request(method, params)
        except KageError as error:
            self._on_message({"id": number, "error": error.to_wire()})
        except OSError as error:
            lost = KageError(f"kaged went away during {method}: {error}", fix="Try again.", code="link")
            self._on_message({"id": number, "error": lost.to_wire()})
        else:
            self._on_message({"id": number, "result": result})

    async def _open(self) -> Client:
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._client is None:
                client = Client(self._pushed, self._called, self._closed)
                await client.open("editor", os.getcwd())  # noqa: PTH109
                self._client = client
                self._on_message({"link": "up"})
            return self._client

    def _pushed(self, name: str, params: dict[str, Any]) -> None:
        self._on_message({"push": name, "params": params})

    async def _called(self, method: str, params: dict[str, Any]) -> Any:
        self._last_call += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        self._calls[self._last_call] = future
        self._on_message({"call": self._last_call, "method": method, "params": params})
        return await future

    def _answered(self, call: int, result: Any, error: dict[str, Any] | None) -> None:
        future = self._calls.pop(call, None)
        if future is None or future.done():
            return
        if error:
            future.set_exception(KageError.from_wire(error))
        else:
            future.set_result(result)

    def _closed(self) -> None:
        self._client = None
        now = time.monotonic()
        self._lost = [when for when in self._lost if now - when < 60] + [now]
        self._on_message({"link": "down", "reason": "kaged went away"})
        if len(self._lost) < CRASHES:
            self._run(self._again())

    async def _again(self) -> None:
        try:
            await self._open()
        except KageError as error:
            self._on_message({"link": "down", "reason": str(error)})
