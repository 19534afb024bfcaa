"""How an agent stands with the gateway: what its calls used, and what is wrong with them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from kage_nvim.gateway.problems import Problem

REFUSALS = ("budget", "privacy")
"""Problems that are the gateway's own decision; all others are failures of a provider, a key or a setting."""


class Standing(msgspec.Struct):
    """``refused`` is why the last call was refused, ``failing`` why calls have failed since the last good
    one, ``since`` when that began (monotonic), ``waiting`` what a call waits for before it is tried again."""

    refused: str = ""
    failing: str = ""
    since: float = 0.0
    waiting: str = ""

    def good(self) -> None:
        """A call was answered."""
        self.refused = self.failing = ""

    def bad(self, problem: Problem, words: str) -> None:
        """A call ended without an answer."""
        if problem.type in REFUSALS:
            self.refused = words
            return
        if not self.failing:
            self.since = time.monotonic()
        self.failing = words

    @contextmanager
    def waits(self, words: str) -> Iterator[None]:
        """Say for so long what a call waits for."""
        self.waiting = words
        try:
            yield
        finally:
            self.waiting = ""

    def told(self) -> dict[str, Any]:
        """As ``/v1/kage/usage`` has it; ``failing_for`` in seconds."""
        since = time.monotonic() - self.since if self.failing else 0.0
        return {
            "refused": self.refused,
            "failing": self.failing,
            "failing_for": round(since, 3),
            "waiting": self.waiting,
        }
