"""What a call may use, and how long it is tried: budgets held before the call, patience after a failure."""

from __future__ import annotations

import asyncio
import math
import random
from collections import defaultdict
from typing import Any

import msgspec

from kage_nvim.gateway.ledger import Caller, Ledger, Limits, Room
from kage_nvim.gateway.pieces import Usage
from kage_nvim.gateway.prices import Price
from kage_nvim.gateway.problems import Problem, Retry

FIRST_WAIT = 0.5
"""Seconds before the second try; doubled for each further one."""
LONGEST_WAIT = 8.0
"""Seconds between two tries, unless the provider asks for more."""
STANDBY_WAIT = 20.0
"""Seconds that a provider may ask to wait while another player could answer."""
USUAL_OUT = 16_384
"""Tokens of output that a call may have when it is limited and nobody said how many."""
LEAST_OUT = 1_024
"""With room for fewer tokens of output than this a call is not worth its input."""
WARN_AT = 0.8
"""The part of a limit that is used when its agents are warned."""
ROOMY = 20
"""With room for so many calls nobody waits to see how a new player's server counts."""


class Patience(msgspec.Struct, frozen=True):
    """How often a call is tried, and for how many seconds in all."""

    tries: float
    seconds: float


PATIENCE: dict[Retry, Patience] = {
    "": Patience(1, 0.0),
    "unreached": Patience(4, 8.0),
    "passing": Patience(3, 600.0),
    "crowded": Patience(math.inf, 600.0),
}
"""Whom nobody answers is told soon; who only has to wait its turn waits it; both within an agent's turn."""


def next_try(problem: Problem, tries: int, spent: float, *, standby: bool = False) -> float | None:
    """Seconds until a call that failed ``tries`` times in ``spent`` seconds is made again; ``None``: not.

    What the provider asked for, else twice as long each time; with jitter, so that agents that failed
    together do not come back together. ``standby`` when another player could answer instead.
    """
    patience = PATIENCE[problem.retry]
    usual: float = min(FIRST_WAIT * 2.0 ** min(tries - 1, 10), LONGEST_WAIT)
    if problem.after is not None:
        usual = max(problem.after, FIRST_WAIT / 10)
    if standby and usual > STANDBY_WAIT:
        return None
    wait = usual * random.uniform(1.0, 1.25)
    return None if tries >= patience.tries or spent + wait > patience.seconds else wait


def longest_wait(spent: float, *, standby: bool) -> float:
    """Seconds that a call which has spent so many would wait at once for a crowded provider."""
    left = PATIENCE["crowded"].seconds - spent
    return min(left, STANDBY_WAIT) if standby else left


class Habit(msgspec.Struct):
    """How one model's server counts, learnt from its answers: ``known`` after the first; ``more_in`` is by
    how much its count of a request exceeded our bound, ``more_out`` by how much that of an answer exceeded
    ``max_tokens``, both at least 1; ``most_out`` is the longest answer. ``probing`` counts calls under way
    before the first answer."""

    known: bool = False
    more_in: float = 1.0
    more_out: float = 1.0
    most_out: int = 0
    probing: int = 0

    def learn(self, hold: Hold, usage: Usage) -> None:
        """Take in what a server said of a call."""
        self.known = True
        self.more_in = max(self.more_in, usage.tokens_in / hold.tokens_in)
        self.most_out = max(self.most_out, usage.tokens_out)
        if hold.max_tokens:
            self.more_out = max(self.more_out, usage.tokens_out / hold.max_tokens)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may go out: its ledger row, the most that its request can be counted as, and the most
    tokens it may answer with (``None``: the provider's own limit)."""

    row: int
    tokens_in: int
    max_tokens: int | None
    habit: Habit
    probe: bool = False


class Budget:
    """Holds money and tokens for calls before they are made."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._freed = asyncio.Condition()
        self._warned: dict[tuple[Any, ...], str] = {}
        self._habits: defaultdict[str, Habit] = defaultdict(Habit)

    async def hold(
        self,
        caller: Caller,
        limits: Limits,
        price: Price | None,
        tokens_in: int,
        max_tokens: int | None,
        *,
        longest: int = USUAL_OUT,
        server: str = "",
    ) -> Hold:
        """Reserve what the call may use at most; waits while calls under way hold what may come back.

        With a limit the answer's length has to be bounded: to ``max_tokens``, to ``USUAL_OUT`` or the model's
        ``longest`` when that is not given, or to what is left. Dollars of a player without a price are not
        limited. ``server`` names whose way of counting is learnt.

        Raises:
            Problem: a limit has no room for this call, even when all others have ended.
        """
        habit = self._habits[f"{server} {caller.model}"]
        if price is None:
            limits = msgspec.structs.replace(limits, agent_usd=None, run_usd=None, day_usd=None)
        if not limits.usd and not limits.tokens:
            row = self._ledger.open(caller, limits, 0.0)
            return Hold(row=row or 0, tokens_in=tokens_in, max_tokens=max_tokens, habit=habit)
        wanted = max_tokens or min(USUAL_OUT, longest)
        while True:
            need = _Need(price, math.ceil(tokens_in * habit.more_in), habit.more_out)
            least = min(wanted, max(LEAST_OUT, habit.most_out))
            rooms = self._ledger.rooms(caller, limits)
            tightest = min(rooms, key=need.answer_in)
            bound = min(wanted, need.answer_in(tightest))
            if bound >= least:
                alone = not habit.known and any(need.of(room, bound) * ROOMY > room.left for room in rooms)
                if not (alone and habit.probing):
                    row = self._ledger.open(caller, limits, *need.held(rooms, bound))
                    if row is not None:
                        habit.probing += alone
                        return Hold(row=row, tokens_in=tokens_in, max_tokens=bound, habit=habit, probe=alone)
            elif tightest.open == 0:
                raise _no_room(caller, tightest, need.of(tightest, least))
            await self._wait()

    async def settled(self, hold: Hold, usage: Usage | None) -> None:
        """A call is over, with the server's own count when it gave one: learn from it, let others go on."""
        hold.habit.probing -= hold.probe
        if usage is not None:
            hold.habit.learn(hold, usage)
        async with self._freed:
            self._freed.notify_all()

    def warning(self, caller: Caller, limits: Limits) -> str:
        """Which limit is nearly reached, if any, in words that stay the same for as long as it is."""
        near = [r for r in self._ledger.rooms(caller, limits) if r.held - r.open >= WARN_AT * r.limit]
        if not near:
            return ""
        room = max(near, key=lambda room: (room.held - room.open) / room.limit if room.limit else math.inf)
        scope = {
            "agent": (caller.run, caller.number),
            "run": (caller.run,),
            "day": (caller.repository, room.limit),
        }[room.name.partition("_")[0]]
        used = (room.held - room.open) / room.limit if room.limit else 1.0
        words = f"{room.name}: {used:.0%} of {amount(room, room.limit)} spent".replace("%", " %")
        return self._warned.setdefault((room.name, room.limit, *scope), words)

    async def _wait(self) -> None:
        """Until a call is settled here, or for a second: a gateway being drained settles some too."""
        async with self._freed:
            try:
                await asyncio.wait_for(self._freed.wait(), 1.0)
            except asyncio.TimeoutError:
                self._ledger.give_up_lost()


class _Need(msgspec.Struct, frozen=True):
    """What a call may use: of each limit, in its unit."""

    price: Price | None
    tokens_in: int
    more_out: float

    def of(self, room: Room, out: int) -> float:
        """The most of this limit that a call with so many tokens of output takes."""
        if not room.usd or self.price is None:
            return self.tokens_in + out * self.more_out
        return self.tokens_in * self.price.dearest_in + out * self.more_out * self.price.dearest_out

    def answer_in(self, room: Room) -> int:
        """Tokens of output that this limit has room for, after the input."""
        left = room.left - self.of(room, 0)
        each = self.of(room, 1) - self.of(room, 0)
        return max(0, int(left / each)) if each else (1_000_000_000 if left >= 0 else 0)

    def held(self, rooms: list[Room], out: int) -> tuple[float, int]:
        """Dollars and tokens to hold; rounding must not make them more than there is."""
        dollars = [room for room in rooms if room.usd]
        tokens = [room for room in rooms if not room.usd]
        return self._clipped(dollars, out), math.floor(self._clipped(tokens, out))

    def _clipped(self, rooms: list[Room], out: int) -> float:
        return min(self.of(rooms[0], out), *(room.left for room in rooms)) if rooms else 0.0


def amount(room: Room, value: float) -> str:
    """A part of a limit in its unit; cents where cents are enough."""
    if not room.usd:
        return f"{value:,.0f} tokens"
    return (
        f"${value:.2f}" if abs(value * 100 - round(value * 100)) < 1e-6 and value >= 0.01 else f"${value:.4f}"
    )


def _no_room(caller: Caller, room: Room, needs: float) -> Problem:
    whose = {"agent": f"agent {caller.number}", "run": "this run", "day": "this repository today"}
    spent = "spent" if abs(room.held - room.known) < 1e-9 else "spent or reserved"
    held = f"${room.held:.4f}" if room.usd else amount(room, room.held)
    spawned = "--budget of the spawn or " if room.name == "run_usd" else ""
    return Problem(
        "budget",
        f"{whose[room.name.partition('_')[0]]} has {spent} {held} of {amount(room, room.limit)}"
        f" ({room.name}), and the next call may use {amount(room, needs)}. Raise {spawned}{room.name} under"
        " [budget] in .kage.toml or [defaults] in config.toml and start a new run, or accept what is there.",
        names=[room.name],
    )
