"""Keys: in this process's memory, and nowhere else.

They come from a client (``POST /kage/keys``) or from a command that the user configured. They go to the
provider. Every text that leaves the gateway otherwise is scrubbed of them first.
"""

from __future__ import annotations

import asyncio
import shlex
from itertools import groupby
from operator import itemgetter

from kage_nvim import discover
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player

NO_KEY = "no-key-needed"
"""Sent to local servers, since client libraries insist on some key."""
COMMAND_SECONDS = 60.0
"""A password manager may have to ask its owner first."""

PART = 12
"""Characters of a key that are as secret as the whole; shorter beginnings are how providers name keys."""


class Keys:
    """The keys known now, by the name of their variable or by the command that prints them."""

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}
        self._by_command: dict[tuple[str, ...], asyncio.Future[str]] = {}
        self._ever: set[str] = set()

    def put(self, keys: dict[str, str]) -> None:
        """Learn keys; a newer value replaces the older."""
        given = {name: key.strip() for name, key in keys.items() if key.strip()}
        self._by_name.update(given)
        self._ever.update(given.values())

    def ever(self) -> set[str]:
        """Every key known so far, also those that were replaced."""
        return self._ever

    def known(self) -> list[str]:
        """The names, never the values."""
        return sorted(self._by_name)

    async def key_for(self, name: str, player: Player) -> str | None:
        """The key to send for this player; ``None`` when its provider finds a login by itself.

        Raises:
            Problem: ``keys_missing`` with the variable's name, or the configured command failed.
        """
        if player.api_key_command:
            return await self._from_command(name, tuple(player.api_key_command))
        variable = discover.key_variable(player)
        if variable is None:
            return None if discover.provider(player.model or "") in discover.OWN_LOGIN else NO_KEY
        if variable not in self._by_name:
            raise Problem(
                "keys_missing",
                f"player `{name}` needs the key in {variable}, which the gateway was not given. Export it"
                f" where Neovim or your shell starts, or set api_key_command under [players.{name}].",
                names=[variable],
                elsewhere=True,
            )
        return self._by_name[variable]

    def source(self, name: str, player: Player) -> str:
        """Where the player's key comes from, in words."""
        if player.api_key_command:
            return f"the key printed by `{shlex.join(player.api_key_command)}`"
        variable = discover.key_variable(player)
        return f"the key in {variable}" if variable else "a request without a key"

    def forget_command(self, player: Player) -> None:
        """Run the command again next time: its key was refused."""
        self._by_command.pop(tuple(player.api_key_command or ()), None)

    def scrub(self, text: str) -> str:
        """The text without any key in it, nor a large part of one, nor one that was replaced meanwhile."""
        for key in sorted(self._ever, key=len, reverse=True):
            text = _without(text, key)
        return text

    async def _from_command(self, name: str, argv: tuple[str, ...]) -> str:
        """The command's first line; run once for all agents that wait for it, and again after a failure."""
        if argv not in self._by_command:
            self._by_command[argv] = asyncio.ensure_future(_run(name, argv))
        future = self._by_command[argv]
        try:
            key = await asyncio.shield(future)
        except Problem:
            self._by_command.pop(argv, None)
            raise
        self._ever.add(key)
        return key


def _without(text: str, key: str) -> str:
    """The text with every run of ``PART`` characters of the key masked: servers echo keys cut short, too."""
    size = min(PART, len(key))
    parts = {key[at : at + size] for at in range(len(key) - size + 1)}
    hidden = bytearray(len(text))
    for at in range(len(text) - size + 1):
        if text[at : at + size] in parts:
            hidden[at : at + size] = b"\1" * size
    runs = groupby(zip(hidden, text, strict=True), key=itemgetter(0))
    return "".join("[key]" if hide else "".join(letter for _, letter in run) for hide, run in runs)


async def _run(name: str, argv: tuple[str, ...]) -> str:
    shown = f"api_key_command of player `{name}` (`{shlex.join(argv)}`)"
    fix = "Run it in a terminal; it has to print the key on its first line."
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise Problem("unauthorized", f"{shown} could not be run: {error.strerror}. {fix}") from error
    try:
        out, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise Problem("unauthorized", f"{shown} took over {COMMAND_SECONDS:.0f} s. {fix}") from None
    key = out.decode(errors="replace").partition("\n")[0].strip()
    if process.returncode or not key:
        found = f"exited with {process.returncode}" if process.returncode else "printed nothing"
        raise Problem("unauthorized", f"{shown} {found}. {fix}")
    return key
