"""Who reviews: roles by name, the players that take them, and how those are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kage_nvim.config import UserConfig
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import Player
from kage_nvim.orchestrator import roles
from kage_nvim.orchestrator.consult import engage
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.reviewing.hired import hire
from kage_nvim.orchestrator.reviewing.loop import Mind
from kage_nvim.orchestrator.reviewing.scope import Scope
from kage_nvim.orchestrator.roles import Role

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

MOST = 20
"""Reviewers of one review."""


@dataclass(frozen=True)
class Account:
    """What the ledger knows a review by."""

    id: str
    root: Path


def roles_of(names: list[str], root: Path) -> dict[str, Role]:
    """The roles that review, by the name that the user gave. A role of the user's, of the repository or of a
    package comes before Kage's ``review-NAME``, and that before Kage's role for an agent who works.

    Raises:
        KageError: there is no such role, or there are too many.
    """
    known = roles.listed(root)
    found: dict[str, Role] = {}
    for name in dict.fromkeys(names):
        own = known.get(name)
        if (own is None or own.source == "Kage") and f"review-{name}" in known:
            role = roles.find(f"review-{name}", root)
        else:
            role = roles.find(name, root)
        found[name] = msgspec.structs.replace(role, name=role.name.removeprefix("review-"))
    if not 0 < len(found) <= MOST:
        raise KageError(
            f"{len(found)} roles were given for a review",
            fix=f"Give 1 to {MOST}: `roles` in [review] of config.toml, or --role.",
            code="config",
            exit=Exit.USAGE,
        )
    return found


def players_of(given: list[str], user: UserConfig) -> list[str]:
    """Who reviews: those named, those of ``[review]``, the judge, the usual ones that are models, any model,
    and where there is none the usual players, or any.

    Raises:
        KageError: there is no such player, or none at all.
    """
    known = list(user.players)
    models = [name for name, entry in user.players.items() if not _works(entry)]
    names = [name.removeprefix("@") for name in given] or user.review.players
    names = names or ([user.judge.player] if user.judge.player else [])
    names = names or [name for name in user.defaults.players if name in models] or models[:1]
    names = names or user.defaults.players or known[:1]
    wrong = [name for name in names if name not in known]
    if names and not wrong:
        return names
    fix = f'Set players = ["{(models or known)[0]}"] in [review] of config.toml.' if known else ""
    raise KageError(
        f"`{wrong[0]}` cannot review: no such player" if wrong else "no player is configured that can review",
        fix=fix or "Add a [players.NAME] table to config.toml (:help kage-players).",
        code="config",
    )


def _works(player: Player) -> bool:
    """A CLI or a command: it reads the tree by itself, in a slot."""
    return bool(player.cli or player.command)


async def engaged(
    conductor: Conductor, peer: Peer, scope: Scope, account: Account, name: str, offset: int, user: UserConfig
) -> Mind:
    """Have a player ready to be asked, within the limits of ``[review]``; ``offset`` tells reviewers apart.

    Raises:
        KageError: its program or key is missing, or a limit in dollars cannot hold for it.
    """
    player = user.players[name]
    if _works(player):
        return await hire(conductor, peer, scope, account.id, name, player, offset)
    limits = user.review
    return await engage(
        conductor,
        account,
        name,
        "review",
        offset=offset,
        run_usd=limits.run_usd,
        run_tokens=limits.run_tokens,
        together=True,
    )
