"""What the demo plays on: private folders, a small repository, three recorded players, and their removal."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

DEMO = Path(__file__).resolve().parent
CHECKOUT = DEMO.parent
KAGE = CHECKOUT / ".venv" / "bin" / "kage"
TOOLCHAINS = ("PYENV_ROOT", "PYENV_VERSION", "NVM_DIR", "CARGO_HOME", "RUSTUP_HOME", "USER", "LOGNAME")
CONFIG = """\
[players.{name}]
recorded = "{cassette}"
price_in = 2.5
price_out = 15.0
"""
INIT = """\
vim.opt.runtimepath:prepend({checkout!r})
vim.o.swapfile = false
vim.o.number = true
vim.o.laststatus = 3
vim.o.statusline = " %f %m %= %{{%v:lua.require'kage.statusline'.get()%}} "
"""


class Stage:
    """One folder with everything in it: HOME, the XDG folders, the repository, the sockets of tmux."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kage-demo-")).resolve()
        self.home = self.folder / "home"
        self.repository = self.home / "shop"
        self.environment = self._environment()
        for folder in ("config/kage", "data", "state", "cache"):
            (self.home / folder).mkdir(parents=True)
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        self.init = self.home / "init.lua"
        self.init.write_text(INIT.format(checkout=str(CHECKOUT)))
        self._configure(["right", "slow", "breaks"])
        self._make_repository()

    def run(self, *argv: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command as the user would run it; never raises for its exit code."""
        return subprocess.run(
            [str(word) for word in argv],
            cwd=cwd or self.repository,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        """What git says in the user's repository."""
        return self.run("git", *arguments).stdout.rstrip("\n")

    def kage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The ``kage`` command, in the repository."""
        return self.run(KAGE, *arguments)

    def status(self) -> list[dict[str, Any]]:
        """The runs of ``kage status --json``, newest first."""
        done = self.kage("status", "--json")
        if done.returncode not in (0, 3):
            raise RuntimeError(f"kage status --json ended with {done.returncode}: {done.stderr}")
        runs: list[dict[str, Any]] = json.loads(done.stdout or '{"runs": []}')["runs"]
        return runs

    def tests(self, folder: Path | None = None) -> tuple[bool, str]:
        """Run the shop's tests with the user's Python; whether they passed, and the last lines."""
        done = self.run("python3", "-B", "-m", "unittest", "-q", cwd=folder)
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return done.returncode == 0, "\n".join(said[-3:])

    def tree(self, store: str, commit: str, name: str) -> Path:
        """The files of a commit in Kage's store, put into a folder of their own."""
        target, packed = self.folder / "trees" / name, self.folder / f"{name}.tar"
        done = self.run("git", "--git-dir", store, "archive", "--output", packed, commit)
        if done.returncode:
            raise RuntimeError(f"git archive of candidate {name}: {done.stderr}")
        shutil.unpack_archive(packed, target)
        return target

    def bytes(self) -> dict[str, bytes]:
        """Every file of the working tree, ``.git`` included, by path."""
        return {
            str(path.relative_to(self.repository)): path.read_bytes()
            for path in sorted(self.repository.rglob("*"))
            if path.is_file()
        }

    def processes(self) -> list[psutil.Process]:
        """What still runs with this stage's HOME, whoever started it."""
        mine = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                words = " ".join(process.cmdline())
                home = process.environ().get("HOME")
                if process.pid != os.getpid() and (home == str(self.home) or str(self.folder) in words):
                    mine.append(process)
        return mine

    def left(self, seconds: float) -> list[str]:
        """The processes that did not end by themselves in time, in words."""
        deadline = time.monotonic() + seconds
        while (alive := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        said = []
        for process in alive:
            with contextlib.suppress(psutil.Error):
                said.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        return said

    def log(self) -> str:
        """The last words of Kage's processes, for a demo that stopped."""
        files = sorted((self.home / "state" / "kage").glob("*.log"))
        return "\n".join(
            f"{file.name}: {text[-2000:]}" for file in files if (text := file.read_text().strip())
        )

    def remove(self) -> None:
        """End what is left, each process by its id, and remove every folder."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        code = "from kage_nvim import paths; print(paths.sockets())"
        sockets = self.run(CHECKOUT / ".venv/bin/python", "-c", code, cwd=self.folder).stdout.strip()
        if sockets:
            shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in TOOLCHAINS if name in os.environ}
        # The interpreter itself first: a version manager's shim looks for its settings under HOME.
        python = Path(getattr(sys, "_base_executable", sys.executable)).resolve().parent
        return {
            **kept,
            "HOME": str(self.home),
            "PATH": f"{python}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "LANG": next(
                (v for n in ("LC_ALL", "LANG") if "UTF-8" in (v := os.environ.get(n, ""))), "C.UTF-8"
            ),
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "KAGE_LINGER": "2",
            **{
                f"XDG_{name.upper()}_HOME": str(self.home / name)
                for name in ("config", "data", "state", "cache")
            },
        }

    def _configure(self, names: list[str]) -> None:
        tables = [CONFIG.format(name=name, cassette=DEMO / "cassettes" / f"{name}.jsonl") for name in names]
        players = ", ".join(f'"{name}"' for name in names)
        text = "\n".join([*tables, f"[defaults]\nplayers = [{players}]\n"])
        (self.home / "config" / "kage" / "config.toml").write_text(text)

    def _make_repository(self) -> None:
        shutil.copytree(DEMO / "project", self.repository, ignore=shutil.ignore_patterns("__pycache__"))
        (self.repository / "gitignore").rename(self.repository / ".gitignore")
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "A shop"]):
            done = self.run("git", *arguments)
            if done.returncode:
                raise RuntimeError(f"git {arguments[0]}: {done.stderr}")
