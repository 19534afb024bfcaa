"""One call's life: whose it is, key, money, the player that answers, bill."""

from __future__ import annotations

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
from kage_nvim.gateway.entry import Entry
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import Bill, Delta, End, at_most, size
from kage_nvim.gateway.prefix import Prefixes
from kage_nvim.gateway.prices import Price, longest, price_of, window, window_of
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Ask, Provider
from kage_nvim.gateway.standing import Standing
from kage_nvim.gateway.tries import Tries


class Calls:
    """Makes calls for agents, through one door per provider and one budget for all."""

    def __init__(self, ledger: Ledger, keys: Keys, provider: Provider) -> None:
        self._ledger = ledger
        self._keys = keys
        self._tries = Tries(provider, keys)
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
        call = Entry(self._ledger, hold.row, price, asked, window(model))
        call.out = agent.player.recorded is not None
        try:
            fail_point("gateway.call.held")
            ask = msgspec.structs.replace(ask, max_tokens=hold.max_tokens, player=agreed)
            passed = self._doors.of(agent.player, agent.concurrency)
            standing = self._standings[agent.run, agent.number]
            way = partial(self._tries.answer, call=call, passed=passed, standing=standing, standby=not last)
            async with self._prefixes.turn(agent, body) as turn:
                ask = msgspec.structs.replace(ask, watch=turn.leaving)
                async with aclosing(self._border.crossing(agent, ask, way, last=last)) as pieces:
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
