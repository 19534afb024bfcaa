"""Recorded answers: a player that needs no model, for the demo and for tests.

A cassette is a JSONL file, one answer a line, played in order to each agent for itself:

    {"turn": 1, "delay": 0.3, "chunk_delay": 0.02, "text": "I look.",
     "tool_calls": [{"name": "shell", "arguments": {"command": "ls"}}],
     "usage": {"prompt_tokens": 900, "completion_tokens": 40}}

``delay`` is seconds before the first byte, ``chunk_delay`` between the words. Which turn it is follows from
the request (how many answers it already holds), so a gateway that was restarted goes on at the right one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.gateway.pieces import Delta, End, Usage
from kage_nvim.gateway.problems import Problem


class ToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call of a tool."""

    name: str
    arguments: dict[str, Any] = {}


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer. Without ``turn`` it is the one after the line before it."""

    turn: int | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    text: str = ""
    tool_calls: list[ToolCall] = []
    usage: dict[str, Any] | None = None


async def play(path: Path, messages: list[dict[str, Any]]) -> AsyncGenerator[Delta | End, None]:
    """The recorded answer to these messages, word by word.

    Raises:
        Problem: there is no such file, it is not a cassette, or it is at its end.
    """
    turn = 1 + sum(1 for message in messages if message.get("role") == "assistant")
    lines = _read(path)
    line = lines.get(turn)
    if line is None:
        raise Problem(
            "cassette",
            f"the recording {path.name} has {len(lines)} answers and was asked for number {turn}. Record a"
            " longer one, or use a player with a model to go on.",
        )
    await asyncio.sleep(line.delay)
    for delta in _deltas(line, turn):
        yield delta
        await asyncio.sleep(line.chunk_delay)
    yield End(
        "tool_calls" if line.tool_calls else "stop", Usage.from_openai(line.usage) if line.usage else None
    )


def _deltas(line: Line, turn: int) -> list[Delta]:
    words = line.text.split(" ") if line.text else []
    spaced = [word + " " for word in words[:-1]] + words[-1:]
    calls = [
        {
            "index": index,
            "id": f"call_{turn}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": msgspec.json.encode(call.arguments).decode()},
        }
        for index, call in enumerate(line.tool_calls)
    ]
    return [{"content": word} for word in spaced if word] + [{"tool_calls": [call]} for call in calls]


def _read(path: Path) -> dict[int, Line]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Problem(
            "cassette", f"the recording {path} cannot be read: {error.strerror}. Correct `recorded`."
        ) from error
    lines: dict[int, Line] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.MsgspecError as error:
            raise Problem("cassette", f"{path}, line {number} is no recorded answer: {error}") from error
        lines[line.turn if line.turn is not None else max(lines, default=0) + 1] = line
    return lines
