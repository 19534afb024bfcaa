"""The outer end of a CLI's way out: unix sockets in a folder that is bound into its sandbox.

``gate`` carries bytes to the gateway's socket for agents, which is looked up anew for each connection, so
that a gateway that was restarted is found. ``proxy`` is for a CLI with a login of its own: an HTTP proxy that
knows CONNECT only, and only to the hosts that the CLI's description and the user name.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

GONE_FOR = 8.0
"""Seconds that a connection waits for a gateway that is being restarted."""
HEAD = 16_384
"""Bytes of a proxy request's head."""
HEAD_SECONDS = 10.0
PIECE = 65536
GONE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error": {"type": "gateway", "message": "Kage\'s gateway is not there"}}'
)

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Relay:
    """Serves one folder's sockets. ``spoke`` is when a byte passed last (monotonic), ``open`` counts the
    connections that live, ``closed`` those that have ended."""

    def __init__(self, folder: Path, state: Path, gateway: str, hosts: Sequence[str] = ()) -> None:
        self._folder = folder
        self._state = state
        self._gateway = gateway
        self._hosts = hosts
        self._servers: list[asyncio.Server] = []
        self._at_work: set[asyncio.Task[None]] = set()
        self.spoke = time.monotonic()
        self.open = 0
        self.closed = 0

    async def start(self) -> None:
        """Listen in the folder, which is made 0700; sockets that an earlier process left there go."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._listen("gate", self._to_gateway)
        if self._hosts:
            await self._listen("proxy", self._to_host)

    async def close(self) -> None:
        """Hang up and remove the sockets."""
        for server in self._servers:
            server.close()
        for task in list(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
        for name in ("gate", "proxy"):
            (self._folder / name).unlink(missing_ok=True)

    async def reach_gateway(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the gateway as it is now.

        Raises:
            OSError: it is not there.
        """
        return await asyncio.open_unix_connection(self._socket())

    def _socket(self) -> str:
        try:
            named = json.loads((self._state / "gateway.json").read_bytes())["models"]
        except (OSError, ValueError, KeyError, TypeError):
            return self._gateway
        return str(named)

    async def _listen(
        self, name: str, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        """A path of sockets may have 107 bytes and a slot's folder more: it is named by its descriptor."""

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._at_work.add(task)
            self.open += 1
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await serve(reader, writer)
            finally:
                self.open -= 1
                self.closed += 1
                self._at_work.discard(task)
                writer.close()

        (self._folder / name).unlink(missing_ok=True)
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            server = await asyncio.start_unix_server(meet, f"/proc/self/fd/{handle}/{name}")
        finally:
            os.close(handle)
        self._servers.append(server)

    async def _to_gateway(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        deadline = time.monotonic() + GONE_FOR
        while True:
            try:
                theirs = await self.reach_gateway()
                break
            except OSError:
                if time.monotonic() > deadline:
                    writer.write(GONE)
                    await writer.drain()
                    return
                await asyncio.sleep(0.1)
        await self._both(reader, writer, *theirs)

    async def _to_host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def refuse(status: str, why: str) -> None:
            body = f"{why}\n".encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()

        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        except (asyncio.LimitOverrunError, asyncio.TimeoutError):
            return
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] != "CONNECT" or len(head) > HEAD:
            await refuse("405 Method Not Allowed", "Kage's proxy knows CONNECT only")
            return
        host, _, port = words[1].rpartition(":")
        if not allowed(host, port, self._hosts):
            await refuse(
                "403 Forbidden", f"Kage lets this agent reach {', '.join(self._hosts)}; not {words[1]}"
            )
            return
        try:
            theirs = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError as error:
            await refuse("502 Bad Gateway", f"{words[1]}: {error.strerror or error}")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._both(reader, writer, *theirs)

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        their_reader: asyncio.StreamReader,
        their_writer: asyncio.StreamWriter,
    ) -> None:
        """Both directions until the answering one ends; a caller that has said all may still listen."""
        there = asyncio.ensure_future(self._pump(reader, their_writer))
        try:
            await self._pump(their_reader, writer)
        finally:
            there.cancel()
            their_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            self.spoke = time.monotonic()
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def allowed(host: str, port: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of those named, or below one; without a port, a name means 443."""
    for entry in hosts:
        name, colon, wanted = entry.rpartition(":")
        if not colon:
            name, wanted = entry, "443"
        host, name = host.lower().rstrip("."), name.lower()
        if port == wanted and (host == name or host.endswith(f".{name}")):
            return True
    return False
