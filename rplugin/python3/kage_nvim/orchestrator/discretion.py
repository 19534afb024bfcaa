"""What may be sent for a run, and where to: the ``[privacy]`` tables of the user and of the repository."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kage_nvim import paths, privacy
from kage_nvim.config import REPOSITORY_FILE, RepositoryConfig, UserConfig
from kage_nvim.errors import KageError, usage
from kage_nvim.model import Player
from kage_nvim.orchestrator import money
from kage_nvim.orchestrator.players import Seat
from kage_nvim.privacy import Rule, Terms


def terms(user: UserConfig, settings: RepositoryConfig, root: Path) -> Terms:
    """The stricter of both: each file's list has to allow a destination; a repository can have secrets
    replaced that the user would send, not the other way round."""
    tables = ((user.privacy, paths.config_file()), (settings.privacy, root / REPOSITORY_FILE))
    return Terms(
        rules=[Rule(table.allow, str(file)) for table, file in tables if table.allow is not None],
        secrets=user.privacy.secrets != "send" or settings.privacy.secrets == "replace",
        entropy=user.privacy.entropy or settings.privacy.entropy,
    )


async def check(seats: Sequence[Seat], user: UserConfig, rules: Sequence[Rule]) -> None:
    """Refuse players, and those that answer in their place, that the rules do not allow.

    Raises:
        KageError: code ``privacy``; it names the player, the file with the rule, and the fix.
    """
    for seat in seats if rules else ():
        await _one(seat.name, seat.player, seat.cli.provider if seat.cli else "", rules)
        for name in money.fallbacks(seat.player, user):
            await _one(name, user.players[name], "", rules)


async def _one(name: str, player: Player, provider: str, rules: Sequence[Rule]) -> None:
    if player.own_login:
        privacy.allowed_login(name, [provider, str(player.cli)], rules)
        return
    if provider and not player.api_base and "/" not in (player.model or ""):
        player = msgspec.structs.replace(player, model=f"{provider}/{player.model or 'its own choice'}")
    await privacy.allowed(name, player, rules)


def recording(path: str, cwd: str) -> str:
    """The file that a run is recorded into, as an absolute path; made now, so that a wrong place is told.

    Raises:
        KageError: it exists and is not empty, or cannot be made.
    """
    if not path:
        return ""
    file = Path(cwd) / Path(path).expanduser()
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(made).st_size
        os.close(made)
    except OSError as error:
        raise KageError(
            f"the run cannot be recorded into {file}: {error.strerror}",
            fix="Name a file in a folder that you may write to.",
            code="record",
        ) from error
    if size:
        raise usage(f"{file} has something in it already", "Name a new file to record into.")
    return str(file)
