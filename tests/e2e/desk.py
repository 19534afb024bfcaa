"""A user at the desk: a real Neovim in a real tmux of the test's own, driven by keys, believed by its screen.

    with Desk(stage, columns=240, rows=50) as desk:
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("2✓")

``screen`` is the editor's pane, ``picture`` the whole window with every pane in its place. ``outside`` starts
the editor as if there were no tmux: in a terminal of which it does not know that tmux drew it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from demo.driver import find_neovim
from tests.conftest import until
from tests.e2e.stage import Stage
from tests.nvim.editor import CHECKOUT, alive, lua_string

CONF = "set -g status off\nset -s escape-time 0\nset -g default-terminal screen-256color\n"
WINDOW = ("window_width", "window_height")
PROMPT = r"^desk\$"
INIT = """\
vim.opt.rtp:prepend({checkout})
vim.g.kage_python = {python}
vim.g.loaded_python3_provider = 0
vim.o.swapfile = false
vim.o.laststatus = 3
vim.o.statusline = " %f %m %= %{{%v:lua.require'kage.statusline'.get()%}} "
{more}
"""


class Desk:
    """One Neovim in the first pane of a private tmux. Sizes are those of the tmux window."""

    def __init__(
        self,
        stage: Stage,
        *,
        columns: int = 200,
        rows: int = 50,
        files: Sequence[str] = ("calc.py",),
        init: str = "",
        conf: str = "",
        outside: bool = False,
    ) -> None:
        self.stage = stage
        self.folder = Path(tempfile.mkdtemp(prefix="kd"))
        self.socket = self.folder / "t"
        self.outside = outside
        self.environment = stage.environment | {"SHELL": "/bin/sh", "TERM": "xterm-256color"}
        language = self.environment.get("LANG", "")
        self.environment["LANG"] = language if "UTF-8" in language else "C.UTF-8"
        (self.folder / "tmux.conf").write_text(CONF + conf)
        self.init = self.folder / "init.lua"
        self.init.write_text(
            INIT.format(checkout=lua_string(str(CHECKOUT)), python=lua_string(sys.executable), more=init)
        )
        size = ["-x", str(columns), "-y", str(rows)]
        first = ["-f", str(self.folder / "tmux.conf"), "new-session", "-d", "-s", "work", *size, "-n", "code"]
        self.count = 0
        self.server = self.folder / "0"
        self.editor = self.shell_pane(first)
        self.open(*files)

    def shell_pane(self, make: Sequence[str]) -> str:
        """A new pane with the user's shell in the repository; returns its id."""
        where = ["-PF", "#{pane_id}", "-c", str(self.stage.repository)]
        return self.tmux(*make, *where, "env", "PS1=desk$ ", "sh").strip()

    def open(self, *files: str) -> None:
        """Type the command that starts Neovim, into the shell of its pane."""
        self.count += 1
        self.server = self.folder / f"{self.editor[1:]}.{self.count}"
        hidden = ["env", "-u", "TMUX", "-u", "TMUX_PANE"] if self.outside else []
        nvim = [find_neovim(), "-i", "NONE", "-u", str(self.init), "--listen", str(self.server)]
        self.until_screen(PROMPT, 10)
        self.type(f"clear; {shlex.join([*hidden, *nvim, *files])}")
        self.keys("Enter")
        until(self.server.exists, 10, "Neovim listens")
        self.until_screen(r"desk\$", 10, gone=True)

    def leave(self) -> None:
        """Quit Neovim, whatever it holds, and see the shell again."""
        self.command("qall!")
        self.until_screen(PROMPT, 10)

    def second(self, *files: str) -> Desk:
        """Another Neovim of the same user, in a tmux window of its own."""
        other = object.__new__(Desk)
        other.__dict__.update(self.__dict__)
        other.editor = self.shell_pane(["new-window", "-d", "-t", "work:"])
        other.open(*files)
        return other

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(AssertionError):
            self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)

    def tmux(self, *arguments: str) -> str:
        """One command to the user's tmux."""
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self.socket), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys in the editor, by tmux's names (``Escape``, ``Enter``, ``C-w``)."""
        self.tmux("send-keys", "-t", self.editor, *names)

    def type(self, text: str) -> None:
        """Type text as it stands."""
        self.tmux("send-keys", "-l", "-t", self.editor, "--", text)

    def command(self, text: str) -> None:
        """An Ex command, typed from normal mode."""
        self.type(f":{text}")
        self.keys("Enter")

    def screen(self, pane: str = "") -> str:
        """What a pane shows now, without blanks at the ends of lines; the editor's by default."""
        shown = self.tmux("capture-pane", "-p", "-t", pane or self.editor)
        return "\n".join(line.rstrip() for line in shown.split("\n")).rstrip("\n")

    def picture(self) -> str:
        """The editor's whole tmux window, each pane in its place."""
        form = "#{pane_id} " + " ".join(
            f"#{{{name}}}" for name in ("pane_left", "pane_top", "pane_width", "pane_height", *WINDOW)
        )
        rows: list[list[str]] = []
        for line in self.tmux("list-panes", "-t", self.editor, "-F", form).splitlines():
            pane, *numbers = line.split()
            left, top, wide, tall, width, height = map(int, numbers)
            rows = rows or [["│"] * width for _ in range(height)]
            for down, text in enumerate(self.tmux("capture-pane", "-p", "-t", pane).split("\n")[:-1]):
                if down < tall:
                    rows[top + down][left : left + wide] = text.ljust(wide)[:wide]
        return "\n".join("".join(row).rstrip() for row in rows)

    def until_screen(self, pattern: str, seconds: float = 20, *, gone: bool = False, pane: str = "") -> str:
        """The screen, as soon as a regular expression is on it (``gone``: no longer is)."""
        deadline = time.monotonic() + seconds
        while True:
            shown = self.screen(pane)
            if bool(re.search(pattern, shown, re.MULTILINE)) != gone:
                return shown
            if time.monotonic() > deadline:
                said = self.messages() if self.server.exists() else ""
                raise AssertionError(
                    f"{pattern!r} {'still' if gone else 'not'} on the screen after {seconds} s:\n{shown}\n"
                    f"--- messages\n{said}\n{self.stage.logs()}"
                )
            time.sleep(0.03)

    def lua(self, chunk: str) -> Any:
        """What a Lua chunk returns in this Neovim (through JSON): for looking, not for doing."""
        expression = f"luaeval('vim.json.encode((function() {chunk.replace(chr(39), chr(39) * 2)} end)())')"
        nvim = [find_neovim(), "--server", str(self.server), "--remote-expr", expression]
        done = subprocess.run(
            nvim, env=self.environment, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"{chunk}: {done.stderr}"
        return json.loads(done.stdout or done.stderr)

    def until_lua(self, chunk: str, seconds: float = 20) -> Any:
        """What a chunk returns, once that is neither nil nor false."""
        deadline = time.monotonic() + seconds
        while not (found := self.lua(chunk)):
            assert time.monotonic() < deadline, (
                f"{chunk}: {found} after {seconds} s\n{self.screen()}\n{self.messages()}\n{self.stage.logs()}"
            )
            time.sleep(0.03)
        return found

    def panes(self, window: str = "") -> dict[str, tuple[int, int, int, int]]:
        """Every pane of the editor's window: its left, top, width and height, by id."""
        form = "#{pane_id} #{pane_left} #{pane_top} #{pane_width} #{pane_height}"
        listed = self.tmux("list-panes", "-t", window or self.editor, "-F", form)
        found = {}
        for line in listed.splitlines():
            pane, left, top, width, height = line.split()
            found[pane] = (int(left), int(top), int(width), int(height))
        return found

    def windows(self) -> list[str]:
        """Names of the session's windows."""
        return self.tmux("list-windows", "-t", "work", "-F", "#{window_name}").splitlines()

    def active(self) -> str:
        """The pane that a person at this session types into."""
        return self.tmux("display-message", "-p", "-t", "work:", "#{pane_id}").strip()

    def ask(self, form: str) -> str:
        """A tmux format, answered for the editor's pane."""
        return self.tmux("display-message", "-p", "-t", self.editor, form).strip()

    def messages(self) -> str:
        """What ``:messages`` holds."""
        return str(self.lua("return vim.fn.execute('messages')"))

    def pid(self) -> int:
        """The Neovim's process that runs the plugin (not its terminal interface)."""
        return int(self.lua("return vim.fn.getpid()"))

    def host(self) -> psutil.Process | None:
        """Kage's Python host of this Neovim, when it runs."""
        for child in psutil.Process(self.pid()).children(recursive=True):
            with suppress(psutil.Error):
                if "python" in child.name() and any(
                    "pynvim" in word or "kage" in word for word in child.cmdline()
                ):
                    return child
        return None

    def kill(self, pid: int) -> None:
        """SIGKILL a process and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), 5, f"the end of process {pid}")
