"""Recorded answers: a player that needs no model, for the demo, for tests, and to see a run again.

A cassette is a JSONL file, one answer a line. Written by hand, the lines are played in order to each agent
for itself, word by word; ``delay`` is seconds before the first byte, ``chunk_delay`` between the words:

    {"turn": 1, "delay": 0.3, "chunk_delay": 0.02, "text": "I look.",
     "tool_calls": [{"name": "shell", "arguments": {"command": "ls"}}],
     "usage": {"prompt_tokens": 900, "completion_tokens": 40}}

Written by ``recorder``, a line holds the pieces of one agent's answer as they came, and they are played to
the agent of that number (more agents than were recorded begin with the first again):

    {"agent": 2, "turn": 1, "digest": "…", "seed": "…", "at": …, "pieces": [[0.31, {"content": "I"}], …],
     "finish": "stop", "counted": {"tokens_in": 900, …}}

Which turn it is follows from the request (how many answers it already holds), so a gateway that was restarted
goes on at the right one. Where a program made several calls of one turn, each gets the answer to the same
request, or else the first that was not played yet.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.gateway.pieces import Delta, End, Usage, to_json
from kage_nvim.gateway.problems import STATUS, Problem
from kage_nvim.gateway.stamp import Stamp


class ToolCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call of a tool."""

    name: str
    arguments: dict[str, Any] = {}


class Failure(msgspec.Struct, frozen=True):
    """How a recorded call failed."""

    type: str
    message: str


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One answer. Without ``turn`` it is the one after the line before it. ``pieces`` and what is below it
    are a recorder's; ``run`` alone is its first line."""

    turn: int | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    text: str = ""
    tool_calls: list[ToolCall] = []
    usage: dict[str, Any] | None = None
    run: str = ""
    agent: int | None = None
    digest: str = ""
    first: str = ""
    seed: str = ""
    at: float = 0.0
    pieces: list[tuple[float, dict[str, Any]]] | None = None
    wait: float = 0.0
    finish: str = ""
    counted: Usage | None = None
    problem: Failure | None = None


class Tape(msgspec.Struct, frozen=True):
    """A cassette: the run it was recorded from, and its answers by agent (0: for any) and turn."""

    run: str
    lines: dict[int, dict[int, list[Line]]]

    def of(self, number: int) -> dict[int, list[Line]]:
        """The answers for an agent of that number."""
        recorded = sorted(agent for agent in self.lines if agent)
        if recorded:
            return self.lines[recorded[(number - 1) % len(recorded)]]
        return self.lines.get(0, {})


class Deck:
    """Plays cassettes, and knows what each agent has heard of the calls of one turn."""

    def __init__(self) -> None:
        self._played: defaultdict[tuple[str, int, str, int], list[int]] = defaultdict(list)

    async def play(
        self, path: Path, run: str, number: int, body: dict[str, Any], stamp: Stamp
    ) -> AsyncGenerator[Delta | End, None]:
        """The recorded answer to this request.

        Raises:
            Problem: no such file, or it is no cassette, or at its end, or the recorded call failed.
        """
        turn = turn_of(body["messages"])
        answers = read(path).of(number)
        if turn not in answers:
            raise Problem(
                "cassette",
                f"the recording {path.name} has {len(answers)} answers and was asked for number {turn}."
                " Record a longer one, or use a player with a model to go on.",
            )
        line = self._choose(answers[turn], digest_of(body), self._played[run, number, str(path), turn])
        if line.seed:
            stamp.become(line.seed, line.at)
        if line.pieces is None:
            async for piece in _by_hand(line, turn):
                yield piece
            return
        for waited, delta in line.pieces:
            await asyncio.sleep(waited)
            yield delta
        if line.problem:
            kind = line.problem.type if line.problem.type in STATUS else "provider"
            raise Problem(kind, line.problem.message)
        await asyncio.sleep(line.wait)
        yield End(line.finish, line.counted)

    @staticmethod
    def _choose(lines: list[Line], digest: str, played: list[int]) -> Line:
        left = [index for index in range(len(lines)) if index not in played]
        same = [index for index in left if lines[index].digest == digest]
        index = (same or left or [len(lines) - 1])[0]
        played.append(index)
        return lines[index]


def turn_of(messages: list[dict[str, Any]]) -> int:
    """Which answer is asked for: the first is 1."""
    return 1 + sum(1 for message in messages if message.get("role") == "assistant")


def digest_of(body: dict[str, Any]) -> str:
    """By which a request is known again."""
    text = to_json([body["messages"], body.get("tools")])
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def read(path: Path) -> Tape:
    """The cassette in that file.

    Raises:
        Problem: it cannot be read, or is none.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise Problem(
            "cassette", f"the recording {path} cannot be read: {error.strerror}. Correct `recorded`."
        ) from error
    run = ""
    lines: dict[int, dict[int, list[Line]]] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.MsgspecError as error:
            raise Problem("cassette", f"{path}, line {number} is no recorded answer: {error}") from error
        if line.run:
            run = line.run
            continue
        turns = lines.setdefault(line.agent or 0, {})
        turn = line.turn if line.turn is not None else max(turns, default=0) + 1
        if line.pieces is None:
            turns[turn] = [line]
        else:
            turns.setdefault(turn, []).append(line)
    return Tape(run, lines)


async def _by_hand(line: Line, turn: int) -> AsyncGenerator[Delta | End, None]:
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
