"""What an ACP agent asks leave for: given by Kage, or by the user in the pane or with ``:Kage send``.

An answer is an option's number or name, or a word: ``yes`` for the first that allows (once, if there is such
an option), ``always`` for one that allows for good, ``no`` for the first that rejects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import one_line

ALLOW = ["allow_once", "allow_always"]
REJECT = ["reject_once", "reject_always"]
WORDS = {
    **dict.fromkeys(("y", "yes", "ok", "allow", "approve"), ALLOW),
    "always": ["allow_always"],
    **dict.fromkeys(("n", "no", "reject", "deny"), REJECT),
}


class Option(msgspec.Struct):
    """One answer: what the agent calls it, what the user reads, and which kind of answer it is."""

    id: str
    name: str
    kind: str


class Question(msgspec.Struct):
    """What is asked, and where the answer is awaited; ``None`` when there will be none."""

    title: str
    options: list[Option]
    answer: asyncio.Future[Option | None]

    @property
    def text(self) -> str:
        """The question in a line, with its answers."""
        answers = ", ".join(f"{n} {option.name}" for n, option in enumerate(self.options, 1))
        return f"{self.title} ({answers})"


class Permissions:
    """Questions, asked one after the other. ``on_change`` gets the one that now waits for the user, or
    ``None`` when none does."""

    def __init__(
        self, ask: bool, log: Log, screen: Screen, on_change: Callable[[Question | None], None]
    ) -> None:
        self._ask = ask
        self._log = log
        self._screen = screen
        self._on_change = on_change
        self._open: list[Question] = []
        self.active = False
        """A turn is under way; between turns nothing is allowed."""

    @property
    def waiting(self) -> bool:
        """Whether the user is asked something."""
        return bool(self._open)

    async def decide(self, title: str, options: list[Any]) -> str | None:
        """The id of the answer; ``None`` when the turn ends before there is one."""
        offered = [Option(o.option_id, one_line(o.name, 80), o.kind) for o in options]
        if not self.active:
            return None
        if not self._ask or not offered:
            given = picked(offered, ALLOW) or (offered[0] if offered else None)
            self._told(title, given, by="kage")
            return given.id if given else None
        question = Question(title, offered, asyncio.get_running_loop().create_future())
        self._open.append(question)
        if self._open[0] is question:
            self._show()
        try:
            given = await question.answer
        finally:
            self._open.remove(question)
        self._told(title, given, by="user")
        self._show()
        return given.id if given else None

    def answer(self, message: str) -> bool:
        """Take a message of the user's for the answer, when it is one."""
        if not self._open:
            return False
        question = self._open[0]
        given = chosen(question.options, message)
        if given is None or question.answer.done():
            return False
        question.answer.set_result(given)
        return True

    def cancel(self) -> None:
        """Nobody will answer: the turn is over."""
        for question in self._open:
            if not question.answer.done():
                question.answer.set_result(None)

    def _show(self) -> None:
        question = next((q for q in self._open if not q.answer.done()), None)
        if question is not None:
            self._screen.notice(f"permission: {question.title}")
            for number, option in enumerate(question.options, 1):
                self._screen.notice(f"  {number} · {option.name}")
        self._on_change(question)

    def _told(self, title: str, given: Option | None, *, by: str) -> None:
        answer = given.name if given else "no answer"
        self._log.write("permission", text=title, answer=answer, by=by)
        self._screen.notice(f"permission: {title} → {answer}{' (by itself)' if by == 'kage' else ''}")


def chosen(options: list[Option], message: str) -> Option | None:
    """The option that a message means: its number, its name, or a word for its kind."""
    said = message.strip().lower().rstrip(".!")
    if said.isascii() and said.isdigit():
        number = int(said)
        return options[number - 1] if 1 <= number <= len(options) else None
    named = next((option for option in options if option.name.lower() == said), None)
    return named or picked(options, WORDS.get(said, []))


def picked(options: list[Option], kinds: list[str]) -> Option | None:
    """The first option of the first kind that is offered."""
    return next((option for kind in kinds for option in options if option.kind == kind), None)
