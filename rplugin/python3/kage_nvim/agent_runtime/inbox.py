"""What reaches an agent from outside while it works: messages, an interrupt, a stop.

Messages wait until the loop takes them in; an interrupt or a stop cancels what is being awaited right now,
which kills a running command's whole group or drops a model call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kage_nvim.model import State

T = TypeVar("T")


class TurnEnd(Exception):
    """A turn is over: the state it ended in, the reason in one line, and how that is known."""

    def __init__(self, state: State, reason: str, rule: str = "agent", evidence: str = "") -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.rule = rule
        self.evidence = evidence


class Halt(TurnEnd):
    """The user ended the turn, by an interrupt or a stop."""


class Inbox:
    """Filled by kaged's pushes, the pane's keyboard and signals; emptied by the loop."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._halt: Halt | None = None
        self._running: asyncio.Future[Any] | None = None
        self._news = asyncio.Event()
        self._idle = False
        self._ahead = False
        self.stopping = ""

    def steer(self, text: str) -> None:
        """A message for the model: taken in before its next call, or as a new turn when it is idle."""
        if text.strip():
            self._messages.append(text)
            self._news.set()

    def interrupt(self, reason: str) -> None:
        """End the turn that is going on, or the one that a waiting message is about to begin; nothing happens
        when there is none."""
        self._ahead = self._idle and bool(self._messages)
        self._end(Halt(State.INTERRUPTED, reason))

    def stop(self, reason: str) -> None:
        """End the turn, then the process."""
        self.stopping = reason
        self._end(Halt(State.STOPPED, reason))
        self._news.set()

    def _end(self, halt: Halt) -> None:
        self._halt = halt
        self._news.set()
        if self._running is not None:
            self._running.cancel()

    @property
    def pending(self) -> bool:
        """Whether a message waits to be taken in."""
        return bool(self._messages)

    def take(self) -> list[str]:
        """All messages that wait, oldest first; they count as taken in."""
        messages, self._messages = self._messages, []
        return messages

    def begin(self) -> None:
        """A turn starts: an interrupt that was meant for the one before is void, a stop is not."""
        self._news.clear()
        if not (self.stopping or self._ahead):
            self._halt = None
        self._idle = self._ahead = False

    def check(self) -> None:
        """Raise ``Halt`` when an interrupt or a stop has come."""
        if self._halt is not None:
            raise self._halt

    def take_halt(self) -> Halt | None:
        """The interrupt or stop that has come, for a turn that an interrupt does not end."""
        halt, self._halt = self._halt, None
        return halt

    async def anything(self) -> None:
        """Wait for a message, an interrupt or a stop."""
        while not self._messages and self._halt is None:
            self._news.clear()
            await self._news.wait()

    async def news(self) -> None:
        """Wait, idle, for a message or a stop."""
        self._idle = True
        while not (self._messages or self.stopping):
            self._news.clear()
            await self._news.wait()

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` so that an interrupt or a stop cancels it.

        Raises:
            Halt: it was, or one had come before.
        """
        if self._halt is not None:
            work.close()
            raise self._halt
        task: asyncio.Future[T] = asyncio.ensure_future(work)
        self._running = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._halt is None:
                raise
            raise self._halt from None
        finally:
            self._running = None
