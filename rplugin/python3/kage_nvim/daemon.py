"""kaged: one process per user, started by the first client, the only one that changes Kage's state.

It ends by itself once nobody is connected and no agent is alive. It is crash-only: killed at any moment,
the next start finds in git, tmux, the logs and the database what was under way.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import paths
from kage_nvim.errors import KageError, usage
from kage_nvim.failpoints import fail_point
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.tmux.server import SEARCH
from kage_nvim.protocol import MAX_LINE, PROTOCOL, Hello, Message, decode, encode
from kage_nvim.store import Database
from kage_nvim.verbs import VERBS
from kage_nvim.version import __version__

log = logging.getLogger("kaged")

LINGER = float(os.environ.get("KAGE_LINGER", "10"))
"""Seconds without anybody connected and without a living agent after which kaged ends."""


class Connection:
    """One connected program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hello = Hello(protocol=PROTOCOL, version="", kind="", pid=0)
        self._reader = reader
        self._writer = writer
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self.open = True

    async def read(self) -> Message | None:
        """The next message, or nothing when the other side hung up."""
        line = await self._reader.readline()
        return decode(line) if line else None

    def write(self, message: Message) -> None:
        """Send a message; a peer that went away is noticed by the reader."""
        if self.open:
            self._writer.write(encode(message))

    def push(self, name: str, params: object) -> None:
        """See Peer."""
        self.write(Message(push=name, params=params))  # type: ignore[arg-type]

    async def call(self, method: str, params: object, timeout: float = 30.0) -> Any:
        """See Peer."""
        self._last += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[self._last] = future
        self.write(Message(call=self._last, method=method, params=params))  # type: ignore[arg-type]
        try:
            return await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            who = f"{self.hello.kind} (process {self.hello.pid})"
            raise KageError(
                f"the {who} did not answer {method} in {timeout:.0f} s",
                fix="Look whether it waits at a prompt, then try again.",
                code="no_answer",
            ) from None

    def answered(self, message: Message) -> None:
        """The peer answered one of our calls."""
        future = self._calls.pop(message.reply or 0, None)
        if future is None or future.done():
            return
        if message.error is not None:
            future.set_exception(KageError.from_wire(message.error))
        else:
            future.set_result(message.result)

    def close(self) -> None:
        """Hang up; whoever waits for an answer is told."""
        self.open = False
        self._writer.close()
        for future in self._calls.values():
            if not future.done():
                future.set_exception(KageError(f"the {self.hello.kind} went away", code="gone"))


class Daemon:
    """Sockets in, conductor calls out, pushes back."""

    def __init__(self, database: Database) -> None:
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle_since = time.monotonic()
        self._ended = asyncio.Event()
        self._socket = Path()
        self.epoch = time.time_ns() // 1000
        self.conductor = Conductor(database, self, self.epoch)

    def editors(self) -> list[Peer]:
        """See Peers."""
        return [c for c in self._connections if c.hello.kind == "editor"]

    def clients(self) -> list[Peer]:
        """See Peers."""
        return [c for c in self._connections if c.hello.kind in ("editor", "cli")]

    async def serve(self) -> None:
        """Answer until idle for ``LINGER`` seconds or asked to retire."""
        await self.conductor.reconcile()
        fail_point("daemon.reconciled")
        server = await self._listen()
        while not self._ended.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1.0)
            self.conductor.tend()
            if not self._socket.exists():
                server.close()
                server = await self._listen()
            busy = self._connections or self.conductor.busy()
            if busy:
                self._idle_since = time.monotonic()
            elif time.monotonic() - self._idle_since > LINGER:
                break
        server.close()
        self._socket.unlink(missing_ok=True)
        paths.daemon_file().unlink(missing_ok=True)
        paths.leave_sockets()

    async def _listen(self) -> asyncio.Server:
        """Bind the socket (again, when a cleaner removed its folder) and say so in the state file."""
        self._socket = paths.sockets() / "kaged"
        self._socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._accept, self._socket, limit=MAX_LINE)
        facts = {
            "pid": os.getpid(),
            "start": self.epoch,
            "socket": str(self._socket),
            "protocol": PROTOCOL,
            "version": __version__,
        }
        draft = paths.daemon_file().with_suffix(".new")
        draft.write_text(json.dumps(facts), "utf-8")
        draft.replace(paths.daemon_file())
        return server

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self._connections.add(connection)
        try:
            while message := await connection.read():
                if message.reply is not None:
                    connection.answered(message)
                elif message.method is not None:
                    self._keep(asyncio.create_task(self._answer(connection, message)))
        except (OSError, ValueError) as error:
            log.warning("a connection broke: %s", error)
        finally:
            self._connections.discard(connection)
            connection.close()
            self.conductor.gone(connection)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: Connection, message: Message) -> None:
        reply = Message(id=message.id)
        try:
            reply.result = await self._dispatch(connection, message.method or "", message.params)
        except KageError as error:
            reply.error = error.to_wire()
        except Exception as error:
            log.exception("%s failed", message.method)
            reply.error = _unforeseen(message.method or "", error).to_wire()
        connection.write(reply)

    async def _dispatch(self, connection: Connection, method: str, params: dict[str, Any]) -> Any:
        if method == "hello":
            return self._hello(connection, msgspec.convert(params, Hello))
        if method == "retire":
            self._ended.set()
            return {}
        verb = VERBS.get(method)
        if verb is None:
            raise KageError(f"kaged {__version__} knows no {method}", code="unknown_method")
        try:
            asked = msgspec.convert(params, verb.params, str_keys=True)
        except msgspec.ValidationError as error:
            raise usage(f"{method}: {error}") from error
        SEARCH.set(connection.hello.env.get("PATH"))
        return await verb.run(self.conductor, connection, asked)

    def _hello(self, connection: Connection, hello: Hello) -> dict[str, Any]:
        captured = self.conductor.agent_arrived(connection, hello) if hello.kind == "agent" else 0
        connection.hello = hello
        self.conductor.arrived(connection)
        return {
            "protocol": PROTOCOL,
            "version": __version__,
            "epoch": self.epoch,
            "pid": os.getpid(),
            "captured": captured,
        }


def _unforeseen(method: str, error: Exception) -> KageError:
    """An error that no part of Kage put into words; a full disk can meet any of them."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or "disk is full" in str(error):
        return KageError(
            f"{method} failed: a disk is full ({error})",
            fix=f"Free some space where {paths.data()} and {paths.state()} are; kage clean frees old slots.",
            code="disk_full",
        )
    return KageError(
        f"{method} failed unexpectedly: {type(error).__name__}: {error}",
        fix=f"The details are in {paths.state() / 'kaged.log'}.",
        code="internal",
    )


def main() -> int:
    """Become kaged, unless somebody already is. The umask stays the user's: landed files are theirs, and
    Kage's own lie in folders that nobody else may enter."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    lock = (paths.state() / "kaged.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0

    async def run() -> None:
        await Daemon(Database(paths.state() / "kage.db")).serve()

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
