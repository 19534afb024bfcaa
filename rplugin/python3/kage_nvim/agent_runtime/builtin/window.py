"""How full the model's window is: what the provider counted last, and the characters since."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from kage_nvim.agent_runtime.builtin.schemas import SCHEMAS

UNKNOWN = 128_000
"""Tokens of a window that nobody has told."""
SMALLEST = 1_000
"""A number below this, in an error, is no window."""

_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size|limit)|maximum context|too many tokens|(prompt|input) is too long"
    r"|exceeds? .{0,40}(tokens|context)|reduce the length",
    re.IGNORECASE | re.DOTALL,
)
_STATED = re.compile(r"(?:length|window|size|limit|maximum|max)\D{0,40}?(\d[\d,]{2,})", re.IGNORECASE)


class Window:
    """One model's window, of ``tokens``; how many characters a token has is learnt from each answer."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens or UNKNOWN
        self._learnt = bool(tokens)
        self._rate = 3.5
        self.beside = len(msgspec.json.encode(SCHEMAS))
        """Characters that are sent beside the messages."""

    def counted(self, messages: Sequence[dict[str, Any]], tokens_in: int, window: int = 0) -> None:
        """The provider counted so many tokens; a count that cannot be is passed over. ``window`` is what the
        gateway knows; a provider's own word, in an error, is stronger."""
        if window and not self._learnt:
            self.tokens = window
        rate = self._size(messages) / tokens_in if tokens_in else 0.0
        if 1.0 <= rate <= 6.0:
            self._rate = rate

    def used(self, messages: Sequence[dict[str, Any]]) -> float:
        """The part of the window that they fill, as far as is known."""
        return self._size(messages) / self._rate / self.tokens

    def refused(self, messages: Sequence[dict[str, Any]], said: str) -> bool:
        """Learn from an error how large the window is; False if it is about something else."""
        if not _TOO_LONG.search(said):
            return False
        stated = [int(number.replace(",", "")) for number in _STATED.findall(said)]
        known = [number for number in stated if number >= SMALLEST]
        self.tokens = min([self.tokens, *known]) if known else int(self._size(messages) / self._rate)
        self._learnt = True
        self._rate /= max(1.0, 1.05 / self.used(messages))
        return True

    def characters(self, part: float, most: int) -> int:
        """The characters that a part of the window holds; not more than ``most``."""
        return min(most, int(self.tokens * self._rate * part))

    def _size(self, messages: Sequence[dict[str, Any]]) -> int:
        return len(msgspec.json.encode(messages)) + self.beside
