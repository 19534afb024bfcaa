"""Odd tasks, and commands to agents that are not there, at work, failed or without a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.bad_input import WRITES, Row, kage, play
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

LONG = "make it faster\n" * 7000
"""Above 100 kB, below the 128 kB that one word of a command line may have."""

TASKS: list[tuple[str, list[str], bytes, str]] = [
    ("begins with -", ["--", "-n is wrong"], b"", "-n is wrong"),
    ("begins with --", ["--", "--yes", "does nothing"], b"", "--yes does nothing"),
    ("newlines", ["one\ntwo\n\nthree\n"], b"", "one\ntwo\n\nthree"),
    ("100 kB", [LONG], b"", LONG.strip()),
    ("a megabyte by stdin", ["-"], LONG.encode() * 10, (LONG * 10).strip()),
    ("a command for tmux", ["#(touch hacked) #{pane_id} $(touch hacked) `touch hacked`"], b"", ""),
    ("a trailing ;", ["fix this;"], b"", ""),
    ("only ;", [";"], b"", ""),
    ("ESC and its friends", ["\x1b]52;c;aGk=\x07red \x1b[31m\x9b1m"], b"", "]52;c;aGk=red [31m1m"),
    ("unicode", ["faire plus vite, 早く 🙂"], b"", ""),
]
"""What is typed after ``kage spawn -n 1``, what comes by stdin, and the task that the agent gets."""


def test_tasks(stage: Stage, subtests: pytest.Subtests, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", WRITES))
    before = digest(stage.repository)
    for name, words, stdin, wanted in TASKS:
        with subtests.test(name):
            done = kage(stage, ["spawn", "-n", "1", "--json", *words], stdin=stdin)
            assert done.returncode == 0, done.stderr
            run = json.loads(done.stdout)["run"]
            told = json.loads(kage(stage, ["wait", "--timeout", "30", "--json"]).stdout)
            assert (told["id"], told["task"]) == (run, wanted or words[-1])
            assert [agent["state"] for agent in told["agents"]] == ["done"]
            log = (paths.run_folder(run) / "agents" / "1" / "log.jsonl").read_text()
            assert "\x1b" not in log
            assert "\\u001b" not in log
    assert len(stage.panes()) == len(TASKS)
    stage.shell("clean", "--all")
    assert digest(stage.repository) == before
    for folder in (tmp_path, stage.home):
        assert not list(folder.rglob("hacked"))


IDLE = [Reply(tool_calls=[("finish", {"summary": "nothing to do"})])]
AT_WORK = [
    Row("accept: unknown candidate", ["accept", "9"], 1, ["has no candidate 9", "Its candidates: "]),
    Row("accept: running", ["accept", "4"], 1, ["agent 4 has no candidate yet: it is working", "kage wait"]),
    Row("accept: empty", ["accept", "2"], 3, ["candidate 2 changes nothing"]),
    Row("accept: path not in it", ["accept", "1", "calc.py"], 3, ["calc.py", "kage diff --stat"]),
    Row("accept: no such path", ["accept", "1", "no/such"], 3, ["no/such", "kage diff --stat"]),
    Row("accept: one of two paths", ["accept", "1", "made.txt", "nope"], 3, ["nope", "kage diff --stat"]),
    Row("accept: path outside", ["accept", "1", "../x"], 2, ["/x is not in", "of this repository"]),
    Row("accept: path in .git", ["accept", "1", ".git/config"], 3, [".git/config"]),
    Row("diff: running", ["diff", "4"], 1, ["agent 4 has no candidate yet", "kage wait"]),
    Row("diff: unknown", ["diff", "9", "--patch"], 1, ["has no candidate 9"]),
    Row("log: unknown", ["log", "9"], 1, ["has no agent 9", "Its agents: 1, 2, 3, 4."]),
    Row("send: unknown", ["send", "9", "hello"], 1, ["has no agent 9", "Its agents: 1, 2, 3, 4."]),
    Row("send: no number", ["send", "two", "hello"], 2, ["`two` is no agent", "or all"]),
    Row("send: nothing", ["send", "1", " "], 2, ["is empty"]),
    Row("stop: unknown", ["stop", "0"], 1, ["has no agent 0"]),
    Row("explain: unknown", ["explain", "9"], 1, ["has no agent 9"]),
    Row("focus: unknown", ["focus", "9"], 1, ["has no agent 9"]),
    Row("resume: running", ["resume", "4"], 3, ["nothing to resume", "running"]),
    Row("clean: at work", ["clean"], 4, ["still works: agent 4", "stop all"]),
    Row("wait: too short", ["wait", "--timeout", "0.1"], 124, ["still works after 0.1 s"]),
    Row("wait: no time at all", ["wait", "--timeout", "-1"], 124, ["still works"]),
]
"""Agents 1 to 4: one that added made.txt, one that changed nothing, one that failed, one at work."""


def test_agents(stage: Stage, subtests: pytest.Subtests, tmp_path: Path) -> None:
    stage.recorded(
        fix=tape(tmp_path / "fix.jsonl", WRITES),
        idle=tape(tmp_path / "idle.jsonl", IDLE),
        short=tape(tmp_path / "short.jsonl", WRITES[:1]),
        slow=tape(tmp_path / "slow.jsonl", WRITES, delay=60),
    )
    stage.shell("spawn", "-n", "4", "do it")
    until(lambda: sum(a["ended"] is not None for a in stage.agents()) == 3, 30, "three have ended")
    failed = stage.agents()[2]
    assert failed["state"] == "failed"
    assert "short" in failed["reason"]
    for row in AT_WORK:
        with subtests.test(row.name):
            play(stage, row)
    stage.shell("wait", "--any", code=5)
    stage.shell("stop", "4")
    stage.shell("interrupt", "all", code=3)
    stage.shell("wait", code=5)
    assert [c["files"] for c in stage.json("status")["runs"][0]["candidates"]] == [1, 0, 1, 0]


def test_setup_that_is_trusted_runs_in_each_slot(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", WRITES))
    settings = stage.repository / ".kage.toml"
    settings.write_text('[setup]\ncommand = "echo ready > setup.txt"\n')
    before = digest(stage.repository)
    stage.shell("spawn", "-n", "2", "x", code=4)
    stage.shell("spawn", "-n", "2", "x", "--yes")
    stage.shell("wait", "--timeout", "30")
    assert [(Path(a["worktree"]) / "setup.txt").read_text() for a in stage.agents()] == ["ready\n"] * 2
    assert digest(stage.repository) == before
    changed = stage.shell("diff", "--patch")
    assert "setup.txt" not in changed, "what the setup made is not the agents' work"
    stage.shell("restart", "1")
    stage.shell("wait", "--timeout", "30")
    assert [(Path(a["worktree"]) / "setup.txt").read_text() for a in stage.agents()] == ["ready\n"] * 2
    stage.shell("spawn", "-n", "1", "x")
    settings.write_text('[setup]\ncommand = "echo other > setup.txt"\n')
    stage.shell("spawn", "-n", "1", "x", code=4)
