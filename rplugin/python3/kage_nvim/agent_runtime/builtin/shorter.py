"""One message made shorter, for want of room: what stays says what went."""

from __future__ import annotations

import msgspec

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.builtin.wire import Message
from kage_nvim.agent_runtime.text import shorten

LONG = 400
"""Characters of a result, or of an argument, that is worth a line of its own."""


def stub(message: Message, names: dict[str, str]) -> Message:
    """Long results and arguments as one line; ``names`` describes each call by its id."""
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


def told(message: Message) -> str:
    """A message as a line of the story that is summarised."""
    calls = [call["function"] for call in message.get("tool_calls") or []]
    said = [shorten(message.get("content") or "", 2_000), *(f"{c['name']} {c['arguments']}" for c in calls)]
    return f"{message['role']}: " + "\n".join(part for part in said if part)


def is_result(message: Message) -> bool:
    """Whether it tells what calls gave."""
    return message["role"] == "tool" or (message.get("content") or "").startswith(prompts.RESULT)
