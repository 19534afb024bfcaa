"""What a run's agents are told of the repository, gathered once for all of them while their slots are made.

A process of its own does it (``kage_nvim.agent_runtime.context``): it parses source files, which kaged must
not wait for. It says when the file is written, and goes on for a while to fill its cache for the next run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kage_nvim import paths
from kage_nvim.model import Task
from kage_nvim.orchestrator.players import Seat

log = logging.getLogger("kaged")

PARSE = 0.5
"""Seconds in which files that are not in the cache may be parsed before the map is drawn."""
SECONDS = 3.0
"""Seconds that a run waits at most; its agents then get what was written until then: the notes, at least."""


def path(run: str) -> Path:
    """Where the context of a run lies."""
    return paths.run_folder(run) / "context.md"


async def gather(git_dir: Path, tree: str, run: str, task: Task, seats: Sequence[Seat]) -> None:
    """Write the context of a run that starts from ``tree``; a failure is logged, agents can do without.

    Third-party CLIs and commands look for themselves.
    """
    if all(seat.player.cli or seat.player.command for seat in seats):
        return
    out = path(run)
    out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    request = {
        "git_dir": str(git_dir),
        "tree": tree,
        "task": msgspec.to_builtins(task),
        "cache": str(paths.cache() / "symbols-1.db"),
        "out": str(out),
        "seconds": PARSE,
    }
    with (paths.state() / "context.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *[paths.python(), "-I", "-m", "kage_nvim.agent_runtime.context"],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd="/",
        )
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.write(msgspec.json.encode(request))
        process.stdin.close()
    written = b""
    try:
        with contextlib.suppress(asyncio.TimeoutError):
            written = await asyncio.wait_for(process.stdout.readline(), SECONDS)
    finally:
        if not written and process.returncode is None:
            process.kill()
    if not written:
        log.warning("run %s has no whole context; %s says why", run, paths.state() / "context.log")
