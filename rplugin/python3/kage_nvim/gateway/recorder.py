"""Writes a run's model traffic down as it happens, for ``cassette`` to play.

The file begins with the name of the run, from which placeholders of secrets are made. Then it has one line a
call: the stamp that ids come from, and each piece of the answer with the seconds since the one before. Of a
request only its digest and the beginning of its last message are kept: no code of the user's. Secrets are
placeholders here, and become the secrets again when the recording is played where they are known.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from kage_nvim.gateway.cassette import digest_of, turn_of
from kage_nvim.gateway.pieces import Delta, End, to_json
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.stamp import Stamp

FIRST = 80
"""Characters of the last message, for a person to know the call by."""


async def recorded(
    path: Path,
    run: str,
    number: int,
    body: dict[str, Any],
    stamp: Stamp,
    pieces: AsyncGenerator[Delta | End, None],
    last: bool,
) -> AsyncGenerator[Delta | End, None]:
    """Pass the pieces on, and write the call down when it has ended. One that the agent hung up on is not
    written, for its turn comes again, nor one that another player is asked instead (not ``last``)."""
    line: dict[str, Any] = {
        "agent": number,
        "turn": turn_of(body["messages"]),
        "digest": digest_of(body),
        "first": _first(body["messages"]),
        "seed": stamp.seed,
        "at": stamp.at,
    }
    found: list[Any] = []
    before = time.monotonic()
    try:
        async for piece in pieces:
            now = time.monotonic()
            waited, before = round(now - before, 3), now
            if isinstance(piece, End):
                usage = piece.usage
                line |= {"finish": piece.finish, "counted": usage, "pieces": found, "wait": waited}
                _append(path, run, line)
            else:
                found.append([waited, piece])
            yield piece
    except Problem as problem:
        error = {"type": problem.type, "message": problem.message}
        if found or last or not problem.elsewhere:
            _append(path, run, line | {"pieces": found, "problem": error})
        raise


def _first(messages: list[dict[str, Any]]) -> str:
    content = messages[-1].get("content")
    if isinstance(content, list):
        content = next((part["text"] for part in content if isinstance(part, dict) and part.get("text")), "")
    return str(content or "").strip().partition("\n")[0][:FIRST]


def _append(path: Path, run: str, line: dict[str, Any]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        head = to_json({"run": run}) + b"\n" if os.fstat(file).st_size == 0 else b""
        os.write(file, head + to_json(line) + b"\n")
    finally:
        os.close(file)
