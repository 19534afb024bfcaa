"""Seats that third-party CLIs take: which CLI it is, where its program lies, which key it needs.

This is the only part of kaged that reads the descriptions.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import msgspec

from kage_nvim import discover
from kage_nvim.agent_runtime.players import describe, known
from kage_nvim.description import Description
from kage_nvim.discover import Found
from kage_nvim.errors import KageError
from kage_nvim.model import Player

__all__ = ["describe", "found", "key_variable", "known", "missing_key", "seated"]


def seated(name: str, player: Player, clis: Mapping[str, Description], path: str) -> Description:
    """The CLI of a player, with the player's own model for the description's.

    Raises:
        KageError: there is no such CLI, or its program is not on the client's PATH.
    """
    assert player.cli is not None
    cli = describe(player.cli, clis)
    if shutil.which(cli.program, path=path) is None:
        raise KageError(
            f"the player `{name}` needs the program `{cli.program}` ({cli.title}), which is not on PATH",
            fix=f"Install it: {cli.install}. Or start from a shell that has it on PATH.",
            code="no_player",
        )
    if not getattr(cli, player.mode):
        known = [mode for mode in ("oneshot", "interactive", "acp") if getattr(cli, mode)]
        other = f'Set mode = "{known[0]}" in' if known else "Take another cli for"
        raise KageError(
            f"the player `{name}` cannot run with mode {player.mode}: `{cli.name}` has no command for that",
            fix=f"{other} [players.{name}], or set `{player.mode} = [COMMAND, …]` in [clis.{cli.name}].",
            code="config",
        )
    # What calls are answered by is the gateway's business: the CLI need not know of whom.
    model = (player.model or cli.model).partition("/")
    return msgspec.structs.replace(cli, model=model[2] or model[0])


def found(name: str, clis: Mapping[str, Description], path: str) -> Found | None:
    """A CLI that the user named and did not configure, if its program is there."""
    if name not in known(clis):
        return None
    cli = describe(name, clis)
    if shutil.which(cli.program, path=path) is None:
        return None
    return Found(name, Player(cli=name), f"{cli.title} (the program `{cli.program}` on your PATH)")


def key_variable(player: Player, cli: Description | None) -> str | None:
    """The variable that a seat's key is read from, if it needs one."""
    if cli is None:
        return discover.key_variable(player)
    if player.own_login:
        return None
    model = player.model or cli.model
    full = model if "/" in model else f"{cli.provider}/{model}"
    return discover.key_variable(msgspec.structs.replace(player, model=full))


def missing_key(name: str, variable: str, cli: Description | None, label: str) -> KageError:
    """The refusal of a seat whose key is not there, with the ways out."""
    fix = f"Start from a shell that has it (export {variable}=…), or set api_key_command."
    if cli is not None:
        login = ", ".join(f'"~/{path}"' for path in cli.login)
        own = f" To let it use its own login instead: expose = [{login}] in [players.{name}]."
        fix = f"{fix}{own if login else ''}"
    return KageError(
        f"the player `{name}` ({label}) needs {variable}, which is not set", fix=fix, code="key_missing"
    )
