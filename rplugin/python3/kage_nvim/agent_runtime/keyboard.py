"""What is typed in the pane: lines become messages, a pasted text becomes one, however long it is.

The terminal's own line editing would cut a line at 4095 bytes and send each line of a paste by itself. So the
terminal only passes keys on (Ctrl-C still interrupts), brackets pastes, and this edits: Backspace, Ctrl-W and
Ctrl-U take back, Enter sends.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any

from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import plain

BRACKETED, UNBRACKETED = "\x1b[?2004h", "\x1b[?2004l"
BEGIN, END = "\x1b[200~", "\x1b[201~"
_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\[O])", re.DOTALL)
"""A key that is a sequence: an arrow, Alt with a letter, the marks around a paste."""
_OPEN = re.compile(r"\x1b(?:O|\[[0-?]*[ -/]*)?$")
"""The beginning of one, whose end has not been read."""
_WORDS = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]+")
_LAST_WORD = re.compile(r"\S*\s*$")


class Keyboard:
    """Standard input as messages; nothing is read when it is no terminal."""

    def __init__(self, screen: Screen, said: Callable[[str], None], gone: Callable[[], None]) -> None:
        self._screen = screen
        self._said = said
        self._gone = gone
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._line = ""
        self._pasting = False
        self._file = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Hear it for as long as this lasts; the terminal has its modes again after."""
        if self._file is None:
            yield
            return
        before: list[Any] | None = None
        with contextlib.suppress(termios.error):
            before = termios.tcgetattr(self._file)
            modes = termios.tcgetattr(self._file)
            modes[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
            modes[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._file, termios.TCSANOW, modes)
        self.listen()
        try:
            yield
        finally:
            asyncio.get_running_loop().remove_reader(self._file)
            self._screen.echo(UNBRACKETED)
            if before is not None:
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(self._file, termios.TCSANOW, before)

    def listen(self) -> None:
        """Hear it (again): a CLI with its own screen takes it for as long as a turn lasts."""
        if self._file is not None:
            self._screen.echo(BRACKETED)
            asyncio.get_running_loop().add_reader(self._file, self._read, self._file)

    def _read(self, file: int) -> None:
        try:
            data = os.read(file, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(file)
            self._gone()
            return
        self.typed(self._decoder.decode(data))

    def typed(self, text: str) -> None:
        """Take keys; what is sent goes to ``said``."""
        if self._rest == "\x1b" and text[:1] not in ("[", "O"):
            self._rest = ""  # it was the Escape key itself
        text, self._rest = self._rest + text, ""
        if opened := _OPEN.search(text):
            text, self._rest = text[: opened.start()], opened[0]
        at = 0
        while at < len(text):
            if self._pasting:
                end = text.find(END, at)
                self._add(text[at:] if end < 0 else text[at:end])
                self._pasting = end < 0
                at = len(text) if end < 0 else end + len(END)
            elif key := _KEY.match(text, at):
                self._pasting = key[0] == BEGIN
                at = key.end()
            else:
                found = _WORDS.match(text, at)
                if found:
                    self._add(found[0])
                else:
                    self._control(text[at])
                at = found.end() if found else at + 1

    def interrupted(self) -> None:
        """Ctrl-C was pressed: what was typed until then is void."""
        if self._file is not None:
            self._line = ""
            self._screen.echo("^C")

    def _add(self, text: str) -> None:
        self._line += text
        self._screen.echo(plain(_lines(text)))

    def _control(self, key: str) -> None:
        if key in "\r\n":
            line, self._line = self._line, ""
            self._screen.echo("\n")
            self._screen.typed()
            self._said(plain(_lines(line)).strip())
        elif key in "\x7f\b":
            self._cut(len(self._line) - 1)
        elif key == "\x15":
            self._cut(0)
        elif key == "\x17":
            self._cut(_LAST_WORD.search(self._line).start())  # type: ignore[union-attr]

    def _cut(self, at: int) -> None:
        """Take back what stands from there on; where that is more than one line, begin a new one."""
        if not self._line:
            return
        kept, gone = self._line[:at], plain(_lines(self._line[at:]))
        self._line = kept
        if "\n" in gone or "\t" in gone:
            self._screen.echo("\n" + plain(_lines(kept)).rpartition("\n")[2])
        else:
            self._screen.echo("\b \b" * _columns(gone))


def _lines(text: str) -> str:
    """Pasted lines end as the terminal that pasted them likes it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _columns(text: str) -> int:
    """The width of a text on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
