"""Text that others wrote, made fit for a terminal and for a model: no control characters, bounded size.

A model or a command can print an escape sequence that sets the clipboard (OSC 52), renames the window or
answers as if the user had typed. Nothing of that kind may reach a terminal, so everything passes here.
"""

from __future__ import annotations

import codecs
import re

LIMIT = 10_000
"""Characters of one tool's output that a model gets to see; half of them from each end."""

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, …
    r"|\x1b[ -/]*[0-~]"  # the rest
)
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
del _CONTROLS[ord("\n")], _CONTROLS[ord("\t")]


def plain(text: str) -> str:
    """The text without escape sequences, C0 and C1 controls (``\\n`` and ``\\t`` stay) and bidi overrides."""
    return _SEQUENCES.sub("", text).translate(_CONTROLS)


class Halves:
    """Text that arrives in pieces, between which a character may be split into surrogates: those are joined,
    and halves that stay alone become U+FFFD, so that the text can be written as UTF-8."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def feed(self, piece: str, *, last: bool = False) -> str:
        """The text as far as it is known; a half at its end waits for the next piece."""
        return self._decoder.decode(piece.encode("utf-16-le", "surrogatepass"), last)


def joined(text: str) -> str:
    """A whole text without surrogates."""
    return Halves().feed(text, last=True)


def printed(text: str) -> str:
    """What a terminal would show of a command's output: plain, a progress bar at its last state."""
    lines = text.replace("\r\n", "\n").split("\n")
    return plain("\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines))


def one_line(text: str, width: int = 200) -> str:
    """The text on one line of at most ``width`` characters, for states, reasons and tool lines."""
    line = " ".join(plain(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def first_line(text: str, width: int = 200) -> str:
    """The first line with anything on it."""
    return one_line(next((line for line in text.splitlines() if line.strip()), ""), width)


class HeadTail:
    """Output as it arrives, in bounded memory: the beginning, the end, and how much lies between."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = ""
        self._tail = ""
        self._characters = 0
        self._newlines = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        text = self._decoder.decode(chunk)
        self._characters += len(text)
        self._newlines += text.count("\n")
        room = self._limit - len(self._head)
        self._head += text[:room] if room > 0 else ""
        rest = text[room:] if room > 0 else text
        self._tail = (self._tail + rest)[-(self._limit // 2) :]

    @property
    def lines(self) -> int:
        """Lines so far; a last one without its newline counts."""
        last = (self._tail or self._head)[-1:]
        return self._newlines + (last not in ("", "\n"))

    def text(self) -> str:
        """At most ``limit`` characters of it as a terminal shows them, and the count of those left out."""
        half = self._limit // 2
        if self._characters <= self._limit:
            return printed(self._head)
        left_out = self._characters - 2 * half
        tail = (self._head + self._tail)[-half:]
        return f"{printed(self._head[:half])}\n[… {left_out:,} characters left out …]\n{printed(tail)}"


def shorten(text: str, limit: int = LIMIT) -> str:
    """A whole text cut in the same way."""
    kept = HeadTail(limit)
    kept.feed(text.encode("utf-8", "replace"))
    return kept.text()


def fitting(lines: list[str], limit: int) -> int:
    """How many of the lines fit into one answer; at least one."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line)
        if size > limit and count:
            return count
    return len(lines)
