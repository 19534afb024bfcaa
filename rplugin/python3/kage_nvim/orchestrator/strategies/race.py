"""Race: the first candidate that is green stops the others. One that is being checked costs nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from kage_nvim.orchestrator.strategies.seen import Act, Seen, first_green


def decide(agents: Sequence[Seen]) -> list[Act]:
    """What follows from how the agents stand."""
    winner = first_green(agents)
    if winner is None:
        return []
    reason = f"agent {winner.number} was green first"
    return [Act("stop", agent.number, reason) for agent in agents if agent.at_work]
