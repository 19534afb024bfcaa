"""A forecast: what a run will take, and which players did well, in words for a window and a shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from kage_nvim.orchestrator.experience import ENOUGH, Guess, estimate, stats
from kage_nvim.orchestrator.past import History, Past
from kage_nvim.orchestrator.strategies.saving import duration

SUGGESTED = 3
"""Players that are suggested, at most."""


def told(
    history: History, players: Sequence[str], repository: str, spoken: str, spent_as: str = "all"
) -> dict[str, Any]:
    """``line``: ``about $0.12 (0.05-0.30), 2 min (1-4)`` or empty; ``suggestion``: ``Python here: @fast 8/10
    green, $0.02 each`` or empty; ``order``: players, the best first; ``guess``: the line's numbers or
    ``None``."""
    guess = estimate(history, players, repository, spoken, spent_as)
    here = [agent for agent in history.agents if agent.repository == repository]
    ranked = _ranked([agent for agent in here if spoken and agent.language == spoken])
    where = f"{spoken} here"
    if not ranked:
        ranked, where = _ranked(here), "here"
    return {
        "line": line(guess) if guess else "",
        "suggestion": f"{where}: {'; '.join(map(_praise, ranked[:SUGGESTED]))}" if ranked else "",
        "order": [row["player"] for row in ranked],
        "guess": msgspec.to_builtins(guess) if guess else None,
    }


def line(guess: Guess) -> str:
    """A guess in a line, with its range."""
    time = _range([duration(value) for value in guess.seconds])
    if guess.usd is not None:
        middle, least, most = guess.usd
        digits = 4 if middle < 0.01 else 2
        spent = f"${middle:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"
    else:
        spent = _range([_tokens(value) for value in guess.tokens]) + " tokens" if guess.tokens[2] else ""
    left = f", nothing is known of {', '.join(guess.unknown)}" if guess.unknown else ""
    return f"{guess.bound} about ".lstrip() + ", ".join(filter(None, [spent, time])) + left


def _range(words: Sequence[str]) -> str:
    middle, least, most = words
    return middle if least == most else f"{middle} ({least}-{most})"


def _tokens(value: float) -> str:
    return f"{value / 1000:.0f}k" if value >= 10_000 else f"{value:,.0f}"


def _ranked(agents: Sequence[Past]) -> list[dict[str, Any]]:
    """Players of whom enough is known, the best first, roles and languages together."""
    rows = stats([replace(agent, role="", language="") for agent in agents])
    return [row for row in rows if row["checked"] >= ENOUGH]


def _praise(row: dict[str, Any]) -> str:
    cost = f", ${row['usd'] / row['runs']:.2f} each" if row["usd"] else ""
    return f"@{row['player']} {row['green']}/{row['checked']} green{cost}"
