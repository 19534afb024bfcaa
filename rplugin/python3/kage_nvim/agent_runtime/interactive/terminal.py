"""A program's screen as lines of text, made from the bytes that it writes.

Only text and its places are kept: no colours, no history. Taking bytes costs next to nothing, for the work is
done when somebody looks, and runs of text are placed as wholes.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

BACKLOG = 1 << 20
"""Bytes that wait to be looked at; of more only the newest are, and what they switch on and off."""
TAB = 8

_MODES = re.compile(rb"\x1b\[\?[0-9;]*[hl]")
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)"
    r"|\x1b\[(?P<mark>[<-?]?)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b(?P<escape>[ -/]*[0-Z\\^-~])"
    r"|(?P<control>[\x00-\x1f\x7f])"
)
_ALTERNATE = frozenset({47, 1047, 1049})


class Terminal:
    """``feed`` takes output that ``Passage`` let through, whole sequences; ``text`` is what they show."""

    def __init__(self, columns: int, lines: int) -> None:
        self._columns, self._lines = columns, lines
        self._waiting = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rows: list[list[str]] = []
        self._x = self._y = 0
        self._reset()

    def feed(self, data: bytes) -> None:
        """Take output."""
        self._waiting += data
        if len(self._waiting) > 2 * BACKLOG:
            dropped = bytes(self._waiting[:-BACKLOG])
            del self._waiting[:-BACKLOG]
            # A sequence cut in half would be drawn as text: begin at the next one.
            del self._waiting[: max(self._waiting.find(b"\x1b"), 0)]
            self._waiting[:0] = b"".join(_MODES.findall(dropped))

    def resize(self, columns: int, lines: int) -> None:
        """The terminal has a new size: lines leave at the top, and only when the cursor would be outside."""
        self._work()
        gone = max(0, self._y - lines + 1)
        self._rows = [[*row[:columns], *" " * (columns - len(row))] for row in self._rows[gone:]][:lines]
        self._rows += [[" "] * columns for _ in range(lines - len(self._rows))]
        self._columns, self._lines = columns, lines
        self._x, self._y = min(self._x, columns - 1), self._y - gone
        self._top, self._bottom = 0, lines - 1

    def text(self) -> str:
        """The screen now, its lines without the blanks at their ends."""
        self._work()
        return "\n".join("".join(row).rstrip() for row in self._rows)

    @property
    def row(self) -> int:
        """The cursor's line, counted from 0."""
        self._work()
        return self._y

    def _reset(self) -> None:
        self._rows = self._blank()
        self._main: list[list[str]] | None = None
        self._left: tuple[int, int] | None = None
        self._saved = (0, 0)
        self._x = self._y = 0
        self._top, self._bottom = 0, self._lines - 1
        self._wraps, self._last = True, " "

    def _blank(self, count: int | None = None) -> list[list[str]]:
        return [[" "] * self._columns for _ in range(self._lines if count is None else count)]

    def _work(self) -> None:
        text = self._decoder.decode(bytes(self._waiting))
        self._waiting.clear()
        for token in _TOKEN.finditer(text):
            if token["text"] is not None:
                self._draw(token["text"])
            elif token["final"] is not None:
                if token["mark"] == "?" and token["final"] in "hl":
                    self._mode(token["numbers"], token["final"] == "h")
                elif not token["mark"] and not token["between"]:
                    self._sequence(token["final"], token["numbers"])
            elif token["control"] is not None:
                self._control(token["control"])
            elif token["escape"] is not None:
                self._escape(token["escape"])

    def _draw(self, text: str) -> None:
        """Text at the cursor. ``_x`` may be one past the end: the line is full, and the next letter wraps."""
        if not text.isascii():
            for letter in text:
                self._letter(letter)
        else:
            while text:
                if self._x >= self._columns:
                    self._wrap()
                part = text[: self._columns - self._x]
                self._put(part)
                text = text[len(part) :]
                if not self._wraps:
                    text = text[-1:]
        self._last = self._rows[self._y][min(self._x, self._columns) - 1] or " "

    def _put(self, cells: Sequence[str]) -> None:
        """Write cells at the cursor; of a wide letter that this halves, the other half is a blank."""
        row, first, past = self._rows[self._y], self._x, self._x + len(cells)
        if first and not row[first]:
            row[first - 1] = " "
        if past < self._columns and not row[past]:
            row[past] = " "
        row[first:past] = cells
        self._x = past

    def _letter(self, letter: str) -> None:
        width = _width(letter)
        if not width:
            if self._x and (before := min(self._x, self._columns) - 1) >= 0:
                self._rows[self._y][before] += letter
            return
        if self._x + width > self._columns:
            self._wrap()
        self._put([letter, ""][: min(width, self._columns - self._x)])

    def _wrap(self) -> None:
        if self._wraps:
            self._x = 0
            self._down()
        else:
            self._x = self._columns - 1

    def _down(self) -> None:
        if self._y == self._bottom:
            self._scroll(self._top, self._bottom, 1)
        elif self._y < self._lines - 1:
            self._y += 1

    def _up(self) -> None:
        if self._y == self._top:
            self._scroll(self._top, self._bottom, -1)
        elif self._y:
            self._y -= 1

    def _scroll(self, top: int, bottom: int, count: int) -> None:
        """Move the lines of a region up, or down when ``count`` is negative."""
        height = bottom - top + 1
        size = min(abs(count), height)
        region = self._rows[top : bottom + 1]
        if count > 0:
            self._rows[top : bottom + 1] = [*region[size:], *self._blank(size)]
        else:
            self._rows[top : bottom + 1] = [*self._blank(size), *region[: height - size]]

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control in "\n\v\f":
            self._down()
        elif control == "\b":
            self._x = max(0, min(self._x, self._columns - 1) - 1)
        elif control == "\t":
            self._x = min(self._columns - 1, (self._x // TAB + 1) * TAB)

    def _escape(self, escape: str) -> None:
        if escape == "7":
            self._saved = (self._x, self._y)
        elif escape == "8":
            self._x, self._y = min(self._saved[0], self._columns), min(self._saved[1], self._lines - 1)
        elif escape == "D":
            self._down()
        elif escape == "E":
            self._x = 0
            self._down()
        elif escape == "M":
            self._up()
        elif escape == "c":
            self._reset()

    def _insert_outside(self, count: int) -> None:
        """Insert lines outside the region as tmux does: lines that nothing is moved onto stay."""
        first, moved = self._y, self._lines - self._y - count
        lines = self._rows[first : first + moved]
        self._rows[first : min(first + moved, first + count)] = self._blank(min(moved, count))
        self._rows[first + count :] = lines

    def _mode(self, numbers: str, on: bool) -> None:
        modes = {int(number) for number in numbers.split(";") if number.isdigit()}
        if 7 in modes:
            self._wraps = on
        if not modes & _ALTERNATE:
            return
        if on and self._main is None:
            self._main, self._left = self._rows, (self._x, self._y)
            self._rows = self._blank()
        elif not on:
            if self._main is not None:
                rows, self._main = self._main, None
                self._rows = [[*row[: self._columns], *" " * (self._columns - len(row))] for row in rows]
                self._rows = [*self._rows, *self._blank()][: self._lines]
            if self._left is not None:  # tmux puts the cursor there again also on the main screen
                x, y = self._left
                self._x, self._y = min(x, self._columns - 1), min(y, self._lines - 1)

    def _sequence(self, final: str, numbers: str) -> None:
        given = [int(n) if n.isdigit() else 0 for n in numbers.split(";")]
        count = min(max(given[0], 1), 10_000)
        x, y = min(self._x, self._columns - 1), self._y
        if final in _MOVES:
            across, down = _MOVES[final]
            floor = self._top if y >= self._top else 0
            ceiling = self._bottom if y <= self._bottom else self._lines - 1
            self._y = min(max(y + down * count, floor), ceiling) if down else y
            self._x = 0 if final in "EF" else min(max(x + across * count, 0), self._columns - 1)
        elif final in "G`":
            self._x = min(count, self._columns) - 1
        elif final == "d":
            self._y = min(count, self._lines) - 1
        elif final in "Hf":
            column = max(given[1], 1) if len(given) > 1 else 1
            self._x, self._y = min(column, self._columns) - 1, min(count, self._lines) - 1
        elif final == "r":
            bottom = given[1] if len(given) > 1 and given[1] else self._lines
            if count < min(bottom, self._lines):
                self._top, self._bottom = count - 1, min(bottom, self._lines) - 1
                self._x = self._y = 0
        elif final == "s":
            self._escape("7")
        elif final == "u":
            self._escape("8")
        elif final == "b":
            self._draw(self._last * min(count, self._columns))
        elif final == "Z":
            self._x = max(0, (x - 1) // TAB * TAB)
        elif final == "I":
            self._x = min(self._columns - 1, (x // TAB + count) * TAB)
        else:
            self._erase(final, given[0], count, x)

    def _erase(self, final: str, how: int, count: int, x: int) -> None:
        row, width = self._rows[self._y], self._columns
        if final == "J":
            if how == 0:
                row[x:] = " " * (width - x)
                self._rows[self._y + 1 :] = self._blank(self._lines - self._y - 1)
            elif how == 1:
                row[: x + 1] = " " * (x + 1)
                self._rows[: self._y] = self._blank(self._y)
            elif how == 2:
                self._rows = self._blank()
        elif final == "K":
            first, last = {0: (x, width), 1: (0, x + 1), 2: (0, width)}.get(how, (0, 0))
            row[first:last] = " " * (last - first)
        elif final == "X":
            end = min(x + count, width)
            row[x:end] = " " * (end - x)
        elif final == "P":
            del row[x : x + count]
            row += " " * (width - len(row))
        elif final == "@":
            row[x:x] = " " * min(count, width)
            del row[width:]
        elif final in ("L", "M") and self._top <= self._y <= self._bottom:
            self._scroll(self._y, self._bottom, -count if final == "L" else count)
        elif final == "M":  # outside the region tmux moves all lines below the cursor; others do nothing
            self._scroll(self._y, self._lines - 1, count)
        elif final == "L":
            self._insert_outside(min(count, self._lines - self._y))
        elif final == "S":
            self._scroll(self._top, self._bottom, count)
        elif final == "T":
            self._scroll(self._top, self._bottom, -count)


_MOVES = {
    "A": (0, -1),
    "B": (0, 1),
    "C": (1, 0),
    "D": (-1, 0),
    "E": (0, 1),
    "F": (0, -1),
    "a": (1, 0),
    "e": (0, 1),
}


@lru_cache(maxsize=4096)
def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf") or letter == "\u200b":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
