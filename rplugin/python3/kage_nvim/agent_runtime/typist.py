"""Kage's hands on a CLI's own screen: what the user says elsewhere is typed there, and seen to arrive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

from kage_nvim.agent_runtime.text import joined, plain
from kage_nvim.model import State

SEEN = 2.0
"""Seconds in which typed text has to show."""
TAKEN = 3.0
"""Seconds in which Enter has to do something."""
LATE = 1.0
"""Seconds after which Enter is pressed again: some take the first one for a part of what was pasted."""
GAP = 0.12
"""Seconds between keys that would be another key together, as two Escapes would."""

_PASTED = re.compile(r"\[Pasted |\[Paste[d ]|\d+ lines\]")
_FRAME = r"[\s│┃|▌▎>\u276f\u203a]+"
_YES = re.compile(r"^(y|yes|ok|allow|approve|proceed|trust)\b", re.IGNORECASE)
_NO = re.compile(r"^(n|no|deny|reject|cancel)\b", re.IGNORECASE)
_OPTION = re.compile(r"^[\W_]*(\d)[.)]\s+(.*)$")


class Desk(Protocol):
    """What a typist works at."""

    @property
    def pastes(self) -> bool:
        """It takes bracketed pastes."""

    def type(self, data: bytes) -> None:
        """Press keys."""

    def text(self) -> str:
        """The screen."""

    def state(self) -> State:
        """What the CLI does."""

    def told(self) -> int:
        """How many events it has told so far."""

    async def look(self, seconds: float) -> None:
        """Wait until there was something new to see, at most so long."""


async def say(desk: Desk, message: str) -> bool:
    """Type a message and Enter; whether it was seen to arrive."""
    text = plain(joined(message)).strip()
    if desk.pastes:
        desk.type(b"\x1b[200~" + text.replace("\n", "\r").encode() + b"\x1b[201~")
    else:
        text = " ".join(text.split())
        desk.type(text.encode())
    end = _squeezed(text)[-30:]
    shown = await _until(desk, SEEN, lambda: end in _squeezed(desk.text()) or _pasted(desk))
    before, told = _places(desk, end), desk.told()
    working = desk.state() is State.WORKING
    desk.type(b"\r")

    def taken() -> bool:
        began = not working and desk.state() is State.WORKING
        return desk.told() > told or began or (shown and _places(desk, end) != before)

    if await _until(desk, LATE, taken):
        return shown
    desk.type(b"\r")
    return await _until(desk, TAKEN - LATE, taken) and shown


async def answer(desk: Desk, message: str) -> bool:
    """Answer what the screen asks: an option by its number or by yes and no, else in words."""
    text = plain(joined(message)).strip()
    before, told = desk.text(), desk.told()
    key = _option(desk.text(), text)
    desk.type(key.encode())

    def answered() -> bool:
        return desk.told() > told or desk.state() is not State.WAITING

    if await _until(desk, 0.6, answered):
        return True
    desk.type(b"\r")
    return await _until(desk, TAKEN, lambda: answered() or desk.text() != before)


async def press(keys: str, type_: Callable[[bytes], None]) -> None:
    """Type keys one by one."""
    for number, key in enumerate(keys):
        if number:
            await asyncio.sleep(GAP)
        type_(key.encode())


def _option(screen: str, text: str) -> str:
    """The number of the option that is meant, when the screen lists some."""
    options = [m for line in screen.splitlines() if (m := _OPTION.match(line.strip(" │┃|")))]
    for wanted in (_YES, _NO):
        if wanted.match(text):
            for option in options:
                if wanted.match(option[2]):
                    return option[1]
    return text


async def _until(desk: Desk, seconds: float, true: Callable[[], bool]) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not true():
        if (left := deadline - loop.time()) <= 0:
            return False
        await desk.look(left)
    return True


def _pasted(desk: Desk) -> bool:
    return _PASTED.search(desk.text()) is not None


def _squeezed(text: str) -> str:
    """Without blanks and frames, for a long line is broken where the screen ends."""
    return re.sub(_FRAME, "", text)


def _places(desk: Desk, end: str) -> tuple[int, ...]:
    """Where from the bottom the text, or what stands for it, is seen."""
    lines = desk.text().rstrip().splitlines()[::-1]
    tail = end[-8:]
    return tuple(
        n for n, line in enumerate(lines) if (tail and tail in _squeezed(line)) or _PASTED.search(line)
    )
