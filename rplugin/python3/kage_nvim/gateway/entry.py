"""A call under way in the ledger: settled exactly once, whatever happens."""

from __future__ import annotations

import time

from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import Bill, End, Usage, estimate
from kage_nvim.gateway.prices import Price


class Entry:
    """The row. ``out`` while a provider has the request, ``counted`` is its own count, when it gave one that
    can be true."""

    def __init__(self, ledger: Ledger, row: int, price: Price | None, asked: int, window: int) -> None:
        self._ledger = ledger
        self._row = row
        self._price = price
        self._asked = asked
        self._window = window
        self._began = time.monotonic()
        self._settled = False
        self.out = False
        self.answered = 0
        self.counted: Usage | None = None

    def finish(self, end: End) -> Bill:
        """The answer is whole."""
        usage = end.usage
        if usage is None or not usage.credible(self._window):
            usage = estimate(self._asked, self.answered)
        else:
            self.counted = usage
        cost = None if self._price is None or usage.estimated else self._price.cost(usage)
        self._settle("ok", usage, cost)
        return Bill(end.finish, usage, cost)

    def fail(self) -> Bill | None:
        """It failed: for nothing, or for what had come until then."""
        if self.answered:
            return self._cut("partial")
        self._settle("failed", Usage(), None)
        return None

    def hang_up(self) -> None:
        """The agent went away. A provider that has the request counts it, and may go on to the answer's
        longest: the sums say what was heard, the budgets keep all that was held."""
        if self.out:
            self._cut("interrupted", keep=True)
        self._settle("failed", Usage(), None)

    def _cut(self, status: str, *, keep: bool = False) -> Bill:
        """No count will ever come; what was asked and said is known, so that its price is, nearly."""
        usage = estimate(self._asked, self.answered)
        cost = self._price.cost(usage) if self._price else None
        self._settle(status, usage, cost, keep=keep)
        return Bill("", usage, cost)

    def _settle(self, status: str, usage: Usage, cost: float | None, *, keep: bool = False) -> None:
        """Close the row. Where the cost is not known exactly, budgets go on with the estimate."""
        if self._settled:
            return
        self._settled = True
        held = cost if cost is not None else self._price.cost(usage) if self._price else 0.0
        seconds = time.monotonic() - self._began
        self._ledger.settle(self._row, status, usage, cost, held, seconds, keep=keep)
