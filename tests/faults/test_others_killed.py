"""The gateway, an agent and a pane killed with -9 while a run is at work."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.scripts import FIX
from tests.e2e.stage import KEY, Stage, tape
from tests.fixtures.model_server import ModelServer, Reply


def test_a_killed_gateway_comes_back_and_gets_its_keys_from_a_client(stage: Stage) -> None:
    slow = [Reply(reply.text, tool_calls=reply.tool_calls, delay=0.7) for reply in FIX]
    with ModelServer(slow, key=KEY) as server:
        stage.player(server.url)
        stage.shell("spawn", "-n", "2", "make add() add")
        until(lambda: len(server.requests) >= 2, 30, "the agents are at work")
        stage.kill("gateway")
        stage.shell("wait", "--timeout", "60")
    assert [agent["state"] for agent in stage.agents()] == ["done", "done"]


def test_a_killed_agent_has_failed_with_its_work_kept_and_can_be_resumed(
    stage: Stage, tmp_path: Path
) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX, delay=0.4))
    stage.shell("spawn", "-n", "1", "make add() add")
    tree = Path(stage.agents()[0]["worktree"])
    until(lambda: "a + b" in (tree / "calc.py").read_text(), 20, "the edit was made")
    os.kill(pid_of(stage, 1), signal.SIGKILL)
    stage.shell("wait", "--timeout", "20", code=5)
    agent = stage.agents()[0]
    assert agent["state"] == "failed"
    assert "resume 1" in agent["reason"]
    assert stage.json("status")["runs"][0]["candidates"][0]["files"] == 1
    stage.shell("resume", "1")
    stage.shell("wait", "--timeout", "30")
    assert stage.agents()[0]["reason"] == "add() adds now."


def test_a_closed_pane_is_a_stopped_agent_whose_work_can_be_accepted(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX, delay=0.4))
    stage.shell("spawn", "-n", "2", "make add() add")
    tree = Path(stage.agents()[1]["worktree"])
    until(lambda: "a + b" in (tree / "calc.py").read_text(), 20, "the edit was made")
    socket = str(paths.sockets() / "tmux")
    subprocess.run(["tmux", "-S", socket, "kill-pane", "-t", stage.agents()[1]["pane"]], check=True)
    stage.shell("wait", "--timeout", "30")
    assert [agent["state"] for agent in stage.agents()] == ["done", "stopped"]
    assert stage.agents()[1]["reason"] == "its pane was closed"
    stage.shell("focus", "2", code=1)
    stage.shell("accept", "2")
    assert "a + b" in (stage.repository / "calc.py").read_text()
    stage.shell("resume", "2")
    stage.shell("wait", "--timeout", "30")
    assert stage.agents()[1]["state"] == "done"


def pid_of(stage: Stage, number: int) -> int:
    """The pid of an agent's process, from what explains it."""
    line = next(
        line for line in stage.shell("explain", str(number)).splitlines() if line.startswith("process:")
    )
    return int(line.split()[1].rstrip(","))


def test_what_a_resumed_agent_does_is_in_its_candidate(stage: Stage, tmp_path: Path) -> None:
    writes = [Reply(tool_calls=[("write", {"path": f"{n}.txt", "content": f"{n}\n"})]) for n in range(5)]
    writes.insert(2, Reply(tool_calls=[("shell", {"command": "sleep 60"})]))
    done = Reply(tool_calls=[("finish", {"summary": "five files"})])
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", [*writes, done]))
    stage.shell("spawn", "-n", "1", "write five files")
    tree = Path(stage.agents()[0]["worktree"])
    until(lambda: (tree / "1.txt").exists(), 20, "it is at work")
    stage.shell("stop", "1")
    assert stage.json("status")["runs"][0]["candidates"][0]["files"] == 2
    stage.shell("resume", "1")
    stage.shell("wait", "--timeout", "30")
    assert stage.agents()[0]["state"] == "done"
    assert stage.json("status")["runs"][0]["candidates"][0]["files"] == 5
    commit = stage.json("status")["runs"][0]["candidates"][0]["commit"]
    stage.shell("stop", "1")
    stage.shell("resume", "1")
    until(lambda: stage.agents()[0]["state"] == "done", 20, "it is idle again")
    assert stage.json("status")["runs"][0]["candidates"][0]["commit"] == commit, (
        "the same files, the same candidate"
    )
