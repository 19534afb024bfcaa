"""Real CLIs through Kage, end to end: kaged, tmux, the sandbox and the gateway are the real ones, and the
model is a script on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from kage_nvim import paths
from tests.clis.play import play
from tests.clis.table import Cli
from tests.e2e.stage import KEY, Stage
from tests.fixtures.model_server import ModelServer, Reply

PATIENCE = 90
"""Seconds for one turn; a CLI may take ten to start on busy cores."""
TOLD = 60
"""Seconds after which nobody may seem to work whose model is gone."""
LOOK = 0.3
"""Seconds between two looks: what looks is itself a program that takes a core from the CLI."""


def configure(stage: Stage, cli: Cli, url: str) -> None:
    """The CLI as a player that a loopback server answers."""
    stage.configure(
        f'[players.{cli.name}]\ncli = "{cli.name}"\nmode = "{cli.mode}"\nmodel = "openai/test-model"\n'
        f'api_base = "{url}"\napi_key_env = "OPENAI_API_KEY"\nprice_in = 1.0\nprice_out = 2.0\n'
    )
    stage.environment["OPENAI_API_KEY"] = KEY


def wait(stage: Stage, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Look now and then until the condition holds; fail with all that is known at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, (
            f"not within {seconds} s: {what}: {stage.agents()}\n{log(stage)[-3000:]}\n{stage.logs()}"
        )
        time.sleep(LOOK)


def becomes(
    stage: Stage,
    *states: str,
    fits: Callable[[dict[str, Any]], bool] = bool,
    seconds: float = PATIENCE,
) -> dict[str, Any]:
    """Wait until the agent is in one of these states; returns it."""
    seen: list[dict[str, Any]] = []

    def there() -> bool:
        seen[:] = stage.agents()
        return seen[0]["state"] in states and fits(seen[0])

    wait(stage, there, f"the agent {' or '.join(states)}", seconds)
    return seen[0]


def log(stage: Stage) -> str:
    """The agent's log as it lies on the disk."""
    run = stage.json("status")["runs"][0]["id"]
    return "\n".join(p.read_text() for p in sorted((paths.run_folder(run)).rglob("log*.jsonl")))


def state_events(stage: Stage) -> list[dict[str, Any]]:
    """The states that the agent went through, as its log has them."""
    events = [json.loads(line) for line in log(stage).splitlines() if line]
    return [event for event in events if event["kind"] == "state"]


def states(stage: Stage) -> list[str]:
    """Their names."""
    return [event["state"] for event in state_events(stage)]


def turns(stage: Stage) -> int:
    """How many turns there were."""
    return max(int(event["turn"]) for event in state_events(stage))


def test_it_mends_is_steered_and_tells(stage: Stage, cli: Cli) -> None:
    """Spawn, words while it works, the way to done, the candidate, the cost, the same conversation later.

    What is said while it works reaches it in this turn, or in one of its own right after.
    """

    def slow(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        reply = play(body, headers)
        reply.delay = 1.0
        return reply

    def over(agent: dict[str, Any]) -> bool:
        return agent["state"] != "done" or "NOTES.md" in stage.shell("diff", "1", "--patch")

    with ModelServer(slow) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
        wait(stage, lambda: server.requests, "its first call")
        stage.shell("send", "1", "also write a note")
        agent = becomes(stage, "done", "failed", "unknown", "stopped", fits=over)
        assert agent["state"] == "done", (agent, log(stage)[-3000:])
        assert agent["tokens_in"] >= 100
        assert agent["cost_usd"] and not agent["unmetered"]
        patch = stage.shell("diff", "1", "--patch")
        assert "a + b" in patch and "NOTES.md" in patch
        assert states(stage)[0] == "working" and states(stage)[-1] == "done"
        assert turns(stage) == (1 if cli.hears else 2)
        if cli.hears:
            stage.shell("send", "1", "say it again")
            becomes(stage, "done", fits=lambda agent: turns(stage) == 2)
        if cli.resumes:
            last = server.requests[-1].body["messages"]
            assert "Fix add in calc.py" in json.dumps(last) and len(last) > 3
        assert KEY not in log(stage)


def test_it_is_interrupted_and_goes_on(stage: Stage, cli: Cli) -> None:
    """An interrupt ends all of it; what is said next goes on."""
    with ModelServer(play) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Do it slowly", "--player", cli.name)
        asleep = (lambda: "sleep 60" in commands(stage)) if cli.tools else (lambda: bool(server.requests))
        wait(stage, asleep, "its command")
        stage.shell("interrupt", "1")
        becomes(stage, "interrupted")
        assert "sleep 60" not in commands(stage)
        server.script = lambda body, headers: play(
            json.loads(json.dumps(body).replace("slowly", "")), headers
        )
        stage.shell("send", "1", "Fix add in calc.py")
        becomes(stage, "done")
        assert "a + b" in stage.shell("diff", "1", "--patch")
        stage.shell("stop", "all")


def test_its_server_is_down_or_talks_nonsense(stage: Stage, cli: Cli) -> None:
    """Neither leaves an agent that seems to work."""
    with ModelServer(Reply(raw=b"<html>hello")) as server:
        configure(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
        agent = becomes(stage, "failed", "unknown", seconds=TOLD)
        assert agent["reason"]
        url = server.url
    configure(stage, cli, url)
    stage.shell("spawn", "Fix add in calc.py", "--player", cli.name)
    agent = becomes(stage, "failed", "unknown", seconds=TOLD)
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
