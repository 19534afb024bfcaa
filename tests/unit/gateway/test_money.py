"""Prices, budgets and the ledger."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kage_nvim import discover
from kage_nvim.gateway import ledger as ledgers
from kage_nvim.gateway import policy, prices
from kage_nvim.gateway.ledger import Caller, Ledger, Limits
from kage_nvim.gateway.pieces import Usage, at_most
from kage_nvim.gateway.prices import price_of
from kage_nvim.model import Player
from tests.conftest import until
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply

USED = Usage(tokens_in=1000, tokens_cached=400, tokens_out=100)


def caller(number: int = 1, run: str = "run-1", repository: str = "/repo", player: str = "fast") -> Caller:
    return Caller(run=run, number=number, player=player, model="m", role=None, repository=repository)


def limits(**usd: float) -> dict[str, Any]:
    return {"agent_usd": None, "run_usd": None, "day_usd": None} | usd


def priced(server: ModelServer) -> dict[str, Any]:
    return {"model": "openai/any", "api_base": server.url, "price_in": 1.0, "price_out": 10.0}


def test_listed_prices_are_found_without_importing_litellm() -> None:
    price = price_of(Player(model="openai/gpt-5-mini"))
    assert price is not None
    assert price.cost(Usage(tokens_in=1_000_000)) == pytest.approx(0.25)
    assert price.cost(Usage(tokens_out=1_000_000)) == pytest.approx(2.0)
    assert price.cost(Usage(tokens_in=100_000, tokens_cached=100_000)) == pytest.approx(0.0025)
    assert price_of(Player(model="anthropic/claude-haiku-4-5")) is not None
    assert price_of(Player(model="claude-haiku-4-5")) is not None


def test_long_prompts_cost_what_the_list_says() -> None:
    price = price_of(Player(model="gemini/gemini-2.5-pro"))
    assert price is not None
    assert price.cost(Usage(tokens_in=100_000)) == pytest.approx(0.125)
    assert price.cost(Usage(tokens_in=300_000)) == pytest.approx(0.75)
    assert price.dearest_in == pytest.approx(2.5e-6)


@pytest.mark.parametrize(
    "player",
    [
        Player(model="openai/no-such-model"),
        Player(model="nonsense"),
        Player(model="openai/gpt-5-mini", api_base="http://localhost:11434/v1"),
        Player(model="openai/x", price_in=1.0),
        Player(recorded="tape.jsonl"),
    ],
)
def test_unpriced_is_none_and_never_zero(player: Player) -> None:
    assert price_of(player) is None


def test_the_users_prices_win() -> None:
    price = price_of(Player(model="openai/gpt-5-mini", price_in=1.0, price_out=2.0))
    assert price is not None
    assert price.cost(USED) == pytest.approx((1000 * 1.0 + 100 * 2.0) / 1e6)
    half = price_of(Player(model="openai/gpt-5-mini", price_in=1.0))
    assert half is not None
    assert half.out == pytest.approx(2e-6)
    free = price_of(Player(model="openai/x", price_in=0.0, price_out=0.0))
    assert free is not None
    assert free.cost(USED) == 0.0


def test_every_suggested_model_is_listed_current_and_calls_tools() -> None:
    for service in discover.SERVICES:
        entry = prices._entry(service.model)
        assert price_of(Player(model=service.model)) is not None, service.model
        assert entry.get("supports_function_calling"), service.model
        assert entry.get("deprecation_date", "9999") > date(2026, 11, 1).isoformat(), service.model


def test_the_ledger_keeps_one_row_a_call(client: Client, ledger_file: Path) -> None:
    with ModelServer(Reply("x")) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1.0, price_out=10.0)
        client.ask()
        client.ask(stream=False)
    client.post("/kage/outcome", {"run": "run-1", "number": 1, "outcome": "accepted"})
    with sqlite3.connect(ledger_file) as db:
        rows = db.execute(
            "SELECT player, model, repository, tokens_in, status, outcome FROM calls"
        ).fetchall()
        assert db.execute("PRAGMA user_version").fetchone() == (len(ledgers.MIGRATIONS),)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert rows == [("fast", "openai/any", "/repo", 100, "ok", "accepted")] * 2
    cost = client.get("/kage/cost?run=run-1&repository=/repo")
    whole = {"calls": 2, "tokens_in": 200, "tokens_cached": 0, "tokens_out": 40, "unpriced_calls": 0}
    assert cost["run"] == whole | {"cost_usd": pytest.approx(0.0006)}
    assert cost["today"] == cost["run"] == cost["players"]["fast"] == cost["agents"]["1"]
    nothing = dict.fromkeys(whole, 0) | {"cost_usd": None}
    elsewhere = client.get("/kage/cost?run=other&repository=/other")
    assert (elsewhere["run"], elsewhere["today"], elsewhere["players"]) == (nothing, nothing, {})
    assert elsewhere["everywhere"] == cost["run"] == elsewhere["everywhere_players"]["fast"]


def test_unpriced_calls_are_counted_beside_the_priced(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    for cost in (0.25, None):
        row = ledger.open(caller(), Limits(), 0.0)
        assert row is not None
        ledger.settle(row, "ok", USED, cost, cost or 0.0, 1.0)
    failed = ledger.open(caller(), Limits(), 0.0)
    assert failed is not None
    ledger.settle(failed, "failed", Usage(), None, 0.0, 1.0)
    sums = ledger.sums("run = 'run-1'")
    assert (sums["calls"], sums["cost_usd"], sums["unpriced_calls"]) == (2, 0.25, 1)
    ledger.close()


def test_what_a_crash_left_open_goes_on_counting(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.db")
    assert first.open(caller(), Limits(run_usd=1.0), 0.9)
    second = Ledger(tmp_path / "ledger.db")
    assert second.open(caller(2), Limits(run_usd=1.0), 0.2) is None
    (room,) = second.rooms(caller(2), Limits(run_usd=1.0))
    assert room.open == pytest.approx(0.9), "the gateway that holds it is alive: it may be draining"
    assert room.left == pytest.approx(0.1)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("UPDATE calls SET owner = '1 long ago'")
    second.give_up_lost()
    (room,) = second.rooms(caller(2), Limits(run_usd=1.0))
    assert (room.open, room.left) == (0.0, pytest.approx(0.1))
    first.close()
    second.close()


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(sqlite3.DatabaseError, match="newer"):
        Ledger(tmp_path / "ledger.db")


def test_each_limit_counts_its_own_scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    assert ledger.open(caller(1), Limits(), 1.0)
    one = Limits(agent_usd=1.5)
    assert ledger.open(caller(1), one, 0.6) is None
    assert ledger.open(caller(2), one, 0.6)
    assert ledger.open(caller(3), Limits(run_usd=2.0), 0.6) is None
    assert ledger.open(caller(1, run="run-2"), Limits(run_usd=2.0), 0.6)
    assert ledger.open(caller(1, run="run-3"), Limits(day_usd=2.5), 0.6) is None
    assert ledger.open(caller(1, run="run-3", repository="/other"), Limits(day_usd=2.5), 0.6)
    monkeypatch.setattr(ledgers, "midnight", lambda: time.time() + 1)
    assert ledger.open(caller(1, run="run-3"), Limits(day_usd=2.5), 0.6)
    ledger.close()


def test_a_spent_budget_refuses_in_clear_words(client: Client) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
    with ModelServer(Reply("x", usage=usage)) as server:
        player = priced(server)
        client.register(limits=limits(agent_usd=0.02), **player)
        assert client.ask().status == 200
        answer = client.ask()
        calls = len(server.requests)
    assert (answer.status, answer.error["type"]) == (402, "budget")
    for words in ("agent 1", "$0.0110", "$0.02", "agent_usd", "[budget]"):
        assert words in answer.error["message"], answer.error
    assert calls == 1


def test_the_answer_is_bounded_by_what_is_left(client: Client) -> None:
    with ModelServer(Reply("x")) as server:
        player = priced(server)
        client.register(limits=limits(run_usd=0.05), **player)
        assert client.ask().status == 200
        client.register("T2", number=2, limits=limits(run_usd=50.0), **player)
        assert client.ask("T2").status == 200
    assert 4_400 < server.requests[0].body["max_tokens"] < 5_000
    assert server.requests[1].body["max_tokens"] == policy.USUAL_OUT


def test_many_agents_cannot_pass_the_limit_together(client: Client) -> None:
    """Each call costs $0.0105; six agents ask four times each; the run may spend $0.10."""
    usage = {"prompt_tokens": 500, "completion_tokens": 1000, "total_tokens": 1500}
    statuses = []

    def work(token: str) -> None:
        for _ in range(4):
            statuses.append(client.ask(token).status)

    with ModelServer(Reply("x", usage=usage, delay=0.02)) as server:
        player = priced(server)
        for number in range(6):
            client.register(
                f"T{number}", number=number, limits=limits(run_usd=0.1), max_tokens=1000, **player
            )
        threads = [threading.Thread(target=work, args=(f"T{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    spent = client.get("/kage/cost?run=run-1")["run"]["cost_usd"]
    assert spent <= 0.1, spent
    assert spent >= 0.08, "the budget is used, not only guarded"
    assert set(statuses) == {200, 402}
    assert server.most_in_flight > 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_call_costs_the_same_in_all_three_places(
    client: Client, ledger_file: Path, stream: bool
) -> None:
    """In the error that the agent adds up, in the ledger's sums, and in the words of the budget."""
    with ModelServer(Reply("word " * 400, cut_after=300)) as server:
        client.register(limits=limits(run_usd=0.0105), **priced(server), max_tokens=900)
        answer = client.ask()
        refused = client.ask(stream=stream)
    assert answer.error["type"] in ("provider", "network")
    told = answer.last["kage"]
    assert told["tokens_in"] > 0 and told["tokens_out"] > 0 and told["cost_usd"] > 0
    sums = client.get("/kage/cost?run=run-1")["run"]
    assert (sums["calls"], sums["unpriced_calls"]) == (1, 0)
    assert {name: sums[name] for name in told} == pytest.approx(told)
    with sqlite3.connect(ledger_file) as db:
        assert db.execute("SELECT status, estimated FROM calls").fetchall() == [("partial", 1)]
    assert refused.error["type"] == "budget"
    assert f"has spent ${told['cost_usd']:.4f} of" in refused.error["message"]


def test_a_cut_call_of_an_unpriced_player_says_so(client: Client) -> None:
    with ModelServer(Reply("word " * 20, cut_after=10)) as server:
        client.register(model="openai/any", api_base=server.url)
        told = client.ask().last["kage"]
    assert told["tokens_out"] > 0
    assert told["cost_usd"] is None


def test_what_is_only_held_is_not_called_spent(client: Client, ledger_file: Path) -> None:
    with sqlite3.connect(ledger_file) as db:
        db.execute(
            "INSERT INTO calls (time, run, number, player, model, repository, held_usd, status)"
            " VALUES (0, 'run-1', 1, 'fast', 'm', '/repo', 0.02, 'lost')"
        )
    with ModelServer(Reply("x")) as server:
        client.register(limits=limits(run_usd=0.02), **priced(server))
        assert "this run has spent or reserved $0.0200 of" in client.ask().error["message"]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 20, "total_tokens": 15},
        {"prompt_tokens": 10, "completion_tokens": 10**12, "total_tokens": 10**12},
        {"prompt_tokens": 10**30, "completion_tokens": 1, "total_tokens": 1},
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_usage_that_cannot_be_is_estimated(client: Client, usage: dict[str, Any], stream: bool) -> None:
    with ModelServer(Reply("x y z", usage=usage)) as server:
        client.register(**priced(server))
        answer = client.ask(stream=stream)
    assert answer.text == "x y z"
    assert 0 < answer.kage["tokens_in"] < 100
    assert 0 < answer.kage["tokens_out"] < 100
    assert answer.kage["cost_usd"] is None


def test_registering_says_whether_there_is_a_price(client: Client) -> None:
    body = {"token": "T", "run": "r", "number": 1, "player_name": "p", "role": None, "repository": "/r"}
    for player, known in (
        ({"model": "openai/gpt-5-mini"}, True),
        ({"model": "openai/gpt-5-mini", "api_base": "http://127.0.0.1:1/v1"}, False),
        ({"recorded": "/tape", "price_in": 1.0, "price_out": 1.0}, True),
        ({"recorded": "/tape"}, False),
    ):
        assert client.post("/kage/agents", body | {"player": player}) == (200, {"priced": known})


def test_a_failed_call_costs_nothing_and_frees_its_hold(client: Client) -> None:
    with ModelServer(Reply(status=400, raw='{"error": {"message": "no"}}')) as server:
        player = priced(server)
        client.register(limits=limits(run_usd=0.05), **player)
        for _ in range(5):
            assert client.ask().status == 400
    assert client.get("/kage/cost?run=run-1")["run"]["calls"] == 0


def test_limits_survive_the_wire() -> None:
    assert msgspec.convert(limits(run_usd=1.0), Limits) == Limits(run_usd=1.0)


USAGES = {
    "whole answers": lambda body: {"prompt_tokens": 400, "completion_tokens": body["max_tokens"]},
    "dear prompts": lambda body: {"prompt_tokens": 9000, "completion_tokens": min(300, body["max_tokens"])},
}


@pytest.mark.parametrize("usage", USAGES)
def test_eight_agents_and_five_cents(client: Client, usage: str) -> None:
    """On a run that would spend far more, whatever the server counts: never a cent above."""

    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return Reply("x", usage=USAGES[usage](body), delay=0.01)

    refused = []

    def work(token: str) -> None:
        while client.ask(token, max_tokens=1500).status == 200:
            pass
        refused.append(token)

    with ModelServer(script) as server:
        for number in range(8):
            client.register(f"T{number}", number=number, limits=limits(run_usd=0.05), **priced(server))
        threads = [threading.Thread(target=work, args=(f"T{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    spent = client.get("/kage/cost?run=run-1")["run"]["cost_usd"]
    assert 0.03 <= spent <= 0.05, spent
    assert len(refused) == 8
    assert all("run_usd" in client.usage(token)["refused"] for token in refused)


def test_a_limit_in_tokens_holds_without_a_price(client: Client) -> None:
    with ModelServer(Reply("x", usage={"prompt_tokens": 500, "completion_tokens": 1000})) as server:
        told = {"agent_tokens": 8_000, "agent_usd": 1.0}
        client.register(limits=told, model="openai/any", api_base=server.url, max_tokens=2000)
        statuses = [client.ask().status for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 402, 402]
    assert "agent_tokens" in client.usage()["refused"]
    budgets = {entry["name"]: entry for entry in client.get("/kage/cost?run=run-1")["budgets"]}
    assert (budgets["agent_tokens"]["spent"], budgets["agent_tokens"]["left"]) == (6000, 2000)
    assert budgets["agent_tokens"]["agent"] == 1


def test_a_warning_comes_at_four_fifths_and_stays_the_same(client: Client) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 400}
    with ModelServer(Reply("x", usage=usage)) as server:
        client.register(limits=limits(run_usd=0.01), **priced(server), max_tokens=50)
        assert "warning" not in client.ask().kage
        assert client.ask().kage["warning"] == client.usage()["warning"] == "run_usd: 80 % of $0.01 spent"
        client.register("T2", number=2, limits=limits(run_usd=0.01), **priced(server), max_tokens=1)
        assert client.usage("T2")["warning"] == "run_usd: 80 % of $0.01 spent"


def test_an_unpriced_model_under_a_budget_is_refused_with_the_ways_out(client: Client) -> None:
    with ModelServer(Reply("x")) as server:
        player = {"model": "openai/any", "api_base": server.url}
        client.register(limits=limits(run_usd=1.0), **player)
        answer = client.ask()
        assert server.requests == []
        client.register(limits=limits(run_usd=1.0), **player, unmetered="allow")
        assert client.ask().status == 200
    assert (answer.status, answer.error["type"]) == (402, "budget")
    first = answer.error["message"].splitlines()[0]  # all that a reason shows
    for words in ("(run_usd)", "[players.fast]", "price_in", "agent_tokens", 'unmetered = "allow"'):
        assert words in first
    assert "names" not in answer.error


@pytest.mark.usefixtures("hurried")
def test_a_fallback_without_a_price_is_held_by_its_own_cap(client: Client) -> None:
    much = Reply("x", usage={"prompt_tokens": 1000, "completion_tokens": 500})
    with ModelServer(much) as server, ModelServer(()) as gone:
        gone.stop()
        spare = {"model": "openai/spare", "api_base": server.url, "agent_tokens": 5000}
        client.register(
            limits=limits(run_usd=1.0), **priced(gone), fallbacks=[{"name": "spare", "player": spare}]
        )
        for _ in range(9):
            answer = client.ask()
        assert (answer.status, answer.error["names"]) == (402, ["agent_tokens"])
        assert 0 < len(server.requests) < 9


@pytest.mark.parametrize(
    "text",
    [
        "Donau\u00adschifffahrt ",
        "\u4f60\u597d\u4e16\u754c",
        "0123456789",
        "aGVsbG8gd29ybGQ/+",
        "  \n\t{}()",
        "\U0001f9d1",
    ],
)
def test_no_tokenizer_counts_more_than_the_bound(text: str, provider: Any, loop: Any) -> None:
    async def loaded() -> Any:
        return await provider.load()

    counter = loop.run(loaded()).token_counter
    messages = [{"role": "user", "content": text * 300}]
    for model in ("gpt-3.5-turbo", "claude-3-5-sonnet-20241022"):
        assert counter(model=model, messages=messages) <= at_most(messages)


def test_an_image_is_not_counted_by_its_bytes() -> None:
    def asked(size: int) -> list[Any]:
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A1" * size}}
        return [{"role": "user", "content": [image]}]

    assert at_most(asked(10)) == at_most(asked(1_000_000)) > 50_000


def test_who_hangs_up_and_asks_again_cannot_pass_the_limit(client: Client) -> None:
    """The provider goes on to the longest answer that it was allowed: a hang-up saves nothing for sure."""
    slow = Reply("word " * 100, chunk_delay=0.05)
    with ModelServer(slow) as server:
        player = priced(server)
        client.register(limits=limits(agent_usd=0.05), **player)
        body = {"messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": 2000}
        for _ in range(40):
            connection = client.connect()
            connection.request(
                "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer T1"}
            )
            response = connection.getresponse()
            refused = response.status != 200
            response.read(10)
            response.close()
            connection.close()
            until(lambda: client.usage()["open"] == 0, 5, "the end of the call")
            if refused:
                break
        asked = [request.body["max_tokens"] for request in server.requests]
        longest = sum(player["price_out"] * tokens / 1e6 for tokens in asked)
    assert refused and len(asked) >= 2
    assert longest <= 0.05
    assert client.usage()["cost_usd"] < 0.05
