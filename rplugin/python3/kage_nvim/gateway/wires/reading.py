"""Reading requests: what is there has the right type, or the sender is told; what is unknown is let be."""

from __future__ import annotations

import json
from typing import Any

from kage_nvim.gateway.problems import Problem

Object = dict[str, Any]
NO_PARAMETERS: Object = {"type": "object", "properties": {}}


def wrong(where: str, expected: str) -> Problem:
    """The sender's mistake."""
    return Problem("bad_request", f"`{where}` has to be {expected}.")


def an_object(value: Any, where: str) -> Object:
    """An object; an empty one for null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(where, "an object")
    return value


def objects(value: Any, where: str) -> list[Object]:
    """A list of objects; an empty one for null."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise wrong(where, "a list of objects")
    return value


def a_text(value: Any, where: str) -> str:
    """A text; an empty one for null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(where, "a text")
    return value


def a_count(value: Any, where: str) -> int | None:
    """A positive whole number, or nothing."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1 or value != int(value):
        raise wrong(where, "a whole number above zero")
    return int(value)


def as_json(value: Any) -> str:
    """A value within a text."""
    return json.dumps(value, ensure_ascii=False)


def image(url: str) -> Object:
    """An image as part of a message: its address, or its bytes as a ``data:`` address."""
    return {"type": "image_url", "image_url": {"url": url}}


def data_url(kind: str, data: str) -> str:
    """Base64 bytes as an address."""
    return f"data:{kind};base64,{data}"


def text_part(text: str) -> Object:
    """Text as part of a message."""
    return {"type": "text", "text": text}


def content(parts: list[Object]) -> str | list[Object]:
    """A message's content: plain text where the parts are nothing more, since every server reads that."""
    if all(part.keys() == {"type", "text"} and isinstance(part["text"], str) for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def plain(messages: list[Object]) -> list[Object]:
    """The messages without what only Anthropic's models read: cache markers and signed thoughts; and content
    that is text alone as text, which every server reads, and simple ones want."""
    kept = [{n: v for n, v in m.items() if n not in ("cache_control", "thinking_blocks")} for m in messages]
    for message in kept:
        parts = message.get("content")
        if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
            bare = [{n: v for n, v in part.items() if n != "cache_control"} for part in parts]
            message["content"] = content(bare) if bare else ""
    return kept


def function(name: str, description: str, parameters: Any, **more: Any) -> Object:
    """A tool."""
    schema = parameters if isinstance(parameters, dict) and parameters else NO_PARAMETERS
    told = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **told, "parameters": schema}, **more}


def call(identity: str, name: str, arguments: str) -> Object:
    """An answer's call of a tool."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


class Talk:
    """A conversation under construction: neighbouring parts of one answer become one message, and images that
    tools returned follow all the results of that answer, since tool messages hold text only."""

    def __init__(self) -> None:
        self._messages: list[Object] = []
        self._images: list[Object] = []

    @property
    def messages(self) -> list[Object]:
        """The messages so far."""
        self._flush()
        return self._messages

    def say(self, role: str, parts: list[Object]) -> None:
        """A message that is no answer."""
        self._flush()
        if parts:
            self._messages.append({"role": role, "content": content(parts)})

    def answer(self, parts: list[Object], calls: list[Object], thinking: list[Object] | None = None) -> None:
        """Words, calls and thoughts of the model, joined to those that came just before."""
        self._flush()
        if not (parts or calls or thinking):
            return
        last = self._messages[-1] if self._messages else None
        if last is None or last["role"] != "assistant" or (parts and last.get("tool_calls")):
            last = {"role": "assistant", "content": None}
            self._messages.append(last)
        if parts:
            before = last["content"] or []
            before = [text_part(before)] if isinstance(before, str) else before
            last["content"] = content([*before, *parts])
        if calls:
            last["tool_calls"] = [*last.get("tool_calls", []), *calls]
        if thinking:
            last["thinking_blocks"] = [*last.get("thinking_blocks", []), *thinking]

    def result(self, identity: str, parts: list[Object], **more: Any) -> None:
        """What came of a call."""
        words = [part["text"] for part in parts if part["type"] == "text"]
        images = [part for part in parts if part["type"] != "text"]
        text = "\n".join(words) or ("(see the image below)" if images else "")
        self._messages.append({"role": "tool", "tool_call_id": identity, "content": text, **more})
        self._images += images

    def _flush(self) -> None:
        if self._images:
            self._messages.append({"role": "user", "content": self._images})
            self._images = []
