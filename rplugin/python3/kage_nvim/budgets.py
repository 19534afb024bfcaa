"""What both kaged and the gateway say when a budget in dollars cannot hold a player, because nobody knows
what it costs."""

from __future__ import annotations

import json
import re

from kage_nvim.model import Player

TOKENS = 200_000
"""The cap that the words propose."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def table(name: str) -> str:
    """The head of a player's table in config.toml."""
    return f"[players.{name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)}]"


def allowed(player: Player, *, default: str, usd: bool, tokens: bool) -> bool:
    """True when a player without a known price may run under these limits: nothing limits dollars, or tokens
    are limited too, or the user says so. A recording spends nothing; what a command uses is not seen here, so
    that a cap on its tokens cannot hold it."""
    if not usd or player.recorded or "allow" in (player.unmetered, default):
        return True
    return player.command is None and (tokens or player.agent_tokens is not None)


def refusal(name: str, player: Player, limits: str) -> tuple[str, str]:
    """What is wrong with an unpriced player under ``limits`` (such as ``run_usd``), and the ways out: keys
    for a table that is there already, each on a line of its own. The first line is enough to act on, since a
    reason shows no more."""
    under = f"under {table(name)} in config.toml"
    allow = 'unmetered = "allow"'
    if player.command is not None:
        return (
            f"player `{name}` is a command, whose calls Kage does not see: a budget in dollars ({limits})"
            " cannot hold it",
            f"Write {allow} {under} to let it spend unseen, or take {limits} away. Neither prices nor caps on"
            " tokens hold it.",
        )
    what = (
        "signs in by itself, so that Kage does not see what it spends"
        if player.own_login
        else f"has no known price ({player.model or player.cli})"
    )
    return (
        f"player `{name}` {what}: a budget in dollars ({limits}) cannot hold it",
        f"Give its price, cap its tokens, or let it spend unseen: {under} write price_in and price_out,"
        f" agent_tokens, or {allow}, such as\n"
        "    price_in = 1.00   # US dollars for a million tokens\n    price_out = 4.00\n"
        f"or\n    agent_tokens = {TOKENS}\nor\n    {allow}",
    )
