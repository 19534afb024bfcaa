"""What left the machine for a run, read from what the gateway wrote down (see ``gateway/outgoing``)."""

from __future__ import annotations

import json
from typing import Any

from kage_nvim import paths

NAME = "outgoing.jsonl"
BESIDE = ("tools", "tool_choice", "response_format")
FIRST = 100
"""Characters of a message that are shown of it."""


def sent(run: str, agent: int | None, *, full: bool) -> list[dict[str, Any]]:
    """The calls of a run (of one agent), oldest first: each with its new messages, whole when ``full``.

    ``status`` is ``open`` until it ended. A line that a crash cut short is passed over.
    """
    calls: dict[str, dict[str, Any]] = {}
    try:
        raw = (paths.run_folder(run) / NAME).read_bytes()
    except FileNotFoundError:
        return []
    for text in raw.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if "ended" in line:
            if line["call"] in calls:
                calls[line["call"]] |= line
        elif agent is None or line["agent"] == agent:
            messages = [_shown(message, full=full) for message in line.pop("messages")]
            rest = {name: line.pop(name) for name in BESIDE if name in line}
            more = rest if full else {"tools": len(rest["tools"])} if "tools" in rest else {}
            calls[line["call"]] = {**line, **more, "messages": messages, "status": "open"}
    return list(calls.values())


def _shown(message: dict[str, Any], *, full: bool) -> dict[str, Any]:
    text = _text(message)
    size = len(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    shown: dict[str, Any] = {"role": message.get("role"), "bytes": size}
    if full:
        return {**shown, "message": message}
    return {**shown, "first": text.strip().partition("\n")[0][:FIRST]}


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(
            str(part.get("text") or part.get("type")) for part in content if isinstance(part, dict)
        )
    calls = message.get("tool_calls") or []
    names = [f"{call['function']['name']}({call['function']['arguments']})" for call in calls]
    return "\n".join([str(content or ""), *names]).strip()
