"""Who reviews: roles by name, and the players that take them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kage_nvim.config import UserConfig
from kage_nvim.errors import Exit, KageError
from kage_nvim.orchestrator import roles
from kage_nvim.orchestrator.roles import Role

MOST = 20
"""Reviewers of one review."""


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
    """Who reviews: those named, those of ``[review]``, the judge, the usual ones that are models, any model.

    Raises:
        KageError: there is none, or one of them is no model.
    """
    models = [name for name, entry in user.players.items() if not (entry.cli or entry.command)]
    names = [name.removeprefix("@") for name in given] or user.review.players
    names = names or ([user.judge.player] if user.judge.player else [])
    names = names or [name for name in user.defaults.players if name in models] or models[:1]
    wrong = [name for name in names if name not in models]
    if names and not wrong:
        return names
    fix = f'Set players = ["{models[0]}"] in [review] of config.toml.' if models else ""
    raise KageError(
        f"`{wrong[0]}` cannot review: " + ("it is no model" if wrong[0] in user.players else "no such player")
        if wrong
        else "no player is configured that can review",
        fix=fix or "Add a [players.NAME] table with a `model` to config.toml (:help kage-players).",
        code="config",
    )
