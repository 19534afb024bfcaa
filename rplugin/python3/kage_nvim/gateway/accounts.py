"""What was spent, as ``kage cost`` tells it: sums of the ledger, and what is left of the limits."""

from __future__ import annotations

from typing import Any

from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.ledger import Ledger, midnight


def account(ledger: Ledger, run: str, repository: str, agents: list[Registration]) -> dict[str, Any]:
    """Sums of calls, tokens and US dollars.

    ``run`` and ``agents`` (by number) and ``players`` are of the run, or ``players`` of today when none is
    named; ``today`` is of the repository (everywhere when it is empty), ``everywhere`` of all, each with
    ``…_players``. ``budgets`` has each limit of the run's agents: name, agent (of its own limits), limit,
    spent, held by calls under way, and left, in US dollars or tokens.
    """
    day, values = "time >= ?", [midnight()]
    here, place = (f"{day} AND repository = ?", [*values, repository]) if repository else (day, values)
    of_run = ("run = ?", run)
    today_players = ledger.sums_by("player", here, *place)
    return {
        "run": ledger.sums(*of_run),
        "agents": {str(number): sums for number, sums in ledger.sums_by("number", *of_run).items()},
        "players": ledger.sums_by("player", *of_run) if run else today_players,
        "today": ledger.sums(here, *place),
        "today_players": today_players,
        "everywhere": ledger.sums(day, *values),
        "everywhere_players": ledger.sums_by("player", day, *values),
        "budgets": budgets(ledger, agents),
    }


def budgets(ledger: Ledger, agents: list[Registration]) -> list[dict[str, Any]]:
    """The limits of these agents; those of their run and day once."""
    found: dict[tuple[str, int | None], dict[str, Any]] = {}
    for agent in agents:
        for room in ledger.rooms(agent.caller, agent.limits):
            number = agent.number if room.name.startswith("agent_") else None
            found[room.name, number] = {
                "name": room.name,
                "agent": number,
                "limit": room.limit,
                "spent": room.held - room.open,
                "held": room.open,
                "left": max(0.0, room.left),
            }
    return [found[key] for key in sorted(found, key=lambda key: (key[0].partition("_")[0], key[1] or 0))]
