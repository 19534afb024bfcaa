"""The judge at work: a consultant whose answers are kept by what it was asked; what fails is noted."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kage_nvim import config
from kage_nvim.errors import KageError
from kage_nvim.orchestrator.consult import NUMBERS, Consultant, engage
from kage_nvim.orchestrator.runs import Run

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

KEPT = "judge"
"""What answers are kept under, among the results of checks; they go when those do."""

T = TypeVar("T")


class Jury:
    """One judge for one verdict, which has ``seconds`` for all of it; ``notes`` say what it did not answer,
    each thing once."""

    def __init__(self, conductor: Conductor, run: Run, consultant: Consultant, seconds: float) -> None:
        self.notes: list[str] = []
        self._spent = False
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._conductor = conductor
        self._run = run
        self._consultant = consultant

    @classmethod
    async def engaged(cls, conductor: Conductor, run: Run, given: config.Judge) -> Jury:
        """Have the configured judge ready.

        Raises:
            KageError: as ``consult.engage``.
        """
        consultant = await engage(
            conductor, run, given.player or "", "judge", run_usd=given.run_usd, run_tokens=given.run_tokens
        )
        return cls(conductor, run, consultant, given.timeout)

    @property
    def label(self) -> str:
        """The player, and what answers for it."""
        seat = self._consultant.seat
        return seat.name if seat.label in ("", seat.name) else f"{seat.name} ({seat.label})"

    @property
    def window(self) -> int:
        """Tokens that it reads at once, as configured; 0 when nobody said."""
        return self._consultant.seat.player.window or 0

    async def ask(self, messages: list[dict[str, Any]], read: Callable[[str], T | None]) -> T | None:
        """What ``read`` makes of its answer; ``None`` when none came or it could not be read."""
        player = self._consultant.seat.player
        key = hashlib.sha256(msgspec.json.encode((self._consultant.seat.name, player, messages))).digest()
        kept = self._conductor.database.result(KEPT, key)
        if kept is not None:
            return read(kept.decode("utf-8"))
        try:
            answering = self._consultant.ask(messages, temperature=0.0)
            reply = await asyncio.wait_for(answering, max(0.0, self._until - time.monotonic()))
        except KageError as error:
            spent = error.data.get("problem") == "budget"
            if not (spent and self._spent):  # each call says other sums, and it is one thing
                self._note(error.message)
            self._spent = self._spent or spent
            return None
        except asyncio.TimeoutError:
            self._note(
                f"the judge did not answer all within {self._seconds:g} s; kage judge goes on from there"
                " ([judge] timeout)"
            )
            return None
        answer = read(reply.text)
        if answer is None:
            self._note("an answer of the judge could not be read")
        else:
            self._conductor.database.keep_result(KEPT, key, reply.text.encode("utf-8", "replace"))
        return answer

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    async def cost(self) -> float | None:
        """US dollars that judging this run has cost so far; ``None`` when that has no price."""
        try:
            sums = await self._conductor.gateway.usage(self._run.id, NUMBERS["judge"])
        except KageError:
            return None
        if not sums or not sums.get("calls", 1):
            return 0.0
        cost = sums["cost_usd"]
        return None if cost is None else float(cost)
