"""Real CLIs through Kage, end to end: kaged, tmux, the sandbox and the gateway are the real ones, and the
model is a script on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from kage_nvim import paths
from tests.clis.play import play
from tests.clis.table import Cli
from tests.conftest import until
from tests.e2e.stage import KEY, Stage
from tests.fixtures.model_server import ModelServer, Reply

PATIENCE = 90
"""Seconds for one turn; a CLI may take ten to start on busy cores."""


def configure(stage: Stage, cli: Cli, url: str) -> None:
    """The CLI as a player that a loopback server answers."""
    stage.configure(
        f'[players.{cli.name}]\ncli = "{cli.name}"\nmode = "{cli.mode}"\nmodel = "openai/test-model"\n'
        f'api_base = "{url}"\napi_key_env = "OPENAI_API_KEY"\nprice_in = 1.0\nprice_out = 2.0\n'
    )
    stage.environment["OPENAI_API_KEY"] = KEY


def becomes(stage: Stage, *states: str, fits: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
    """Wait until the agent is in one of these states; returns it."""
    seen: list[dict[str, Any]] = []

    def there() -> bool:
        seen[:] = stage.agents()
        return seen[0]["state"] in states and fits(seen[0])

    try:
        until(there, PATIENCE, f"the agent {' or '.join(states)}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen[0]}\n{log(stage)[-3000:]}\n{stage.logs()}") from None
    return seen[0]


def log(stage: Stage) -> str:
    """The agent's log as it lies on the disk."""
    run = stage.json("status")["runs"][0]["id"]
    return "\n".join(p.read_text() for p in sorted((paths.run_folder(run)).rglob("log*.jsonl")))


def states(stage: Stage) -> list[str]:
    """The states that the agent went through."""
    events = [json.loads(line) for line in log(stage).splitlines() if line]
    return [event["state"] for event in events if event["kind"] == "state"]


def test_it_mends_and_tells(stage: Stage, cli: Cli) -> None:
    """Spawn, the way to done, the candidate, the cost; then another turn in the same conversation."""
    with ModelServer(play) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
        agent = becomes(stage, "done", "failed", "unknown", "stopped")
        assert agent["state"] == "done", (agent, log(stage)[-3000:])
        assert agent["tokens_in"] >= 100
        assert agent["cost_usd"] and not agent["unmetered"]
        assert "a + b" in stage.shell("diff", "1", "--patch")
        assert states(stage)[0] == "working" and states(stage)[-1] == "done"
        stage.shell("send", "1", "also write a note")
        agent = becomes(stage, "done", fits=lambda agent: "NOTES.md" in stage.shell("diff", "1", "--patch"))
        kept = [r for r in server.requests if "also write a note" in json.dumps(r.body)]
        assert kept
        if cli.resumes:
            assert any("Fix add in calc.py" in json.dumps(r.body["messages"]) for r in kept)
        assert KEY not in log(stage)


def test_it_is_interrupted_and_goes_on(stage: Stage, cli: Cli) -> None:
    """An interrupt ends all of it; what is said next goes on."""
    with ModelServer(play) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Do it slowly", "--player", cli.name)
        asleep = (lambda: "sleep 60" in commands(stage)) if cli.tools else (lambda: bool(server.requests))
        until(asleep, PATIENCE, "its command")
        stage.shell("interrupt", "1")
        becomes(stage, "interrupted")
        assert "sleep 60" not in commands(stage)
        server.script = lambda body, headers: play(
            {**body, "messages": [m for m in body["messages"] if "slowly" not in json.dumps(m)]}, headers
        )
        stage.shell("send", "1", "Fix add in calc.py")
        becomes(stage, "done")
        assert "a + b" in stage.shell("diff", "1", "--patch")
        stage.shell("stop", "all")


def test_it_is_steered_at_work(stage: Stage, cli: Cli) -> None:
    """What is said while it works reaches it in this turn, or in one of its own right after."""

    def slow(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        reply = play(body, headers)
        reply.delay = 2.0
        return reply

    with ModelServer(slow) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
        until(lambda: bool(server.requests), PATIENCE, "its first call")
        stage.shell("send", "1", "also write a note")
        becomes(stage, "done", fits=lambda agent: "NOTES.md" in stage.shell("diff", "1", "--patch"))
        turns = [json.loads(line)["turn"] for line in log(stage).splitlines() if '"kind":"state"' in line]
        assert max(turns) == (1 if cli.hears else 2)


def test_its_server_is_down_or_talks_nonsense(stage: Stage, cli: Cli) -> None:
    """Neither leaves an agent that seems to work."""
    with ModelServer(Reply(raw=b"<html>hello")) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
        agent = becomes(stage, "failed", "unknown")
        assert agent["reason"]
        url = server.url
    configure(stage, cli, url)
    stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
    agent = becomes(stage, "failed", "unknown")
    assert agent["reason"]
    assert Path(agent["worktree"]).is_dir()


def commands(stage: Stage) -> str:
    """The command lines of the stage's processes, those in its sandboxes too."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it may end between two looks
            if process.environ().get("HOME", "").startswith(str(stage.home)):
                found.append(" ".join(process.cmdline()))
    return "\n".join(found)
