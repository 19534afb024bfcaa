"""The gateway's contract, as the agent reads it: streams and whole answers, errors, cuts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.model_client import Answer, Gateway, GatewayGone, ModelError
from tests.unit.agent.world import Exchange, Script, World, call, cut, fail, say


def ask(world: World, script: Script, *, stream: bool = True) -> tuple[Answer, str]:
    world.gateway.scripts = [script]
    words: list[str] = []
    gateway = Gateway(str(world.gateway.path), "agent-token")
    answer = asyncio.run(gateway.complete({"messages": [], "stream": stream}, words.append))
    return answer, "".join(words)


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer(world: World, stream: bool) -> None:
    script = say("Let me look at it — naïvely.", call("read", path="a"), call("shell", command="ls"))
    answer, words = ask(world, script, stream=stream)
    assert answer.text == words == "Let me look at it — naïvely."
    assert [(c.id, c.name, c.arguments) for c in answer.calls] == [
        ("call_0", "read", '{"path": "a"}'),
        ("call_1", "shell", '{"command": "ls"}'),
    ]
    assert (answer.usage.tokens_in, answer.usage.tokens_cached, answer.usage.cost_usd) == (100, 60, 0.01)
    assert world.gateway.tokens == ["Bearer agent-token"]


def events(*events: Any) -> Script:
    def script(exchange: Exchange) -> None:
        exchange.begin_stream()
        for event in events:
            exchange.event(event)
        exchange.chunk(b"")

    return script


def part(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"tool_calls": [fields]}}]}


def test_calls_that_all_have_index_0_are_told_apart_by_id(world: World) -> None:
    script = events(
        part(index=0, id="a", function={"name": "read", "arguments": '{"path": "x"}'}),
        part(index=0, id="b", function={"name": "read", "arguments": {"path": "y"}}),
        b"[DONE]",
    )
    answer, _ = ask(world, script)
    assert [(c.id, c.arguments) for c in answer.calls] == [("a", '{"path": "x"}'), ("b", '{"path":"y"}')]


def test_calls_without_an_index(world: World) -> None:
    script = events(
        part(id="a", function={"name": "read", "arguments": "{}"}),
        part(id="b", function={"name": "shell", "arguments": "{}"}),
        b"[DONE]",
    )
    assert [c.name for c in ask(world, script)[0].calls] == ["read", "shell"]


def test_usage_of_a_plain_server(world: World) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    answer, _ = ask(world, events({"choices": [], "usage": usage}, b"[DONE]"))
    assert (answer.usage.tokens_in, answer.usage.tokens_cached, answer.usage.tokens_out) == (9, 4, 2)
    assert answer.usage.cost_usd is None


def test_events_may_be_cut_anywhere_and_kept_alive(world: World) -> None:
    def script(exchange: Exchange) -> None:
        exchange.begin_stream()
        data = b': ping\n\ndata: {"choices":[{"delta":{"content":"h\xc3\xa4"}}]}\r\n\r\ndata:[DONE]\n\n'
        for byte in data:
            exchange.chunk(bytes([byte]))

    assert ask(world, script)[1] == "hä"


@pytest.mark.parametrize(
    ("script", "kind", "midway"),
    [
        (fail(428, "keys_missing", names=["OPENAI_API_KEY"]), "keys_missing", False),
        (fail(402, "budget"), "budget", False),
        (cut("words", {"type": "network", "message": "gone"}), "network", True),
        (lambda exchange: exchange.whole(502, "nonsense"), "provider", False),
        (lambda exchange: exchange.whole(500, {}), "provider", False),
        (events(b"nonsense"), "provider", False),
    ],
)
def test_refusals(world: World, script: Script, kind: str, midway: bool) -> None:
    with pytest.raises(ModelError) as caught:
        ask(world, script)
    assert (caught.value.kind, caught.value.midway) == (kind, midway)


@pytest.mark.parametrize(
    "script",
    [
        cut("words"),
        lambda exchange: None,
        lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Le"),
        lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        lambda exchange: exchange.write(b"SSH-2.0-nonsense\r\n"),
    ],
)
def test_a_connection_that_breaks(world: World, script: Script) -> None:
    with pytest.raises(GatewayGone):
        ask(world, script)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(GatewayGone):
        asyncio.run(Gateway(str(tmp_path / "none"), "t").complete({}, lambda text: None))
