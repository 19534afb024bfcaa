"""The gateway's contract, as the agent reads it: streams and whole answers, errors, cuts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin.model_client import Answer, Gateway, GatewayGone, ModelError
from kage_nvim.agent_runtime.log import Usage
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


def second_head(exchange: Exchange) -> None:
    """What a server does that answers a failure within a stream by another answer."""
    exchange.begin_stream()
    exchange.event({"choices": [{"delta": {"content": "x"}}]})
    exchange.whole(500, {})


def part(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": {"tool_calls": [fields]}}]}


def test_calls_that_all_have_index_0_are_told_apart_by_id(world: World) -> None:
    script = events(
        part(index=0, id="a", function={"name": "read", "arguments": '{"path": "x"}'}),
        part(index=0, id="b", function={"name": "read", "arguments": {"path": "y"}}),
        b"[DONE]",
    )
    answer, _ = ask(world, script)
    assert [(c.id, c.arguments) for c in answer.calls] == [("a", '{"path": "x"}'), ("b", '{"path": "y"}')]


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
    ("script", "kind", "broken"),
    [
        (fail(428, "keys_missing", names=["OPENAI_API_KEY"]), "keys_missing", False),
        (fail(402, "budget"), "budget", False),
        (cut("words", {"type": "network", "message": "gone"}), "network", True),
        (lambda exchange: exchange.whole(502, {}), "provider", False),
        (lambda exchange: exchange.whole(500, {}), "provider", True),
        (lambda exchange: exchange.whole(500, {"error": {"type": "gateway"}}), "gateway", True),
        (lambda exchange: exchange.whole(502, "nonsense"), "gateway", True),
        (lambda exchange: exchange.write(b"SSH-2.0-nonsense\r\n"), "gateway", True),
        (lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "gateway", True),
        (events(b"nonsense"), "gateway", True),
        (events(b"[" * 200_000), "gateway", True),
        (cut("words"), "gateway", True),
        (second_head, "gateway", True),
    ],
)
def test_refusals(world: World, script: Script, kind: str, broken: bool) -> None:
    with pytest.raises(ModelError) as caught:
        ask(world, script)
    assert (caught.value.kind, caught.value.broken) == (kind, broken)
    assert "invalid literal" not in caught.value.message


def test_an_error_tells_what_the_call_used(world: World) -> None:
    sums = {"tokens_in": 9, "tokens_cached": 0, "tokens_out": 2, "cost_usd": 0.5}
    with pytest.raises(ModelError) as caught:
        ask(world, events({"error": {"type": "provider", "message": "cut \ud83d"}, "kage": sums}))
    assert caught.value.usage == Usage(tokens_in=9, tokens_out=2, cost_usd=0.5)
    assert caught.value.message == "cut \ufffd"


@pytest.mark.parametrize("stream", [True, False])
def test_characters_that_come_in_halves(world: World, stream: bool) -> None:
    def script(exchange: Exchange) -> None:
        halves = ["a\ud83d", "\ude00b\ud800", "c\ud800"]
        if not stream:
            arguments = "".join(halves)
            part = {"id": "x", "function": {"name": "read", "arguments": arguments}}
            message = {"content": arguments, "tool_calls": [part]}
            exchange.whole(200, {"choices": [{"message": message}]})
            return
        parts: list[dict[str, Any]] = [{"index": 0, "function": {"arguments": half}} for half in halves]
        deltas = [{"content": half, "tool_calls": [p]} for half, p in zip(halves, parts, strict=True)]
        events(*({"choices": [{"delta": delta}]} for delta in deltas), b"[DONE]")(exchange)

    answer, words = ask(world, script, stream=stream)
    assert answer.text == words == answer.calls[0].arguments == "a\U0001f600b\ufffdc\ufffd"


@pytest.mark.parametrize(
    "script",
    [
        lambda exchange: None,
        lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
)
def test_a_connection_that_breaks_before_an_answer_began(world: World, script: Script) -> None:
    with pytest.raises(GatewayGone) as caught:
        ask(world, script)
    assert caught.value.asked


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(GatewayGone) as caught:
        asyncio.run(Gateway(str(tmp_path / "none"), "t").complete({}, lambda text: None))
    assert not caught.value.asked
