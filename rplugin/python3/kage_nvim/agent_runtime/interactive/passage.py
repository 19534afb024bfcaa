"""What a program's screen may say to the terminal around it: all that draws, nothing that reaches further.

Dropped are the clipboard (OSC 52), titles (they are told instead), notifications, working folders, palettes,
device control with tmux's passthrough in it, application commands, printing, window operations, and the
controls of C1. Questions that tmux answers by itself (colours, sizes, device attributes) pass. The bytes
may be cut anywhere: what is not yet whole waits, and a dropped sequence never joins its neighbours into one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 65536
"""Bytes of one sequence that are waited for."""

_PLAIN = rb"\[[0-?]*[ -/]*[@-gj-su-z\x7b-~`]|[ -/]*[0-OQ-WYZ`-jl-~=>]"
"""What may follow an escape that is none of Kage's business."""
_TOKEN = re.compile(
    rb"\x1b\](?P<osc>[^\x07\x1b\x18\x1a]*)(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b)|\Z)"
    rb"|\x1bP(?:[^\x1b]|\x1b[^\\])*\x1b\\"
    rb"|\x1b(?P<string>[X^_k])(?P<body>[^\x1b\x18\x1a]*)(?:\x1b\\|[\x18\x1a]|(?=\x1b)|\Z)"
    rb"|\x1b\[(?P<csi>[0-?]*[ -/]*)(?P<final>[hilt])"
    rb"|\x1b(?!" + _PLAIN + rb")|\xc2[\x80-\x9f]"
)
_CUT = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|[ -/]*|\][^\x07\x1b\x18\x1a]*\x1b?|P(?:[^\x1b]|\x1b[^\\])*\x1b?"
    rb"|[X^_k][^\x1b\x18\x1a]*\x1b?)|\xc2)\Z"
)
_OSC = re.compile(rb"8;|(?:4;\d+|1[0-9]);\?\Z|13[13];|[34]?104?\Z")
"""Links, questions for colours, marks of prompts."""
_TITLE = re.compile(rb"[02];(.*)", re.DOTALL)
_SIZES = re.compile(rb"1[468]\Z")
_MODE = re.compile(rb"\?([0-9;]+)\Z")
_ALTERNATE = frozenset({47, 1047, 1049})
_PASTE = 2004
RESET = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?2026l"
    b"\x1b[<u\x1b[>4;0m\x1b[?1l\x1b>\x1b[4l\x1b[?6l\x1b[?7h\x1b7\x1b[r\x1b8\x1b(B\x0f\x1b[0m\x1b[?25h"
)
"""Mouse, focus, paste and keyboard modes, scroll region, character set, colours and cursor as they were."""


class Passage:
    """Lets a program's output through. ``pastes`` is whether it takes bracketed pastes now."""

    def __init__(self, on_title: Callable[[str], None]) -> None:
        self._on_title = on_title
        self._held = b""
        self._alternate = False
        self.pastes = False

    def feed(self, data: bytes) -> bytes:
        """What may be written to the terminal of these bytes and of those that waited."""
        data = self._held + data
        cut = _CUT.search(data)
        self._held = data[cut.start() :] if cut else b""
        if len(self._held) > LONGEST:
            # Nobody writes so much to be drawn: the rest of it is passed over, up to its end.
            self._held = self._held[:2] + b"!" if self._held[1:2] in b"]PX^_k" else b""
        return _TOKEN.sub(self._judge, data[: cut.start()] if cut else data)

    def end(self) -> bytes:
        """What brings the terminal back to how it was before the program."""
        self._held = b""
        leave, self._alternate = (b"\x1b[?1049l" if self._alternate else b""), False
        self.pastes = False
        return leave + RESET

    def _judge(self, token: re.Match[bytes]) -> bytes:
        if token["final"] is not None:
            return self._control(token)
        if token["osc"] is not None:
            body = token["osc"]
            if title := _TITLE.match(body):
                self._on_title(title[1].decode("utf-8", "replace"))
            return b"\x1b]" + body + b"\x1b\\" if _OSC.match(body) else b""
        if token["string"] == b"k":
            self._on_title(token["body"].decode("utf-8", "replace"))
        return b""

    def _control(self, token: re.Match[bytes]) -> bytes:
        parameters, final = token["csi"], token["final"]
        if final == b"i" or (final == b"t" and not _SIZES.match(parameters)):
            return b""
        if final in b"hl" and (mode := _MODE.match(parameters)):
            modes = {int(number) for number in mode[1].split(b";") if number.isdigit()}
            if _PASTE in modes:
                self.pastes = final == b"h"
            if modes & _ALTERNATE:
                self._alternate = final == b"h"
        return token[0]
