"""A stage for whole runs: a private machine of processes around one repository, which ends with the test.

The programs are the real ones: ``kage`` in a child process, kaged and the gateway as it starts them, tmux on
Kage's own socket in the test's private folder. Leaving the stage ends them by pid and says what was left.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from kage_nvim import paths
from tests.conftest import alive, until
from tests.fixtures.forked import from_nothing
from tests.fixtures.model_server import USAGE, Reply

KEY = "sk-planted-5f1d3c7e9a"


def digest(root: Path) -> str:
    """A hash of every file, mode and name under a folder, its .git included."""
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        total.update(f"{path.relative_to(root)} {path.lstat().st_mode}\n".encode())
        if path.is_file() and not path.is_symlink():
            total.update(path.read_bytes())
    return total.hexdigest()


def tape(path: Path, replies: Sequence[Reply], delay: float = 0.0) -> Path:
    """Write replies as a cassette that the gateway plays; ``delay`` is seconds before each answer."""
    lines = []
    for turn, reply in enumerate(replies, 1):
        calls = [{"name": name, "arguments": arguments} for name, arguments in reply.tool_calls]
        lines.append(
            json.dumps(
                {"turn": turn, "delay": delay, "text": reply.text, "tool_calls": calls, "usage": USAGE}
            )
        )
    path.write_text("\n".join(lines) + "\n")
    return path


class Stage:
    """One user's machine. ``shell`` runs ``kage`` in the repository as its user would."""

    def __init__(self, home: Path, repository: Path) -> None:
        self.home = home
        self.repository = repository
        self.kage = from_nothing
        # Long, so that no daemon ends between two commands on a busy machine; ``close`` ends them.
        self.environment = dict(os.environ) | {"KAGE_LINGER": "60"}

    def configure(self, text: str) -> None:
        """Write the user's config.toml."""
        paths.config_file().parent.mkdir(parents=True, exist_ok=True)
        paths.config_file().write_text(text, "utf-8")

    def player(self, url: str, *, name: str = "fast", more: str = "") -> None:
        """One player that a loopback server answers."""
        self.configure(
            f'[players.{name}]\nmodel = "openai/test-model"\napi_base = "{url}"\n'
            f'api_key_env = "OPENAI_API_KEY"\nprice_in = 1.0\nprice_out = 2.0\n{more}\n'
        )
        self.environment["OPENAI_API_KEY"] = KEY

    def recorded(self, **tapes: Path) -> None:
        """Players that recordings answer, by name, cycled over the agents in that order."""
        tables = [f'[players.{name}]\nrecorded = "{path}"\n' for name, path in tapes.items()]
        self.configure("\n".join(tables))

    def run(self, *words: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
        """``kage WORDS`` in the repository, whatever its exit code."""
        return self.kage(words, cwd=self.repository, env=self.environment | more, timeout=timeout)

    def shell(self, *words: str, code: int = 0, **more: str) -> str:
        """``kage WORDS`` that must end with ``code``; returns what it printed on stdout."""
        done = self.run(*words, **more)
        assert done.returncode == code, (
            f"kage {words} ended {done.returncode}\n{done.stdout}{done.stderr}{self.logs()}"
        )
        return done.stdout

    def json(self, *words: str) -> Any:
        """What ``kage WORDS --json`` answers."""
        return json.loads(self.shell(*words, "--json"))

    def agents(self) -> list[dict[str, Any]]:
        """The newest run's agents."""
        agents: list[dict[str, Any]] = self.json("status")["runs"][0]["agents"]
        return agents

    def pid(self, which: str = "kaged") -> int:
        """The pid in kaged's or the gateway's state file."""
        return int(json.loads((paths.state() / f"{which}.json").read_text())["pid"])

    def kill(self, which: str = "kaged") -> None:
        """SIGKILL kaged or the gateway, and wait until it is gone."""
        pid = self.pid(which)
        os.kill(pid, signal.SIGKILL)

        def is_gone() -> bool:
            try:
                return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            except psutil.NoSuchProcess:
                return True

        until(is_gone, 5, f"{which} dead")

    def panes(self) -> list[str]:
        """The panes on Kage's own tmux server."""
        socket = str(paths.sockets() / "tmux")
        done = subprocess.run(
            ["tmux", "-S", socket, "list-panes", "-aF", "#{pane_id}"], capture_output=True, text=True
        )
        return done.stdout.split()

    def logs(self) -> str:
        """The daemons' own logs, for a failing test's message."""
        found = []
        for name in ("kaged.log", "gateway.log"):
            with suppress(OSError):
                found.append(f"--- {name}\n" + (paths.state() / name).read_text()[-3000:])
        return "\n".join(found)

    def processes(self) -> list[psutil.Process]:
        """All processes that belong to this stage: their environment or arguments name its HOME."""
        mark = str(self.home)
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and (
                    process.environ().get("HOME") == mark or any(mark in word for word in process.cmdline())
                ):
                    found.append(process)
        return found

    def close(self) -> None:
        """End what is left of the stage, by pid."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            # What is dead has ended, whether or not its parent, which is not this process, has noticed.
            with suppress(AssertionError):
                until(partial(_ended, left), 2)


def _ended(processes: Sequence[psutil.Process]) -> bool:
    return not any(alive(process.pid) for process in processes)
