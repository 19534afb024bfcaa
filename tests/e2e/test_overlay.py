"""Candidates are checked with the base's tests: one that weakened a test is red and named, one that mends the
program and adds a test is green."""

from __future__ import annotations

from typing import Any

from tests.e2e.stage import Stage

TEST = """\
import unittest

import calc


class CalcTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(calc.add(1, 2), 3)

    def test_type(self):
        self.assertIsInstance(calc.add(1, 2), int)
"""
NEW = """\
import unittest
import calc

class More(unittest.TestCase):
    def test_more(self):
        self.assertEqual(calc.add(2, 2), 4)
"""


def evaluated(stage: Stage, edit: str) -> dict[str, Any]:
    """What is said of a candidate whose agent is this command."""
    stage.configure(f'[players.sh]\ncommand = """{edit}"""\n')
    stage.shell("spawn", "--hidden", "--yes", "@sh", "--", "mend it")
    stage.shell("wait")
    asked = stage.run("check", "1", "--json")
    run = stage.json("status")["runs"][0]
    stage.shell("stop", "all")
    stage.shell("clean")
    told: dict[str, Any] = dict(run["candidates"][0])
    return told | {"code": asked.returncode}


def test_a_weakened_test_is_red_and_named_and_an_added_one_green(stage: Stage) -> None:
    (stage.repository / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (stage.repository / "tests").mkdir()
    (stage.repository / "tests" / "__init__.py").write_text("")
    (stage.repository / "tests" / "test_calc.py").write_text(TEST)
    (stage.repository / ".kage.toml").write_text(
        '[checks.unit]\ncommand = "python3 -m unittest discover -q"\n'
    )
    stage.run("check", "--yes")
    weak = evaluated(stage, "sed -i 's/self.assertEqual.*/pass/' tests/test_calc.py; touch tried")
    assert weak["checks"] == {"unit": "fail"} and weak["green"] is False and weak["code"] == 1
    assert weak["weakened"] == ["CalcTest.test_add in tests/test_calc.py lost `calc.add(1, 2) == 3`"]
    added = f"sed -i 's/a - b/a + b/' calc.py; printf %s '{NEW}' > tests/test_more.py"
    mended = evaluated(stage, added.replace("\n", "\\n").replace("printf %s", "printf %b"))
    assert mended["checks"] == {"unit": "pass"} and mended["green"] is True and mended["weakened"] == []
