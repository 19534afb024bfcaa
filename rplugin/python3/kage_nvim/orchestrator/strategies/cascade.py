"""Cascade: one agent after another, the next only when all before have ended and none is green."""

from __future__ import annotations

from collections.abc import Sequence

from kage_nvim.model import State
from kage_nvim.orchestrator.strategies.seen import Act, Seen, first_green


def waits(before: int) -> str:
    """Why an agent was not started yet."""
    return f"waits for agent {before}: it starts when that one ends and is not green"


def decide(agents: Sequence[Seen]) -> list[Act]:
    """What follows from how the agents stand. One that the user interrupted is in the user's hands."""
    held = [agent for agent in agents if agent.held]
    started = [agent for agent in agents if not agent.held]
    winner = first_green(agents)
    if winner is not None:
        return [Act("stop", agent.number, f"not needed: agent {winner.number} is green") for agent in held]
    if not held or any(not a.state.ended or a.state is State.INTERRUPTED for a in started):
        return []
    return [Act("start", held[0].number)]
