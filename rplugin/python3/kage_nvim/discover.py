"""Which models this machine offers without any configuration: keys in the environment, local servers.

Only names of variables are looked at, never what they hold. Nothing is sent to a provider; local servers are
asked for their list of models, on loopback, all at once, and have 0.3 s to answer.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kage_nvim.model import Player

PROBE_SECONDS = 0.3
MAX_ANSWER = 1_000_000


class Found(msgspec.Struct, frozen=True):
    """A player that could be used. ``what`` completes "Send code to …?"."""

    name: str
    player: Player
    what: str


class Service(msgspec.Struct, frozen=True):
    """A provider whose key may be in the environment, with a model of it that writes code well and is in
    the price list."""

    name: str
    title: str
    variable: str
    model: str


class Server(msgspec.Struct, frozen=True):
    """A program that plays models on loopback, and where it lists them."""

    name: str
    title: str
    port: int
    listing: str


SERVICES = (
    Service("claude", "Anthropic", "ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5"),
    Service("gpt", "OpenAI", "OPENAI_API_KEY", "openai/gpt-5.6-terra"),
    Service("deepseek", "DeepSeek", "DEEPSEEK_API_KEY", "deepseek/deepseek-v4-pro"),
    Service("gemini", "Google Gemini", "GEMINI_API_KEY", "gemini/gemini-3.8-flash"),
    Service("openrouter", "OpenRouter", "OPENROUTER_API_KEY", "openrouter/anthropic/claude-sonnet-5"),
    Service("mistral", "Mistral", "MISTRAL_API_KEY", "mistral/devstral-latest"),
)
SERVERS = (
    Server("ollama", "Ollama", 11434, "/api/tags"),
    Server("llamacpp", "llama.cpp", 8080, "/v1/models"),
    Server("lmstudio", "LM Studio", 1234, "/v1/models"),
    Server("vllm", "vLLM", 8000, "/v1/models"),
)

KEYLESS = frozenset({"ollama", "ollama_chat", "hosted_vllm", "lm_studio", "llamafile", "vllm"})
"""Providers that ask for no key, unless the user names one."""
OWN_LOGIN = frozenset({"bedrock", "vertex_ai", "sagemaker"})
"""Providers whose libraries find the user's login in files of their own."""
_VARIABLES = {"together_ai": "TOGETHERAI_API_KEY"}
_FAMILIES = {"claude": "anthropic", "gemini": "gemini", "deepseek": "deepseek", "mistral": "mistral"}


def key_variable(player: Player) -> str | None:
    """The variable that the player's key is read from; ``None`` when it needs none.

    What the user named wins; a server on loopback never gets a key that was not named for it; otherwise it
    is the variable that the model's provider is known by (``PROVIDER_API_KEY``).
    """
    if player.api_key_env:
        return player.api_key_env
    if player.model is None or player.recorded or player.api_key_command:
        return None
    if player.api_base and is_loopback(player.api_base):
        return None
    name = provider(player.model)
    if name in KEYLESS | OWN_LOGIN:
        return None
    return _VARIABLES.get(name, f"{name.upper()}_API_KEY")


def provider(model: str) -> str:
    """The provider of a litellm model name: its prefix, or the one its family belongs to."""
    if "/" in model:
        return model.partition("/")[0]
    return next((name for family, name in _FAMILIES.items() if model.startswith(family)), "openai")


def is_loopback(url: str) -> bool:
    """True when the address is this machine's own, by the text of the URL alone."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def found(env: Mapping[str, str], *, probe: bool, ports: Mapping[str, int] | None = None) -> list[Found]:
    """``found_async`` for callers without an event loop."""
    return asyncio.run(found_async(env, probe=probe, ports=ports))


async def found_async(
    env: Mapping[str, str], *, probe: bool, ports: Mapping[str, int] | None = None
) -> list[Found]:
    """The players that can be had without configuration, services first, in the order of the tables above.

    ``env`` needs names only; an empty value counts as absent. ``probe`` also asks the local servers;
    ``ports`` moves them, by name.
    """
    listed = [
        Found(
            service.name,
            Player(model=service.model, api_key_env=service.variable),
            f"{service.title} ({service.model.rpartition('/')[2]}, with the key in {service.variable})",
        )
        for service in SERVICES
        if env.get(service.variable)
    ]
    if probe:
        moved = ports or {}
        asked = [_probe(server, moved.get(server.name, server.port)) for server in SERVERS]
        listed += [entry for entry in await asyncio.gather(*asked) if entry]
    return listed


async def _probe(server: Server, port: int) -> Found | None:
    try:
        answer = await asyncio.wait_for(_get(port, server.listing), PROBE_SECONDS)
        model = _first_model(json.loads(answer))
    except (OSError, ValueError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        return None
    if model is None:
        return None
    base = f"http://127.0.0.1:{port}/v1"
    return Found(
        server.name,
        Player(model=f"openai/{model}", api_base=base),
        f"{server.title} on this machine ({model}, port {port})",
    )


async def _get(port: int, path: str) -> bytes:
    """The body of ``GET path``; HTTP/1.0, so that it ends where the connection ends.

    Raises:
        OSError: nobody listens, or the answer is not a 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = await _read_all(reader)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0] + b" ":
        raise OSError("not a 200")
    return body


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    parts, total = [], 0
    while (part := await reader.read(65536)) and total <= MAX_ANSWER:
        parts.append(part)
        total += len(part)
    return b"".join(parts)


def _first_model(answer: Any) -> str | None:
    """The first model of an OpenAI or Ollama listing that chats and runs here: an Ollama ``:cloud`` model is
    not on this machine, whatever the port says."""
    if not isinstance(answer, dict):
        return None
    entries = answer.get("data") or answer.get("models") or []
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get("id") or entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and "embed" not in name and not name.endswith(("cloud", "-cloud")):
            return name
    return None
