"""An answer on its way: deltas as they come, then its end with what it used."""

from __future__ import annotations

import json
from typing import Any

import msgspec

BYTES_PER_TOKEN = 4
"""For counts that a server did not give: source code and English both lie near it."""
IMAGE_TOKENS = 50_000
"""No provider counts an image as more than this, whatever its size in bytes."""
ABSURD = 10
"""A count above so many context windows is an error of the server's."""
UNSEEN_TOKENS = 1_000
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
    """What the agent is told at the end: tokens, and US dollars or ``None`` for unpriced; ``notices`` are
    lines that its user should see (another player answered), ``warning`` says what is left of a budget,
    ``window`` how many tokens of context the model has (0: not known)."""

    finish: str
    usage: Usage
    cost_usd: float | None
    notices: tuple[str, ...] = ()
    warning: str = ""
    window: int = 0

    def sums(self) -> dict[str, Any]:
        """What goes to the agent as ``kage``."""
        said = {"notices": list(self.notices), "warning": self.warning, "window": self.window}
        return {name: value for name, value in said.items() if value} | {
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


def at_most(asked: Any) -> int:
    """The most tokens that a request can be counted as, by any tokenizer: a pair of small letters or blanks
    is one or less, anything else a token a byte (digits, code points that a vocabulary lacks, base64)."""
    images: list[Any] = []
    data = to_json(_without_images(asked, images))
    dense = len(data.translate(None, _SPARSE))
    return dense + -(-(len(data) - dense) // 2) + IMAGE_TOKENS * len(images) + UNSEEN_TOKENS


_SPARSE = b"abcdefghijklmnopqrstuvwxyz "


def _without_images(value: Any, found: list[Any]) -> Any:
    """The value without the bytes of its images, which are added to ``found``."""
    if isinstance(value, list):
        return [_without_images(item, found) for item in value]
    if isinstance(value, dict):
        if value.get("type") in ("image_url", "image"):
            found.append(value)
            return {}
        return {name: _without_images(item, found) for name, item in value.items()}
    return value


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
