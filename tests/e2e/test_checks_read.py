"""Checks of real runners: each test counts by itself, and benchmarks are held against the base."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.stage import Stage

CALC = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
TESTS = """\
import pytest
from calc import add, sub

@pytest.mark.parametrize("n", range(12))
def test_add(n):
    assert add(n, 1) == n + 1

def test_sub():
    assert sub(3, 1) == 2

def test_that_fails_before():
    assert sub(1, 1) == 7
"""


@pytest.fixture
def project(stage: Stage) -> Stage:
    (stage.repository / "calc.py").write_text(CALC)
    (stage.repository / "cost.py").write_text("print('cost', 100, 'ms')\n")
    (stage.repository / "test_calc.py").write_text(TESTS)
    return stage


TABLES = """\
[checks.pytest]
command = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 pytest -q"
[checks.spoils]
command = "rm -f calc.py"
required = false
[checks.speed]
kind = "bench"
command = "echo run >> .runs; python3 cost.py"
"""


def checked(project: Stage, code: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    done = project.run("check", "1", "--yes", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    return answer, {result["name"]: result for result in answer["results"]}


def test_tests_count_singly_and_benchmarks_are_held_against_the_base(project: Stage) -> None:
    """Though a check beside them removes what is tested: no check hears of what another does to the tree."""
    (project.repository / ".kage.toml").write_text(TABLES)
    (project.repository / ".gitignore").write_text(".runs\n")
    edit = "sed -i 's/return a - b/return b - a/; s/100/50/' calc.py cost.py"
    project.configure(f'[players.breaks]\ncommand = "{edit}"\n')
    project.shell("spawn", "--hidden", "--yes", "@breaks", "--", "go on")
    project.shell("wait")
    answer, results = checked(project, 1)
    assert answer["line"] == "14/16 ✓, 1 new failure"
    result = results["pytest"]
    assert (result["passed"], result["total"], result["cached"]) == (12, 14, True), (
        "known since its agent ended"
    )
    assert result["regressed"] == ["test_calc.py::test_sub"]
    assert result["failing_at_base"] == ["test_calc.py::test_that_fails_before"]
    assert ("test_calc.py", 9) in [(found["path"], found["line"]) for found in result["failures"]]

    result = results["speed"]
    (metric,) = result["metrics"]
    assert (metric["value"], metric["base"], metric["unit"], metric["samples"]) == (50, 100, "ms", 5)
    assert (metric["change"], metric["verdict"], result["required"]) == (0.5, "better", False)
    assert (result["summary"], result["cached"]) == ("50 ms, 50 % better than the base (5 rounds)", True)
    runs = "".join(file.read_text() for file in project.home.rglob("slots/*/tree/.runs"))
    assert runs.count("run") == 12, "a first run and five rounds of each"
