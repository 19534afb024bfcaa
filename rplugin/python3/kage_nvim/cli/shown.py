"""Text of files as HTML: all of it escaped, the unseen made visible, coloured where a lexer is known."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from typing import Any

from kage_nvim.visible import UNSEEN, seen

LARGEST = 200_000
"""Bytes of a text that is coloured."""
LONGEST = 2_000
"""Characters of a line; what is behind them is left out."""
SECONDS = 10.0
"""Seconds that colouring a page may take; texts after that are plain."""

_CLASSES = (
    ("Comment", "c"),
    ("Keyword", "k"),
    ("Literal.String", "s"),
    ("Literal.Number", "n"),
    ("Name.Function", "f"),
    ("Name.Class", "f"),
    ("Name.Builtin", "b"),
    ("Name.Decorator", "b"),
    ("Name.Tag", "k"),
    ("Name.Attribute", "b"),
)


def escaped(text: str) -> str:
    """Text as HTML shows it, on one line."""
    return html.escape(UNSEEN.sub(seen, text.replace("\n", "\u240a")), quote=True)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}\u2026 ({len(line)} characters)"


class Text:
    """One version of a file: its lines, and what to say of its encoding and line ends."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.remarks: list[str] = []
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
            self.remarks.append("not UTF-8, read as Latin-1")
        self.lines = text.split("\n")
        self.ends = self.lines[-1] == ""
        if self.ends:
            self.lines.pop()
        elif data:
            self.remarks.append("no newline at the end")
        if any(len(line) > LONGEST for line in self.lines):
            self.remarks.append("long lines are cut")
            self.lines = [_cut(line) for line in self.lines]
        carriages = sum(line.endswith("\r") for line in self.lines)
        if carriages and carriages >= len(self.lines) - (not self.ends):
            self.remarks.append("CRLF")
            self.lines = [line.removesuffix("\r") for line in self.lines]


class Colours:
    """Lines as coloured HTML, as long as there is time; each text is looked at once."""

    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS
        self._known: dict[tuple[str, bytes], list[str]] = {}

    def lines(self, path: str, text: Text) -> list[str]:
        """The text's lines as HTML."""
        key = (path, text.data)
        if key not in self._known:
            self._known[key] = self._coloured(path, text) or [escaped(line) for line in text.lines]
        return self._known[key]

    def forget(self) -> None:
        """Let go of the texts of a file that is done."""
        self._known.clear()

    def _coloured(self, path: str, text: Text) -> list[str]:
        if len(text.data) > LARGEST or time.monotonic() > self._until:
            return []
        from pygments.lexers import get_lexer_for_filename
        from pygments.util import ClassNotFound

        try:
            lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
        except ClassNotFound:
            return []
        found: list[list[str]] = [[]]
        for kind, part in self._tokens(lexer, "\n".join(text.lines)):
            name = _class(str(kind).removeprefix("Token."))
            for at, piece in enumerate(part.split("\n")):
                if at:
                    found.append([])
                if piece:
                    shown = escaped(piece)
                    found[-1].append(f'<i class="{name}">{shown}</i>' if name else shown)
        # A lexer that drops or adds lines is not believed.
        return ["".join(parts) for parts in found] if len(found) == len(text.lines) else []

    def _tokens(self, lexer: Any, text: str) -> Iterator[tuple[Any, str]]:
        for kind, part in lexer.get_tokens(text):
            if time.monotonic() > self._until:
                return
            yield kind, part


def _class(kind: str) -> str:
    return next((name for prefix, name in _CLASSES if kind.startswith(prefix)), "")
