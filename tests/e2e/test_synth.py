"""Synthesising, for real: one more agent on the winner, whose work is kept only if it is better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stage import Stage

BROKEN = "\n\n".join(
    f"def {name}():\n    return {value}\n"
    for name, value in {"one": -1, "two": -2, "three": 3, "four": -4}.items()
)
TEST = """\
import unittest

import nums


class Nums(unittest.TestCase):
    def test_one(self):
        self.assertEqual(nums.one(), 1)

    def test_two(self):
        self.assertEqual(nums.two(), 2)

    def test_three(self):
        self.assertEqual(nums.three(), 3)

    def test_four(self):
        self.assertEqual(nums.four(), 4)
"""

WEAKEN = "sed -i 's/self.assertEqual(nums.two(), 2)/pass/' test_nums.py"


def player(name: str, command: str) -> str:
    return f"[players.{name}]\ncommand = {command!r}\n"


@pytest.fixture
def project(stage: Stage) -> Stage:
    (stage.repository / "nums.py").write_text(BROKEN)
    (stage.repository / "test_nums.py").write_text(TEST)
    (stage.repository / ".kage.toml").write_text(
        '[checks.test]\ncommand = "python3 -B -m unittest -v"\nformat = "unittest"\n'
    )
    stage.configure(
        '[defaults]\nplayers = ["first", "second"]\n'
        + player("first", "sed -i 's/-1/1/; s/-4/4/' nums.py")
        + player("second", "sed -i s/-2/2/ nums.py")
        + player("late", "cp {task_file} told; if grep -q later {task_file}; then sed -i s/-2/2/ nums.py; fi")
        + player("worse", "sed -i 's/-2/2/; s/return 3/return 33/' nums.py")
        + player("weaker", f"sed -i s/-2/2/ nums.py; {WEAKEN}")
    )
    return stage


def run_of(project: Stage) -> dict[str, Any]:
    run: dict[str, Any] = project.json("status")["runs"][0]
    return run


def synth(project: Stage, name: str, code: int) -> dict[str, Any]:
    words = ["synth", "1", "--player", name, "--hidden", "--wait", "--json"]
    told: dict[str, Any] = json.loads(project.shell(*words, code=code))
    return told


def test_only_what_is_better_than_the_winner_is_kept(project: Stage) -> None:
    assert project.run("synth").returncode == 3
    project.shell("spawn", "--hidden", "--yes", "-n", "2", "mend it")
    project.shell("wait")
    worse = synth(project, "worse", 3)
    assert "Nums.test_three passes on 1 and fails here" in worse["said"], worse
    weaker = synth(project, "weaker", 3)
    assert weaker["said"].startswith("not kept: ") and "test_two" in weaker["said"], weaker
    run = run_of(project)
    assert [one["number"] for one in run["candidates"]] == [1, 2] and run["winner"] == 1
    assert "is no candidate: not kept" in project.run("diff", "3").stderr


def test_who_was_refused_is_judged_again_when_spoken_to(project: Stage) -> None:
    project.shell("spawn", "--hidden", "--yes", "-n", "2", "mend it")
    project.shell("wait")
    project.shell("synth", "--player", "late", "--hidden")
    project.kill()  # what it is held against is known to the next kaged, too
    project.shell("wait")
    (agent,) = (one for one in project.agents() if one["number"] == 3)
    assert agent["reason"].startswith("not kept: nothing is better than 1"), agent
    told = (Path(agent["worktree"]) / "told").read_text()
    assert (
        told.index("# Task\n\nmend it") < told.index("<<<change of candidate 2") < told.index("You improve")
    )
    assert "passes what candidate 1 fails: test: test_nums.Nums.test_two" in told
    project.shell("send", "3", "later: take two() as well")
    project.shell("wait")
    run = run_of(project)
    made = run["candidates"][-1]
    assert (made["number"], made["kind"], made["note"], made["green"]) == (
        3,
        "synthesised",
        "on 1, with 2",
        True,
    )
    assert run["winner"] == 3 and "failed on 1 and passes here" in run["agents"][2]["reason"]
    assert "improves candidate 1 by 2: kept" in project.shell("explain", "3")
    project.shell("accept", "3", "nums.py")
    assert "-" not in (project.repository / "nums.py").read_text()
