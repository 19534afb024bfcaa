"""Another player steps in when a provider fails in a way that this may cure."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (refusal(500, "oops"), "500"),
        (refusal(429, "slow", retry_after=3600), "429"),
        (refusal(401, "no"), "401"),
        (refusal(400, "prompt is too long"), "too long"),
        (None, "refused"),
    ],
)
def test_the_other_player_answers_at_its_price(
    client: Client, ledger_file: Path, reply: Reply | None, why: str
) -> None:
    with ModelServer(reply or Reply()) as first, ModelServer(Reply("well")) as second:
        if reply is None:
            first.stop()
        spare = {"model": "openai/spare", "api_base": second.url, "price_in": 1.0, "price_out": 1.0}
        client.register(
            model="openai/any",
            api_base=first.url,
            price_in=50.0,
            price_out=50.0,
            fallbacks=[{"name": "spare", "player": spare}],
        )
        answer = client.ask()
    assert (answer.status, answer.text) == (200, "well")
    assert answer.kage["cost_usd"] == pytest.approx(0.00012)
    (notice,) = answer.kage["notices"]
    assert "`spare` answers instead of `fast`" in notice and why in notice
    assert client.usage()["failing"] == ""
    with sqlite3.connect(ledger_file) as db:
        rows = db.execute("SELECT player, model, status FROM calls ORDER BY id").fetchall()
    assert rows[-1] == ("spare", "openai/spare", "ok")
    assert list(client.get("/kage/cost?run=run-1")["players"]) == ["spare"]


@pytest.mark.parametrize("reply", [refusal(400, "bad words"), Reply("a b c d", cut_after=3)])
def test_nobody_steps_in_for_what_another_cannot_cure(client: Client, reply: Reply) -> None:
    """A request that is wrong, or an answer of which words have been passed on."""
    with ModelServer(reply) as first, ModelServer(Reply("well")) as second:
        spare = {"model": "openai/spare", "api_base": second.url}
        client.register(
            model="openai/any", api_base=first.url, fallbacks=[{"name": "spare", "player": spare}]
        )
        assert "error" in client.ask().last
        assert second.requests == []


def test_without_a_key_the_other_player_answers(client: Client) -> None:
    with ModelServer(Reply("well")) as second:
        spare = {"model": "openai/spare", "api_base": second.url}
        client.register(
            model="openai/any", api_key_env="GONE", fallbacks=[{"name": "spare", "player": spare}]
        )
        assert client.ask().text == "well"


def test_while_a_provider_wants_a_long_wait_every_call_goes_to_the_other(client: Client) -> None:
    with ModelServer(refusal(429, "quota", retry_after=60)) as first, ModelServer(Reply("well")) as second:
        spare = {"model": "openai/spare", "api_base": second.url}
        for number in (1, 2):
            client.register(
                f"T{number}",
                number=number,
                model="openai/any",
                api_base=first.url,
                fallbacks=[{"name": "spare", "player": spare}],
            )
            for turn in range(3):
                answer = client.ask(f"T{number}", turns=turn)
                assert (answer.text, answer.seconds < 5) == ("well", True)
                assert "429: quota" in answer.kage["notices"][0]
        assert (len(first.requests), len(second.requests)) == (1, 6)
