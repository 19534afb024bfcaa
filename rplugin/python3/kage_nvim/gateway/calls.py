"""One call's life: whose it is, key, money, turn at the provider, tries, bill."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import discover
from kage_nvim.failpoints import fail_point
from kage_nvim.gateway import cassette, policy
from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import (
    Bill,
    Delta,
    End,
    Usage,
    at_most,
    estimate,
    size,
)
from kage_nvim.gateway.prices import Price, price_of, window
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Ask, Provider


class Calls:
    """Makes calls for agents, through one limiter per provider and one budget for all."""

    def __init__(self, ledger: Ledger, keys: Keys, provider: Provider) -> None:
        self._ledger = ledger
        self._keys = keys
        self._provider = provider
        self._budget = policy.Budget(ledger)
        self._limiters: defaultdict[str, policy.Limiter] = defaultdict(policy.Limiter)

    async def answer(self, agent: Registration, body: dict[str, Any]) -> AsyncGenerator[Delta | Bill, None]:
        """The deltas of an answer as they come, then its bill.

        Close the iterator when the agent hangs up: what was used until then is still settled.

        Raises:
            Problem: the call was refused or failed; no key is in its text.
        """
        asked = size([body["messages"], body.get("tools")])
        ask = await self._ask(agent, body)
        price = price_of(agent.player)
        hold = await self._budget.hold(agent.caller, agent.limits, price, at_most(asked), ask.max_tokens)
        fail_point("gateway.call.held")
        call = _Call(self._ledger, hold.row, price, asked, window(agent.player.model or ""))
        ask = msgspec.structs.replace(ask, max_tokens=hold.max_tokens)
        try:
            async with aclosing(self._pieces(agent, ask)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, End):
                        bill = call.finish(piece)
                        fail_point("gateway.call.settled")
                        yield bill
                    else:
                        call.answered += size(piece)
                        yield piece
        except Problem as problem:
            raise self._scrubbed(problem, call.fail()) from None
        finally:
            call.hang_up()
            await self._budget.freed()

    async def _ask(self, agent: Registration, body: dict[str, Any]) -> Ask:
        player = agent.player
        recorded = player.recorded is not None
        given = [n for n in (player.max_tokens, body.get("max_tokens")) if n]
        return Ask(
            name=agent.player_name,
            player=player,
            body=body,
            key=None if recorded else await self._keys.key_for(agent.player_name, player),
            key_from=self._keys.source(agent.player_name, player),
            stream=bool(body.get("stream")) and player.stream,
            max_tokens=min(given, default=None),
        )

    def _pieces(self, agent: Registration, ask: Ask) -> AsyncGenerator[Delta | End, None]:
        if agent.player.recorded is not None:
            return cassette.play(Path(agent.player.recorded).expanduser(), ask.body["messages"])
        return self._tries(ask)

    async def _tries(self, ask: Ask) -> AsyncGenerator[Delta | End, None]:
        """The provider's answer, asked for again when it failed before anything was passed on."""
        limiter = self._limiters[ask.player.api_base or discover.provider(ask.player.model or "")]
        for attempt in range(1, policy.TRIES + 1):
            passed_on = False
            try:
                async with limiter.slot(), aclosing(self._provider.answer(ask)) as pieces:
                    async for piece in pieces:
                        passed_on = True
                        yield piece
                await limiter.fine()
                return
            except Problem as problem:
                wait = policy.backoff(attempt, problem.after)
                if problem.type == "rate_limit":
                    limiter.too_many(wait)
                if problem.type == "unauthorized":
                    self._keys.forget_command(ask.player)
                too_long = (problem.after or 0.0) > policy.LONGEST_WAIT
                if passed_on or too_long or not problem.retry or attempt == policy.TRIES:
                    raise
            await asyncio.sleep(wait)

    def _scrubbed(self, problem: Problem, bill: Bill | None) -> Problem:
        sums = bill.sums() if bill else None
        return Problem(problem.type, self._keys.scrub(problem.message), names=problem.names, sums=sums)


class _Call:
    """The ledger row of a call under way: settled exactly once, whatever happens."""

    def __init__(self, ledger: Ledger, row: int, price: Price | None, asked: int, window: int) -> None:
        self._ledger = ledger
        self._row = row
        self._price = price
        self._asked = asked
        self._window = window
        self._began = time.monotonic()
        self._settled = False
        self.answered = 0

    def finish(self, end: End) -> Bill:
        """The answer is whole."""
        usage = end.usage
        if usage is None or not usage.credible(self._window):
            usage = estimate(self._asked, self.answered)
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
        """The agent went away; the provider counts what it had said."""
        self._cut("interrupted")

    def _cut(self, status: str) -> Bill:
        """No count will ever come; what was asked and said is known, so that its price is, nearly."""
        usage = estimate(self._asked, self.answered)
        cost = self._price.cost(usage) if self._price else None
        self._settle(status, usage, cost)
        return Bill("", usage, cost)

    def _settle(self, status: str, usage: Usage, cost: float | None) -> None:
        """Close the row. Where the cost is not known exactly, budgets go on with the estimate."""
        if self._settled:
            return
        self._settled = True
        held = cost if cost is not None else self._price.cost(usage) if self._price else 0.0
        self._ledger.settle(self._row, status, usage, cost, held, time.monotonic() - self._began)
