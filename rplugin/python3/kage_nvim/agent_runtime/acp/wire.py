"""The pipes to an agent that speaks ACP, as messages: the transport below the protocol library.

Others wrote what arrives here. A line that is no message of JSON-RPC is shown as a line, and what is not
shaped like a message never reaches the library, whose receiving end would stop at it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.text import joined, one_line

LONGEST_LINE = 16_000_000
"""Bytes of one message; a longer one is passed over."""
SHOWN = 10_000
"""Bytes of a line that is none, up to which it is shown."""


class Wire:
    """Moves messages; ``on_line`` gets each other line, ``on_news`` is called for everything that comes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_line: Callable[[bytes], None],
        on_news: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_line = on_line
        self._on_news = on_news

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message.

        Raises:
            ConnectionError: the agent does not listen any more.
        """
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        await self._writer.drain()

    async def receive(self) -> dict[str, Any] | None:
        """The next message; ``None`` when there will be none."""
        while True:
            try:
                line = await self._reader.readline()
            except ValueError:  # longer than the limit that the reader was made with
                continue
            if not line:
                return None
            self._on_news()
            message = decoded(line)
            if message is not None:
                return message
            if len(line) <= SHOWN:
                self._on_line(line)

    async def close(self) -> None:
        """Say that nothing more will be said."""
        self._writer.close()


def decoded(line: bytes) -> dict[str, Any] | None:
    """A JSON-RPC message, without halves of characters; ``None`` for anything else."""
    try:
        message = json.loads(line)
        if b"\\ud" in line or b"\\uD" in line:
            message = json.loads(joined(json.dumps(message, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not ("method" in message or "id" in message):
        return None
    fits = (
        isinstance(message.get("id"), str | int | float | None)
        and isinstance(message.get("method", ""), str)
        and isinstance(message.get("error"), dict | None)
    )
    return message if fits else None


class Complaints(logging.Handler):
    """What the library says of messages that it could not take: into the agent's log, not onto the pane."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a disk that is full is told of elsewhere."""
        error = record.exc_info[1] if record.exc_info else None
        text = f"{record.getMessage()}: {error}" if error else record.getMessage()
        try:
            self._log.write("error", text=one_line(f"acp: {text}", 500))
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """The pane is no place for a traceback."""
