"""Tournament: short rounds, after each of which the better half goes on; the last one plays to its end.

    8 agents ──round 1──▶ 4 go on ──round 2, twice as long──▶ 2 go on ── … ──▶ 1 goes on ──▶ its end

An agent that is done early waits for nobody, but holds its place; those that do not go on keep what they have
as candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kage_nvim.model import State
from kage_nvim.orchestrator.strategies.seen import Act, Seen
from kage_nvim.records import Round


def opening(numbers: Sequence[int], seconds: float, now: float) -> Round:
    """The first round; one agent alone plays to its end."""
    return Round(began=now, seconds=seconds if len(numbers) > 1 else None, playing=list(numbers))


def at_the_bell(agents: Sequence[Seen], now: float, current: Round) -> list[Act]:
    """Who has to rest because the round's time is over."""
    if current.seconds is None or now < current.began + current.seconds:
        return []
    reason = "its round is over: it waits for the others"
    return [
        Act("rest", a.number, reason)
        for a in agents
        if a.number in current.playing and a.at_work and not a.resting
    ]


def is_over(agents: Sequence[Seen], current: Round) -> bool:
    """Whether all that play have ended or rest, and one rests, in a round that another follows."""
    playing = [agent for agent in agents if agent.number in current.playing]
    rests = [agent.resting and agent.state is State.WAITING for agent in playing]
    ended = [agent.state.ended for agent in playing]
    return current.seconds is not None and any(rests) and all(map(any, zip(rests, ended, strict=True)))


def after(
    agents: Sequence[Seen], places: Mapping[int, int], now: float, current: Round
) -> tuple[list[Act], Round]:
    """Who goes on and who is stopped, by the ``places`` (1: best) that their candidates have after a round.

    One that failed or was stopped is out. When only agents that are done are left, nobody goes on.
    """
    able = [a for a in agents if a.number in current.playing and (a.resting or a.state is State.DONE)]
    order = sorted(able, key=lambda agent: (places.get(agent.number, len(places) + 1), agent.number))
    kept = order[: (len(order) + 1) // 2]
    acts = []
    for place, agent in enumerate(order, 1):
        if not agent.resting:
            continue
        if agent in kept:
            acts.append(Act("go_on", agent.number))
        else:
            acts.append(Act("stop", agent.number, f"place {place} of {len(order)} after its round"))
    following = Round(
        began=now,
        seconds=None if len(kept) <= 1 else (current.seconds or 0.0) * 2,
        playing=[agent.number for agent in kept],
    )
    return acts, following
