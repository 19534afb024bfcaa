"""The agents that may call: who each token belongs to, and which player it is bound to.

Tokens are kept as SHA-256 only. The registrations are in the ledger's database, so that agents that are at
work survive a restart of the gateway.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from kage_nvim.gateway.ledger import Caller, Ledger, Limits
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player
from kage_nvim.privacy import Terms

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}")


class Seat(msgspec.Struct, frozen=True):
    """A player under its name."""

    name: str
    player: Player


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What kaged says of an agent, without its token.

    ``unmetered`` is ``[defaults]``' word on players without a price, ``fallbacks`` are the players that
    answer when its own does not, ``concurrency`` is ``[providers]``: calls that may be under way, by name.
    """

    run: str
    number: int
    player_name: str
    player: Player
    role: str | None = None
    repository: str
    limits: Limits = Limits()
    provider: str = ""
    """Whose models a CLI names without a prefix; empty for players that name their own model."""
    unmetered: str = "refuse"
    fallbacks: list[Seat] = []
    privacy: Terms = Terms()
    """Where its calls may go, and whether secrets may."""
    record: str = ""
    """The file that its calls are written to; empty for none."""
    concurrency: dict[str, int] = {}

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

    def substitutes(self) -> list[Registration]:
        """The agent with each of its fallbacks in turn for its player, under that one's own cap, too."""
        return [
            msgspec.structs.replace(
                self,
                player_name=seat.name,
                player=seat.player,
                limits=self.limits.capped(seat.player.agent_tokens),
                fallbacks=[],
                provider="",
            )
            for seat in self.fallbacks
        ]


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

    def of_run(self, run: str) -> list[Registration]:
        """The agents of a run, by number."""
        return sorted((a for a in self._known.values() if a.run == run), key=lambda agent: agent.number)

    def whose(self, token: str) -> Registration:
        """The agent that a token belongs to.

        Raises:
            Problem: none.
        """
        agent = self._known.get(_hash(token))
        if agent is None:
            raise Problem(
                "unauthorized",
                "the gateway does not know this agent's token. Restart the agent from Kage (:Kage restart N),"
                " which registers it.",
            )
        return agent


def upstream(agent: Registration, body: dict[str, Any]) -> Player:
    """The player with the model that this call goes to. A model with its provider, or at an address of its
    own, is what the user chose, whatever the agent asks for; a CLI that was given none, or a bare name,
    chooses among its provider's.

    Raises:
        Problem: what it asks for is no name of a model.
    """
    player = agent.player
    pinned = player.recorded or player.api_base or "/" in (player.model or "")
    if pinned or not agent.provider:
        return player
    asked = str(body.get("model") or player.model or "").removeprefix("models/")
    if not MODEL.fullmatch(asked):
        raise Problem("bad_request", f"{asked[:100]!r} is no name of a model.")
    return msgspec.structs.replace(player, model=f"{agent.provider}/{asked}")


def bare_model(agent: Registration) -> str:
    """The name of the agent's model without its provider."""
    return (agent.player.model or agent.player_name).rpartition("/")[2]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
