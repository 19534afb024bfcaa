"""What the server asks of every wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from kage_nvim.gateway.pieces import Bill, Delta, to_json
from kage_nvim.gateway.problems import Problem


class Wire(Protocol):
    """One request and its answer. Made from the request's JSON object; ``body`` is the internal form of it,
    in which ``stream`` says how it is to be answered.

    Making one raises ``Problem`` (``bad_request``) for what cannot be understood.
    """

    body: dict[str, Any]
    content_type: str
    """Of the stream."""

    def events(self, piece: Delta | Bill) -> Iterator[bytes]:
        """What goes on the wire for one piece; the bill's events end the stream."""

    def failed(self, problem: Problem) -> bytes:
        """The last event of a stream that has begun and cannot be ended."""

    def whole(self, deltas: list[Delta], bill: Bill) -> dict[str, Any]:
        """The answer in one piece."""

    @staticmethod
    def refusal(problem: Problem) -> dict[str, Any]:
        """The body of an answer with an error status."""


def event(body: Any, name: str = "") -> bytes:
    """A server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + to_json(body) + b"\n\n"
