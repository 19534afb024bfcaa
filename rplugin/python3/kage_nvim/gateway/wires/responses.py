"""OpenAI's responses, as Codex speaks them: the answer. ``responses_request`` reads the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kage_nvim.gateway import stamp
from kage_nvim.gateway.pieces import Bill, Delta
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.blocks import Block, Blocks, gathered
from kage_nvim.gateway.wires.reading import Object
from kage_nvim.gateway.wires.responses_request import Tools, read
from kage_nvim.gateway.wires.wire import event

FATAL = {"bad_request", "unauthorized", "keys_missing", "budget", "privacy", "cassette"}
"""Failures that another try meets again; within a stream Codex ends at ``invalid_prompt`` alone."""


class Responses:
    """One response."""

    content_type = "text/event-stream"

    def __init__(self, asked: dict[str, Any]) -> None:
        self._tools = Tools(asked)
        self.body = read(asked, self._tools)
        self._model = str(asked.get("model") or "")
        self._id = ""
        self._blocks = Blocks()
        self._sent = 0

    def events(self, piece: Delta | Bill) -> Iterator[bytes]:
        """``response.created``, each item from ``added`` to ``done``, ``response.completed``."""
        if self._sent == 0:
            yield self._event("response.created", response=self._response("in_progress"))
            yield self._event("response.in_progress", response=self._response("in_progress"))
        sorted_in = self._blocks.end() if isinstance(piece, Bill) else self._blocks.add(piece)
        for what, block, text in sorted_in:
            if block.kind != "redacted":
                yield from self._item(what, block, text)
        if isinstance(piece, Bill):
            whole = self._ended(self._blocks, piece)
            yield self._event(f"response.{whole['status']}", response=whole)

    def failed(self, problem: Problem) -> bytes:
        """``response.failed``."""
        code = "invalid_prompt" if problem.type in FATAL else "server_error"
        error = {"code": code, "message": problem.message}
        return self._event("response.failed", response=self._response("failed", error=error))

    def whole(self, deltas: list[Delta], bill: Bill) -> dict[str, Any]:
        """A ``response``."""
        return self._ended(gathered(deltas), bill)

    @staticmethod
    def refusal(problem: Problem) -> dict[str, Any]:
        """OpenAI's shape of errors."""
        return problem.to_wire()

    def _event(self, kind: str, **fields: Any) -> bytes:
        number, self._sent = self._sent, self._sent + 1
        return event({"type": kind, "sequence_number": number, **fields}, kind)

    def _response(self, status: str, **more: Any) -> Object:
        self._id = self._id or f"resp_{stamp.current().hex(32)}"
        return {
            "id": self._id,
            "object": "response",
            "created_at": int(stamp.current().at),
            "status": status,
            "model": self._model,
            "output": [],
            "parallel_tool_calls": self.body.get("parallel_tool_calls", True),
            "tool_choice": "auto",
            "tools": [],
            "error": None,
            "incomplete_details": None,
            "usage": None,
            **more,
        }

    def _ended(self, blocks: Blocks, bill: Bill) -> Object:
        """The response with all that it holds."""
        output = [self._done(block) for block in blocks.all if block.kind != "redacted"]
        cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(bill.finish)
        used = bill.usage
        usage = {
            "input_tokens": used.tokens_in,
            "input_tokens_details": {"cached_tokens": used.tokens_cached},
            "output_tokens": used.tokens_out,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": used.tokens_in + used.tokens_out,
        }
        details = {"reason": cut} if cut else None
        status = "incomplete" if cut else "completed"
        return self._response(status, output=output, usage=usage, incomplete_details=details)

    def _item(self, what: str, block: Block, text: str) -> Iterator[bytes]:
        """The events of one output item."""
        at: Object = {"output_index": [b for b in self._blocks.all if b.kind != "redacted"].index(block)}
        if what == "start":
            yield self._event("response.output_item.added", **at, item=self._added(block))
        at["item_id"] = _item_id(block)
        if block.kind == "thinking":
            yield from self._thought(what, block, text, at)
        elif block.kind == "text":
            yield from self._words(what, block, text, at)
        else:
            yield from self._call(what, block, text, at)
        if what == "stop":
            done = {"output_index": at["output_index"], "item": self._done(block)}
            yield self._event("response.output_item.done", **done)

    def _words(self, what: str, block: Block, text: str, at: Object) -> Iterator[bytes]:
        at = {**at, "content_index": 0}
        if what == "start":
            yield self._event("response.content_part.added", **at, part=_output_text(""))
        elif what == "more":
            yield self._event("response.output_text.delta", **at, delta=text, logprobs=[])
        else:
            yield self._event("response.output_text.done", **at, text=block.text, logprobs=[])
            yield self._event("response.content_part.done", **at, part=_output_text(block.text))

    def _thought(self, what: str, block: Block, text: str, at: Object) -> Iterator[bytes]:
        at = {**at, "summary_index": 0}
        part = {"type": "summary_text", "text": block.text if what == "stop" else ""}
        if what == "start":
            yield self._event("response.reasoning_summary_part.added", **at, part=part)
        elif what == "more":
            yield self._event("response.reasoning_summary_text.delta", **at, delta=text)
        else:
            yield self._event("response.reasoning_summary_text.done", **at, text=block.text)
            yield self._event("response.reasoning_summary_part.done", **at, part=part)

    def _call(self, what: str, block: Block, text: str, at: Object) -> Iterator[bytes]:
        """Arguments as they come. What is wrapped in them for a free-form tool comes when it is whole."""
        kind = self._tools.kind(block.name)
        if kind == "function" and what == "more":
            yield self._event("response.function_call_arguments.delta", **at, delta=text)
        elif kind == "function" and what == "stop":
            name = self._tools.named(block.name)["name"]
            given = block.text or "{}"
            yield self._event("response.function_call_arguments.done", **at, name=name, arguments=given)
        elif kind == "custom" and what == "stop":
            given = free_text(block)
            yield self._event("response.custom_tool_call_input.delta", **at, delta=given)
            yield self._event("response.custom_tool_call_input.done", **at, input=given)

    def _added(self, block: Block) -> Object:
        """The item as it is when it begins: the same without what it will hold."""
        item = {**self._done(block), "status": "in_progress"}
        empty = {"content": [], "summary": [], "arguments": "", "input": ""}
        return item | {name: value for name, value in empty.items() if name in item}

    def _done(self, block: Block) -> Object:
        """The whole item."""
        identity = {"id": _item_id(block)}
        if block.kind == "thinking":
            return {
                "type": "reasoning",
                **identity,
                "summary": [{"type": "summary_text", "text": block.text}],
            }
        identity |= {"status": "completed"}
        if block.kind == "text":
            said = [_output_text(block.text)]
            return {"type": "message", **identity, "role": "assistant", "content": said}
        identity |= {"call_id": block.id}
        kind = self._tools.kind(block.name)
        if kind == "local_shell":
            action = {"type": "exec", "command": [], "env": {}, **(block.arguments or {})}
            return {"type": "local_shell_call", **identity, "action": action}
        identity |= self._tools.named(block.name)
        if kind == "custom":
            return {"type": "custom_tool_call", **identity, "input": free_text(block)}
        return {"type": "function_call", **identity, "arguments": block.text or "{}"}


def _item_id(block: Block) -> str:
    prefix = {"thinking": "rs", "text": "msg"}.get(block.kind, "fc")
    return f"{prefix}_{block.id}"


def _output_text(text: str) -> Object:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def free_text(block: Block) -> str:
    """The text for a free-form tool, which models write as ``{"input": …}``, or as it is."""
    given = (block.arguments or {}).get("input")
    if given is None:
        return block.text
    return given if isinstance(given, str) else json.dumps(given)
