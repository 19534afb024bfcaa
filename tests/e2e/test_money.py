"""Money from a shell: budgets hold, refusals name the ways out, the ledger's sums are what views show."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import until
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage
from tests.fixtures.model_server import ModelServer, Reply, in_order, refusal

LOOK = Reply(
    "I look.",
    tool_calls=[("shell", {"command": "true"})],
    usage={"prompt_tokens": 2000, "completion_tokens": 800},
)

KEYS = ["price_in = 1.00", "agent_tokens = 200000", 'unmetered = "allow"']


def test_five_cents_are_not_passed_and_everyone_says_why(stage: Stage) -> None:
    with ModelServer(LOOK) as server:
        stage.player(server.url, more="max_tokens = 2000\n[defaults]\nrun_usd = 0.05")
        stage.shell("spawn", "-n", "4", "go on for ever")
        stage.shell("wait", "--timeout", "60")
    agents = stage.agents()
    assert [agent["state"] for agent in agents] == ["stopped"] * 4
    assert all("(run_usd)" in agent["reason"] for agent in agents)
    assert all(agent["warning"].startswith("run_usd") for agent in agents)
    cost = stage.json("cost")
    assert 0.04 <= cost["run"]["cost_usd"] <= 0.05
    assert [row["cost_usd"] for row in cost["agents"]] == pytest.approx([a["cost_usd"] for a in agents])
    assert cost["budgets"][0]["left"] == pytest.approx(0.05 - cost["run"]["cost_usd"])
    assert "budget run_usd: $0.0" in stage.shell("cost")


def test_what_a_budget_cannot_hold_is_refused_with_the_lines_to_write(stage: Stage) -> None:
    with ModelServer(FIX) as server:
        plain = f'[players.a]\nmodel = "openai/x"\napi_base = "{server.url}"\n'
        command = '[players.b]\ncommand = ["true"]\n'
        budget = "[defaults]\nrun_usd = 1.0\n"
        spare = plain + 'price_in = 1\nprice_out = 1\nfallback = ["b"]\n' + plain.replace(".a]", ".b]")
        for text, lines in (
            (plain + budget, ["[players.a]", *KEYS]),
            (
                plain.replace("players.a", 'players."my fast.one"') + budget,
                ['[players."my fast.one"]', *KEYS],
            ),
            (spare + '[defaults]\nplayers = ["a"]\nrun_usd = 1.0\n', ["[players.b]", *KEYS]),
            (command + budget, ["[players.b]", 'unmetered = "allow"', "is a command"]),
        ):
            stage.configure(text)
            refused = stage.run("spawn", "-n", "1", "make add() add")
            assert refused.returncode == 1
            assert all(line in refused.stderr for line in [*lines, "run_usd = 1.00"]), refused.stderr
        stage.configure(plain + budget)
        proposed = stage.run("spawn", "-n", "1", "make add() add").stderr
        for more in _pasted(proposed):
            stage.configure(plain + more + budget)
            stage.shell("spawn", "-n", "1", "make add() add")
            stage.shell("wait", "--timeout", "60")
            assert stage.agents()[0]["state"] == "done"
        stage.configure(command + 'unmetered = "allow"\n' + budget)
        stage.shell("spawn", "-n", "1", "do nothing")
        stage.shell("wait", "--timeout", "60")
    assert stage.json("cost")["unmetered"] == [1]
    assert "unmetered: agent 1" in stage.shell("cost")


def _pasted(words: str) -> list[str]:
    """Each of the ways out, as one would copy its lines under the player's table."""
    ways: list[str] = [""]
    for line in words.splitlines():
        if line.startswith("    "):
            ways[-1] += line + "\n"
        elif ways[-1]:
            ways.append("")
    found = [way for way in ways if way]
    assert len(found) == 3, words
    return found


def test_a_call_that_was_broken_off_is_in_the_status(stage: Stage) -> None:
    with ModelServer(Reply("word " * 400, chunk_delay=0.05)) as server:
        stage.player(server.url)
        stage.shell("spawn", "-n", "1", "talk")
        until(lambda: server.requests, 30, "the call")
        time.sleep(0.5)  # some words of the answer have come, which nothing outside the agent shows
        stage.shell("interrupt", "1")
        until(lambda: stage.agents()[0]["tokens_out"] > 0, 10, "the broken call in the status")
    row: dict[str, Any] = stage.json("cost")["agents"][0]
    agent = stage.agents()[0]
    assert agent["state"] == "interrupted"
    assert agent["cost_usd"] == pytest.approx(row["cost_usd"]) and row["cost_usd"] > 0
    assert (agent["tokens_in"], agent["tokens_out"]) == (row["tokens_in"], row["tokens_out"])


def test_a_server_that_is_gone_is_said_and_another_player_steps_in(stage: Stage) -> None:
    with ModelServer(FIX) as server, ModelServer(()) as gone:
        gone.stop()
        first = f'[players.first]\nmodel = "openai/x"\napi_base = "{gone.url}"\n'
        stage.configure(first)
        stage.shell("spawn", "-n", "2", "make add() add")
        stage.shell("wait", "--timeout", "40", code=5)
        assert all("Start the server there" in agent["reason"] for agent in stage.agents())
        spare = (
            f'[players.spare]\nmodel = "openai/y"\napi_base = "{server.url}"\nprice_in = 1\nprice_out = 1\n'
        )
        stage.configure(first + 'fallback = ["spare"]\n' + spare)
        stage.shell("spawn", "--player", "first", "make add() add")
        stage.shell("wait", "--timeout", "60")
    (agent,) = stage.agents()
    assert agent["state"] == "done" and agent["cost_usd"] > 0
    assert "`spare` answers instead of `first`" in agent["warning"]
    assert list(stage.json("cost")["players"]) == ["spare"]


def test_a_quota_used_up_is_said_and_every_call_goes_to_the_other_player(stage: Stage) -> None:
    """Also in a second run, while the provider still wants to be left alone for an hour."""
    with ModelServer(refusal(429, "daily quota", retry_after=3600)) as first, ModelServer(FIX) as second:
        one = f'[players.a]\nmodel = "openai/x"\napi_base = "{first.url}"\n'
        other = f'[players.b]\nmodel = "openai/y"\napi_base = "{second.url}"\n'
        stage.configure(one + 'fallback = ["b"]\n' + other)
        for _ in range(2):
            stage.shell("spawn", "--player", "a", "make add() add")
            stage.shell("wait", "--timeout", "30")
            assert stage.agents()[0]["state"] == "done"
        stage.configure(one)
        stage.shell("spawn", "--player", "a", "make add() add")
        stage.shell("wait", "--timeout", "30", code=5)
    assert "429: daily quota" in stage.agents()[0]["reason"]


def test_a_wait_for_a_crowded_provider_is_in_the_status(stage: Stage) -> None:
    answers = in_order([refusal(429, "slow down", retry_after=5), *FIX])
    with ModelServer(answers) as server:
        stage.player(server.url)
        stage.shell("spawn", "-n", "1", "make add() add")
        told = f"waiting for {server.url}: 429, "
        until(lambda: stage.agents()[0]["activity"].startswith(told), 20, "the wait in the status")
        stage.shell("wait", "--timeout", "30")
    assert stage.agents()[0]["state"] == "done"
