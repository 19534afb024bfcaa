"""A CLI's program with its three streams: what it is told, its lines, its last words, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence

from kage_nvim.agent_runtime.clis.busy import seconds_used
from kage_nvim.agent_runtime.text import one_line

CHUNK = 65536
LONGEST_LINE = 16_000_000
"""Bytes of one line; of a longer one the rest is passed over."""
DRAIN = 0.5
"""Seconds for what is still in its pipes when it has ended."""
LAST_WORDS = 4000
"""Bytes of its standard error that are kept for the reason."""
AT_WORK = 0.02
"""Processor seconds between two looks that are more than waiting."""


class Program:
    """One run of it. ``alive`` is when it last said or did something (monotonic)."""

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Future[tuple[None, None]] | None = None
        self._errors = b""
        self._used = 0.0
        self.alive = time.monotonic()

    async def start(self, argv: Sequence[str], *, told: bool) -> None:
        """Start it in a group of its own; ``told``: it has a standard input."""
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if told else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        self._reading = asyncio.gather(self._read_output(), self._read_errors())

    def say(self, text: str) -> None:
        """Write to its standard input."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(text.encode("utf-8", "replace"))

    def hang_up(self) -> None:
        """It is told no more."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def ended(self) -> int:
        """Wait for its end, and for what was still in its pipes; returns the exit code."""
        assert self._process is not None and self._reading is not None
        code = await self._process.wait()
        await asyncio.wait([self._reading], timeout=DRAIN)
        if self._reading.done():
            self._reading.result()
        return code

    async def kill(self) -> None:
        """Kill all of it, at once."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def busy(self) -> bool:
        """Whether it, or what it started, has computed since the last look."""
        assert self._process is not None
        used = seconds_used(self._process.pid)
        busy = used - self._used > AT_WORK
        self._used = used
        if busy:
            self.alive = time.monotonic()
        return busy

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        return one_line(self._errors.decode("utf-8", "replace").strip().rpartition("\n")[2])

    async def _read_output(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(CHUNK):
            self.alive = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._on_line(line)
            rest = rest[:LONGEST_LINE]
        self._on_line(rest)

    async def _read_errors(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while chunk := await self._process.stderr.read(CHUNK):
            self.alive = time.monotonic()
            self._errors = (self._errors + chunk)[-LAST_WORDS:]
