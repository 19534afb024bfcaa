"""Real CLIs with their own screens in Kage's panes: what they ask, what is typed there, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from kage_nvim import paths
from tests.clis.play import play
from tests.clis.table import Cli
from tests.clis.test_clis import TOLD, becomes, commands, configure, log, state_events, wait
from tests.e2e.stage import Stage
from tests.fixtures.model_server import ModelServer, Reply


@pytest.fixture(autouse=True)
def _once(cli: Cli) -> None:
    """A CLI has one screen, however else it can be played."""
    if cli.mode != "oneshot":
        pytest.skip("it has no screen in this mode")


def on_screen(stage: Stage, cli: Cli, url: str, more: str = "") -> None:
    """The CLI as a player with its own screen."""
    configure(stage, replace(cli, mode="interactive"), url)
    if more:
        stage.configure(f"{paths.config_file().read_text('utf-8')}{more}\n")


def tmux(*words: str) -> str:
    socket = str(paths.sockets() / "tmux")
    return subprocess.run(["tmux", "-S", socket, *words], capture_output=True, text=True, check=False).stdout


def typed(stage: Stage, *keys: str) -> None:
    """Keys of the user's, in the agent's pane."""
    tmux("send-keys", "-t", stage.panes()[0], *keys)


def steers(stage: Stage) -> list[dict[str, Any]]:
    """What was typed for the user."""
    events = [json.loads(line) for line in log(stage).splitlines() if line]
    return [event for event in events if event["kind"] == "steer"]


def programs(stage: Stage, cli: Cli) -> list[psutil.Process]:
    """The CLI's own processes, inside the sandbox."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it may end between two looks
            if not process.environ().get("HOME", "").startswith(str(stage.home)):
                continue
            if any(Path(word).name.startswith(cli.name) for word in process.cmdline()[:2]):
                found.append(process)
    return found


def slow(body: dict[str, Any], headers: dict[str, str]) -> Reply:
    """Answers that take as long as a glance."""
    reply = play(body, headers)
    reply.delay = max(reply.delay, 0.7)
    return reply


def test_its_screen_from_the_task_to_its_end(stage: Stage, cli: Cli) -> None:
    """The task, a message of two lines by paste, a new size, an interrupt, a kill, and on from there."""
    with ModelServer(slow) as server:
        on_screen(stage, cli, server.url)
        stage.shell("spawn", "Fix add in calc.py", "--hidden", "--player", cli.name)
        agent = becomes(stage, "done", fits=lambda agent: "a + b" in stage.shell("diff", "1", "--patch"))
        assert agent["cost_usd"] and not agent["unmetered"]

        stage.shell("send", "1", "also write a note\nand be quick")
        becomes(stage, "done", fits=lambda agent: "NOTES.md" in stage.shell("diff", "1", "--patch"))
        assert all(steer["confirmed"] for steer in steers(stage)), steers(stage)
        assert ".aider" not in stage.shell("diff", "1", "--patch")
        assert max(int(event["turn"]) for event in state_events(stage)) == 2

        pane = stage.panes()[0]
        tmux("resize-window", "-t", pane, "-x", "70", "-y", "20")
        wait(stage, lambda: tmux("capture-pane", "-p", "-t", pane).strip(), "something at the new size")

        stage.shell("send", "1", "now do it slowly")

        def asleep() -> bool:
            """Its command runs; of one without tools, the call is under way."""
            told = any("slowly" in json.dumps(request.body) for request in server.requests)
            return "sleep 60" in commands(stage) if cli.tools else told

        wait(stage, asleep, "its command")
        becomes(stage, "working")
        stage.shell("interrupt", "1")
        becomes(stage, "interrupted")

        assert programs(stage, cli)
        for process in programs(stage, cli):
            os.kill(process.pid, signal.SIGKILL)
        becomes(stage, "interrupted", "failed", fits=lambda agent: not programs(stage, cli))
        server.script = lambda body, headers: play(
            json.loads(json.dumps(body).replace("slowly", "")), headers
        )
        stage.shell("send", "1", "are you there?")
        becomes(stage, "done")
        assert programs(stage, cli)
        stage.shell("stop", "1")
        wait(stage, lambda: not programs(stage, cli), "its end", 10)


def test_its_screen_asks_leave(stage: Stage, cli: Cli) -> None:
    """An agent that asks waits; the user's keys in its pane let it go on."""
    if not cli.approve:
        pytest.skip("it asks for nothing that it does here")

    def dangerous(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        """Some ask only before what could do harm."""
        reply = play(body, headers)
        calls = json.loads(json.dumps(reply.tool_calls).replace("sed -i", "rm -f none.txt && sed -i"))
        return replace(reply, tool_calls=calls)

    with ModelServer(dangerous) as server:
        on_screen(stage, cli, server.url, 'permissions = "ask"')
        stage.shell("spawn", "Fix add in calc.py", "--hidden", "--player", cli.name)
        assert becomes(stage, "waiting")["reason"].startswith("permission")
        stage.shell("send", "1", "but do not touch the rest")
        time.sleep(2)  # in which words that answer a question by mistake would have done so
        agent = becomes(stage, "waiting")
        assert "a + b" not in Path(agent["worktree"], "calc.py").read_text("utf-8")
        typed(stage, *cli.approve)
        becomes(stage, "working", "done")


def test_its_screen_without_a_server(stage: Stage, cli: Cli) -> None:
    with ModelServer(play) as server:
        url = server.url
    on_screen(stage, cli, url)
    stage.shell("spawn", "Fix add in calc.py", "--hidden", "--player", cli.name)
    assert becomes(stage, "failed", "unknown", seconds=TOLD)["reason"]
