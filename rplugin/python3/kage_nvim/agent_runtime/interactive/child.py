"""A program on a pseudo terminal of Kage's own, between it and the pane."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Callable, Sequence

CHUNK = 65536
GRACE = 1.0
"""Seconds that a program may take to end after it was told to."""


class PtyChild:
    """The program: its output goes to ``on_output`` as it comes; what is written to it never blocks."""

    def __init__(self, on_output: Callable[[bytes], None]) -> None:
        self._on_output = on_output
        self._terminal = -1
        self._unsent = bytearray()
        self._closed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process's id, 0 before it was started."""
        return self._process.pid if self._process else 0

    async def start(self, argv: Sequence[str], columns: int, lines: int) -> None:
        """Start it in a session of its own. The terminal is nobody's yet: the program inside the sandbox
        takes it (``forward.own_terminal``), for what guards it would end by a Ctrl-C.

        Raises:
            OSError: the program cannot be started.
        """
        self._terminal, inner = pty.openpty()
        self.resize(columns, lines)

        try:
            self._process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=inner,
                stdout=inner,
                stderr=inner,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(inner)
        os.set_blocking(self._terminal, False)
        asyncio.get_running_loop().add_reader(self._terminal, self._read)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal this size; the kernel tells the program."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def write(self, data: bytes) -> None:
        """Type something."""
        if self._closed.is_set() or not data:
            return
        self._unsent += data
        self._send()

    async def wait(self) -> int:
        """Wait until it has ended and all its output was taken; its exit code, negative for a signal."""
        assert self._process is not None
        code = await self._process.wait()
        with contextlib.suppress(asyncio.TimeoutError):
            # A child that it left behind may hold the terminal open for ever.
            await asyncio.wait_for(self._closed.wait(), 0.2)
        return code

    async def end(self) -> None:
        """Tell the whole group to end, and soon make it; then let the terminal go."""
        process, loop = self._process, asyncio.get_running_loop()
        if process is not None and process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE)
        self._signal(signal.SIGKILL)
        if process is not None:
            await process.wait()
        if self._terminal >= 0:
            loop.remove_reader(self._terminal)
            loop.remove_writer(self._terminal)
            os.close(self._terminal)
            self._terminal = -1
            self._closed.set()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: nobody holds the other end any more
                raise
            data = b""
        if data:
            self._on_output(data)
            return
        asyncio.get_running_loop().remove_reader(self._terminal)
        self._closed.set()

    def _send(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            del self._unsent[: os.write(self._terminal, self._unsent[:4096])]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        if self._unsent:
            loop.add_writer(self._terminal, self._send)
        else:
            loop.remove_writer(self._terminal)
