"""What an agent gets: whole answers, streamed and not, and what they cost."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply

CALLS = Reply("I look.", tool_calls=[("shell", {"command": "ls -l"}), ("read", {"path": "ä.py"})])
TOOLS = [{"type": "function", "function": {"name": "shell", "parameters": {"type": "object"}}}]


def test_a_stream_ends_with_usage_and_cost(client: Client) -> None:
    with ModelServer(Reply("hello big world")) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1.0, price_out=10.0)
        answer = client.ask(tools=TOOLS)
    assert (answer.status, answer.text, answer.done) == (200, "hello big world", True)
    assert answer.events[-2]["choices"][0]["finish_reason"] == "stop"
    assert answer.last["usage"]["prompt_tokens"] == 100
    assert answer.kage == {
        "tokens_in": 100,
        "tokens_cached": 0,
        "tokens_out": 20,
        "cost_usd": pytest.approx(0.0003),
    }
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert server.requests[0].body["tools"] == TOOLS


def test_tool_calls_come_whole_both_ways(client: Client) -> None:
    with ModelServer(CALLS) as server:
        client.register(model="openai/any", api_base=server.url)
        streamed, whole = client.ask(), client.ask(stream=False)
    parts: dict[int, str] = {}
    for event in streamed.events[:-1]:
        for part in event["choices"][0]["delta"].get("tool_calls", []):
            parts[part["index"]] = parts.get(part["index"], "") + part["function"]["arguments"]
    message = whole.last["choices"][0]["message"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["shell", "read"]
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == list(parts.values())
    assert whole.last["choices"][0]["finish_reason"] == "tool_calls"
    assert message["content"] == "I look."
    assert whole.kage["cost_usd"] is None


def test_deltas_are_passed_on_as_they_come(client: Client) -> None:
    """The server goes on only when its first word has reached the agent."""
    heard = threading.Event()
    with ModelServer(Reply("a b c d e f", hold=heard)) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask(on_event=lambda _: heard.set())
    assert answer.text == "a b c d e f"


def test_a_player_that_does_not_stream_is_streamed_to_the_agent(client: Client) -> None:
    with ModelServer(CALLS) as server:
        client.register(model="openai/any", api_base=server.url, stream=False)
        answer = client.ask()
    assert not server.requests[0].body.get("stream")
    assert answer.text == "I look."
    assert answer.done
    assert answer.kage["tokens_in"] == 100


def test_the_players_settings_win(client: Client) -> None:
    with ModelServer(Reply("x")) as server:
        client.register(model="openai/any", api_base=server.url, temperature=0.0, max_tokens=50)
        client.ask(temperature=1.0, max_tokens=9000, model="openai/other")
    sent = server.requests[0].body
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("any", 0.0, 50)


def test_cached_tokens_cost_less(client: Client) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 800},
    }
    with ModelServer(Reply("x", usage=usage)) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1, price_cached=0.1, price_out=10)
        answer = client.ask()
    assert answer.kage["tokens_cached"] == 800
    assert answer.kage["cost_usd"] == pytest.approx((200 * 1 + 800 * 0.1 + 100 * 10) / 1e6)


@pytest.mark.parametrize("stream", [True, False])
def test_a_server_that_never_counts_is_estimated_and_unpriced(client: Client, stream: bool) -> None:
    with ModelServer(Reply("hello big world", usage=None)) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1, price_out=1)
        if stream:
            assert "no usage" in client.ask().error["message"], "it may have been cut: once, that is an error"
        answer = client.ask(stream=stream)
        assert client.ask().text == "hello big world", "it does not count: known from now on"
    assert answer.text == "hello big world"
    assert answer.kage["tokens_in"] > 0
    assert answer.kage["tokens_out"] > 0
    assert answer.kage["cost_usd"] is None


def test_a_model_on_loopback_has_no_price_even_under_a_famous_name(client: Client) -> None:
    with ModelServer(Reply("x")) as server:
        client.register(model="openai/gpt-5-mini", api_base=server.url)
        assert client.ask().kage["cost_usd"] is None


def test_three_agents_are_answered_at_the_same_time(client: Client) -> None:
    """No answer begins before all three have asked; benchmarks/parallel.py has the seconds."""
    together = threading.Barrier(3)

    def answer(*_: object) -> Reply:
        together.wait(20)
        return Reply("a b")

    with ModelServer(answer) as server, ThreadPoolExecutor(3) as pool:
        for number in (1, 2, 3):
            client.register(f"T{number}", number=number, model="openai/any", api_base=server.url)
        answers = pool.map(client.ask, ("T1", "T2", "T3"))
        assert [answer.text for answer in answers] == ["a b"] * 3
    assert server.most_in_flight == 3


def test_hanging_up_stops_the_call_and_is_charged(client: Client, ledger_file: Path) -> None:
    with ModelServer(Reply("word " * 200, chunk_delay=0.02)) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1, price_out=1)
        connection = client.connect()
        connection.request(
            "POST",
            "/v1/chat/completions",
            '{"stream": true, "messages": [{"role": "user", "content": "x"}]}',
            {"Authorization": "Bearer T1"},
        )
        connection.getresponse().read(200)
        connection.close()
        with sqlite3.connect(ledger_file) as db:
            row = "SELECT status, tokens_out, held_usd > 0, cost_usd FROM calls"
            until(lambda: db.execute(row).fetchone()[0] == "interrupted", 3, "the call is settled")
            _, tokens_out, held, cost = db.execute(row).fetchone()
        assert held == 1
        assert tokens_out > 0
        assert cost > 0, "what it said is known, so that its price is, nearly"


def test_requests_that_are_no_chat(client: Client) -> None:
    client.register(model="openai/any", api_base="http://127.0.0.1:1/v1")
    assert client.ask("T9").status == 401
    assert client.ask("T9").error["type"] == "unauthorized"
    empty = client.ask(messages=[])
    assert (empty.status, empty.error["type"]) == (400, "bad_request")
    connection = client.connect()
    connection.request("POST", "/v1/chat/completions", "{", {"Authorization": "Bearer T1"})
    assert connection.getresponse().status == 400
    connection.close()
    assert client.post("/kage/agents", {"token": "x"})[0] == 400
    assert client.post("/kage/keys", {"A": 1})[0] == 400
    assert client.post("/kage/outcome", {})[0] == 400
    assert client.post("/kage/nowhere?key=T1", {})[0] == 404
    assert client.post("/nowhere", {})[0] == 401


def test_a_cli_sees_a_missing_count_as_an_error_only_of_a_server_that_counts(client: Client) -> None:
    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return Reply("well", usage=None if len(server.requests) in (1, 3) else {"prompt_tokens": 1})

    with ModelServer(script) as server:
        client.register(model="openai/any", api_base=server.url, cli="any")
        first, second, third = client.ask(), client.ask(), client.ask()
    assert (first.text, first.done, second.done) == ("well", True, True)
    assert "no usage" in third.error["message"]
