"""The agents that may call: who each token belongs to, and which player it is bound to.

Tokens are kept as SHA-256 only. The registrations are in the ledger's database, so that agents that are at
work survive a restart of the gateway.
"""

from __future__ import annotations

import hashlib

import msgspec

from kage_nvim.gateway.ledger import Caller, Ledger, Limits
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What kaged says of an agent, without its token."""

    run: str
    number: int
    player_name: str
    player: Player
    role: str | None = None
    repository: str
    limits: Limits = Limits()

    @property
    def caller(self) -> Caller:
        """The agent's part of a ledger row."""
        model = f"recorded:{self.player.recorded}" if self.player.recorded else self.player.model or ""
        return Caller(
            run=self.run,
            number=self.number,
            player=self.player_name,
            model=model,
            role=self.role,
            repository=self.repository,
        )


class NewAgent(Registration, frozen=True, kw_only=True):
    """The body of ``POST /kage/agents``."""

    token: str


class Agents:
    """All registered agents; a copy of the ledger's table in memory."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, Registration] = {}
        for token_hash, text in ledger.agents():
            try:
                self._known[token_hash] = msgspec.json.decode(text, type=Registration)
            except msgspec.ValidationError:
                continue  # written by another version; kaged registers its agents again when they resume

    def __len__(self) -> int:
        return len(self._known)

    def add(self, body: bytes) -> Registration:
        """Register the agent described by a JSON body.

        Raises:
            Problem: the body is not one.
        """
        try:
            new = msgspec.json.decode(body, type=NewAgent)
            agent = msgspec.json.decode(body, type=Registration)
        except msgspec.MsgspecError as error:
            raise Problem("bad_request", f"this is no agent to register: {error}") from error
        token_hash = _hash(new.token)
        self._ledger.add_agent(token_hash, msgspec.json.encode(agent))
        self._known[token_hash] = agent
        return agent

    def whose(self, authorization: str) -> Registration:
        """The agent that an ``Authorization`` header belongs to.

        Raises:
            Problem: none.
        """
        token = authorization.removeprefix("Bearer ").strip()
        agent = self._known.get(_hash(token))
        if agent is None:
            raise Problem(
                "unauthorized",
                "the gateway does not know this agent's token. Restart the agent from Kage (:Kage restart N),"
                " which registers it.",
            )
        return agent


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
