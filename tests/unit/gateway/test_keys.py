"""Keys: where they come from, who gets them, and where they never appear."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kage_nvim.discover import key_variable
from kage_nvim.model import Player
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal

KEY = "sk-planted-0123456789"


@pytest.mark.parametrize(
    ("player", "variable"),
    [
        (Player(model="openai/gpt-5-mini"), "OPENAI_API_KEY"),
        (Player(model="gpt-5-mini"), "OPENAI_API_KEY"),
        (Player(model="claude-haiku-4-5"), "ANTHROPIC_API_KEY"),
        (Player(model="deepseek/deepseek-chat"), "DEEPSEEK_API_KEY"),
        (Player(model="openrouter/anthropic/claude-sonnet-5"), "OPENROUTER_API_KEY"),
        (Player(model="openai/x", api_key_env="MINE"), "MINE"),
        (Player(model="openai/x", api_base="http://127.0.0.1:1/v1", api_key_env="MINE"), "MINE"),
        (Player(model="openai/x", api_base="http://127.0.0.1:1/v1"), None),
        (Player(model="openai/x", api_base="http://[::1]:1/v1"), None),
        (Player(model="openai/x", api_base="http://localhost:1/v1"), None),
        (Player(model="openai/x", api_base="https://models.example.org/v1"), "OPENAI_API_KEY"),
        (Player(model="ollama_chat/x"), None),
        (Player(model="bedrock/x"), None),
        (Player(model="openai/x", api_key_command=["pass", "show", "x"]), None),
        (Player(recorded="tape.jsonl"), None),
    ],
)
def test_which_variable(player: Player, variable: str | None) -> None:
    assert key_variable(player) == variable


def test_a_missing_key_is_named_and_can_be_given_later(client: Client) -> None:
    with ModelServer(Reply("well"), key=KEY) as server:
        client.register(model="openai/any", api_base=server.url, api_key_env="MY_KEY")
        answer = client.ask()
        assert (answer.status, answer.error["type"], answer.error["names"]) == (
            428,
            "keys_missing",
            ["MY_KEY"],
        )
        assert not server.requests
        assert client.post("/kage/keys", {"MY_KEY": KEY + "\n", "EMPTY": ""}) == (200, {"known": ["MY_KEY"]})
        assert client.get("/kage/keys") == {"known": ["MY_KEY"]}
        assert client.ask().text == "well"


def test_a_changed_key_replaces_the_old(client: Client) -> None:
    with ModelServer(Reply("well"), key=KEY) as server:
        client.register(model="openai/any", api_base=server.url, api_key_env="MY_KEY")
        client.post("/kage/keys", {"MY_KEY": "sk-old-and-revoked"})
        refused = client.ask()
        assert refused.error["type"] == "unauthorized"
        assert "sk-old-and-revoked" not in str(refused.error)
        assert "[key]" in refused.error["message"]
        client.post("/kage/keys", {"MY_KEY": KEY})
        assert client.ask().text == "well"


def test_a_local_server_never_gets_a_key_that_was_not_named_for_it(client: Client) -> None:
    client.post("/kage/keys", {"OPENAI_API_KEY": KEY})
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=server.url)
        assert client.ask().text == "well"
    assert KEY not in str(server.requests[0].headers)


def command(folder: Path, body: str) -> list[str]:
    script = folder / "give key"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return [str(script), "show", "$HOME; echo no-shell"]


def test_a_key_command_is_run_once_and_without_a_shell(client: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = command(tmp_path, f'echo "$2" >> {log}; sleep 0.2; echo {KEY}; echo more')
    with ModelServer(Reply("well"), key=KEY) as server:
        for number in (1, 2, 3):
            client.register(
                f"T{number}", number=number, model="openai/any", api_base=server.url, api_key_command=argv
            )
        threads = [threading.Thread(target=client.ask, args=(f"T{n}",)) for n in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.ask().text == "well"
        assert len(server.requests) == 4
    assert log.read_text() == "$HOME; echo no-shell\n"


def test_a_refused_command_key_is_asked_for_again(client: Client, tmp_path: Path) -> None:
    value = tmp_path / "value"
    value.write_text("sk-old-and-revoked\n")
    argv = command(tmp_path, f"cat {value}")
    with ModelServer(Reply("well"), key=KEY) as server:
        client.register(model="openai/any", api_base=server.url, api_key_command=argv)
        refused = client.ask()
        assert refused.error["type"] == "unauthorized"
        assert "sk-old-and-revoked" not in str(refused.error)
        value.write_text(KEY)
        assert client.ask().text == "well"


@pytest.mark.parametrize(("body", "says"), [("exit 3", "exited with 3"), ("true", "printed nothing")])
def test_a_failing_key_command(client: Client, tmp_path: Path, body: str, says: str) -> None:
    client.register(model="openai/any", api_key_command=command(tmp_path, body))
    answer = client.ask()
    assert (answer.status, answer.error["type"]) == (401, "unauthorized")
    assert says in answer.error["message"]
    client.register(model="openai/any", api_key_command=[str(tmp_path / "absent")])
    assert "could not be run" in client.ask().error["message"]


def test_a_provider_that_quotes_the_key_does_not_show_it(client: Client) -> None:
    client.post("/kage/keys", {"MY_KEY": KEY})
    html = Reply(raw=f"<html>{KEY}</html>", content_type="text/html")
    for reply in (refusal(400, f"you sent {KEY}"), refusal(404, KEY), html):
        with ModelServer(reply) as server:
            client.register(model="openai/any", api_base=server.url, api_key_env="MY_KEY")
            answer = client.ask(stream=False)
            assert KEY not in str(answer.last)
            assert "[key]" in answer.error["message"], answer.error
