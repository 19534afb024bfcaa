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
        + player("worse", f"sed -i 's/-2/2/; s/return 3/return 33/' nums.py; {WEAKEN}")
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
    said = synth(project, "worse", 3)["said"]
    assert said.startswith("not kept: ") and "Nums.test_three passes on 1 and fails here" in said, said
    assert "test_two" in said, said
    project.shell("synth", "--player", "late", "--hidden")
    project.kill()  # what it is held against is known to the next kaged, too
    project.shell("wait")
    run = run_of(project)
    assert [one["number"] for one in run["candidates"]] == [1, 2] and run["winner"] == 1
    agent = run["agents"][3]
    assert agent["reason"].startswith("not kept: nothing is better than 1"), agent
    assert "is no candidate: not kept" in project.run("diff", "4").stderr
    told = (Path(agent["worktree"]) / "told").read_text()
    places = [told.index(text) for text in ("# Task\n\nmend it", "<<<change of candidate 2", "You improve")]
    assert places == sorted(places)
    assert "passes what candidate 1 fails: test: test_nums.Nums.test_two" in told
    project.shell("send", "4", "later: take two() as well")
    project.shell("wait")
    run = run_of(project)
    made = run["candidates"][-1]
    assert (made["number"], made["kind"], made["note"]) == (4, "synthesised", "on 1, with 2"), made
    assert made["green"]
    assert run["winner"] == 4 and "failed on 1 and passes here" in run["agents"][3]["reason"]
    assert "improves candidate 1 by 2: kept" in project.shell("explain", "4")
    project.shell("accept", "4", "nums.py")
    assert "-" not in (project.repository / "nums.py").read_text()
