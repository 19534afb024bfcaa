"""Every way a provider can fail: the type, words that help, and another try only where it may help."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from tests.conftest import until
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, in_order, refusal

KEY = "sk-planted-0123456789"
HTML = Reply(raw="<html><body>It works!</body></html>", content_type="text/html")
pytestmark = pytest.mark.usefixtures("hurried")


@pytest.mark.parametrize(
    ("reply", "status", "type", "says", "tries"),
    [
        (refusal(401, f"bad key {KEY}"), 401, "unauthorized", ["MY_KEY", "`fast`", "401"], 1),
        (refusal(403, "no entry"), 401, "unauthorized", ["MY_KEY", "403"], 1),
        (refusal(429, "slow down", retry_after=900), 424, "rate_limit", ["slow down", "429", "900"], 1),
        (refusal(408, "late"), 424, "provider", ["408"], 3),
        (refusal(529, "overloaded"), 424, "provider", ["529"], 3),
        (refusal(501, "never"), 424, "provider", ["501"], 1),
        (refusal(400, "maximum context length is 9"), 400, "bad_request", ["too long"], 1),
        (refusal(500, "oops"), 424, "provider", ["500", "oops"], 3),
        (refusal(502, "oops"), 424, "provider", ["502"], 3),
        (refusal(503, "busy"), 424, "provider", ["503", "busy"], 3),
        (refusal(504, "late"), 424, "provider", ["504"], 3),
        (Reply(status=500, raw="<html>bad gateway</html>", content_type="text/html"), 424, "provider", [], 3),
        (refusal(400, "bad words"), 400, "bad_request", ["bad words", "[players.fast]"], 1),
        (refusal(404, "no such model"), 400, "bad_request", ["no such model", "model"], 1),
        (refusal(402, "no credit"), 424, "provider", ["paid", "no credit"], 1),
        (HTML, 424, "provider", [], None),
        (Reply(raw=b"\x00\x01 garbage"), 424, "provider", [], None),
        (Reply("", delay=1.6), 424, "network", ["1 s"], 3),
        (Reply("a b c", cut_after=0), 424, None, [], 3),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_refusals(
    client: Client,
    reply: Reply,
    status: int,
    type: str | None,
    says: list[str],
    tries: int | None,
    stream: bool,
) -> None:
    client.post("/kage/keys", {"MY_KEY": KEY})
    with ModelServer(reply) as server:
        client.register(model="openai/any", api_base=server.url, api_key_env="MY_KEY")
        answer = client.ask(stream=stream)
        assert answer.status == status, answer.last
        assert type is None or answer.error["type"] == type, answer.error
        message = answer.error["message"]
        for word in says:
            assert word in message, message
        assert KEY not in message
        assert server.url in message
        assert "litellm" not in message and "Traceback" not in message, message
        assert tries is None or len(server.requests) == tries


def test_html_names_the_likely_fix(client: Client) -> None:
    with ModelServer(HTML) as server:
        client.register(model="openai/any", api_base=server.url)
        streamed, whole = client.ask(), client.ask(stream=False)
    assert "/v1" in whole.error["message"], whole.error
    assert "api_base" in streamed.error["message"] or "server" in streamed.error["message"]


@pytest.mark.parametrize("stream", [True, False])
def test_nobody_listens(client: Client, stream: bool) -> None:
    server = ModelServer()
    with server:
        url = server.url
    client.register(model="openai/any", api_base=url)
    answer = client.ask(stream=stream)
    assert (answer.status, answer.error["type"]) == (424, "network")
    assert "refused" in answer.error["message"].lower(), answer.error
    assert url in answer.error["message"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply("a b c d", cut_after=3),
        Reply("a b c d", finish=None, usage=None, done=False),
        Reply("a b c d", finish=None, usage=None),
        Reply("a b c d", finish=None),
    ],
    ids=["cut", "silent end", "done without finish", "usage without finish"],
)
def test_a_stream_that_ends_midway_is_an_error_and_no_second_try(client: Client, reply: Reply) -> None:
    with ModelServer(reply) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
    assert answer.status == 200
    assert answer.text.startswith("a b")
    assert not answer.done
    assert answer.error["type"] == "provider"
    assert "the stream ended midway" in answer.error["message"]
    assert not any(e["choices"][0]["finish_reason"] for e in answer.events[:-1])
    assert len(server.requests) == 1
    assert client.get("/kage/cost?run=run-1")["run"]["unpriced_calls"] == 1


def test_a_stream_cut_before_its_first_word_is_tried_again(client: Client) -> None:
    with ModelServer(in_order([Reply("x", cut_after=1), Reply("well")])) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
    assert (answer.status, answer.text, answer.done) == (200, "well", True)
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", [refusal(500, "oops"), refusal(429, "slow"), refusal(503, "busy")])
def test_a_passing_failure_is_not_seen(client: Client, failure: Reply) -> None:
    with ModelServer(in_order([failure, failure, Reply("well")])) as server:
        client.register(model="openai/any", api_base=server.url)
        assert client.ask().text == "well"
        assert len(server.requests) == 3


def test_retry_after_is_obeyed_by_all_agents(client: Client) -> None:
    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return Reply("well") if len(server.requests) > 1 else refusal(429, "slow down", retry_after=0.6)

    with ModelServer(script) as server:
        client.register("T1", model="openai/any", api_base=server.url)
        client.register("T2", number=2, model="openai/any", api_base=server.url)
        began = time.monotonic()
        assert client.ask("T1").text == "well"
        assert client.ask("T2").text == "well"
        assert time.monotonic() - began >= 0.6
        assert server.requests[1].at - server.requests[0].at >= 0.6


def test_a_wait_that_is_too_long_is_not_waited(client: Client) -> None:
    with ModelServer(refusal(429, "tomorrow", retry_after=3600)) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
        assert answer.seconds < 2
        assert "3600" in answer.error["message"]
        client.register("T2", player="other", number=2, model="openai/any", api_base=server.url)
        other = client.ask("T2")
        assert other.seconds < 2 and other.status == 424
        words = other.error["message"]
        assert "429: tomorrow" in words and "`other`" in words and "`fast`" not in words
        assert len(server.requests) == 1


def test_a_wait_is_said_while_it_lasts(client: Client) -> None:
    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return Reply("well") if len(server.requests) > 1 else refusal(429, "slow down", retry_after=2.5)

    with ModelServer(script) as server:
        client.register(model="openai/any", api_base=server.url)
        answers: list[str] = []
        asking = threading.Thread(target=lambda: answers.append(client.ask().text))
        asking.start()
        until(lambda: f"{server.url}: 429, " in client.usage()["waiting"], 5, "the wait")
        asking.join()
        assert answers == ["well"] and client.usage()["waiting"] == ""


def test_an_unknown_provider_is_named(client: Client) -> None:
    client.register(model="nonsense/any", api_key_env="MY_KEY")
    client.post("/kage/keys", {"MY_KEY": KEY})
    answer = client.ask()
    assert answer.error["type"] == "bad_request"
    assert "nonsense" in answer.error["message"]


def test_a_server_that_ignores_stream_is_understood(client: Client) -> None:
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "any",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "all"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
    with ModelServer(Reply(raw=json.dumps(body))) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask()
    assert (answer.status, answer.text, answer.done) == (200, "all", True)
    assert answer.kage["tokens_in"] == 7
