"""The wires over a socket, against a model behind litellm: whole, streamed, refused, broken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal

pytestmark = pytest.mark.usefixtures("hurried")
SAID = [{"role": "user", "content": "do it"}]
GOOGLE = {"contents": [{"role": "user", "parts": [{"text": "do it"}]}]}
WIRES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("/chat/completions", "Authorization", {"messages": SAID, "model": "m"}),
    "responses": ("/v1/responses", "Authorization", {"input": "do it", "model": "m"}),
    "messages": ("/v1/messages?beta=true", "x-api-key", {"messages": SAID, "model": "m", "max_tokens": 9}),
    "gemini": ("/v1beta/models/m:generateContent", "x-goog-api-key", GOOGLE),
}
CALLS = Reply("I look.", tool_calls=[("shell", {"command": "ls"}), ("read", {"path": "ä.py"})])


def ask(
    client: Client, name: str, *, stream: bool = False, token: str = "T1", **more: Any
) -> tuple[int, str]:
    """Status and body of one request, as its protocol makes it."""
    url, header, body = WIRES[name]
    if stream and name == "gemini":
        url = url.replace(":generateContent", ":streamGenerateContent?alt=sse")
    elif stream:
        more["stream"] = True
    connection = client.connect()
    value = f"Bearer {token}" if header == "Authorization" else token
    connection.request("POST", url, json.dumps({**body, **more}), {header: value})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_with_calls_whole_and_streamed(client: Client, name: str) -> None:
    with ModelServer(CALLS) as server:
        client.register(model="openai/any", api_base=server.url)
        for stream in (False, True):
            status, text = ask(client, name, stream=stream)
            assert status == 200, text
            for word in ("shell", "read", "ls", "100", "20"):
                assert word in text
    assert all(r.body["messages"] == SAID for r in server.requests)
    assert client.get_as("T1", "/v1/kage/usage")["tokens_in"] == 200


@pytest.mark.parametrize("name", WIRES)
def test_refusals_have_the_wires_shape_and_are_final(client: Client, name: str) -> None:
    """Statuses that the real CLIs do not try again: ``problems.STATUS``."""
    client.register(model="openai/any", api_base="http://127.0.0.1:1/v1")
    wrong = {"responses": {"input": 5}, "gemini": {"contents": 5}}.get(name, {"messages": 5})
    final = 400 if name == "responses" else 424
    unknown = 400 if name == "responses" else 401
    for status, more, token in ((unknown, {}, "T9"), (400, wrong, "T1"), (final, {}, "T1")):
        got, text = ask(client, name, token=token, **more)
        assert got == status, text
        error = json.loads(text)["error"]
        assert error["message"]
        if name == "messages":
            assert json.loads(text)["type"] == "error" and error["type"].endswith("_error")
        if name == "gemini":
            assert error["code"] == status and error["status"].isupper()


@pytest.mark.parametrize("name", WIRES)
def test_a_stream_that_breaks_says_so_in_its_last_event(client: Client, name: str) -> None:
    with ModelServer(Reply("a b c d e", cut_after=4)) as server:
        client.register(model="openai/any", api_base=server.url)
        status, text = ask(client, name, stream=True)
    last = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")][-1]
    error = last["response"]["error"] if name == "responses" else last["error"]
    assert status == 200
    assert "ended midway" in error["message"]
    assert last.get("type") == {"responses": "response.failed", "messages": "error"}.get(name)


def test_gemini_streams_an_array_without_alt_sse(client: Client) -> None:
    url = "/v1beta/models/m:streamGenerateContent?key=T1"
    with ModelServer(Reply("a b")) as server:
        client.register(model="openai/any", api_base=server.url)
        status, chunks = client.post(url, GOOGLE)
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    assert (status, "".join(part["text"] for part in parts)) == (200, "a b")
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_refusal_within_an_array(client: Client) -> None:
    with ModelServer(Reply("a b c d", cut_after=3)) as server:
        client.register(model="openai/any", api_base=server.url)
        _, chunks = client.post("/v1beta/models/m:streamGenerateContent?key=T1", GOOGLE)
    assert chunks[-1]["error"]["status"] == "UNAVAILABLE"


def test_counts_and_lists_ask_no_model(client: Client) -> None:
    client.register(model="anthropic/claude-sonnet-5")
    assert client.post("/v1/messages/count_tokens?key=T1", WIRES["messages"][2])[1]["input_tokens"] > 0
    assert client.post("/v1beta/models/m:countTokens?key=T1", GOOGLE)[1]["totalTokens"] > 0
    assert client.get_as("T1", "/v1/models")["data"][0]["id"] == "claude-sonnet-5"
    assert client.get_as("T1", "/v1beta/models")["models"][0]["name"] == "models/claude-sonnet-5"


def test_a_cli_chooses_among_its_providers_models(client: Client) -> None:
    with ModelServer(refusal(400, "no")) as server:
        client.register("T1", model="openai/pinned", api_base=server.url)
        ask(client, "chat", model="other")
        assert server.requests[0].body["model"] == "pinned"
    status, text = client.post("/kage/agents", {
        "token": "T2", "run": "r", "number": 2, "player_name": "claude", "player": {"model": None},
        "provider": "anthropic", "repository": "/r"})  # fmt: skip
    assert status == 200, text
    for name in ("../x", "a b", "x\n", "x" * 300):
        status, text = ask(client, "messages", token="T2", model=name)
        assert (status, "no name of a model" in text) == (400, True)


@pytest.mark.parametrize("name", WIRES)
def test_who_gets_no_second_request_on_a_connection_is_told(client: Client, name: str) -> None:
    """A library that keeps its connections would send the next request into a reset."""
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=server.url)
        for token in ("T1", "wrong"):
            for stream in (False, True):
                assert _head(client, name, token, stream).get_all("connection") == ["close"]


def _head(client: Client, name: str, token: str, stream: bool) -> Any:
    url, header, body = WIRES[name]
    connection = client.connect()
    value = f"Bearer {token}" if header == "Authorization" else token
    connection.request("POST", url, json.dumps({**body, "stream": stream}), {header: value})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.headers


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"content": 1.5}, "messages[0].content"),
        ({"content": [[]]}, "messages[0].content"),
        ({"content": [{"type": "tool_use"}]}, "tool_use"),
        ({"content": [{"text": "x"}]}, "messages[0].content[0].type"),
        ({"content": [{"type": "text", "text": 5}]}, "messages[0].content[0].text"),
        ({"tool_calls": [{"function": {"name": 5}}]}, "messages[0].tool_calls[0].function.name"),
        ({"tool_calls": [{"function": "f"}]}, "messages[0].tool_calls[0].function"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(client: Client, message: dict[str, Any], field: str) -> None:
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=server.url)
        answer = client.ask(messages=[{"role": "user", **message}], stream=False)
        assert (answer.status, answer.error["type"]) == (400, "bad_request")
        assert field in answer.error["message"]
        assert server.requests == []
