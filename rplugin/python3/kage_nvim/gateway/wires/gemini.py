"""Gemini's generateContent, as Gemini CLI speaks it: the answer. ``gemini_request`` reads the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kage_nvim.gateway import stamp
from kage_nvim.gateway.pieces import BYTES_PER_TOKEN, Bill, Delta, size, to_json
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.blocks import Block, Blocks, gathered
from kage_nvim.gateway.wires.gemini_request import read
from kage_nvim.gateway.wires.reading import Object
from kage_nvim.gateway.wires.wire import event

STATUS = {
    "bad_request": "INVALID_ARGUMENT",
    "unauthorized": "UNAUTHENTICATED",
    "keys_missing": "FAILED_PRECONDITION",
    "budget": "FAILED_PRECONDITION",
    "privacy": "PERMISSION_DENIED",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "network": "UNAVAILABLE",
    "provider": "UNAVAILABLE",
}
FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}


class Gemini:
    """One answer. ``sse`` is how the agent wants its stream: as events, or as one JSON array."""

    def __init__(self, asked: dict[str, Any], model: str, *, stream: bool, sse: bool) -> None:
        self.body = read(asked) | {"model": model, "stream": stream}
        self.content_type = "text/event-stream" if sse else "application/json"
        self._sse = sse
        self._model = model
        self._id = ""
        self._blocks = Blocks()
        self._begun = False

    def events(self, piece: Delta | Bill) -> Iterator[bytes]:
        """Words as they come; calls when they are whole, since they have no pieces here."""
        sorted_in = self._blocks.end() if isinstance(piece, Bill) else self._blocks.add(piece)
        for what, block, text in sorted_in:
            if part := _part(what, block, text):
                yield self._chunk(self._answer([part]))
        if isinstance(piece, Bill):
            yield self._chunk(self._answer([], piece))
            if not self._sse:
                yield b"]"

    def failed(self, problem: Problem) -> bytes:
        """The error as the last chunk."""
        return self._chunk(self.refusal(problem)) + (b"" if self._sse else b"]")

    def whole(self, deltas: list[Delta], bill: Bill) -> dict[str, Any]:
        """The answer in one piece."""
        blocks = gathered(deltas).all
        return self._answer([part for block in blocks if (part := _whole(block))], bill)

    @staticmethod
    def refusal(problem: Problem) -> dict[str, Any]:
        """Google's shape of errors."""
        status = STATUS.get(problem.type, "INTERNAL")
        return {"error": {"code": problem.status, "message": problem.message, "status": status}}

    def _chunk(self, body: Object) -> bytes:
        if self._sse:
            return event(body)
        before, self._begun = b",\n" if self._begun else b"[", True
        return before + to_json(body)

    def _answer(self, parts: list[Object], bill: Bill | None = None) -> Object:
        self._id = self._id or stamp.current().hex()
        head = {"modelVersion": self._model, "responseId": self._id}
        candidate: Object = {"content": {"role": "model", "parts": parts}, "index": 0}
        if bill is None:
            return {"candidates": [candidate], **head}
        candidate["finishReason"] = FINISH.get(bill.finish, "STOP")
        used = bill.usage
        usage = {
            "promptTokenCount": used.tokens_in,
            "cachedContentTokenCount": used.tokens_cached,
            "candidatesTokenCount": used.tokens_out,
            "totalTokenCount": used.tokens_in + used.tokens_out,
        }
        return {"candidates": [candidate], "usageMetadata": usage, **head}


def _part(what: str, block: Block, text: str) -> Object | None:
    """What one step of a block adds to the stream."""
    if block.kind in ("text", "thinking"):
        return _words(block, text) if what == "more" else None
    return _whole(block) if what == "stop" else None


def _whole(block: Block) -> Object | None:
    if block.kind == "call":
        given = block.arguments
        return {
            "functionCall": {
                "id": block.id,
                "name": block.name,
                "args": {"arguments": block.text} if given is None else given,
            }
        }
    return _words(block, block.text) if block.kind != "redacted" and block.text else None


def _words(block: Block, text: str) -> Object:
    return {"text": text, "thought": True} if block.kind == "thinking" else {"text": text}


def count(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer of ``countTokens``: an estimate, since no model is asked for it."""
    body = read(asked.get("generateContentRequest") or asked)
    return {"totalTokens": size([body["messages"], body["tools"]]) // BYTES_PER_TOKEN}
