"""What a run may spend: the limits of each seat, who answers in its place, what must be refused at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kage_nvim import budgets
from kage_nvim.config import RepositoryConfig, UserConfig
from kage_nvim.errors import KageError
from kage_nvim.model import Player
from kage_nvim.orchestrator.gateway_link import GatewayLink
from kage_nvim.orchestrator.players import Seat
from kage_nvim.orchestrator.runs import Run

LIMITS = ("agent_usd", "run_usd", "day_usd", "agent_tokens", "run_tokens", "day_tokens")

NOTHING = {
    "calls": 0,
    "tokens_in": 0,
    "tokens_cached": 0,
    "tokens_out": 0,
    "cost_usd": None,
    "unpriced_calls": 0,
}


def limits(
    player: Player, user: UserConfig, settings: RepositoryConfig, run_usd: float | None = None
) -> dict[str, float | None]:
    """US dollars and tokens that an agent, its run and one day of its repository may use: of what the user,
    the repository, the player and, for this run (``run_usd``), the spawn say, the least."""
    told = {}
    for name in LIMITS:
        own = {"agent_tokens": player.agent_tokens, "run_usd": run_usd}.get(name)
        given = [getattr(user.defaults, name), getattr(settings.budget, name), own]
        told[name] = min((value for value in given if value is not None), default=None)
    return told


def terms(
    player: Player, user: UserConfig, settings: RepositoryConfig, run_usd: float | None = None
) -> dict[str, Any]:
    """What the gateway has to know of an agent's player beside the player itself."""
    return {
        "limits": limits(player, user, settings, run_usd),
        "unmetered": user.defaults.unmetered,
        "fallbacks": [
            {"name": name, "player": msgspec.to_builtins(user.players[name])}
            for name in fallbacks(player, user)
        ],
        "concurrency": {name: limit.concurrency for name, limit in user.providers.items()},
    }


def fallbacks(player: Player, user: UserConfig) -> list[str]:
    """The players that answer when this one's provider does not, theirs included, in the order of asking."""
    order: list[str] = []
    waiting = list(player.fallback)
    while waiting:
        name = waiting.pop(0)
        if name not in order and user.players[name] != player:
            order.append(name)
            waiting = [*user.players[name].fallback, *waiting]
    return order


async def check(
    gateway: GatewayLink,
    seated: Sequence[Seat],
    user: UserConfig,
    settings: RepositoryConfig,
    run_usd: float | None = None,
) -> None:
    """Refuse players that a budget in dollars cannot hold, also those that would only step in.

    A model that a CLI chooses by itself is known with its first call; then the gateway decides.

    Raises:
        KageError: such a player is among them; the fix names the ways out.
    """
    doubtful = {}
    for seat in seated:
        told = limits(seat.player, user, settings, run_usd)
        tokens = any(told[name] is not None for name in LIMITS[3:])
        usd = [name for name in LIMITS[:3] if told[name] is not None]
        under = ", ".join(_named(name, told[name], run_usd) for name in usd)
        substitutes = [(name, user.players[name]) for name in fallbacks(seat.player, user)]
        for name, player in [(seat.name, seat.player), *substitutes]:
            allowed = budgets.allowed(player, default=user.defaults.unmetered, usd=bool(usd), tokens=tokens)
            if not allowed and not _chooses(player):
                doubtful[name] = (player, under)
    if not doubtful:
        return
    priced = await gateway.priced([player for player, _ in doubtful.values()])
    for (name, (player, under)), known in zip(doubtful.items(), priced, strict=True):
        if not known or player.command is not None:
            what, fix = budgets.refusal(name, player, under)
            raise KageError(what, fix=fix, code="unpriced")


def _named(name: str, value: float | None, run_usd: float | None) -> str:
    """A limit as the user set it: the one of the spawn stands in no file."""
    if name == "run_usd" and value == run_usd:
        return f"--budget {value:g}"
    return f"{name} = {value:.2f}"


def _chooses(player: Player) -> bool:
    """A CLI that is not bound to a model, and asks the gateway for one."""
    pinned = player.api_base or "/" in (player.model or "")
    return player.cli is not None and not player.own_login and not pinned


def with_agents(account: dict[str, Any], run: Run | None) -> dict[str, Any]:
    """The gateway's account with the agents of the run under their numbers, also those that made no call:
    ``player``, ``model`` and whether what they spend is ``unmetered``; those are named once more."""
    rows = []
    for agent in run.agents.values() if run else []:
        status = agent.record.status
        named = {"number": agent.number, "player": status.player, "model": status.model}
        sums = account["agents"].get(str(agent.number), NOTHING)
        rows.append({**named, "unmetered": status.unmetered, **sums})
    unmetered = [row["number"] for row in rows if row["unmetered"]]
    return {**account, "id": run.id if run else None, "agents": rows, "unmetered": unmetered}
