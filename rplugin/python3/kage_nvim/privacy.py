"""Where a player's calls would go, and whether the user lets anything go there.

Rules come from two files, ``config.toml`` and ``.kage.toml``, and both have to allow a destination. An entry
of ``allow`` is one of three: ``local`` (this machine's loopback addresses, as they resolve at that moment), a
provider's name (``anthropic``), or a host's (``models.example.org``). A provider's name stands for the
provider's own address, or for a server on this machine that speaks for it; any other address has to be named.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

import msgspec

from kage_nvim import discover
from kage_nvim.errors import KageError
from kage_nvim.model import Player

LOCAL = "local"
LENDER = "ollama.com"
"""Where Ollama's cloud models really run."""
Resolve = Callable[[str], Awaitable[list[str]]]


class Rule(msgspec.Struct, frozen=True):
    """One file's ``[privacy] allow``; ``file`` is its path, for the user to find it."""

    allow: list[str]
    file: str


class Terms(msgspec.Struct, frozen=True):
    """What holds for an agent: the rules, whether secrets are replaced, and those that only look random."""

    rules: list[Rule] = []
    secrets: bool = True
    entropy: bool = False


async def allowed(name: str, player: Player, rules: Sequence[Rule], resolve: Resolve | None = None) -> Player:
    """The player as it may be called: where only ``local`` lets it, its address is the one that was checked,
    so that a name which resolves differently a moment later leads nowhere else.

    Raises:
        KageError: code ``privacy``; a rule does not allow the player's destination.
    """
    if player.recorded or player.command or not rules:
        return player
    provider = discover.provider(player.model or "")
    host = (urlsplit(player.api_base).hostname or "") if player.api_base else ""
    found = await (resolve or addresses)(host) if host else []
    here = bool(found) and all(is_local(address) for address in found)
    for rule in rules:
        if not _covers(rule, player.model or "", provider, host, here):
            raise _refused(name, player, provider, host, found, rule)
    if here and host:
        return msgspec.structs.replace(player, api_base=_pinned(player.api_base or "", host, found))
    return player


def allowed_login(name: str, providers: Sequence[str], rules: Sequence[Rule]) -> None:
    """Check a CLI that signs in by itself: it calls its provider without the gateway.

    Raises:
        KageError: code ``privacy``.
    """
    for rule in rules:
        allow = {entry.strip().lower() for entry in rule.allow}
        if not allow & {provider.lower() for provider in providers if provider}:
            known = next((provider for provider in providers if provider), "a provider of its own")
            raise KageError(
                f"the player `{name}` signs in to {known} by itself, and {rule.file} allows"
                f" {_listed(rule.allow)} only",
                fix="Use a player that runs on this machine, or one through the gateway; or add"
                f' "{known}" to [privacy] allow in {rule.file}.',
                code="privacy",
            )


async def addresses(host: str) -> list[str]:
    """What a host's name stands for now; empty when nobody knows."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def is_local(address: str) -> bool:
    """True for a loopback address; this machine's others can be reached, and answered, from elsewhere."""
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def lent(model: str) -> bool:
    """True for a model that Ollama serves on this machine's port and runs on its makers' machines."""
    name = model.lower()
    return name.endswith((":cloud", "-cloud"))


def _covers(rule: Rule, model: str, provider: str, host: str, here: bool) -> bool:
    allow = {entry.strip().lower() for entry in rule.allow}
    if not here:
        return (host or provider).lower() in allow - {LOCAL}
    if lent(model):
        return LENDER in allow
    return bool(allow & {LOCAL, provider.lower(), host.lower()})


def _pinned(url: str, host: str, found: Sequence[str]) -> str:
    """The URL with the address in place of the name. TLS needs the name, and checks it itself;
    ``localhost`` is nobody else's."""
    parts = urlsplit(url)
    if parts.scheme != "http" or host == "localhost" or host in found:
        return url
    address = next((one for one in found if ":" not in one), found[0])
    port = f":{parts.port}" if parts.port else ""
    login = parts.netloc.rpartition("@")[0]
    place = (f"{login}@" if login else "") + (f"[{address}]" if ":" in address else address) + port
    return urlunsplit(parts._replace(netloc=place))


def _refused(
    name: str, player: Player, provider: str, host: str, found: Sequence[str], rule: Rule
) -> KageError:
    model = player.model or "its model"
    here = bool(found) and all(is_local(address) for address in found)
    if here and lent(model):
        why, add = f"{model} is reached through this machine and runs at {LENDER}", LENDER
    elif here:
        why, add = f"{host} is this machine, called as {provider}", LOCAL
    elif not host:
        why, add = f"{model} is answered by {provider}, not by this machine", provider
    else:
        why, add = f"{host} is {', '.join(found[:3]) or 'not known to the name service'}", host
        if host.lower() == LOCAL and found:
            add = found[0]
    return KageError(
        f"privacy: nothing may be sent for the player `{name}`: {why}, and {rule.file} allows"
        f" {_listed(rule.allow)} only",
        fix=f'Use a player that is allowed, or add "{add}" to [privacy] allow in {rule.file}.',
        code="privacy",
    )


def _listed(allow: Sequence[str]) -> str:
    return ", ".join(f'"{entry}"' for entry in allow) or "nothing"
