"""Text that is no text, and other ways of breaking the relay in the middle of a stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin.model_client import Gateway
from kage_nvim.agent_runtime.text import joined
from kage_nvim.gateway.wires.chat import Chat
from kage_nvim.gateway.wires.wire import event
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply

SPLIT = '{"path": "\ud83d'
REST = '\ude00 \ud800"}'


def stream(*deltas: dict[str, Any], usage: bool) -> Reply:
    """The raw events of a stream, each half of a pair in an event of its own."""
    base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "any"}
    events = [{**base, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    if usage:
        events.append({**base, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply(raw="".join([*lines, "data: [DONE]\n\n"]), content_type="text/event-stream")


@pytest.mark.parametrize("usage", [True, False])
def test_characters_in_halves_pass_a_stream(client: Client, usage: bool) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "read", "arguments": SPLIT}}
    reply = stream(
        {"role": "assistant", "content": "well \ud83d"},
        {"content": "\ude00 and \ud800"},
        {"tool_calls": [call]},
        {"tool_calls": [{"index": 0, "function": {"arguments": REST}}]},
        usage=usage,
    )
    with ModelServer(reply) as server:
        client.register(model="openai/any", api_base=server.url, cli="any")
        answer = client.ask()
        asked = {"stream": True, "messages": [{"role": "user", "content": "x"}]}
        read = asyncio.run(Gateway(client.path, "T1").complete(asked, lambda text: None))
    assert read.text == "well \U0001f600 and \ufffd"
    assert read.calls[0].arguments == '{"path": "\U0001f600 \ufffd"}'
    assert (answer.status, answer.done, len(server.requests)) == (200, True, 2)
    assert joined(answer.text) == "well \U0001f600 and \ufffd"
    deltas = [event["choices"][0]["delta"] for event in answer.events[:-1]]
    arguments = "".join(p["function"]["arguments"] for d in deltas for p in d.get("tool_calls", []))
    assert arguments == SPLIT + REST
    assert answer.kage["tokens_out"] > 0


@pytest.mark.parametrize("streamed", [True, False])
def test_lone_halves_pass(client: Client, streamed: bool) -> None:
    text = "\ud800 lone \udc00"
    with ModelServer(Reply(text, tool_calls=[("read", SPLIT + REST)])) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask(stream=streamed)
    assert (answer.status, answer.text, len(server.requests)) == (200, text, 1)


def test_lone_halves_in_an_error_pass(client: Client) -> None:
    error = json.dumps({"error": {"message": "no \ud800"}})
    with ModelServer(Reply(status=400, raw=error)) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
    assert (answer.status, answer.error["type"]) == (400, "bad_request")


@pytest.mark.parametrize("after", [0, 2])
def test_the_gateways_own_failure_ends_a_stream_by_one_event(
    client: Client, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """And never by a second answer within the first."""
    made: list[object] = []

    def events(self: Chat, piece: Any) -> list[bytes]:
        made.append(piece)
        if len(made) > after:
            raise KeyError("oops")
        return [event({"choices": [{"index": 0, "delta": piece, "finish_reason": None}]})]

    monkeypatch.setattr(Chat, "events", events)
    with ModelServer(Reply("a b c d")) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1, price_out=1)
        connection = client.connect()
        body = '{"stream": true, "messages": [{"role": "user", "content": "x"}]}'
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer T1"})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert response.status == 200
    assert len(events) == after + 1
    assert events[-1]["error"]["type"] == "gateway" and "oops" in events[-1]["error"]["message"]
    assert "HTTP/1.1" not in text
    assert len(server.requests) == 1


def test_the_gateways_own_failure_before_an_answer_is_a_status(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(Chat, "__init__", broken)
    with ModelServer(Reply("a")) as server:
        client.register(model="openai/any", api_base=server.url)
        for streamed in (True, False):
            answer = client.ask(stream=streamed)
            assert (answer.status, answer.error["type"]) == (500, "gateway")


def test_a_request_that_is_nested_too_deeply_is_refused(client: Client) -> None:
    client.register(model="openai/any")
    connection = client.connect()
    body = '{"messages": ' + "[" * 200_000
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer T1"})
    assert connection.getresponse().status == 400
    connection.close()
