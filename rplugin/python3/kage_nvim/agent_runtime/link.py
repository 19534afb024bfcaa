"""The agent's line to kaged: it tells its state, and hears what the user wants of it.

kaged may be killed and started again at any time, and the agent goes on meanwhile. So the link connects for
ever, keeps nothing but the latest state, and tells that whole state again on each connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.agent_runtime.inbox import Inbox
from kage_nvim.model import AgentSpec
from kage_nvim.protocol import MAX_LINE, PROTOCOL, Hello, Message, decode, encode
from kage_nvim.version import __version__

AGAIN = 0.5
"""Seconds between two attempts to reach kaged."""
APART = 0.05
"""Seconds between two reports of the same state, whose numbers have changed."""


class Report(msgspec.Struct):
    """``agent.state``: everything that kaged knows of an agent."""

    state: str = "starting"
    reason: str = ""
    activity: str = ""
    turn: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    rule: str = ""
    evidence: str = ""
    warning: str = ""


class Link:
    """Reports to kaged, pushes into the inbox. ``latest`` is the state that kaged has or will get."""

    def __init__(self, spec: AgentSpec, inbox: Inbox) -> None:
        self._spec = spec
        self._inbox = inbox
        self.latest: Report | None = None
        self._sent: Report | None = None
        self._sent_at = 0.0
        self._writer: asyncio.StreamWriter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._requests = 0
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._task = asyncio.create_task(self._stay_connected())

    def report(self, report: Report) -> None:
        """Tell kaged: at once when state, reason or turn differ, else at most 20 times a second."""
        self.latest = msgspec.structs.replace(report)
        sent = self._sent
        if sent is None or _essence(sent) != _essence(report):
            self._send()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._sent_at + APART), self._send)

    async def close(self, seconds: float = 1.0) -> None:
        """Wait until kaged has the latest state, if it is there, and hang up."""
        self._send()
        if self._writer is not None and self._sent is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._told.wait(), seconds)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writer is None or self.latest is None or self.latest == self._sent:
            return
        self._requests += 1
        self._told.clear()
        params: Any = self.latest
        self._writer.write(encode(Message(id=self._requests, method="agent.state", params=params)))
        self._sent, self._sent_at = self.latest, asyncio.get_running_loop().time()

    async def _stay_connected(self) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, ValueError, KeyError, TypeError):
                await self._converse()
            await asyncio.sleep(AGAIN)

    async def _converse(self) -> None:
        """One connection: hello, the whole state, then pushes until it breaks."""
        reader, writer = await asyncio.open_unix_connection(self._socket(), limit=MAX_LINE)
        try:
            hello: Any = Hello(
                protocol=PROTOCOL,
                version=__version__,
                kind="agent",
                pid=os.getpid(),
                cwd=self._spec.profile.worktree,
                run=self._spec.run,
                number=self._spec.number,
                token=self._spec.token,
            )
            writer.write(encode(Message(id=0, method="hello", params=hello)))
            await writer.drain()
            while line := await reader.readline():
                self._take(decode(line), writer)
        finally:
            self._writer = self._sent = None
            writer.close()

    def _socket(self) -> str:
        daemon = msgspec.json.decode(Path(self._spec.daemon).read_bytes())
        return str(daemon["socket"])

    def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        if message.push == "steer":
            self._inbox.steer(str(message.params.get("text", "")))
        elif message.push == "interrupt":
            self._inbox.interrupt(str(message.params.get("reason") or "interrupted by the user"))
        elif message.push == "stop":
            self._inbox.stop(str(message.params.get("reason") or "stopped by the user"))
        elif message.id == 0:
            if message.error is not None:
                if message.error.get("code") == "unknown_agent":
                    # The run was taken back or cleaned: nobody will ever ask for this work.
                    self._inbox.stop("this run is no more")
                raise ConnectionRefusedError(message.error.get("message", ""))
            self._writer = writer
            self._send()
        elif message.id == self._requests:
            self._told.set()


def _essence(report: Report) -> tuple[str, str, int]:
    return report.state, report.reason, report.turn
