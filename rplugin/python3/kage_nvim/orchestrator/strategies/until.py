"""Until green: when all have ended and none is green, a further agent begins in the place of the next one,
as long as there is money."""

from __future__ import annotations

from collections.abc import Sequence

from kage_nvim.model import MAX_AGENTS, State
from kage_nvim.orchestrator.strategies import race
from kage_nvim.orchestrator.strategies.seen import Act, Seen, first_green

FUTILE = 3
"""So many further attempts that brought nothing new end it: the next would not, either."""
REPAIRS = 2
"""Turns in which an agent may mend its failures, before another begins, where nothing else is said."""


def decide(agents: Sequence[Seen], *, out_of_money: bool) -> list[Act]:
    """What follows from how the agents stand. ``change`` of each agent names the tree that it made. Nothing
    begins where the user interrupted or stopped somebody."""
    if first_green(agents) is not None:
        return race.decide(agents)
    if any(not a.state.ended or a.state is State.INTERRUPTED or a.by_user for a in agents):
        return []
    if out_of_money or len(agents) >= MAX_AGENTS or _futile(agents):
        return []
    first = [agent for agent in agents if agent.copy_of is None]
    return [Act("attempt", first[len(agents) % len(first)].number)]


def gave_up(agents: Sequence[Seen], *, out_of_money: bool) -> str:
    """Why no further attempt begins though none is green; empty when one is, or the user ended it."""
    if first_green(agents) is not None or any(a.by_user or a.state is State.INTERRUPTED for a in agents):
        return ""
    if out_of_money:
        why = "its budget is spent"
    elif len(agents) >= MAX_AGENTS:
        why = f"{MAX_AGENTS} agents have tried"
    elif _futile(agents):
        why = f"the last {FUTILE} attempts made nothing new"
    else:
        return ""
    return f"--until green gave up: {why}"


def _futile(agents: Sequence[Seen]) -> bool:
    """Whether the last attempts only made what others had made before them."""
    last = sorted(agents, key=lambda agent: agent.number)[-FUTILE:]
    if any(agent.copy_of is None for agent in last):
        return False
    before = {a.change for a in agents if a not in last}
    return all(agent.change in before | {""} for agent in last)
