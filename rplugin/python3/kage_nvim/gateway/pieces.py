"""An answer on its way: deltas as they come, then its end with what it used."""

from __future__ import annotations

import json
from typing import Any

import msgspec

BYTES_PER_TOKEN = 4
"""For counts that a server did not give: source code and English both lie near it."""
BYTES_PER_TOKEN_AT_LEAST = 2
"""For reservations, which must not be too low: hardly any text has more tokens than this."""
ABSURD = 10
"""A count above so many context windows is an error of the server's."""
UNSEEN_TOKENS = 600
"""What providers add to a prompt: the template, and instructions on how to call tools."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call. ``tokens_cached`` (read from the provider's cache) and ``tokens_written`` (put
    there) are parts of ``tokens_in``. ``estimated`` when the server did not say."""

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_written: int = 0
    tokens_out: int = 0
    estimated: bool = False

    @classmethod
    def from_openai(cls, usage: dict[str, Any]) -> Usage:
        """The numbers of an OpenAI ``usage`` object; what is no count becomes -1."""
        details = usage.get("prompt_tokens_details") or {}
        return cls(
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_cached=_count(details.get("cached_tokens")),
            tokens_written=_count(details.get("cache_creation_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
        )

    def credible(self, window: int) -> bool:
        """False for numbers that cannot be true of a model with a context of ``window`` tokens."""
        counts = (self.tokens_in, self.tokens_cached, self.tokens_written, self.tokens_out)
        return all(0 <= count <= ABSURD * window for count in counts)

    def to_openai(self) -> dict[str, Any]:
        """The same as an OpenAI ``usage`` object."""
        return {
            "prompt_tokens": self.tokens_in,
            "completion_tokens": self.tokens_out,
            "total_tokens": self.tokens_in + self.tokens_out,
            "prompt_tokens_details": {"cached_tokens": self.tokens_cached},
        }


class End(msgspec.Struct, frozen=True):
    """The end of an answer; without usage when the server never sent any."""

    finish: str
    usage: Usage | None


class Bill(msgspec.Struct, frozen=True):
    """What the agent is told at the end: tokens, and US dollars or ``None`` for unpriced."""

    finish: str
    usage: Usage
    cost_usd: float | None

    def sums(self) -> dict[str, Any]:
        """What goes to the agent as ``kage``."""
        return {
            "tokens_in": self.usage.tokens_in,
            "tokens_cached": self.usage.tokens_cached,
            "tokens_out": self.usage.tokens_out,
            "cost_usd": self.cost_usd,
        }


Delta = dict[str, Any]
"""One ``delta`` of the OpenAI protocol: ``content``, ``tool_calls``, ``reasoning_content``."""


def to_json(value: Any) -> bytes:
    """As JSON. Models send characters in halves (surrogates), which UTF-8 has no bytes for: then all that is
    not ASCII is escaped, and the agent joins the halves."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode("ascii")


def size(value: Any) -> int:
    """Bytes of a value as JSON."""
    return len(to_json(value))


def _count(value: object) -> int:
    try:
        return int(value or 0)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError):
        return -1


def estimate(asked_bytes: int, answered_bytes: int) -> Usage:
    """The usage of a call whose server did not tell."""
    return Usage(
        tokens_in=-(-asked_bytes // BYTES_PER_TOKEN),
        tokens_out=-(-answered_bytes // BYTES_PER_TOKEN),
        estimated=True,
    )


def at_most(asked_bytes: int) -> int:
    """The most tokens that a request of that size can be counted as."""
    return asked_bytes // BYTES_PER_TOKEN_AT_LEAST + UNSEEN_TOKENS


def join(deltas: list[Delta]) -> dict[str, Any]:
    """The whole assistant message that the deltas make up."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        for name in ("content", "reasoning_content"):
            if delta.get(name):
                message[name] = (message.get(name) or "") + delta[name]
        for part in delta.get("tool_calls") or []:
            _add_call(calls, part)
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return message


def _add_call(calls: dict[int, dict[str, Any]], part: dict[str, Any]) -> None:
    empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(part.get("index", len(calls)), empty)
    function = part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
    for name in part.keys() - {"index", "id", "type", "function"}:
        call[name] = part[name]
