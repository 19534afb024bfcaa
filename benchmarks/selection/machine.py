"""A private machine for the tasks: a HOME, one kaged, its tmux; ended by pid, and nothing of it stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

KEEP = ("PATH", "LANG", "PYENV_ROOT", "PYENV_VERSION")


class Machine:
    """Runs ``kage`` and git as a user with this HOME would."""

    def __init__(self, home: Path) -> None:
        self.home = home
        kept = {name: os.environ[name] for name in KEEP if name in os.environ}
        self.env = kept | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "KAGE_LINGER": "20"}
        for name in ("CONFIG", "DATA", "STATE", "CACHE"):
            self.env[f"XDG_{name}_HOME"] = str(home / name.lower())
        self.env["XDG_RUNTIME_DIR"] = str(home / "run")
        (home / "run").mkdir(mode=0o700)
        (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")

    def configure(self, text: str) -> None:
        """Write the user's config.toml."""
        folder = self.home / "config" / "kage"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(text, "utf-8")

    def kage(self, folder: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """What ``kage WORDS`` prints.

        Raises:
            RuntimeError: it ended with another code.
        """
        command = [sys.executable, "-I", "-m", "kage_nvim.cli", *words]
        done = subprocess.run(command, cwd=folder, env=self.env, capture_output=True, text=True, timeout=300)
        if done.returncode not in codes:
            raise RuntimeError(f"kage {words} ended {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def git(self, folder: Path, *words: str) -> None:
        """Run git."""
        subprocess.run(["git", *words], cwd=folder, env=self.env, check=True, capture_output=True)

    def _close(self) -> None:
        asked = [sys.executable, "-I", "-c", "from kage_nvim import paths; print(paths.sockets())"]
        sockets = subprocess.check_output(asked, env=self.env, text=True).strip()
        # Its environment is nobody's, so that it would not be known by its HOME.
        subprocess.run(["tmux", "-S", f"{sockets}/tmux", "kill-server"], capture_output=True, check=False)
        self._end()
        shutil.rmtree(sockets, ignore_errors=True)

    def _end(self) -> None:
        for _ in range(20):
            left = [process for process in psutil.process_iter() if self._is_ours(process)]
            if not left:
                return
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            time.sleep(0.1)

    def _is_ours(self, process: psutil.Process) -> bool:
        mark = str(self.home)
        with suppress(psutil.Error):
            if process.pid != os.getpid():
                return process.environ().get("HOME") == mark or any(
                    mark in word for word in process.cmdline()
                )
        return False


@contextmanager
def machine() -> Iterator[Machine]:
    """One that ends with the block."""
    home = Path(tempfile.mkdtemp(prefix="kage-selection-")).resolve()
    made = Machine(home)
    try:
        yield made
    finally:
        made._close()
        shutil.rmtree(home, ignore_errors=True)
