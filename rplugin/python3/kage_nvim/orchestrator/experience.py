"""Experience: what the past says of players, and of what a run will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from kage_nvim.orchestrator.past import UNTIL, History, Past

LIKE = 2
"""Agents, or runs, of the past that it takes to say what one like them will spend."""
ENOUGH = 3
"""Candidates of a player that it takes to suggest it."""
NEWEST = 200
"""Agents of a player that are looked at, the newest ones."""


def stats(agents: Iterable[Past]) -> list[dict[str, Any]]:
    """A row for each player, role and language: ``runs`` (agents of it), ``checked`` and ``green`` (how many
    of them were), ``wins``, ``accepted``, ``usd`` (all that they spent; ``None``: unpriced),
    ``usd_per_accepted``, ``seconds`` (the median). The best first."""
    groups: dict[tuple[str, str, str], list[Past]] = {}
    for agent in agents:
        groups.setdefault((agent.player, agent.role, agent.language), []).append(agent)
    rows = []
    for (player, role, spoken), members in groups.items():
        checked = [agent for agent in members if agent.green is not None]
        green = sum(bool(agent.green) for agent in checked)
        accepted = sum(agent.accepted for agent in members)
        usd = _sum(members)
        rows.append(
            {
                "player": player,
                "role": role,
                "language": spoken,
                "runs": len(members),
                "checked": len(checked),
                "green": green,
                "green_rate": green / len(checked) if checked else None,
                "wins": sum(agent.won for agent in members),
                "accepted": accepted,
                "usd": usd,
                "usd_per_accepted": usd / accepted if usd is not None and accepted else None,
                "seconds": round(median(agent.seconds for agent in members), 1),
            }
        )
    return sorted(rows, key=_merit)


def _sum(agents: Sequence[Past]) -> float | None:
    priced = [agent.usd for agent in agents if agent.usd is not None]
    return sum(priced) if priced else None


def _merit(row: dict[str, Any]) -> tuple[Any, ...]:
    rate, each = row["green_rate"], row["usd_per_accepted"]
    return (
        -(rate if rate is not None else -1.0),
        -row["accepted"],
        each if each is not None else float("inf"),
        -row["runs"],
        row["player"],
        row["role"],
        row["language"],
    )


@dataclass
class Guess:
    """What something will take: the middle and the range, in US dollars (``None``: unpriced), tokens and
    seconds. ``agents`` of the past stand behind it, or ``runs`` that were spent alike; ``bound`` is empty, or
    says that it is what agents take who all work to their end: ``at most``, ``at least``."""

    usd: tuple[float, float, float] | None
    tokens: tuple[float, float, float]
    seconds: tuple[float, float, float]
    agents: int = 0
    runs: int = 0
    bound: str = ""
    unknown: list[str] = field(default_factory=list)


def like(agents: Sequence[Past], player: str, repository: str, spoken: str) -> list[Past]:
    """The agents of the past that are most like one of this player here: in the same repository and language,
    else in the repository, else in the language, else anywhere."""
    own = [agent for agent in agents if agent.player == player and agent.whole][:NEWEST]
    here = [agent for agent in own if agent.repository == repository]
    for closer in (
        [agent for agent in here if spoken and agent.language == spoken],
        here,
        [agent for agent in own if spoken and agent.language == spoken],
        own,
    ):
        if len(closer) >= LIKE:
            return closer
    return []


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and the range in which four of five lie."""
    order = sorted(values)
    cut = len(order) // 10
    return median(order), order[cut], order[-1 - cut]


def estimate(
    history: History, players: Sequence[str], repository: str, spoken: str, spent_as: str = "all"
) -> Guess | None:
    """What a run of these players will take, one agent each; ``None``: nothing is known of any.

    One whose strategy ends agents is guessed from runs of the same players that were spent in the same way
    (``spent_as``), here or else anywhere; without such, from what each agent takes. ``unknown`` names players
    of whom nothing is known; they are not in it.
    """
    if spent_as == "all":
        return _of_agents(history.agents, players, repository, spoken)
    alike = [run for run in history.runs if run.spent_as == spent_as and run.players == sorted(players)]
    here = [run for run in alike if run.repository == repository]
    runs = (here if len(here) >= LIKE else alike)[:NEWEST]
    if len(runs) >= LIKE:
        priced = [run.usd for run in runs if run.usd is not None]
        return Guess(
            usd=spread(priced) if priced else None,
            tokens=spread([run.tokens for run in runs]),
            seconds=spread([run.seconds for run in runs]),
            runs=len(runs),
        )
    guess = _of_agents(history.agents, players, repository, spoken, in_turn=spent_as == "cascade")
    if guess is not None:
        guess.bound = "at least" if spent_as == UNTIL else "at most"
    return guess


def _of_agents(
    agents: Sequence[Past], players: Sequence[str], repository: str, spoken: str, *, in_turn: bool = False
) -> Guess | None:
    """The same of agents that all work to their end, side by side or ``in_turn``."""
    known = {player: like(agents, player, repository, spoken) for player in dict.fromkeys(players)}
    counts = Counter(player for player in players if known[player])
    if not counts:
        return None
    usd: list[tuple[float, float, float]] = []
    tokens, seconds, behind = [], [], 0
    for player, count in counts.items():
        members = known[player]
        behind += len(members)
        priced = [agent.usd for agent in members if agent.usd is not None]
        if priced:
            usd += [spread(priced)] * count
        tokens += [spread([agent.tokens for agent in members])] * count
        seconds += [spread([agent.seconds for agent in members])] * (count if in_turn else 1)
    return Guess(
        usd=_added(usd) if usd else None,
        tokens=_added(tokens),
        seconds=_added(seconds) if in_turn else _slowest(seconds),
        agents=behind,
        unknown=[player for player in known if not known[player]],
    )


def _slowest(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    return max(p[0] for p in parts), max(p[1] for p in parts), max(p[2] for p in parts)


def _added(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    return sum(p[0] for p in parts), sum(p[1] for p in parts), sum(p[2] for p in parts)
