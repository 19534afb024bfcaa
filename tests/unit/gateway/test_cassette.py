"""Recorded players: no model, no litellm, the same answers every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.gateway.provider import Provider
from tests.fixtures.gateway import Client, LoopThread, serve_here

TAPE: list[dict[str, Any]] = [
    {"turn": 1, "text": "I look.", "tool_calls": [{"name": "shell", "arguments": {"command": "ls"}}]},
    {"turn": 2, "delay": 0.2, "chunk_delay": 0.05, "text": "one two three four"},
    {"turn": 3, "text": "Done.", "usage": {"prompt_tokens": 900, "completion_tokens": 40}},
]


def tape(folder: Path, lines: list[Any]) -> str:
    path = folder / "tape.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def test_answers_come_by_turn(client: Client, tmp_path: Path) -> None:
    client.register(recorded=tape(tmp_path, TAPE))
    first = client.ask(stream=False)
    call = first.last["choices"][0]["message"]["tool_calls"][0]
    assert call["function"] == {"name": "shell", "arguments": '{"command":"ls"}'}
    assert first.last["choices"][0]["finish_reason"] == "tool_calls"
    third = client.ask(turns=2)
    assert (third.text, third.kage["tokens_in"], third.kage["cost_usd"]) == ("Done.", 900, None)
    assert client.ask(turns=1).text == "one two three four"
    assert client.get("/kage/cost?run=run-1")["run"]["calls"] == 3


def test_words_are_played_in_time(client: Client, tmp_path: Path) -> None:
    client.register(recorded=tape(tmp_path, TAPE))
    answer = client.ask(turns=1)
    assert 0.2 <= answer.times[0] < 0.45
    assert [e["choices"][0]["delta"]["content"] for e in answer.events[:4]] == [
        "one ",
        "two ",
        "three ",
        "four",
    ]
    assert answer.times[3] - answer.times[0] >= 0.14


def test_a_price_makes_a_recording_cost(client: Client, tmp_path: Path) -> None:
    client.register(recorded=tape(tmp_path, TAPE), price_in=1.0, price_out=10.0)
    assert client.ask(turns=2).kage["cost_usd"] == pytest.approx(0.0013)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "0 answers and was asked for number 1"),
        (["{"], "line 1"),
        ([{"turn": 1, "words": "x"}], "words"),
    ],
)
def test_a_tape_that_cannot_be_played(client: Client, tmp_path: Path, lines: list[Any], says: str) -> None:
    client.register(recorded=tape(tmp_path, lines))
    answer = client.ask()
    assert (answer.status, answer.error["type"]) == (410, "cassette")
    assert says in answer.error["message"]


def test_no_tape_and_the_end_of_one(client: Client, tmp_path: Path) -> None:
    client.register("T1", recorded=str(tmp_path / "none.jsonl"))
    assert "none.jsonl" in client.ask("T1").error["message"]
    client.register("T2", number=2, recorded=tape(tmp_path, TAPE))
    ended = client.ask("T2", turns=3)
    assert "has 3 answers and was asked for number 4" in ended.error["message"]


def test_litellm_is_not_imported_for_it(loop: LoopThread, tmp_path: Path) -> None:
    provider = Provider()
    for client, _ in serve_here(loop, provider, tmp_path / "ledger.db"):
        client.register(recorded=tape(tmp_path, TAPE))
        assert client.ask(turns=2).text == "Done."
        assert client.get("/kage/health")["ready"]
    assert provider._loading is None
