"""One call's life: whose it is, key, money, turn at the provider, tries, bill."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Any

import msgspec

from kage_nvim import budgets
from kage_nvim.failpoints import fail_point
from kage_nvim.gateway import doors, policy
from kage_nvim.gateway.agents import Registration, upstream
from kage_nvim.gateway.border import Border
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import Bill, Delta, End, Usage, at_most, estimate, size
from kage_nvim.gateway.prefix import Prefixes
from kage_nvim.gateway.prices import Price, longest, price_of, window, window_of
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Ask, Provider
from kage_nvim.gateway.standing import Standing
from kage_nvim.model import Player


class Calls:
    """Makes calls for agents, through one door per provider and one budget for all."""

    def __init__(self, ledger: Ledger, keys: Keys, provider: Provider) -> None:
        self._ledger = ledger
        self._keys = keys
        self._provider = provider
        self._budget = policy.Budget(ledger)
        self._doors = doors.Doors()
        self._prefixes = Prefixes()
        self._border = Border(keys)
        self._standings: defaultdict[tuple[str, int], Standing] = defaultdict(Standing)

    async def answer(self, agent: Registration, body: dict[str, Any]) -> AsyncGenerator[Delta | Bill, None]:
        """The deltas of an answer as they come, then its bill; from the agent's player, or from the first of
        its fallbacks that answers.

        Close the iterator when the agent hangs up: what was used until then is still settled.

        Raises:
            Problem: the call was refused or failed; no key is in its text.
        """
        standing = self._standings[agent.run, agent.number]
        seats = [agent, *agent.substitutes()]
        notices: list[str] = []
        for at, seat in enumerate(seats, 1):
            begun = False
            try:
                async with aclosing(self._one(seat, body, last=at == len(seats))) as pieces:
                    async for piece in pieces:
                        begun = True
                        if isinstance(piece, Bill):
                            standing.good()
                            piece = self._noted(seat, piece, notices)
                        yield piece
                return
            except Problem as problem:
                standing.bad(problem, problem.message)
                if begun or not problem.elsewhere or at == len(seats):
                    raise
                why = problem.message.partition(". ")[0]
                notices.append(
                    f"player `{seats[at].player_name}` answers instead of `{seat.player_name}`: {why}"
                )

    def usage(self, agent: Registration) -> dict[str, Any]:
        """What an agent's calls used and how they fare; the answer of ``/v1/kage/usage``."""
        sums = self._ledger.sums("run = ? AND number = ?", agent.run, agent.number)
        sums.pop("unpriced_calls")
        return sums | {
            "open": self._ledger.under_way(agent.run, agent.number),
            "warning": self._budget.warning(agent.caller, agent.limits),
            **self._standings[agent.run, agent.number].told(),
        }

    def _noted(self, seat: Registration, bill: Bill, notices: list[str]) -> Bill:
        warning = self._budget.warning(seat.caller, seat.limits)
        window = window_of(seat.player)
        return msgspec.structs.replace(bill, notices=tuple(notices), warning=warning, window=window)

    async def _one(
        self, agent: Registration, body: dict[str, Any], *, last: bool
    ) -> AsyncGenerator[Delta | Bill, None]:
        """One player's answer, held against the budget before it is asked and settled after."""
        agent = msgspec.structs.replace(agent, player=upstream(agent, body))
        agreed = await self._border.allowed(agent)
        price = price_of(agent.player)
        _must_be_priced(agent, price)
        said = [body["messages"], body.get("tools")]
        asked = size(said)
        ask = await self._ask(agent, body)
        model = agent.player.model or ""
        hold = await self._budget.hold(
            agent.caller,
            agent.limits,
            price,
            at_most(said),
            ask.max_tokens,
            longest=longest(model),
            server=agent.player.api_base or "",
        )
        call = _Call(self._ledger, hold.row, price, asked, window(model))
        call.out = agent.player.recorded is not None
        try:
            fail_point("gateway.call.held")
            ask = msgspec.structs.replace(ask, max_tokens=hold.max_tokens, player=agreed)
            way = partial(self._tries, call=call, passed=self._doors.of(agent.player, agent.concurrency))
            asked_once = aclosing(self._border.crossing(agent, ask, way, last=last))
            async with self._prefixes.turn(agent, body) as read, asked_once as pieces:
                async for piece in pieces:
                    read()
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
            await self._budget.settled(hold, call.counted)

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

    async def _tries(
        self, ask: Ask, call: _Call, passed: list[doors.Door]
    ) -> AsyncGenerator[Delta | End, None]:
        """The provider's answer, asked for again when it failed before anything was passed on."""
        door, began, tries = passed[0], time.monotonic(), 0
        while True:
            if door.down is not None:
                raise _same(door.down, ask)
            passed_on, asked_at = False, began
            try:
                async with doors.passing(passed), aclosing(self._provider.answer(ask)) as pieces:
                    asked_at, call.out = time.monotonic(), True
                    async for piece in pieces:
                        passed_on = True
                        yield piece
                for each in passed:
                    await each.fine()
                return
            except Problem as problem:
                tries, call.out = tries + 1, passed_on
                self._learn(problem, ask.player, passed, asked_at)
                wait = policy.next_try(problem, tries, time.monotonic() - began)
                if passed_on or wait is None:
                    if problem.retry == "unreached":
                        door.unreached(problem)
                    raise
            await asyncio.sleep(wait)

    def _learn(self, problem: Problem, player: Player, passed: list[doors.Door], asked_at: float) -> None:
        if problem.retry == "crowded":
            for each in passed:
                each.too_many(asked_at, problem.after)
        if problem.type == "unauthorized":
            self._keys.forget_command(player)

    def _scrubbed(self, problem: Problem, bill: Bill | None) -> Problem:
        return Problem(
            problem.type,
            self._keys.scrub(problem.message),
            names=problem.names,
            elsewhere=problem.elsewhere,
            sums=bill.sums() if bill else None,
        )


def _must_be_priced(agent: Registration, price: Price | None) -> None:
    """Refuse what a limit in dollars could not hold: a model that a CLI named may be unpriced."""
    limits = agent.limits
    if price is None and not budgets.allowed(
        agent.player, default=agent.unmetered, usd=limits.usd, tokens=limits.tokens
    ):
        names = [name for name in ("agent_usd", "run_usd", "day_usd") if getattr(limits, name) is not None]
        what, fix = budgets.refusal(agent.player_name, agent.player, ", ".join(names))
        raise Problem("budget", f"{what}. {fix}")


def _same(problem: Problem, ask: Ask) -> Problem:
    """What another call has just found, said to this one."""
    return Problem(
        problem.type,
        f"{problem.message} (Found by another call within the last {doors.DOWN:g} s, so it was not tried.)",
        elsewhere=problem.elsewhere,
    )


class _Call:
    """The ledger row of a call under way: settled exactly once, whatever happens. ``out`` while a provider
    has the request, ``counted`` is its own count, when it gave one that can be true."""

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
        """The agent went away; a provider that has the request counts it, and what it had said."""
        if self.out:
            self._cut("interrupted")
        self._settle("failed", Usage(), None)

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
