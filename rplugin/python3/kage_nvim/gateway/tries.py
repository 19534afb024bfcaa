"""One player's answer, asked for until it comes or waiting for it makes no sense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from kage_nvim import budgets
from kage_nvim.gateway import doors, policy
from kage_nvim.gateway.entry import Entry
from kage_nvim.gateway.failures import where
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.pieces import Delta, End
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Ask, Provider
from kage_nvim.gateway.standing import Standing

SAID = 2.0
"""A wait of so many seconds is told to whoever asks how the agent stands."""


class Tries:
    """The provider behind its doors."""

    def __init__(self, provider: Provider, keys: Keys) -> None:
        self._provider = provider
        self._keys = keys

    async def answer(
        self, ask: Ask, *, call: Entry, passed: list[doors.Door], standing: Standing, standby: bool
    ) -> AsyncGenerator[Delta | End, None]:
        """The answer, asked for again when it failed before anything was passed on. With another player
        ``standby`` a provider that wants a long wait is not waited for.

        Raises:
            Problem: there is none; also what another call was told just before, in words for this player.
        """
        place, began, tries = ask.player.api_base or "", time.monotonic(), 0
        while True:
            if (down := passed[0].down(place)) is not None:
                raise _again(down, ask, f"Found by another call within the last {doors.DOWN:g} s")
            passed_on, asked_at = False, began
            longest = policy.longest_wait(time.monotonic() - began, standby=standby)
            try:
                async with doors.passing(passed, longest), aclosing(self._provider.answer(ask)) as pieces:
                    asked_at, call.out = time.monotonic(), True
                    async for piece in pieces:
                        passed_on = True
                        yield piece
                for each in passed:
                    await each.fine(asked_at, place)
                return
            except doors.Shut as shut:
                problem = _again(shut.told, ask, "Said to another call", shut.seconds)
            except Problem as error:
                problem, call.out = error, passed_on
                tries += 1
                self._learn(problem, ask, passed, asked_at)
            spent = time.monotonic() - began
            wait = policy.next_try(problem, tries, spent, standby=standby)
            if passed_on or wait is None:
                if problem.retry == "unreached":
                    passed[0].unreached(place, doors.Told(problem, ask.name))
                raise problem
            why = "429" if problem.retry == "crowded" else "no answer"
            with standing.waits(f"{where(ask.player)}: {why}, {wait:.0f} s" if wait >= SAID else ""):
                await asyncio.sleep(wait)

    def _learn(self, problem: Problem, ask: Ask, passed: list[doors.Door], asked_at: float) -> None:
        if problem.retry == "crowded":
            for each in passed:
                each.too_many(asked_at, doors.Told(problem, ask.name))
        if problem.type == "unauthorized":
            self._keys.forget_command(ask.player)


def _again(told: doors.Told, ask: Ask, how: str, after: float | None = None) -> Problem:
    """What another call was told, said to this one's player."""
    problem, message = told.problem, told.problem.message
    for name in (lambda player: f"`{player}`", budgets.table):
        message = message.replace(name(told.player), name(ask.name))
    return Problem(
        problem.type,
        f"{message} ({how}, so it was not tried.)",
        retry="" if after is None else problem.retry,
        after=after,
        elsewhere=problem.elsewhere,
    )
