"""One life of an agent that speaks ACP: its process in the sandbox, and the session in it.

The protocol library takes most of a second to load, so it is loaded while the agent's own program starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kage_nvim.agent_runtime.acp.wire import LONGEST_LINE, Complaints, Wire
from kage_nvim.agent_runtime.clis.relay import Relay
from kage_nvim.agent_runtime.inbox import TurnEnd
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.text import one_line, plain
from kage_nvim.model import State
from kage_nvim.version import __version__

if TYPE_CHECKING:
    from acp.client.connection import ClientSideConnection

CHUNK = 65536
LAST_WORDS = 4000
"""Bytes of its standard error that are kept for the reason."""
FIRST = 60.0
"""Seconds within which a session has to be there."""
AUTH_REQUIRED = -32000
ERROR = re.compile(r"error\b|exception|panic|fatal", re.IGNORECASE)


class Client:
    """What the agent may ask of Kage: leave. Files and commands are its own affair, inside its sandbox."""

    def __init__(
        self,
        on_update: Callable[[Any], None],
        on_leave: Callable[[Any, list[Any]], Awaitable[str | None]],
    ) -> None:
        self._on_update = on_update
        self._on_leave = on_leave
        self.listens = False
        """False while an old conversation is told again."""

    async def session_update(self, session_id: str, update: Any, **_more: Any) -> None:
        """The agent tells something."""
        if self.listens:
            self._on_update(update)

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_more: Any
    ) -> dict[str, Any]:
        """The agent wants to know whether it may."""
        given = await self._on_leave(tool_call, options)
        outcome = {"outcome": "cancelled"} if given is None else {"outcome": "selected", "optionId": given}
        return {"outcome": outcome}


class Session:
    """A running agent. ``heard`` is when it wrote something last (monotonic)."""

    def __init__(self, process: asyncio.subprocess.Process, relay: Relay, log: Log) -> None:
        self._process = process
        self._relay = relay
        self._log = log
        self._conn: ClientSideConnection | None = None
        self._words = b""
        self._id = ""
        self.heard = time.monotonic()
        self._keeper = asyncio.create_task(self._keep())

    @classmethod
    async def start(cls, argv: list[str], relay: Relay, log: Log) -> Session:
        """Start the agent's program; the relay, which has been started, closes with it.

        Raises:
            OSError: that is not possible.
        """
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        session = cls(process, relay, log)
        await asyncio.sleep(0)  # its keeper has begun, so that it can be ended
        return session

    @property
    def pid(self) -> int:
        """Its process, which leads its process group."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, once it has one."""
        return self._process.returncode

    @property
    def over(self) -> bool:
        """Nothing can be said to it any more."""
        return self._keeper.done() or self.code is not None

    @property
    def errors(self) -> str:
        """The end of its standard error."""
        return plain(self._words.decode("utf-8", "replace")).strip()

    @property
    def last_words(self) -> str:
        """The last line of it that speaks of an error, else the last line."""
        lines = [line for line in self.errors.splitlines() if line.strip()] or [""]
        return one_line(next((line for line in reversed(lines) if ERROR.search(line)), lines[-1]))

    async def open(
        self, client: Client, on_line: Callable[[bytes], None], cwd: str, known: str
    ) -> tuple[str, bool]:
        """Agree on the protocol and take a session: the ``known`` one, when there was one and the agent can
        load it, else a new one. Returns its id, and whether it is the known one.

        Raises:
            TurnEnd: the agent speaks another version, or wants a login.
            ConnectionError: it has ended. RequestError, ValueError: it refuses, or answers nonsense.
            asyncio.TimeoutError: it does not answer.
        """
        return await asyncio.wait_for(self._open(client, on_line, cwd, known), FIRST)

    async def _open(
        self, client: Client, on_line: Callable[[bytes], None], cwd: str, known: str
    ) -> tuple[str, bool]:
        import acp
        from acp.schema import ClientCapabilities, Implementation

        root = logging.getLogger()
        if not root.handlers:  # the library complains there, by default onto the pane
            root.addHandler(Complaints(self._log))
            logging.captureWarnings(True)
        assert self._process.stdout is not None and self._process.stdin is not None
        wire = Wire(self._process.stdout, self._process.stdin, on_line, self._note)
        peer: Any = client
        self._conn = acp.connect_to_agent(peer, wire)
        about = await self._conn.initialize(
            protocol_version=acp.PROTOCOL_VERSION,
            client_capabilities=ClientCapabilities(),
            client_info=Implementation(name="kage", title="Kage", version=__version__),
        )
        if about.protocol_version != acp.PROTOCOL_VERSION:
            spoken = f"version {about.protocol_version} of ACP, Kage {acp.PROTOCOL_VERSION}"
            raise TurnEnd(State.FAILED, f"it speaks {spoken}: upgrade the older one", "acp initialize")
        able = about.agent_capabilities
        loads = bool(known and able is not None and able.load_session)
        client.listens = False
        if loads:
            try:
                await self._conn.load_session(cwd=cwd, session_id=known, mcp_servers=[])
            except (acp.RequestError, ValueError) as error:
                self._log.write(
                    "error", text=f"acp: session {known} cannot be loaded: {one_line(str(error))}"
                )
                loads = False
        self._id = known if loads else await self._begin(cwd)
        client.listens = True
        return self._id, loads

    async def _begin(self, cwd: str) -> str:
        from acp import RequestError

        assert self._conn is not None
        try:
            return (await self._conn.new_session(cwd=cwd, mcp_servers=[])).session_id
        except RequestError as error:
            if error.code != AUTH_REQUIRED:
                raise
            why = f"it wants to sign in ({one_line(str(error))}): name its key in `env` of its [clis] table"
            why += ", or let it use its own login with `expose`"
            raise TurnEnd(State.FAILED, why, "acp session/new") from error

    async def prompt(self, text: str) -> Any:
        """One turn: returns the protocol's answer, with ``stop_reason`` and ``usage``.

        Raises:
            ConnectionError: it has ended. RequestError, ValueError: it failed, or answers nonsense.
        """
        from acp import text_block

        assert self._conn is not None
        return await self._conn.prompt(session_id=self._id, prompt=[text_block(text)])

    async def cancel(self) -> None:
        """Ask it to end its turn."""
        if self._conn is not None:
            with contextlib.suppress(OSError):
                await self._conn.cancel(session_id=self._id)

    async def end(self) -> None:
        """Kill all of it, at once."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    async def gone(self, seconds: float) -> int | None:
        """Its exit code, if it ends in that time."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._keeper), seconds)
        return self.code

    async def _keep(self) -> None:
        """Wait for its end, and see to it that nothing is left, however this process ends."""
        errors = asyncio.ensure_future(self._read_errors())
        try:
            await self._process.wait()
            await asyncio.wait([errors], timeout=0.5)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            errors.cancel()
            await self._process.wait()
            if self._conn is not None:
                with contextlib.suppress(Exception):  # a pipe that is gone closes in many ways
                    await self._conn.close()
            await self._relay.close()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(CHUNK):
            self._note()
            self._words = (self._words + chunk)[-LAST_WORDS:]

    def _note(self) -> None:
        self.heard = time.monotonic()
