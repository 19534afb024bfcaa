"""Text of others as the user may see it: it drives no terminal and passes for no words of Kage's."""

from __future__ import annotations

import re

# Controls, the signs that turn the direction of writing, which can make code read as what it is not, and the
# tags and selectors in which text can be hidden that models read.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)

HALVES = re.compile("[\ud800-\udfff]")
"""Halves of characters: how Python holds a name that is no UTF-8."""


def seen(match: re.Match[str]) -> str:
    """A sign for one that nobody sees."""
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"<U+{code:04X}>"


def visible(text: str) -> str:
    """Text on one line, the unseen made visible: ``␛`` for ESC, ``␊`` for a newline, ``<U+202E>``."""
    return UNSEEN.sub(seen, text.replace("\n", "\u240a").replace("\t", "\u2409"))


def quoted(text: str) -> str:
    """Text between backticks, which it cannot end itself."""
    return "`" + visible(text).replace("`", "\\`") + "`"
