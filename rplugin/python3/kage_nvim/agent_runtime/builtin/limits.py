"""What a turn may use, counted and checked before each model call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kage_nvim.agent_runtime.inbox import TurnEnd
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.model import Limits, State


class Allowance:
    """The limits of one turn. Dollars and tokens are counted over all turns of the agent."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ends = time.monotonic() + limits.seconds
        self._format_errors = 0
        self.steps = 0

    def check(self, spent: Progress) -> None:
        """Take one step.

        Raises:
            TurnEnd: *stopped*, naming the limit that is reached.
        """
        limits = self._limits
        if self.steps >= limits.steps:
            raise TurnEnd(State.STOPPED, f"limit: {limits.steps} steps")
        if limits.usd is not None and spent.cost_usd >= limits.usd:
            raise TurnEnd(State.STOPPED, f"limit: ${limits.usd:g} (spent ${spent.cost_usd:.4f})")
        if limits.tokens is not None and spent.tokens >= limits.tokens:
            raise TurnEnd(State.STOPPED, f"limit: {limits.tokens:,} tokens (used {spent.tokens:,})")
        self.check_time()
        self.steps += 1

    def check_time(self) -> None:
        """Raise ``TurnEnd`` when the time is up."""
        if self.remaining() <= 0:
            raise TurnEnd(State.STOPPED, f"limit: {self._limits.seconds:g} seconds")

    def remaining(self) -> float:
        """Seconds left; not below zero."""
        return max(0.0, self._ends - time.monotonic())

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time spent waiting for somebody else does not count."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._ends += time.monotonic() - began

    def well_formed(self) -> None:
        """The model wrote a proper call."""
        self._format_errors = 0

    def malformed(self) -> None:
        """Count an answer in no known format.

        Raises:
            TurnEnd: *stopped*, too many in a row.
        """
        self._format_errors += 1
        if self._format_errors >= self._limits.format_errors:
            raise TurnEnd(State.STOPPED, f"limit: {self._format_errors} answers in no known format in a row")
