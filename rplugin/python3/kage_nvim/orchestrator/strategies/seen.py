"""What a strategy sees of a run's agents, and what it can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kage_nvim.model import State


@dataclass(frozen=True)
class Seen:
    """One agent. ``green``: it is done and every required check passed; ``held``: it was not started yet;
    ``resting``: it waits for the end of a round. ``usd`` and ``tokens`` are what it has spent, ``ended`` when
    that ended (Unix seconds). ``change`` is the same for agents whose changes say the same (empty: none
    yet), ``stuck`` says in which step it fails again and again. ``copy_of`` is the agent whose place a
    further attempt took; ``by_user``: the user stopped it."""

    number: int
    state: State
    green: bool = False
    held: bool = False
    resting: bool = False
    usd: float | None = 0.0
    tokens: int = 0
    ended: float | None = None
    change: str = ""
    stuck: str = ""
    copy_of: int | None = None
    by_user: bool = False

    @property
    def at_work(self) -> bool:
        """It spends, or will when it is let. One that is being checked does not."""
        return not self.state.ended and self.state is not State.CHECKING


@dataclass(frozen=True)
class Act:
    """What is to be done with an agent, and why: the user reads it.

    ``stop`` it, ``start`` one that was held, ``rest`` until the others' round is over too, ``go_on`` after
    that, ``attempt``: begin a further agent in its place.
    """

    kind: Literal["stop", "start", "rest", "go_on", "attempt"]
    number: int
    reason: str = ""


def first_green(agents: Sequence[Seen]) -> Seen | None:
    """The agent that was green first."""
    green = [agent for agent in agents if agent.green]
    return min(green, key=lambda agent: (agent.ended or 0.0, agent.number), default=None)
