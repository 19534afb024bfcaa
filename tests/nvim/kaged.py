"""A kaged that answers what a test says: the real protocol on a real socket, no agents behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kage_nvim import paths
from kage_nvim.errors import KageError
from kage_nvim.protocol import MAX_LINE, PROTOCOL, Message, decode, encode
from kage_nvim.version import __version__

Answer = Callable[[dict[str, Any]], Any]


class FakeDaemon:
    """Serves on a thread of its own; ``requests`` lists what was asked, ``answers`` says what to answer."""

    def __init__(self, repository: Path) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {"subscribe": lambda _: self.update()}
        self.repository = repository
        self.runs: list[dict[str, Any]] = []
        self.epoch, self.seq = 1, 0
        self._writers: list[asyncio.StreamWriter] = []
        self._calls: dict[int, Future[Message]] = {}
        self._socket = paths.sockets() / "fake"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(5)
        paths.daemon_file().write_text(json.dumps({"pid": os.getpid(), "socket": str(self._socket)}))

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every request with that method, so far."""
        return [params for name, params in self.requests if name == method]

    def update(self, runs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """The next update; ``runs`` replaces what there is."""
        if runs is not None:
            self.runs = runs
        self.seq += 1
        return {
            "epoch": self.epoch,
            "seq": self.seq,
            "repository": str(self.repository),
            "runs": self.runs,
        }

    def push(self, runs: list[dict[str, Any]]) -> None:
        """Push an update to every connection."""
        self._write(Message(push="update", params=self.update(runs)))

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask the newest connection and wait for its answer.

        Raises:
            KageError: it answered with one.
        """
        number = len(self._calls) + 1
        answer: Future[Message] = Future()
        self._calls[number] = answer
        self._write(Message(call=number, method=method, params=params))
        message = answer.result(10)
        if message.error is not None:
            raise KageError.from_wire(message.error)
        return message.result

    def hang_up(self) -> None:
        """Drop every connection, as a killed kaged does; it can be reached again at once."""
        writers, self._writers = self._writers, []
        for writer in writers:
            self._loop.call_soon_threadsafe(writer.close)

    def close(self) -> None:
        """Stop serving."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        paths.daemon_file().unlink(missing_ok=True)

    async def _serve(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self._socket, limit=MAX_LINE)

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _write(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(lambda: self._writers[-1].write(encode(message)))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            while line := await reader.readline():
                message = decode(line)
                if message.reply is not None:
                    self._calls[message.reply].set_result(message)
                else:
                    writer.write(encode(self._answer(message)))
        writer.close()

    def _answer(self, message: Message) -> Message:
        method, reply = message.method or "", Message(id=message.id)
        if method == "hello":
            reply.result = {"protocol": PROTOCOL, "version": __version__, "epoch": self.epoch, "pid": 1}
            return reply
        self.requests.append((method, message.params))
        try:
            reply.result = self.answers.get(method, lambda _: {})(message.params)
        except KageError as error:
            reply.error = error.to_wire()
        return reply


def agent(number: int, state: str = "working", **more: Any) -> dict[str, Any]:
    """An agent's status as kaged sends it."""
    base: dict[str, Any] = {
        "number": number,
        "player": "fast",
        "model": "openai/gpt-5-mini",
        "role": None,
        "angle": "",
        "state": state,
        "reason": "",
        "activity": "",
        "pane": None,
        "worktree": None,
        "tokens_in": 0,
        "tokens_cached": 0,
        "tokens_out": 0,
        "cost_usd": 0.0,
        "started": None,
        "ended": None,
    }
    return {**base, **more}


def run(*agents: dict[str, Any], id: str = "r1", **more: Any) -> dict[str, Any]:
    """A run's status as kaged sends it."""
    base: dict[str, Any] = {
        "id": id,
        "task": "make it faster",
        "repository": "/r",
        "store": "/s",
        "base": "b" * 40,
        "created": 1.0,
        "agents": list(agents),
        "candidates": [],
        "winner": None,
        "landed": None,
    }
    return {**base, **more}
