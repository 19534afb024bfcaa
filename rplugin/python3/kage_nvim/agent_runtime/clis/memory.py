"""What has to be known of a CLI's earlier turns, by an agent's process that may be a new one."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec


class Memory(msgspec.Struct):
    """The conversation's id, and what the user said."""

    session: str = ""
    said: list[str] = []


def remembered(path: str) -> Memory:
    """The memory that a log holds; lines that are no events are passed over."""
    memory = Memory()
    for line in Path(path).read_bytes().split(b"\n") if Path(path).exists() else []:
        with contextlib.suppress(msgspec.MsgspecError, KeyError, TypeError):
            event = msgspec.json.decode(line)
            if event["kind"] == "session":
                memory.session = event["id"]
            elif event["kind"] == "steer":
                memory.said.append(event["text"])
    return memory
