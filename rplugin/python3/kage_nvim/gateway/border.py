"""The border that every call crosses: is it allowed, what may not leave, what left, and what came back.

On the way out a call meets, in this order: the rules of ``[privacy]``, the replacing of secrets, the note of
what leaves. On the way back: the recorder, then the secrets are put in again. A recorded player goes nowhere,
but its answers hold placeholders where the run it was recorded from had secrets.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path

import msgspec

from kage_nvim import paths, privacy
from kage_nvim.errors import KageError
from kage_nvim.gateway import cassette, egress, stamp
from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ollama import Ollamas
from kage_nvim.gateway.outgoing import Outgoing
from kage_nvim.gateway.pieces import Delta, End
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Ask
from kage_nvim.gateway.recorder import recorded
from kage_nvim.gateway.secrets import Secrets
from kage_nvim.model import Player

Pieces = AsyncGenerator[Delta | End, None]


class Border:
    """One for all calls of a gateway."""

    def __init__(self, keys: Keys) -> None:
        self._secrets = Secrets(paths.state() / "secrets.key", keys.ever)
        self._outgoing = Outgoing()
        self._deck = cassette.Deck()
        self._ollamas = Ollamas()

    async def allowed(self, agent: Registration) -> Player:
        """The agent's player with the address that was checked.

        Raises:
            Problem: ``privacy``; nothing was sent.
        """
        try:
            player = await privacy.allowed(agent.player_name, agent.player, agent.privacy.rules)
            if agent.privacy.rules and await self._ollamas.lends(agent.player_name, player):
                lent = msgspec.structs.replace(player, model=f"{player.model}:cloud")
                await privacy.allowed(agent.player_name, lent, agent.privacy.rules)
        except KageError as error:
            raise Problem("privacy", f"{error.message}. {error.fix}") from error
        return player

    def crossing(self, agent: Registration, ask: Ask, send: Callable[[Ask], Pieces], *, last: bool) -> Pieces:
        """The answer's pieces as the agent may see them; ``last`` when no other player would be asked."""
        if agent.player.recorded is not None:
            return self._played(agent, ask, Path(agent.player.recorded).expanduser(), last)
        return self._sent(agent, ask, send, last)

    async def _sent(self, agent: Registration, ask: Ask, send: Callable[[Ask], Pieces], last: bool) -> Pieces:
        restorer, found = self._secrets.keys_only(), None
        if agent.privacy.secrets:
            body, found = await self._secrets.mask(agent.run, ask.body, agent.privacy.entropy)
            ask = msgspec.structs.replace(ask, body=body)
            restorer = self._secrets.restorer(agent.run)
        if host := egress.local_host(ask.player.api_base):
            egress.past_proxies(host)
        ask = msgspec.structs.replace(ask, watch=partial(self._attempt, agent, found or {}, ask))
        async with aclosing(self._recorded(agent, ask, send(ask), last)) as pieces:
            async for piece in pieces:
                for restored in restorer.pieces(piece):
                    yield restored

    async def _attempt(
        self, agent: Registration, found: Mapping[str, int], ask: Ask, answer: Pieces
    ) -> Pieces:
        """The answer to one request; that is written down before its first byte leaves, a second one, too."""
        note = self._outgoing.sent(agent.run, agent.number, ask.name, ask.player, ask.body, found)
        status, usage = "failed", None
        try:
            async with aclosing(ask.watch(answer)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, End):
                        status, usage = "ok", piece.usage
                    yield piece
        except GeneratorExit:
            status = "ok" if status == "ok" else "cut"
            raise
        finally:
            self._outgoing.ended(agent.run, note, status, usage)

    async def _played(self, agent: Registration, ask: Ask, path: Path, last: bool) -> Pieces:
        run, body = cassette.read(path).run, ask.body
        restorer = self._secrets.nothing()
        if run:
            body, _ = await self._secrets.mask(run, body, agent.privacy.entropy)
            restorer = self._secrets.restorer(run)
        ask = msgspec.structs.replace(ask, body=body)
        played = self._deck.play(path, agent.run, agent.number, body, stamp.current())
        async with aclosing(self._recorded(agent, ask, played, last)) as pieces:
            async for piece in pieces:
                for restored in restorer.pieces(piece):
                    yield restored

    def _recorded(self, agent: Registration, ask: Ask, pieces: Pieces, last: bool) -> Pieces:
        if not agent.record:
            return pieces
        return recorded(Path(agent.record), agent.run, agent.number, ask.body, stamp.current(), pieces, last)
