"""The agent's log: one JSON object a line, appended with a single write, so that a kill at any time leaves
whole lines behind. It is the only memory of an agent; ``recover`` makes its conversation from it again.

Every line has ``t`` (Unix seconds) and ``kind``; ``:help kage-agent-log`` documents them for users:

    log {version}: the first line
    task {text} · call {step} · text {text} · tool {id, name, args}
    result {id, name, ok, text, lines, seconds} · steer {text, confirmed} · summary {text} · error {text}
    usage {tokens_in, tokens_cached, tokens_out, cost_usd}
    state {state, reason, activity, turn, rule, evidence}
    message {message}: one message of the conversation as it is sent; one of role system begins it anew
    session {id} · tool_usage {tokens_in, …}: of a third-party CLI
    plan {entries} · permission {text, answer, by}: what an ACP agent tells and asks
    conversation {messages}: all of it, made shorter · compaction {before, after, window}
    candidate {commit, files}: added by kaged when it has read the files that a turn left

What a model or a command wrote may hold control characters in ``args`` and ``message``; everything else is
plain text.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.model import NEW_TASK, State

VERSION = 1
"""Rises when the meaning of a kind changes; new kinds and new fields do not raise it."""
LOST = "[Kage was restarted before this result was kept; the call may or may not have run.]"

_encoder = msgspec.json.Encoder()


class Log:
    """Appends events; made 0600, because it holds the user's code."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._file).st_size
        if not size:
            self.write("log", version=VERSION)
        elif os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # a line torn by a full disk must not swallow the next one

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event.

        Raises:
            OSError: the disk is full or gone.
        """
        line = _encoder.encode({"t": round(time.time(), 3), "kind": kind, **fields}) + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError("the log could not be written in full: is the disk full?")


class Usage(msgspec.Struct):
    """Tokens and US dollars of one call, or the sum of many; ``None`` says that nothing was priced."""

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None

    def add(self, other: Usage) -> None:
        """Add one call; a call without a price adds tokens only."""
        self.tokens_in += other.tokens_in
        self.tokens_cached += other.tokens_cached
        self.tokens_out += other.tokens_out
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + other.cost_usd


class Past(msgspec.Struct):
    """What a log tells about the agent that wrote it."""

    messages: list[dict[str, Any]] = []
    usage: Usage = msgspec.field(default_factory=Usage)
    turn: int = 0
    steps: int = 0
    state: State = State.STARTING
    reason: str = ""
    steers: list[str] = []


def recover(path: str) -> Past:
    """Read a log; lines that are no events are passed over, calls without a result are said to be lost."""
    past = Past()
    for line in Path(path).read_bytes().split(b"\n") if Path(path).exists() else []:
        try:
            event = msgspec.json.decode(line)
            _apply(past, event)
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            continue
    past.messages = _mended(past.messages)
    return past


def spent_before(path: str) -> Usage:
    """What the logs tell that a restart has put aside (``log-TIME.jsonl`` beside ``log.jsonl``): that money
    is spent, whatever became of the work."""
    now = Path(path)
    spent = Usage()
    for old in sorted(now.parent.glob(f"{now.stem}-*{now.suffix}")):
        for line in old.read_bytes().split(b"\n"):
            try:
                if b'"usage"' in line and (event := msgspec.json.decode(line))["kind"] == "usage":
                    spent.add(msgspec.convert(event, Usage))
            except (msgspec.MsgspecError, KeyError, TypeError):
                continue
    return spent


def _apply(past: Past, event: dict[str, Any]) -> None:
    if event["kind"] == "message":
        message = event["message"]
        past.messages = [message] if message["role"] == "system" else [*past.messages, message]
    elif event["kind"] == "conversation":
        past.messages = event["messages"]
    elif event["kind"] == "steer":
        past.steers = still_open(past.steers, event["text"])
    elif event["kind"] == "summary":
        past.steers = still_open(past.steers)
    elif event["kind"] == "call":
        past.steps = event["step"]
    elif event["kind"] == "usage":
        past.usage.add(msgspec.convert(event, Usage))
    elif event["kind"] == "state":
        past.state, past.reason, past.turn = State(event["state"]), event["reason"], event["turn"]


def still_open(steers: list[str], new: str = "") -> list[str]:
    """What of the user's words stays open after ``new`` ones or, without any, after a turn is done: then only
    a changed task does, and of those the last."""
    tasks = [text for text in [*steers, new] if text.startswith(NEW_TASK)]
    others = [text for text in [*steers, new] if text and not text.startswith(NEW_TASK)]
    return tasks[-1:] + (others if new else [])


def _mended(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answer every call that has no result and drop results without a call: providers refuse both."""
    mended: list[dict[str, Any]] = []
    open_calls: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                continue
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            mended += [{"role": "tool", "tool_call_id": call, "content": LOST} for call in open_calls]
            open_calls = []
        if message.get("tool_calls"):
            open_calls = [call["id"] for call in message["tool_calls"]]
        mended.append(message)
    return mended[:-1]
