"""The pane's terminal while a CLI's own screen runs in it: bytes both ways, its modes given back after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from typing import Any

from kage_nvim.agent_runtime.interactive.passage import RESET
from kage_nvim.agent_runtime.keyboard import UNBRACKETED

SIZE = (80, 24)


class Pane:
    """Standard input and output. Without a terminal nothing is typed and the size is ``SIZE``."""

    def __init__(self) -> None:
        self._is_terminal = os.isatty(0) if sys.stdin else False
        self._held: list[bytes] | None = None
        self._on_input: Callable[[bytes], None] = lambda _data: None

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            columns, lines = os.get_terminal_size(1)
        except OSError:
            return SIZE
        return (columns, lines) if columns and lines else SIZE

    @contextlib.contextmanager
    def raw(
        self, on_input: Callable[[bytes], None], on_gone: Callable[[], None], on_size: Callable[[], None]
    ) -> Iterator[None]:
        """Pass keys on as they are, and tell of new sizes, for as long as this lasts."""
        loop = asyncio.get_running_loop()
        self._on_input = on_input
        modes: list[Any] | None = None
        if self._is_terminal:
            with contextlib.suppress(termios.error):
                modes = termios.tcgetattr(0)
                tty.setraw(0, termios.TCSANOW)
            self.write(UNBRACKETED.encode())  # until it asks for it
            loop.add_reader(0, self._read, on_gone)
        loop.add_signal_handler(signal.SIGWINCH, on_size)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            if self._is_terminal:
                loop.remove_reader(0)
            if modes is not None:
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(0, termios.TCSANOW, modes)

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """While Kage types, the user's keys wait, and follow after it."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for data in held:
                self._on_input(data)

    def write(self, data: bytes) -> None:
        """Draw."""
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(1, data) :]

    def restore(self, last: bytes = RESET) -> None:
        """Draw what brings the terminal's own modes back, and begin a line."""
        self.write(last + b"\r\n")

    def _read(self, on_gone: Callable[[], None]) -> None:
        try:
            data = os.read(0, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            on_gone()
        elif self._held is not None:
            self._held.append(data)
        else:
            self._on_input(data)
