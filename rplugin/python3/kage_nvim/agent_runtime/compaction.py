"""Room in the model's window: how full it is, and what goes when it is three quarters full.

    system · task │ old calls and results … │ the last messages
                    1. long results become one line each, oldest first
                    2. if that is not enough, a summary by the model itself takes the place of all of it,
                       with the user's open messages as they were written
                                              3. if these alone are too long, their middles go

A call and its result are never torn apart, for providers refuse that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.schemas import describe
from kage_nvim.agent_runtime.text import shorten
from kage_nvim.agent_runtime.window import Window

Message = dict[str, Any]
FULL = 0.75
"""The part of the window at which room is made."""
TARGET = 0.5
"""The part that is in use afterwards."""
LAST = 8
"""Messages at the end that stay whole if they can."""
LONG = 400
"""Characters of a result, or of an argument, that is worth a line of its own."""


async def make_room(
    messages: list[Message],
    window: Window,
    open_messages: Sequence[str],
    summarise: Callable[[str], Awaitable[str]],
) -> list[Message]:
    """The messages again, shorter; ``summarise`` asks the model for a summary of a text."""
    shorter, enough = _without_old_results(messages, window)
    if enough:
        return shorter
    start = _boundary(messages)
    if start > 2:
        old = shorten("\n\n".join(map(_told, shorter[2:start])), int(window.tokens * TARGET * 3))
        summary = await summarise(
            f"{prompts.SUMMARISE}\n\n# The task\n\n{_task(shorter)}\n\n# The work\n\n{old}"
        )
        gone = {message["content"] for message in shorter[2:start] if message["role"] == "user"}
        kept = [{"role": "user", "content": text} for text in open_messages if text in gone]
        words = prompts.SUMMARY + summary if summary.strip() else prompts.LOST
        shorter = [*shorter[:2], {"role": "user", "content": words}, *kept, *shorter[start:]]
    return _within(shorter, window)


def _without_old_results(messages: list[Message], window: Window) -> tuple[list[Message], bool]:
    """Old results in one line each, oldest first, until the target is reached."""
    shorter = list(messages)
    names: dict[str, str] = {}
    for at, message in enumerate(messages[: _boundary(messages)]):
        for call in message.get("tool_calls") or []:
            names[call["id"]] = describe(
                call["function"]["name"], msgspec.json.decode(call["function"]["arguments"])
            )
        if at >= 2:
            shorter[at] = _stub(message, names)
            if window.used(shorter) <= TARGET:
                return shorter, True
    return shorter, False


def _stub(message: Message, names: dict[str, str]) -> Message:
    content = message.get("content") or ""
    if message["role"] == "tool" and len(content) > LONG:
        what = names.get(message["tool_call_id"], "a call")
        lines = content.count("\n") + 1
        return {**message, "content": f"[{what}: {lines} lines, put aside for want of room]"}
    if message["role"] == "user" and content.startswith(prompts.RESULT) and len(content) > LONG:
        return {**message, "content": shorten(content, LONG)}
    if message.get("tool_calls"):
        return {**message, "tool_calls": [_short_call(call) for call in message["tool_calls"]]}
    return message


def _short_call(call: Message) -> Message:
    """A call whose long arguments are cut, still valid JSON."""
    args = msgspec.json.decode(call["function"]["arguments"])
    if isinstance(args, dict):
        args = {name: shorten(v, LONG) if isinstance(v, str) else v for name, v in args.items()}
    return {**call, "function": {**call["function"], "arguments": msgspec.json.encode(args).decode()}}


def _boundary(messages: Sequence[Message]) -> int:
    """Where the last messages begin: never between a call and its result."""
    at = max(2, len(messages) - LAST)
    while at < len(messages) and messages[at]["role"] == "tool":
        at += 1
    return at


def _told(message: Message) -> str:
    calls = [call["function"] for call in message.get("tool_calls") or []]
    said = [shorten(message.get("content") or "", 2_000), *(f"{c['name']} {c['arguments']}" for c in calls)]
    return f"{message['role']}: " + "\n".join(part for part in said if part)


def _task(messages: Sequence[Message]) -> str:
    return shorten(messages[1]["content"], 4_000)


def _within(messages: list[Message], window: Window) -> list[Message]:
    """The results at the end cut in their middles, ever shorter, until all is below the mark."""
    shorter = messages
    for limit in (8_000, 4_000, 2_000, 1_000, LONG):
        if window.used(shorter) <= (TARGET + FULL) / 2:
            break
        shorter = [
            {**message, "content": shorten(message["content"], limit)}
            if message["role"] == "tool" or (message.get("content") or "").startswith(prompts.RESULT)
            else message
            for message in shorter
        ]
    return shorter
