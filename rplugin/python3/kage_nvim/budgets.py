"""What both kaged and the gateway say when a budget in dollars cannot hold a player, because nobody knows
what it costs."""

from __future__ import annotations

from kage_nvim.model import Player

TOKENS = 200_000
"""The cap that the words propose."""


def allowed(player: Player, *, default: str, usd: bool, tokens: bool) -> bool:
    """True when a player without a known price may run under these limits: nothing limits dollars, or tokens
    are limited too, or the user says so. A recording spends nothing; what a command uses is not seen here, so
    that a cap on its tokens cannot hold it."""
    if not usd or player.recorded or "allow" in (player.unmetered, default):
        return True
    return player.command is None and (tokens or player.agent_tokens is not None)


def refusal(name: str, player: Player, limits: str) -> tuple[str, str]:
    """What is wrong with an unpriced player under ``limits`` (such as ``run_usd``), and the ways out."""
    table = f"[players.{name}]"
    allow = f'let it spend unseen:\n    {table}\n    unmetered = "allow"'
    if player.command is not None:
        return (
            f"player `{name}` is a command, whose calls Kage does not see: a budget in dollars ({limits})"
            " cannot hold it",
            f"In config.toml, {allow}\nor take {limits} away. Neither prices nor caps on tokens hold it.",
        )
    what = (
        "signs in by itself, so that Kage does not see what it spends"
        if player.own_login
        else f"has no known price ({player.model or player.cli})"
    )
    return (
        f"player `{name}` {what}: a budget in dollars ({limits}) cannot hold it",
        "Do one of three in config.toml. Give its price, in US dollars for a million tokens:\n"
        f"    {table}\n    price_in = 1.00\n    price_out = 4.00\n"
        f"cap its tokens:\n    {table}\n    agent_tokens = {TOKENS}\n"
        f"or {allow}",
    )
