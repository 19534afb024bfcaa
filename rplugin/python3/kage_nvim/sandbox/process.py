"""Run one command in the sandbox: its output as it comes, and an end to all of it at the deadline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kage_nvim.model import Profile
from kage_nvim.sandbox import bwrap

CHUNK = 65536
PIPE = 1 << 20
"""The most bytes that a pipe holds on Linux."""
GRACE = 0.1
"""Seconds that a pipe may stay open after its command ended, when a child in the background holds it."""


class Completed(NamedTuple):
    """What a command did. ``returncode`` is negative for a signal; ``output`` has both streams in order."""

    returncode: int
    output: bytes
    timed_out: bool
    seconds: float


class _Output:
    """Bytes from a pipe up to a limit: the first half and the last half stay, with a line between."""

    def __init__(self, limit: int, on_output: Callable[[bytes], None] | None) -> None:
        self.half = max(limit // 2, 1)
        self.head = bytearray()
        self.tail = bytearray()
        self.dropped = 0
        self.closed = asyncio.Event()
        self.on_output = on_output

    def drain(self, pipe: int) -> None:
        """Take what the pipe still holds, which is bounded, even while somebody goes on writing."""
        asyncio.get_running_loop().remove_reader(pipe)
        for _ in range(PIPE // CHUNK):
            if self.closed.is_set() or not self.read(pipe):
                break

    def read(self, pipe: int) -> bool:
        """Take what is there; False when nothing was."""
        try:
            data = os.read(pipe, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(pipe)
            self.closed.set()
            return False
        if self.on_output is not None:
            self.on_output(data)
        room = self.half - len(self.head)
        self.head += data[:room] if room > 0 else b""
        self.tail += data[max(room, 0) :]
        if len(self.tail) > 2 * self.half + CHUNK:
            self._trim()
        return True

    def _trim(self) -> None:
        excess = len(self.tail) - self.half
        if excess > 0:
            self.dropped += excess
            del self.tail[:excess]

    def whole(self) -> bytes:
        self._trim()
        note = b"\n[%d bytes left out]\n" % self.dropped if self.dropped else b""
        return bytes(self.head) + note + bytes(self.tail)


async def run(
    profile: Profile,
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float | None = None,
    network: bool = False,
    on_output: Callable[[bytes], None] | None = None,
    output_limit: int = 10_000_000,
) -> Completed:
    """Run ``command`` in the profile's worktree and wait for it.

    At the timeout (seconds), and when this task is cancelled, everything that the command started is
    killed; what it wrote until then is kept. A child left in the background never delays the return.
    ``on_output`` gets each piece as it arrives. Of an output above ``output_limit`` bytes the middle goes.

    Raises:
        KageError: code ``sandbox``, there is no bubblewrap.
    """
    started = time.monotonic()
    argv = bwrap.argv(profile, command, network=network)
    loop = asyncio.get_running_loop()
    output = _Output(output_limit, on_output)
    reading, writing = os.pipe()
    process: asyncio.subprocess.Process | None = None
    timed_out = False
    try:
        os.set_blocking(reading, False)
        try:
            process = await _start(argv, stdin, writing)
        finally:
            os.close(writing)
        loop.add_reader(reading, output.read, reading)
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except asyncio.TimeoutError:
            timed_out = True
        _kill(process)
        await process.wait()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(output.closed.wait(), GRACE)
    finally:
        if process is not None and process.returncode is None:
            _kill(process)
        output.drain(reading)
        os.close(reading)
    code = process.returncode if process.returncode is not None else -signal.SIGKILL
    return Completed(code, output.whole(), timed_out, time.monotonic() - started)


async def _start(argv: list[str], stdin: bytes, output: int) -> asyncio.subprocess.Process:
    """Start a group of its own. Its input is a file: complete at once, so that nobody need feed it."""
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        return await asyncio.create_subprocess_exec(
            *argv, stdin=source, stdout=output, stderr=output, cwd="/", start_new_session=True
        )


def _kill(process: asyncio.subprocess.Process) -> None:
    """End the process group, and with its bubblewrap all of the sandbox's namespace.

    Also right after the command ended by itself: without a sandbox its children may have stayed.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
