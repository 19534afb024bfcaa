"""A call's identity: what ids and times in its answer are made from.

A recording keeps the stamp of each call, so that a replay gives the same bytes on every wire.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from contextvars import ContextVar


class Stamp:
    """``seed`` is what ids are derived from, in the order in which they are asked for; ``at`` the call's time
    in Unix seconds."""

    def __init__(self) -> None:
        self.become(uuid.uuid4().hex, time.time())

    def become(self, seed: str, at: float) -> None:
        """Be the stamp of that call; to be done before the first piece of its answer."""
        self.seed = seed
        self.at = at
        self._made = 0

    def hex(self, size: int = 24) -> str:
        """The next id's digits."""
        self._made += 1
        return hashlib.sha256(f"{self.seed}:{self._made}".encode()).hexdigest()[:size]


_current: ContextVar[Stamp] = ContextVar("stamp")


def begin() -> Stamp:
    """Give the request being answered a stamp of its own."""
    stamp = Stamp()
    _current.set(stamp)
    return stamp


def current() -> Stamp:
    """The stamp of the request being answered."""
    found = _current.get(None)
    return found if found is not None else begin()
