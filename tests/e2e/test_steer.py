"""Steering from a shell: several agents, dead ones, the task of the run, a machine that was started anew."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths
from kage_nvim.client import Client
from tests.conftest import alive, until
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply


def turns(*texts: str) -> list[Reply]:
    """Replies that finish a turn each."""
    return [Reply(tool_calls=[("finish", {"summary": text})]) for text in texts]


def events(stage: Stage, number: int, kind: str) -> list[dict[str, Any]]:
    """The events of one kind in an agent's log."""
    run = stage.json("status")["runs"][0]["id"]
    path = paths.run_folder(run) / "agents" / str(number) / "log.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [event for line in lines if (event := json.loads(line))["kind"] == kind]


def heard(stage: Stage, number: int) -> list[str]:
    """What was said to an agent."""
    return [event["text"] for event in events(stage, number, "steer")]


def reasons(stage: Stage) -> list[str]:
    """What each agent said at its end; none of them changes a file."""
    return [agent["reason"].removeprefix("nothing changed; ") for agent in stage.agents()]


@pytest.fixture
def three(stage: Stage, tmp_path: Path) -> Stage:
    """Three agents that have ended their first turn."""
    stage.recorded(fix=tape(tmp_path / "t.jsonl", turns("one", "two", "three", "four", "five")))
    stage.shell("spawn", "-n", "3", "begin")
    stage.shell("wait", "--timeout", "30")
    return stage


def test_several_agents_and_one_that_has_no_process(three: Stage) -> None:
    assert "told agent 1, 3" in three.shell("send", "1,3", "two\nlines")
    until(lambda: heard(three, 1) == ["two\nlines"] == heard(three, 3), 10, "both heard it")
    assert heard(three, 2) == []
    three.shell("wait", "--timeout", "30")
    assert reasons(three) == ["two", "one", "two"]

    assert "stopped agent 2, 3" in three.shell("stop", "2", "3")
    done = three.run("send", "all", "who is there")
    assert (done.returncode, done.stdout) == (0, "told agent 1\n")
    assert "not told: agent 2,3" in done.stderr and "kage resume 2,3" in done.stderr
    refused = three.run("send", "3", "hello")
    assert refused.returncode == 1 and "kage resume 3" in refused.stderr
    assert "is no agent" in three.run("stop", "two").stderr
    three.shell("resume", "2,3")
    until(lambda: [agent["state"] for agent in three.agents()] == ["done"] * 3, 15, "all resumed")
    three.shell("send", "3", "hello again")
    until(lambda: heard(three, 3)[-1] == "hello again", 10, "the resumed one hears")


def test_an_interrupt_right_after_a_message_is_for_its_turn(three: Stage) -> None:
    async def say_and_stop() -> None:
        client = Client()
        place = {"cwd": str(three.repository), "agent": 1}
        await client.open("cli", str(three.repository))
        await client.request("send", place | {"text": "one more thing"})
        assert (await client.request("interrupt", place))["agents"] == [1]
        await client.close()

    asyncio.run(say_and_stop())
    until(lambda: three.agents()[0]["state"] == "interrupted", 10, "it was stopped")
    assert heard(three, 1) == ["one more thing"]
    assert "nothing to interrupt" in three.run("interrupt", "1").stderr
    assert "the message is empty" in three.run("send", "1", "   ").stderr
    assert "names no candidate" in three.run("spawn", "--on", "", "t").stderr


def test_a_restarted_agents_summary_counts_all_its_calls(three: Stage) -> None:
    three.shell("restart", "1")
    three.shell("wait", "--timeout", "30")
    made = three.json("summary", "1")["agents"][0]
    assert (made["calls"], made["restarts"]) == (2, 1)
    assert "2 model calls (with those before 1 restart)" in three.shell("summary", "1")


def test_the_task_changes_for_all(three: Stage) -> None:
    run = three.json("status")["runs"][0]["id"]
    assert three.shell("task") == "begin\n"
    three.shell("stop", "2")
    said = three.shell("task", "begin", "otherwise")
    assert "told agent 1, 3" in said and "kage resume 2" in said
    new = "The task has changed. It is now:\n\nbegin otherwise"
    until(lambda: heard(three, 1) == [new] == heard(three, 3), 10, "the living heard it")
    assert three.json("status")["runs"][0]["task"] == "begin otherwise"
    three.shell("task", "begin otherwise", code=3)
    three.shell("resume", "2")
    until(lambda: heard(three, 2) == [new], 10, "the resumed one heard it")
    three.shell("wait", "--timeout", "30")
    assert reasons(three) == ["two"] * 3
    three.shell("restart", "3")
    until(lambda: [event["text"] for event in events(three, 3, "task")] == ["begin otherwise"], 10, "new")
    assert heard(three, 3) == []
    log = (paths.run_folder(run) / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in log] == ["begin", "begin otherwise"]


def test_resumed_after_the_machine_went_down(three: Stage) -> None:
    """A power cut takes all processes at once; at the next start the pids belong to others."""
    socket = str(paths.sockets() / "tmux")
    server = subprocess.run(
        ["tmux", "-S", socket, "display-message", "-p", "#{pid}"], capture_output=True, text=True, check=True
    )
    pids = [three.pid("kaged"), three.pid("gateway"), int(server.stdout)]
    for process in three.processes():
        if any("agent_runtime" in word for word in process.cmdline()):
            pids.append(process.pid)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, pids)), 10, "all are dead")
    three.shell("resume", "2")
    until(lambda: three.agents()[1]["state"] == "done", 15, "agent 2 is back")
    three.shell("send", "2", "go on")
    until(lambda: reasons(three)[1] == "two", 15, "its conversation goes on")
    assert heard(three, 2) == ["go on"]
