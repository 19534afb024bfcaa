"""Providers that do not speak OpenAI's protocol, as litellm reads them: whole, counted, and cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply

pytestmark = pytest.mark.usefixtures("hurried")
SHELL = {
    "type": "function",
    "function": {"name": "shell", "parameters": {"type": "object", "properties": {}}},
}


def events(*bodies: dict[str, Any], named: bool = False) -> Reply:
    lines = []
    for body in bodies:
        if named:
            lines.append(f"event: {body['type']}")
        lines += [f"data: {json.dumps(body)}", ""]
    return Reply(raw="\r\n".join([*lines, ""]), content_type="text/event-stream")


ANTHROPIC: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [],
            "usage": {"input_tokens": 100, "cache_read_input_tokens": 900, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I look."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t1", "name": "shell", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"command": "ls"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 50}},
    {"type": "message_stop"},
]


def test_anthropic_streams(client: Client) -> None:
    with ModelServer(events(*ANTHROPIC, named=True)) as server:
        client.register(
            model="anthropic/claude-sonnet-5",
            api_base=server.url.removesuffix("/v1"),
            price_in=2.0,
            price_cached=0.2,
            price_out=10.0,
        )
        answer = client.ask(tools=[SHELL])
    assert answer.done, answer.last
    assert answer.text == "I look."
    parts = [p for e in answer.events[:-1] for p in e["choices"][0]["delta"].get("tool_calls", [])]
    assert "".join(p["function"].get("arguments") or "" for p in parts) == '{"command": "ls"}'
    assert answer.events[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert answer.kage == {
        "tokens_in": 1000,
        "tokens_cached": 900,
        "tokens_out": 50,
        "window": 1_000_000,
        "cost_usd": pytest.approx((100 * 2 + 900 * 0.2 + 50 * 10) / 1e6),
    }


def test_an_anthropic_stream_that_is_cut(client: Client) -> None:
    with ModelServer(events(*ANTHROPIC[:4], named=True)) as server:
        client.register(model="anthropic/claude-sonnet-5", api_base=server.url.removesuffix("/v1"))
        answer = client.ask()
    assert answer.text == "I look."
    assert "ended midway" in answer.error["message"]
    assert not answer.done


def gemini(text: str, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}
    return {"candidates": [candidate], "modelVersion": "gemini-3.8-flash"}


def test_gemini_streams(client: Client) -> None:
    usage = {"promptTokenCount": 80, "candidatesTokenCount": 12, "totalTokenCount": 92}
    last = gemini("world", finishReason="STOP") | {"usageMetadata": usage}
    with ModelServer(events(gemini("hello "), last)) as server:
        client.register(model="gemini/gemini-3.8-flash", api_base=server.url, price_in=1.0, price_out=1.0)
        answer = client.ask()
    assert (answer.text, answer.done) == ("hello world", True), answer.last
    assert (answer.kage["tokens_in"], answer.kage["tokens_out"]) == (80, 12)
    assert answer.kage["cost_usd"] == pytest.approx(92e-6)


@pytest.mark.parametrize(
    "model", ["hosted_vllm/any", "deepseek/any", "openrouter/any", "lm_studio/any", "mistral/any"]
)
@pytest.mark.parametrize("stream", [True, False])
def test_relatives_of_openai(client: Client, model: str, stream: bool) -> None:
    with ModelServer(Reply("well", tool_calls=[("shell", {"command": "ls"})])) as server:
        client.register(model=model, api_base=server.url, cli="any")  # mistral is not asked to count
        answer = client.ask(stream=stream, tools=[SHELL])
    assert answer.text == "well", answer.last
    choice = answer.events[-2 if stream else -1]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert answer.kage["tokens_in"] > 0


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": choices,
        **more,
    }


CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "shell", "arguments": "{}"}}
USED = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


BARE = [
    {"choices": [{"delta": {"content": "well"}}]},
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
]


@pytest.mark.parametrize("model", ["openai/any", "hosted_vllm/any"])
@pytest.mark.parametrize(
    "bodies",
    [
        [chunk({"content": "well"}, "stop")],
        [chunk({"content": "well"}, "stop", usage=USED)],
        [chunk({"content": "well"}), chunk({}, "stop", usage=USED)],
        [chunk({"content": "well", "tool_calls": [CALL]}, "tool_calls")],
        [
            {"choices": [{"delta": {"content": "well"}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        ],
    ],
    ids=["finish with text", "all in one", "usage with finish", "whole call", "bare"],
)
def test_odd_but_whole_streams(client: Client, model: str, bodies: list[dict[str, Any]]) -> None:
    with ModelServer(events(*bodies)) as server:
        client.register(model=model, api_base=server.url, cli="any")
        answer = client.ask()
    assert (answer.text, answer.done) == ("well", True), answer.last
    assert len(server.requests) == 1


def test_an_error_inside_a_stream_is_quoted(client: Client) -> None:
    with ModelServer(events(chunk({"content": "well"}), {"error": {"message": "out of memory"}})) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
    assert "out of memory" in answer.error["message"]
    assert "litellm" not in answer.error["message"], answer.error
