"""OpenAI's chat completions: nearly the internal form. ``kage`` beside the usage holds Kage's own sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kage_nvim.gateway import stamp
from kage_nvim.gateway.pieces import Bill, Delta, join
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.reading import a_count, a_text, an_object, objects, wrong
from kage_nvim.gateway.wires.wire import event


class Chat:
    """One chat completion."""

    content_type = "text/event-stream"

    def __init__(self, asked: dict[str, Any]) -> None:
        self.body = read(asked)
        self._model = str(asked.get("model") or "")
        self._head: dict[str, Any] = {}

    def events(self, piece: Delta | Bill) -> Iterator[bytes]:
        """Chunks; at the end the finish, the usage, and ``[DONE]``."""
        self._head = self._head or self._new_head("chat.completion.chunk")
        if not isinstance(piece, Bill):
            yield event({**self._head, "choices": [{"index": 0, "delta": piece, "finish_reason": None}]})
            return
        finish = [{"index": 0, "delta": {}, "finish_reason": piece.finish}]
        yield event({**self._head, "choices": finish})
        yield event({**self._head, "choices": [], **_totals(piece)})
        yield b"data: [DONE]\n\n"

    def failed(self, problem: Problem) -> bytes:
        """The error as the last event."""
        return event(problem.to_wire())

    def whole(self, deltas: list[Delta], bill: Bill) -> dict[str, Any]:
        """A ``chat.completion``."""
        choice = {"index": 0, "message": join(deltas), "finish_reason": bill.finish}
        return {**self._new_head("chat.completion"), "choices": [choice], **_totals(bill)}

    @staticmethod
    def refusal(problem: Problem) -> dict[str, Any]:
        """OpenAI's shape of errors."""
        return problem.to_wire()

    def _new_head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"kage-{stamp.current().hex()}",
            "object": kind,
            "created": int(stamp.current().at),
            "model": self._model,
        }


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """The internal body: roles and fields by their older names, function tools only."""
    messages = objects(asked.get("messages"), "messages")
    if not messages:
        raise Problem("bad_request", "`messages` is missing or empty.")
    for at, message in enumerate(messages):
        if not isinstance(message.get("role"), str):
            raise Problem("bad_request", "a message of `messages` has no role.")
        _check_message(message, f"messages[{at}]")
    newer = a_count(asked.get("max_completion_tokens"), "max_completion_tokens")
    return asked | {
        "messages": [{**m, "role": "system"} if m["role"] == "developer" else m for m in messages],
        "tools": [t for t in objects(asked.get("tools"), "tools") if t.get("type") == "function"] or None,
        "max_tokens": newer or a_count(asked.get("max_tokens"), "max_tokens"),
    }


def _check_message(message: dict[str, Any], where: str) -> None:
    """Refuse what would only fail on its way out, where nobody could say which field it was."""
    said = message.get("content")
    if not isinstance(said, str):
        for at, part in enumerate(objects(said, f"{where}.content")):
            if not isinstance(part.get("type"), str):
                raise wrong(f"{where}.content[{at}].type", "a text")
            if "text" in part:
                a_text(part["text"], f"{where}.content[{at}].text")
    for at, called in enumerate(objects(message.get("tool_calls"), f"{where}.tool_calls")):
        function = an_object(called.get("function"), f"{where}.tool_calls[{at}].function")
        for name in ("name", "arguments"):
            a_text(function.get(name), f"{where}.tool_calls[{at}].function.{name}")


def _totals(bill: Bill) -> dict[str, Any]:
    return {"usage": bill.usage.to_openai(), "kage": bill.sums()}
