"""Asking a model from here: what a judge, a planner or a reviewer is, without a slot and without a pane.

Such a caller is an agent to the gateway: a token of its own, a number below zero in the run's account, limits
of its own, the privacy and the fallbacks of any other.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from kage_nvim import config, discover, paths, unixhttp
from kage_nvim.errors import KageError
from kage_nvim.orchestrator import discretion, keys, money, players
from kage_nvim.orchestrator.players import Seat
from kage_nvim.visible import HALVES

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

PATIENCE = 600.0
"""Seconds that one answer may take."""
NUMBERS = {"judge": -1, "planner": -2, "review": -100}
"""Whom the ledger's negative numbers stand for; reviewers count down from theirs."""

_TO_AGENTS = (
    (", then send the agent a message to let it try again", ""),
    ("Send the agent a message to let it try again; if", "If"),
)
"""What the gateway advises those whose agents ask; here nobody can be sent a message."""
_NUMBERED = re.compile(r"\bagent -\d+ has\b")
_OWN_LIMIT = re.compile(r"Raise (?:--)?agent_(usd|tokens)\b[^.]*\.kage\.toml[^.]*\.toml[^.]*\.")

Message = dict[str, Any]


class About(Protocol):
    """What is asked about, and whose account it is: a run, a review."""

    @property
    def id(self) -> str:
        """The account's name in the ledger."""

    @property
    def root(self) -> Path:
        """The repository that it is about."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer: its words, and the tools that it calls (name, arguments as JSON, id)."""

    text: str
    calls: list[dict[str, str]] = []
    message: Message = {}


class Consultant(msgspec.Struct, frozen=True, kw_only=True):
    """A player who answers questions about a run; made by ``engage``."""

    run: str
    number: int
    seat: Seat
    token: str

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        temperature: float | None = None,
    ) -> Reply:
        """One answer to a conversation in OpenAI's chat form.

        Raises:
            KageError: code ``model``; the provider or a limit refused, or what came is no answer. Its data
                has the gateway's ``problem`` (``budget``, …), where there is one.
        """
        player = self.seat.player
        body: dict[str, Any] = {
            "model": player.model or self.seat.name,
            "messages": _sendable(list(messages)),
        }
        body |= {"tools": list(tools)} if tools else {}
        warm = player.temperature if player.temperature is not None else temperature
        body |= {"temperature": warm} if warm is not None else {}
        body |= {"max_tokens": player.max_tokens} if player.max_tokens is not None else {}
        try:
            status, answer = await unixhttp.wait(
                str(paths.models_socket()),
                "POST",
                "/v1/chat/completions",
                body,
                timeout=PATIENCE,
                token=self.token,
            )
            if status != 200:
                raise self._refused(str(answer["error"]["message"]), str(answer["error"]["type"]))
            return _reply(answer["choices"][0]["message"])
        except (OSError, LookupError, TypeError, AttributeError) as error:
            raise self._refused(f"no sensible answer came: {error}") from error

    def _refused(self, why: str, problem: str = "") -> KageError:
        for said, instead in _TO_AGENTS:
            why = why.replace(said, instead)
        if self.seat.role in ("judge", "review"):
            why = re.sub(r" \(agent_(?:usd|tokens)\)", "", why)
            why = _OWN_LIMIT.sub(rf"Raise run_\1 of [{self.seat.role}] in config.toml.", why)
        return KageError(
            f"player `{self.seat.name}` did not answer: {_NUMBERED.sub('it has', why)}",
            fix="kage cost shows what is left.",
            code="model",
            data={"problem": problem},
        )


async def engage(
    conductor: Conductor,
    run: About,
    player: str,
    role: str,
    *,
    offset: int = 0,
    run_usd: float | None = None,
    run_tokens: int | None = None,
    together: bool = False,
) -> Consultant:
    """Have a configured player ready to answer about a run, in a ``role`` of ``NUMBERS``, for no more than so
    many US dollars or tokens in this run; ``together`` with all others whom its account has.

    Raises:
        KageError: there is no such player, it is none that answers questions (a CLI or a command), its key is
            missing, or a limit in dollars cannot hold for it.
    """
    user = await asyncio.to_thread(config.load_user)
    settings = await asyncio.to_thread(config.load_repository, run.root)
    found = user.players.get(player)
    if found is None or found.cli or found.command:
        known = [name for name, entry in user.players.items() if not (entry.cli or entry.command)]
        raise KageError(
            f"`{player}` cannot be the {role}: " + ("it is no model" if found else "there is no such player"),
            fix=f"Name a player with a model: {', '.join(sorted(known)) or 'none is configured yet'}.",
            code="config",
        )
    seat = Seat(name=player, player=found, label=players.label(found), role=role)
    terms = discretion.terms(user, settings, run.root)
    await discretion.check([seat], user, terms.rules)
    await money.check(conductor.gateway, [seat], user, settings)
    await conductor.gateway.ensure()
    if found.model and not found.recorded:
        await conductor.gateway.load()
    answering = [found, *(user.players[name] for name in money.fallbacks(found, user))]
    if names := {name for entry in answering if (name := discover.key_variable(entry))}:
        await keys.deliver(conductor, sorted(names), conductor.peers.clients())
    given = money.terms(found, user, settings) | {"privacy": msgspec.to_builtins(terms), "record": ""}
    whose = "run" if together else "agent"
    own = {f"{whose}_usd": run_usd, f"{whose}_tokens": run_tokens}
    given["limits"] |= least(given["limits"], own)
    token = secrets.token_urlsafe(24)
    number = NUMBERS[role] - offset
    await conductor.gateway.register(run.id, number, token, seat, str(run.root), given)
    return Consultant(run=run.id, number=number, seat=seat, token=token)


def _sendable(value: Any) -> Any:
    """Without halves of characters, which names of files and answers of models can have and JSON cannot."""
    if isinstance(value, str):
        return HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_sendable(one) for one in value]
    return {key: _sendable(one) for key, one in value.items()} if isinstance(value, dict) else value


def least(limits: dict[str, Any], own: dict[str, float | None]) -> dict[str, float | None]:
    """Of each limit that is one's own, the smaller of it and of the one that holds anyway."""
    return {
        name: min((value for value in (limits.get(name), cap) if value is not None), default=None)
        for name, cap in own.items()
    }


def _reply(message: dict[str, Any]) -> Reply:
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    calls = [
        {
            "id": str(call.get("id") or index),
            "name": str(call["function"]["name"]),
            "arguments": _text(call["function"].get("arguments")),
        }
        for index, call in enumerate(message.get("tool_calls") or [])
    ]
    return Reply(text=content, calls=calls, message=message)


def _text(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})
