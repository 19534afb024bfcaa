"""The agent's pane: a header, the model's words as they come, one line per tool call, one line when idle.

It only ever prints lines, so that tmux reflows them when the pane is resized, and every word that a model
or a command wrote passes ``plain`` first.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys

from kage_nvim.agent_runtime.text import first_line, one_line, plain, printed
from kage_nvim.model import AgentSpec, State

_DIM, _BOLD, _RED, _GREEN, _YELLOW, _CYAN = "2", "1", "31", "32", "33", "36"
_COLOURS = {
    State.DONE: _GREEN,
    State.FAILED: _RED,
    State.STOPPED: _YELLOW,
    State.INTERRUPTED: _YELLOW,
    State.WAITING: _YELLOW,
}


PROMPT = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


class Screen:
    """Prints to the terminal; a terminal that is gone is not an error."""

    def __init__(self, file: int = 1) -> None:
        self._file = file
        self._colours = os.isatty(file)
        self._at_start = True
        self._open_call = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def header(self, spec: AgentSpec, *, resumed: bool) -> None:
        """Who works here, and at what."""
        label = spec.player if spec.model in ("", spec.player) else f"{spec.player} · {spec.model}"
        role = f" · {spec.role}" if spec.role else ""
        self._line(self._paint(f"kage {spec.number} · {one_line(label + role)}", _BOLD))
        self._line(self._paint(first_line(spec.task.text, 300), _DIM))
        if variant := spec.task.variants.get(spec.number):
            self._line(self._paint(first_line(variant, 300), _DIM))
        if resumed:
            self._line(self._paint("resumed from its log", _DIM))
        self._line("")

    def words(self, text: str) -> None:
        """A piece of what the model says."""
        self._write(plain(text))

    def output(self, chunk: bytes) -> None:
        """A piece of what a command prints."""
        self._write(printed(self._decoder.decode(chunk)))

    def end_words(self) -> None:
        """The model's words, or a command's output, are over."""
        if not self._at_start:
            self._write("\n")

    def call(self, description: str) -> None:
        """A tool starts; its result follows on the same line."""
        self.end_words()
        room = max(20, self._width() - 24)
        self._open_call = one_line(description, room)
        self._write(f"{self._paint('●', _CYAN)} {self._open_call}")

    def result(self, ok: bool, note: str) -> None:
        """The tool's result, folded."""
        if self._at_start or not self._open_call:
            self._write(f"{self._paint('●', _CYAN)} {self._open_call}")
        self._open_call = ""
        self._write(f" → {self._paint(one_line(note, 80), _DIM if ok else _RED)}\n")

    def steer(self, text: str) -> None:
        """A message of the user's reaches the model."""
        self.end_words()
        self._line(f"{self._paint(PROMPT, _GREEN)} {self._paint(plain(text), _BOLD)}")

    def notice(self, text: str) -> None:
        """One line of Kage's own."""
        self.end_words()
        self._line(self._paint(one_line(text, 400), _YELLOW))

    def state(self, state: State, reason: str) -> None:
        """A state that lasts, with its reason."""
        self.end_words()
        colour = _COLOURS.get(state, _DIM)
        self._line(self._paint(one_line(f"{state.value}: {reason}" if reason else state.value, 400), colour))

    def prompt(self) -> None:
        """The line that says that the agent is idle and may be spoken to."""
        self.end_words()
        self._write(self._paint(f"idle; type to go on, Ctrl-C twice to end {PROMPT} ", _DIM))

    def echo(self, text: str) -> None:
        """What the user types, or how the terminal is to take it; what is printed goes on as if it were not
        there."""
        self._put(text)

    def typed(self) -> None:
        """The user pressed Enter, which was echoed."""
        self._at_start = True

    def _line(self, text: str) -> None:
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        if not text:
            return
        self._at_start = text.endswith("\n")
        self._put(text)

    def _put(self, text: str) -> None:
        rest = text.encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and text else text

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._file).columns
        except OSError:
            return 80


def complain(text: str) -> None:
    """Print to stderr what ended the process before it had a screen."""
    print(plain(text), file=sys.stderr)
