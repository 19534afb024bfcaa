"""Kage's hands on a CLI's own screen: what the user says elsewhere is typed there, and seen to arrive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

from kage_nvim.agent_runtime.clis.status import Finding
from kage_nvim.agent_runtime.text import joined, plain
from kage_nvim.description import Description
from kage_nvim.model import State

SEEN = 2.0
"""Seconds in which typed text has to show."""
TAKEN = 3.0
"""Seconds in which Enter has to do something."""
LATE = 1.0
"""Seconds after which Enter is pressed again: some take the first one for a part of what was pasted."""
PAUSE = 0.6
"""Seconds that a key of an answer has before the next one."""
GAP = 0.12
"""Seconds between keys that would be another key together, as two Escapes would."""

_PASTED = re.compile(r"\[Pasted |\[Paste[d ]|\d+ lines\]")
_FRAME = r"[\s│┃|▌▎>\u276f\u203a]+"
_YES = re.compile(r"^(y|yes|ok|allow|approve|proceed|trust)\b", re.IGNORECASE)
_NO = re.compile(r"^(n|no|deny|reject|cancel)\b", re.IGNORECASE)
_OWN = re.compile(r"^(type something|other\b|custom|none of the above)", re.IGNORECASE)
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

    def row(self) -> int:
        """The line that the cursor is in."""

    async def look(self, seconds: float) -> None:
        """Wait until there was something new to see, at most so long."""


async def say(desk: Desk, message: str) -> bool:
    """Type a message and Enter; whether it was seen to arrive.

    Enter is pressed once more only where the text is seen to be still in the input box with the cursor beside
    it, and nothing is asked: an Enter too many would confirm whatever comes up next.
    """
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
    if shown and desk.state() is not State.WAITING:
        desk.type(b"\r")
    return await _until(desk, TAKEN - LATE, taken) and shown


def answer_to(screen: str, message: str, asked: Finding, cli: Description) -> list[str] | None:
    """The keys that answer what the screen asks, in steps; ``None`` when the message is no answer to it.

    An option is meant by its number, by its words, or by yes and no. A question takes other words, too, but
    a permission does not: what is typed beside its options would only confirm the one that is marked.
    """
    text = plain(joined(message)).strip()
    options = [m for line in screen.splitlines() if (m := _OPTION.match(line.strip(" │┃|")))]
    options = options[max((n for n, option in enumerate(options) if option[1] == "1"), default=0) :]
    for option in options:
        if text == option[1] or text.lower() == option[2].strip(" │┃|").lower():
            return [option[1], "\r"]
    for wanted, keys in ((_YES, cli.yes_keys), (_NO, cli.no_keys)):
        if wanted.match(text):
            for option in options:
                if wanted.match(option[2]):
                    return [option[1], "\r"]
            if keys and asked.waiting != "question":
                return [keys]
    words = " ".join(text.split())
    if not options:
        return [words, "\r"] if asked.waiting == "question" or not (cli.yes_keys and cli.no_keys) else None
    own = next((option[1] for option in options if _OWN.search(option[2])), None)
    return [own, words, "\r"] if own and asked.waiting == "question" else None


async def answer(desk: Desk, keys: list[str]) -> bool:
    """Type the keys of an answer, step by step, for as long as the same thing is asked."""
    before, told = desk.text(), desk.told()
    asked = _unmarked(before)

    def answered() -> bool:
        return desk.told() > told or desk.state() is not State.WAITING

    for number, key in enumerate(keys):
        if key == "\r" and number and (answered() or (len(keys) == 2 and _unmarked(desk.text()) != asked)):
            break
        desk.type(key.encode())
        await _until(desk, PAUSE, answered)
    return await _until(desk, TAKEN, lambda: answered() or desk.text() != before)


async def press(keys: str, type_: Callable[[bytes], None]) -> None:
    """Type keys one by one."""
    for number, key in enumerate(keys):
        if number:
            await asyncio.sleep(GAP)
        type_(key.encode())


def _unmarked(screen: str) -> str:
    """The options of a screen without the sign at the chosen one."""
    return "\n".join(m[1] + m[2] for line in screen.splitlines() if (m := _OPTION.match(line.strip(" │┃|"))))


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
    """Where the text, or what stands for it, is seen, counted from the cursor's line: what is in the input
    box stays beside the cursor, however the lines above it grow."""
    tail = end[-8:]
    return tuple(
        desk.row() - number
        for number, line in enumerate(desk.text().splitlines())
        if (tail and tail in _squeezed(line)) or _PASTED.search(line)
    )
