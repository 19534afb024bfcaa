"""The one way in which Kage runs tmux: which binary, which words reach it unharmed, what its errors mean."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path

from kage_nvim.errors import KageError, refused

FLOOR = (3, 2)
INSTALL = "Install tmux 3.2 or newer (apt install tmux, dnf install tmux, brew install tmux)."
MESSAGE = 12_000
"""Bytes of arguments in one call; tmux refuses above 16 KB (``command too long``)."""
SECONDS = 10


SEARCH: ContextVar[str | None] = ContextVar("SEARCH", default=None)
"""PATH of the client that is being served: the user's tmux may lie where kaged's own PATH does not lead."""


class TmuxFailed(KageError):
    """A tmux command did not do its work; ``printed`` are the lines of those before it in the chain."""

    def __init__(self, message: str, printed: Sequence[str] = ()) -> None:
        self.printed = list(printed)
        super().__init__(
            f"tmux failed: {message}",
            fix="Look whether your tmux server still answers (tmux ls), then try again.",
            code="tmux",
        )


def binary() -> str:
    """The path of tmux.

    Raises:
        KageError: code ``tmux``; there is none, or one older than 3.2.
    """
    found = shutil.which("tmux", path=SEARCH.get()) or shutil.which("tmux")
    if found is None:
        raise refused("Agents run in tmux panes, and tmux was not found.", INSTALL, code="tmux")
    version = _version(found, Path(found).stat().st_mtime_ns)
    numbers = re.search(r"(\d+)\.(\d+)", version)
    if numbers and not version.startswith("tmux openbsd") and (int(numbers[1]), int(numbers[2])) < FLOOR:
        raise refused(f"{found} is {version}; Kage needs tmux 3.2 or newer.", INSTALL, code="tmux")
    return found


@functools.lru_cache(maxsize=8)
def _version(found: str, _mtime: int) -> str:
    return subprocess.run([found, "-V"], capture_output=True, text=True, timeout=SECONDS).stdout.strip()


def literal(text: str) -> str:
    """Text that tmux would expand as a format, made to stand for itself; ``#(…)`` is a command there."""
    return text.replace("#", "##")


def run_tmux(socket: Path, commands: Iterable[Sequence[str]]) -> list[str]:
    """Run commands on the server of that socket, chained into as few calls as fit; returns printed lines.

    Chained because ten panes take 42 ms in one call and 138 ms through libtmux one by one. A server that
    this starts reads no configuration and inherits no environment: keys must not reach the panes by it.

    Raises:
        TmuxFailed: a command failed; those after it in the chain were not run.
    """
    program = binary()
    lines: list[str] = []
    for batch in _batches(commands):
        try:
            done = subprocess.run(
                [program, "-u", "-f", os.devnull, "-S", str(socket), *batch],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": "/"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TmuxFailed(str(error)) from error
        if done.returncode != 0:
            why = done.stderr.strip() or f"exit code {done.returncode}"
            raise TmuxFailed(why, [*lines, *done.stdout.splitlines()])
        lines += done.stdout.splitlines()
    return lines


def _batches(commands: Iterable[Sequence[str]]) -> Iterable[list[str]]:
    batch: list[str] = []
    size = 0
    for command in commands:
        # A word that ends in a semicolon would end the command there.
        words = [word[:-1] + "\\;" if word.endswith(";") else word for word in command]
        length = sum(len(os.fsencode(word)) + 1 for word in words)
        if batch and size + length > MESSAGE:
            yield batch
            batch, size = [], 0
        batch += [";", *words] if batch else words
        size += length
    if batch:
        yield batch
