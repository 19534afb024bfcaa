"""Synthesising, for real: one more agent on the winner, whose work is kept only if it is better."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kage_nvim import paths
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
        + player("better", "cp {task_file} $TMPDIR/../told; sed -i s/-2/2/ nums.py")
        + player("equal", "echo note > NOTES")
        + player("worse", "sed -i 's/-2/2/; s/return 3/return 33/' nums.py")
        + player(
            "weaker",
            "sed -i 's/-2/2/' nums.py; sed -i 's/self.assertEqual(nums.two(), 2)/pass/' test_nums.py",
        )
    )
    return stage


def run_of(project: Stage) -> dict[str, Any]:
    run: dict[str, Any] = project.json("status")["runs"][0]
    return run


def test_only_what_is_better_than_the_winner_is_kept(project: Stage) -> None:
    assert project.run("synth").returncode == 3
    project.shell("spawn", "--hidden", "--yes", "-n", "2", "mend it")
    project.shell("wait")
    assert run_of(project)["winner"] == 1

    def synth(name: str, *words: str, code: int = 0) -> dict[str, Any]:
        done = project.shell("synth", *words, "--player", name, "--hidden", "--wait", "--json", code=code)
        told: dict[str, Any] = json.loads(done)
        return told

    equal = synth("equal", code=3)
    assert equal["said"].startswith("not kept: nothing is better than 1"), equal
    worse = synth("worse", code=3)
    assert "test_three" in worse["said"] and "passes on 1 and fails here" in worse["said"], worse
    weaker = synth("weaker", code=3)
    assert weaker["said"].startswith("not kept: ") and "test_nums" in weaker["said"], weaker
    run = run_of(project)
    assert [one["number"] for one in run["candidates"]] == [1, 2] and run["winner"] == 1
    assert "is no candidate: not kept" in project.run("diff", "3").stderr

    better = synth("better", "1")
    assert better["kept"] and "test_two" in better["said"] and "failed on 1 and passes here" in better["said"]
    run = run_of(project)
    made = run["candidates"][-1]
    assert (made["number"], made["kind"], made["note"]) == (6, "synthesised", "on 1, with 2"), made
    assert run["winner"] == 6 and made["green"]
    project.shell("accept", "6")
    assert "-" not in (project.repository / "nums.py").read_text()
    assert paths.state().is_dir()
