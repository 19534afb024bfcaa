"""From ACP's updates to events: calls of tools with what came of them, and what else there is to tell.

An update is an object of the protocol library, which has looked at its shape; it is told apart by the name
that the protocol gives it, so that this file needs nothing of the library.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import Any

import msgspec

from kage_nvim.agent_runtime.clis.events import Event
from kage_nvim.agent_runtime.text import one_line, plain
from kage_nvim.description import Kind

MARKS = {"completed": "✓", "in_progress": "▸", "pending": "·"}
LARGE = 2_000_000
"""Characters of an edited file above which its lines are not counted."""


class Call(msgspec.Struct):
    """A call of a tool, as far as it is known."""

    title: str = ""
    kind: str = ""
    args: dict[str, Any] = {}
    told: bool = False
    ended: bool = False


class Calls:
    """The calls of one conversation. Agents tell of a call bit by bit: it is passed on once its arguments
    are known or it begins, and once more when it has ended."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def take(self, update: Any) -> list[Event]:
        """The events of an update of a call, or of a call that permission is asked for."""
        call = self._calls.setdefault(update.tool_call_id, Call())
        call.title = one_line(update.title or "") or call.title
        call.kind = update.kind or call.kind
        if isinstance(update.raw_input, dict):
            call.args = update.raw_input or call.args
        found = []
        ended = update.status in ("completed", "failed")
        seen = f"{update.status or 'call'}: {call.title or update.tool_call_id}"
        if not call.told and (call.args or ended or update.status == "in_progress"):
            call.told = True
            name = call.kind if call.kind not in ("", "other") else "tool"
            fields = {
                "id": update.tool_call_id,
                "name": name,
                "args": ({"description": call.title} if call.title else {}) | call.args,
            }
            found.append(event("tool", "tool_call", seen, **fields))
        if ended and not call.ended:
            call.ended = True
            fields = {"id": update.tool_call_id, "text": outcome(update), "ok": update.status == "completed"}
            found.append(event("result", "tool_call_update", seen, **fields))
        return found or [event("working", "tool_call_update", seen)]

    def title(self, call: str) -> str:
        """What a call is named."""
        return self._calls[call].title or self._calls[call].kind or "a tool"


def event(kind: Kind, what: str, evidence: str = "", **fields: Any) -> Event:
    """An event that ACP told of."""
    return Event(kind=kind, fields=fields, rule=f"acp {what}", evidence=one_line(evidence, 300))


def words(content: Any) -> str:
    """The text of a content block; of a link, where it leads; of anything else, what it is."""
    if isinstance(text := getattr(content, "text", None), str):
        return plain(text)
    if isinstance(uri := getattr(content, "uri", None), str):
        return plain(f"[{uri}]")
    return f"[{getattr(content, 'type', 'content')}]"


def outcome(update: Any) -> str:
    """What came of a call: its edits, each in a few words, and its texts; else its raw output."""
    parts = []
    for item in update.content or []:
        if item.type == "diff":
            parts.append(edited(item.path, item.old_text or "", item.new_text))
        elif item.type == "content":
            parts.append(words(item.content))
    if not parts and update.raw_output is not None:
        raw = update.raw_output
        if isinstance(raw, dict):
            raw = next((raw[key] for key in ("output", "error", "message") if raw.get(key)), raw)
        parts.append(plain(raw if isinstance(raw, str) else msgspec.json.encode(raw).decode()))
    return "\n".join(parts)


def edited(path: str, old: str, new: str) -> str:
    """An edit as the file's name with the lines that came and went."""
    name = one_line(PurePath(path).name)
    if len(old) + len(new) > LARGE:
        return f"{name} edited"
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    return f"{name} +{(after - before).total()} -{(before - after).total()}"


def plan(entries: list[Any]) -> tuple[list[str], str]:
    """A plan as lines, and where it stands."""
    lines = [f"  {MARKS.get(entry.status, '·')} {one_line(entry.content)}" for entry in entries]
    done = sum(entry.status == "completed" for entry in entries)
    now = next((one_line(e.content) for e in entries if e.status == "in_progress"), "")
    return lines, f"plan {done}/{len(entries)}{': ' if now else ''}{now}"
