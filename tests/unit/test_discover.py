"""What is found without configuration: keys by name, servers on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kage_nvim import discover
from tests.fixtures.model_server import ModelServer

KEY = "sk-planted-0123456789"


@contextmanager
def closed_ports() -> Iterator[dict[str, int]]:
    """Ports on which nobody listens, for all servers."""
    held = [socket.socket() for _ in discover.SERVERS]
    for one in held:
        one.bind(("127.0.0.1", 0))
    yield {s.name: one.getsockname()[1] for s, one in zip(discover.SERVERS, held, strict=True)}
    for one in held:
        one.close()


def test_keys_are_found_by_name_and_never_shown() -> None:
    env = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "MISTRAL_API_KEY": "", "OTHER_API_KEY": KEY}
    entries = discover.found(env, probe=False)
    assert [entry.name for entry in entries] == ["claude", "gpt"]
    assert entries[0].player.api_key_env == "ANTHROPIC_API_KEY"
    assert discover.key_variable(entries[0].player) == "ANTHROPIC_API_KEY"
    assert "ANTHROPIC_API_KEY" in entries[0].what
    assert KEY not in repr(entries)


def test_all_six_services() -> None:
    env = {service.variable: "x" for service in discover.SERVICES}
    assert len(discover.found(env, probe=False)) == 6


def test_local_servers_are_found() -> None:
    with (
        closed_ports() as ports,
        ModelServer(models=["qwen3-coder:480b-cloud", "nomic-embed-text", "qwen:7b"]) as ollama,
        ModelServer(models=["local-model"]) as vllm,
    ):
        moved = ports | {"ollama": ollama.port, "vllm": vllm.port}
        entries = discover.found({}, probe=True, ports=moved)
    assert [entry.name for entry in entries] == ["ollama", "vllm"]
    assert entries[0].player.model == "openai/qwen:7b"
    assert entries[0].player.api_base == f"http://127.0.0.1:{ollama.port}/v1"
    assert entries[1].player.model == "openai/local-model"
    assert discover.key_variable(entries[0].player) is None


def test_without_probe_nobody_is_asked() -> None:
    with ModelServer() as server:
        assert discover.found({}, probe=False, ports={"ollama": server.port}) == []


def test_silent_and_foreign_servers_are_passed_over() -> None:
    """One accepts and says nothing, for ever; one answers 404, one has no models."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    with closed_ports() as ports, ModelServer(models=[]) as empty:
        moved = ports | {"llamacpp": silent.getsockname()[1], "ollama": empty.port}
        assert discover.found({}, probe=True, ports=moved) == []
    silent.close()


@pytest.mark.parametrize(
    "answer",
    [[], "x", None, 7, {}, {"data": {}}, {"data": [1, None]}, {"data": [{"id": 5}]}, {"models": "many"}],
)
def test_listings_that_are_none(answer: object) -> None:
    assert discover._first_model(json.loads(json.dumps(answer))) is None


def test_inside_a_running_loop() -> None:
    async def scenario() -> list[discover.Found]:
        return await discover.found_async({"GEMINI_API_KEY": "x"}, probe=False)

    assert [entry.name for entry in asyncio.run(scenario())] == ["gemini"]


def test_kaged_does_not_pay_for_litellm() -> None:
    code = "import sys, kage_nvim.discover; assert not {'litellm', 'aiohttp', 'httpx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
