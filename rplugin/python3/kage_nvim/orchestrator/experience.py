"""Experience: what the runs of the past say of players. Kept in kaged's database, cleaned runs included; what
each agent spent is the gateway's ledger's own sums, taken over at the end of its turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from kage_nvim.model import State
from kage_nvim.records import AgentRecord
from kage_nvim.store import Database

LIKE = 2
"""Agents of the past that it takes to say what one like them will spend."""
ENOUGH = 3
"""Candidates of a player that it takes to suggest it."""
NEWEST = 200
"""Agents of a player that are looked at, the newest ones."""


@dataclass(frozen=True)
class Past:
    """One agent of the past. ``green`` is ``None`` when it was never checked; ``seconds`` from its start to
    its end; ``whole``: it was not cut short, so that what it spent is what its like will."""

    run: str
    repository: str
    player: str
    role: str
    language: str
    green: bool | None
    won: bool
    accepted: bool
    usd: float | None
    tokens: int
    seconds: float
    whole: bool


def past(database: Database, repository: Path | None = None) -> list[Past]:
    """All agents that have ended, newest first; of one repository, or of all."""
    accepted: dict[str, set[int]] = {}
    for landing in database.landings():
        if landing.state == "done" and landing.undoes is None:
            accepted.setdefault(landing.run, set()).update(landing.numbers or [landing.number])
    found = []
    for record in database.runs(cleaned=True):
        status = record.status
        if repository is not None and status.repository != str(repository):
            continue
        made = {candidate.number: candidate for candidate in status.candidates}
        for agent in database.agents(status.id):
            one, candidate = agent.status, made.get(agent.status.number)
            if not one.state.ended or one.ended is None or _never_began(agent):
                continue
            found.append(
                Past(
                    run=status.id,
                    repository=status.repository,
                    player=one.player,
                    role=one.role or "",
                    language=candidate.language if candidate else "",
                    green=candidate.green if candidate and candidate.files else None,
                    won=status.winner == one.number,
                    accepted=one.number in accepted.get(status.id, set()),
                    usd=None if one.unmetered else one.cost_usd,
                    tokens=one.tokens_in + one.tokens_out,
                    seconds=max(0.0, one.ended - (one.started or one.ended)),
                    whole=one.state is State.DONE and not agent.spared,
                )
            )
    return found


def _never_began(agent: AgentRecord) -> bool:
    """Whether its strategy, or the user, did without it before it had a process."""
    return agent.pid is None and agent.status.state is State.STOPPED


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
    seconds; ``agents`` of the past stand behind it."""

    usd: tuple[float, float, float] | None
    tokens: tuple[float, float, float]
    seconds: tuple[float, float, float]
    agents: int = 0
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


def estimate(agents: Sequence[Past], players: Sequence[str], repository: str, spoken: str) -> Guess | None:
    """What a run of these players will take, one agent each, side by side; ``None``: nothing is known of
    any. ``unknown`` names players of whom nothing is known; they are not in it."""
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
        seconds.append(spread([agent.seconds for agent in members]))
    return Guess(
        usd=_added(usd) if usd else None,
        tokens=_added(tokens),
        seconds=(max(s[0] for s in seconds), max(s[1] for s in seconds), max(s[2] for s in seconds)),
        agents=behind,
        unknown=[player for player in known if not known[player]],
    )


def _added(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    return sum(p[0] for p in parts), sum(p[1] for p in parts), sum(p[2] for p in parts)
