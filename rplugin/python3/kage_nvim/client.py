"""How the editor's host and the command line talk to kaged, and start it when it is not there.

Keys never pass through kaged: when a run needs some, kaged asks its client to hand them to the gateway's
socket directly (the call ``keys.deliver``), and the client does so from its own environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from kage_nvim import paths, unixhttp
from kage_nvim.errors import KageError
from kage_nvim.protocol import MAX_LINE, PROTOCOL, Hello, Message, decode, encode
from kage_nvim.summon import client_environment, daemon_socket, start_daemon
from kage_nvim.version import __version__

START_SECONDS = float(os.environ.get("KAGE_START_SECONDS", "10"))
"""How long a kaged that was just started may take to answer."""

Push = Callable[[str, dict[str, Any]], None]
Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]


def deliver_keys(names: list[str], socket: str) -> list[str]:
    """Hand the variables that this process has to the gateway; returns their names.

    Raises:
        OSError: the gateway does not answer.
    """
    found = {name: os.environ[name] for name in names if os.environ.get(name)}
    if found:
        unixhttp.request(socket, "POST", "/kage/keys", found)
    return sorted(found)


async def _no_answer(method: str, params: dict[str, Any]) -> Any:
    raise KageError(f"this client does not answer {method}", code="unknown_method")


class Client:
    """One connection to kaged; requests may overlap.

    ``on_push`` is called for every push, ``on_call`` answers what kaged asks (``keys.deliver`` is answered
    here), ``on_close`` is called once when the connection is lost.
    """

    def __init__(
        self,
        on_push: Push | None = None,
        on_call: Answer = _no_answer,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._on_push = on_push
        self._on_call = on_call
        self._on_close = on_close
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.daemon: dict[str, Any] = {}

    def listen(self, on_push: Push) -> None:
        """Call this for every push from now on."""
        self._on_push = on_push

    async def open(self, kind: str, cwd: str, *, start: bool = True) -> None:
        """Connect, starting kaged when nobody answers, and say hello.

        Raises:
            KageError: kaged does not come up, or speaks a protocol that this client does not.
        """
        deadline = time.monotonic() + START_SECONDS
        started: subprocess.Popen[bytes] | None = None
        while True:
            with suppress(OSError):
                await self._connect()
                self.daemon = await self._hello(kind, cwd)
                if not _older(self.daemon["version"]):
                    self._check_protocol()
                    return
                await self._within(self.request("retire", {}))
                self._hang_up()
            if not start:
                raise KageError("kaged is not running", code="no_daemon")
            if started is None or started.poll() == 0:  # 0: an older one still held the lock
                started = start_daemon()
            broken = started.poll() not in (None, 0)
            if broken or time.monotonic() > deadline:
                how = "ended at its start" if broken else f"did not answer within {START_SECONDS:.0f} s"
                raise KageError(
                    f"kaged {how}",
                    fix=f"Its last words are in {paths.state() / 'kaged.log'}.",
                    code="no_daemon",
                )
            await asyncio.sleep(0.02)

    async def _connect(self) -> None:
        path = daemon_socket()
        if path is None:
            raise ConnectionRefusedError
        self._reader, self._writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
        self._keep(asyncio.create_task(self._read()))

    async def _hello(self, kind: str, cwd: str) -> dict[str, Any]:
        hello = Hello(
            protocol=PROTOCOL,
            version=__version__,
            kind=kind,
            pid=os.getpid(),
            cwd=cwd,
            env=client_environment(),
            keys=sorted(name for name in os.environ if name.endswith("_API_KEY")),
        )
        answer: dict[str, Any] = await self._within(self.request("hello", hello))
        return answer

    def _check_protocol(self) -> None:
        """A newer kaged also speaks the protocol before its own."""
        spoken = self.daemon["protocol"]
        if spoken not in (PROTOCOL, PROTOCOL + 1):
            self._hang_up()
            raise KageError(
                f"kaged {self.daemon['version']} speaks protocol {spoken}, this client {PROTOCOL}",
                fix=f"Update Kage here (this is {__version__}), then restart Neovim.",
                code="protocol",
            )

    async def _within(self, answer: Awaitable[Any]) -> Any:
        """What kaged answers at once unless it hangs."""
        try:
            return await asyncio.wait_for(answer, START_SECONDS)
        except asyncio.TimeoutError:
            self._hang_up()
            pid = json.loads(paths.daemon_file().read_text("utf-8")).get("pid", "?")
            raise KageError(
                f"kaged (process {pid}) is there but does not answer",
                fix=f"End it (kill -9 {pid}) and try again: agents go on, and the next kaged finds them.",
                code="no_daemon",
            ) from None

    async def request(self, method: str, params: object) -> Any:
        """Ask kaged; returns its result.

        Raises:
            KageError: kaged's own error.
            ConnectionError: the connection was lost before the answer.
        """
        self._last += 1
        number = self._last
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._writer.write(encode(Message(id=number, method=method, params=params)))  # type: ignore[arg-type]
        await self._writer.drain()
        return await future

    async def close(self) -> None:
        """Hang up for good; ``on_close`` is not called."""
        self._on_close = None
        self._hang_up()

    def _hang_up(self) -> None:
        self._writer.close()
        for task in self._tasks:
            task.cancel()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(decode(line))
        except (OSError, ValueError):
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionResetError("kaged went away"))
            self._waiting.clear()
            if self._on_close:
                self._on_close()

    def _take(self, message: Message) -> None:
        if message.push is not None:
            if self._on_push:
                self._on_push(message.push, message.params)
        elif message.call is not None:
            self._keep(asyncio.create_task(self._reply(message)))
        elif message.id is not None and (future := self._waiting.pop(message.id, None)) and not future.done():
            if message.error is not None:
                future.set_exception(KageError.from_wire(message.error))
            else:
                future.set_result(message.result)

    async def _reply(self, message: Message) -> None:
        reply = Message(reply=message.call)
        method = message.method or ""
        try:
            if method == "keys.deliver":
                delivered = await asyncio.to_thread(
                    deliver_keys, message.params["names"], message.params["socket"]
                )
                reply.result = {"delivered": delivered}
            else:
                reply.result = await self._on_call(method, message.params)
        except KageError as error:
            reply.error = error.to_wire()
        except Exception as error:
            reply.error = KageError(f"{method} failed: {error}").to_wire()
        self._writer.write(encode(reply))


def _older(version: str) -> bool:
    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(".") if part.isdigit()]

    return numbers(version) < numbers(__version__)
