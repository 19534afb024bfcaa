"""How the approaches of a run's agents differ, found by a process beside kaged, which must not wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from kage_nvim import paths
from kage_nvim.compare.contrast import Request, rows
from kage_nvim.errors import KageError
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.views import shown_candidates
from kage_nvim.protocol import dumps, loads

log = logging.getLogger("kaged")

PARSE = 5.0
"""Seconds in which sources are parsed; files that are left are said to be."""
SECONDS = 20.0
"""Seconds after which a look is given up, and files alone are compared."""


async def contrast(run: Run, numbers: list[int], base: str) -> dict[str, Any]:
    """What ``compare.contrast`` answers, with ``run`` and the ``table`` for people to read.

    Raises:
        KageError: a candidate does not exist, or git failed.
    """
    shown = shown_candidates(run, numbers)
    request = Request(str(run.store.git_dir), base, {c.number: c.commit for c in shown}, PARSE)
    answer = await _asked(request)
    if answer is None:
        # A grammar ended the process, or took too long: what is known without it.
        request.seconds = 0.0
        answer = await _asked(request)
    if answer is None:
        raise KageError("the candidates could not be compared", fix="kaged.log says why; see kage doctor.")
    players = {number: agent.record.status.player for number, agent in run.agents.items()}
    players |= {c.number: c.kind for c in shown if c.kind != "agent"}
    return {"run": run.id, **answer, "table": rows(answer, players)}


async def _asked(request: Request) -> dict[str, Any] | None:
    process = await asyncio.create_subprocess_exec(
        *[paths.python(), "-I", "-m", "kage_nvim.compare.contrast"],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
    )
    out = errors = b""
    try:
        with contextlib.suppress(asyncio.TimeoutError):
            out, errors = await asyncio.wait_for(process.communicate(dumps(request)), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not out:
        log.warning("contrast ended %s: %s", process.returncode, errors.decode("utf-8", "replace")[-2000:])
        return None
    return loads(out, dict[str, Any])
