"""Anthropic's messages, as Claude Code speaks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kage_nvim.gateway import stamp
from kage_nvim.gateway.pieces import BYTES_PER_TOKEN, Bill, Delta, size
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.blocks import Block, Blocks, gathered
from kage_nvim.gateway.wires.reading import (
    Object,
    Talk,
    a_count,
    a_text,
    an_object,
    as_json,
    call,
    data_url,
    function,
    image,
    objects,
    text_part,
)
from kage_nvim.gateway.wires.wire import event

ERRORS = {
    "bad_request": "invalid_request_error",
    "unauthorized": "authentication_error",
    "keys_missing": "authentication_error",
    "budget": "billing_error",
    "privacy": "permission_error",
    "rate_limit": "rate_limit_error",
}
STOPS = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
PASSED_ON = ("temperature", "top_p", "thinking")


class Messages:
    """One message of the model's."""

    content_type = "text/event-stream"

    def __init__(self, asked: dict[str, Any]) -> None:
        self.body = read(asked)
        self._model = str(asked.get("model") or "")
        self._blocks = Blocks()
        self._begun = False

    def events(self, piece: Delta | Bill) -> Iterator[bytes]:
        """``message_start``, the content blocks, ``message_delta`` with the usage, ``message_stop``."""
        if not self._begun:
            self._begun = True
            yield _named({"type": "message_start", "message": self._message([], None, _usage(None))})
        sorted_in = self._blocks.end() if isinstance(piece, Bill) else self._blocks.add(piece)
        for one in sorted_in:
            yield from self._block(*one)
        if isinstance(piece, Bill):
            stop = {"stop_reason": _stop(self._blocks, piece), "stop_sequence": None}
            yield _named({"type": "message_delta", "delta": stop, "usage": _usage(piece)})
            yield _named({"type": "message_stop"})

    def failed(self, problem: Problem) -> bytes:
        """An ``error`` event."""
        return _named(self.refusal(problem))

    def whole(self, deltas: list[Delta], bill: Bill) -> dict[str, Any]:
        """A ``message``."""
        blocks = gathered(deltas)
        return self._message([_content(block) for block in blocks.all], _stop(blocks, bill), _usage(bill))

    @staticmethod
    def refusal(problem: Problem) -> dict[str, Any]:
        """Anthropic's shape of errors."""
        kind = ERRORS.get(problem.type, "api_error")
        return {"type": "error", "error": {"type": kind, "message": problem.message}}

    def _message(self, blocks: list[Object], stop: str | None, usage: Object) -> Object:
        return {
            "id": f"msg_{stamp.current().hex()}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage,
        }

    def _block(self, what: str, block: Block, text: str) -> Iterator[bytes]:
        index = len(self._blocks.all) - 1
        if what == "start":
            begun = _content(block, empty=block.kind != "redacted")
            yield _named({"type": "content_block_start", "index": index, "content_block": begun})
        elif what == "more" and block.kind != "redacted":
            yield _grown(index, _PIECES[block.kind], text)
        elif what == "stop":
            if block.signature:
                yield _grown(index, ("signature_delta", "signature"), block.signature)
            yield _named({"type": "content_block_stop", "index": index})


_PIECES = {
    "thinking": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "call": ("input_json_delta", "partial_json"),
}


def _named(body: Object) -> bytes:
    return event(body, body["type"])


def _grown(index: int, piece: tuple[str, str], text: str) -> bytes:
    kind, field = piece
    return _named({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text}})


def _content(block: Block, *, empty: bool = False) -> Object:
    """A content block of an answer; without what is to follow in a stream, if ``empty``."""
    if block.kind == "redacted":
        return {"type": "redacted_thinking", "data": block.text}
    if block.kind == "thinking":
        thought = "" if empty else block.text
        return {"type": "thinking", "thinking": thought, "signature": "" if empty else block.signature}
    if block.kind == "text":
        return {"type": "text", "text": "" if empty else block.text}
    given: Object = {} if empty else _arguments(block)
    return {"type": "tool_use", "id": block.id, "name": block.name, "input": given}


def _arguments(block: Block) -> Object:
    """A call's input. What is no object is shown as it is: the tool will say what it misses."""
    given = block.arguments
    return {"arguments": block.text} if given is None else given


def _stop(blocks: Blocks, bill: Bill) -> str:
    if blocks.calls and bill.finish in ("stop", ""):
        return "tool_use"
    return STOPS.get(bill.finish, "end_turn")


def _usage(bill: Bill | None) -> Object:
    """Anthropic counts what is cached beside the input, not within it."""
    if bill is None:
        return {"input_tokens": 0, "output_tokens": 0}
    used = bill.usage
    return {
        "input_tokens": max(0, used.tokens_in - used.tokens_cached - used.tokens_written),
        "cache_read_input_tokens": used.tokens_cached,
        "cache_creation_input_tokens": used.tokens_written,
        "output_tokens": used.tokens_out,
    }


def count(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``count_tokens``: an estimate, since no model is asked for it."""
    body = read(asked)
    return {"input_tokens": size([body["messages"], body["tools"]]) // BYTES_PER_TOKEN}


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """The internal body. Cache markers stay where litellm looks for them."""
    talk = Talk()
    talk.say("system", _parts(asked.get("system"), "system"))
    messages = objects(asked.get("messages"), "messages")
    for number, message in enumerate(messages):
        where = f"messages[{number}].content"
        if message.get("role") == "assistant":
            _read_answer(talk, _blocks(message.get("content"), where))
        else:
            role = "system" if message.get("role") == "system" else "user"
            _read_said(talk, role, _blocks(message.get("content"), where), where)
    if not any(message["role"] != "system" for message in talk.messages):
        raise Problem("bad_request", "`messages` is missing or empty.")
    body = {name: asked[name] for name in PASSED_ON if asked.get(name) is not None}
    choice = an_object(asked.get("tool_choice"), "tool_choice")
    body |= {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    wanted = an_object(
        an_object(asked.get("output_config"), "output_config").get("format"), "output_config.format"
    )
    if wanted.get("type") == "json_schema":
        schema = {"name": "answer", "schema": an_object(wanted.get("schema"), "output_config.format.schema")}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body | {
        "model": a_text(asked.get("model"), "model"),
        "messages": talk.messages,
        "tools": _tools(objects(asked.get("tools"), "tools")) or None,
        "tool_choice": _choice(choice),
        "max_tokens": a_count(asked.get("max_tokens"), "max_tokens"),
        "stop": asked.get("stop_sequences") or None,
        "stream": asked.get("stream") is True,
    }


def _blocks(value: Any, where: str) -> list[Object]:
    """Content blocks; a text is one of them."""
    if isinstance(value, str):
        return [text_part(value)] if value else []
    return objects(value, where)


def _parts(value: Any, where: str) -> list[Object]:
    """What of content blocks a model can read: text and images."""
    parts = []
    for block in _blocks(value, where):
        kind = block.get("type")
        marked = {"cache_control": block["cache_control"]} if block.get("cache_control") else {}
        if kind == "text":
            if text := a_text(block.get("text"), where):
                parts.append({**text_part(text), **marked})
        elif kind in ("image", "document"):
            parts.append({**_source(kind, block, where), **marked})
        elif kind == "tool_reference":
            parts.append(text_part(f"(tool {block.get('tool_name')})"))
        elif kind == "search_result":
            parts.append(text_part(as_json(block)))
    return parts


def _source(kind: str, block: Object, where: str) -> Object:
    source = an_object(block.get("source"), f"{where}.source")
    if source.get("type") == "base64":
        media, data = a_text(source.get("media_type"), where), a_text(source.get("data"), where)
        url = data_url(media, data)
        return image(url) if kind == "image" else {"type": "file", "file": {"file_data": url}}
    if source.get("type") == "url":
        return image(a_text(source.get("url"), where))
    return text_part(a_text(source.get("data"), where) or f"({kind} that cannot be shown)")


def _read_answer(talk: Talk, blocks: list[Object]) -> None:
    thinking: list[Object] = []
    calls: list[Object] = []
    for block in blocks:
        if block.get("type") == "tool_use":
            identity, name = (
                a_text(block.get("id"), "tool_use.id"),
                a_text(block.get("name"), "tool_use.name"),
            )
            calls.append(call(identity, name, as_json(block.get("input") or {})))
        elif block.get("type") == "redacted_thinking" or (
            block.get("type") == "thinking" and block.get("signature")
        ):
            thinking.append(block)  # unsigned thoughts came from a provider that does not want them back
    talk.answer(_parts(blocks, "messages"), calls, thinking)


def _read_said(talk: Talk, role: str, blocks: list[Object], where: str) -> None:
    """A message of the user's: results of tools first, then what else it holds."""
    for block in blocks:
        if block.get("type") == "tool_result":
            parts = _parts(block.get("content"), where)
            if block.get("is_error"):
                parts = [text_part("The tool failed:"), *parts]
            marked = {"cache_control": block["cache_control"]} if block.get("cache_control") else {}
            talk.result(a_text(block.get("tool_use_id"), "tool_use_id"), parts, **marked)
    talk.say(role, _parts(blocks, where))


def _tools(tools: list[Object]) -> list[Object]:
    """The tools that the agent itself runs; a provider's own ones (web search) are not to be had."""
    return [
        function(
            a_text(tool.get("name"), "tools.name"),
            a_text(tool.get("description"), "tools.description"),
            tool.get("input_schema"),
            **({"cache_control": tool["cache_control"]} if tool.get("cache_control") else {}),
        )
        for tool in tools
        if tool.get("type") in (None, "custom") and tool.get("name")
    ]


def _choice(choice: Object) -> str | Object | None:
    kind = choice.get("type")
    if kind == "tool":
        return {"type": "function", "function": {"name": a_text(choice.get("name"), "tool_choice.name")}}
    return {"auto": "auto", "any": "required", "none": "none"}.get(str(kind))
