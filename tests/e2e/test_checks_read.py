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


def checked(project: Stage, number: int, name: str, code: int) -> dict[str, Any]:
    done = project.run("check", str(number), "--yes", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    (result,) = [result for result in answer["results"] if result["name"] == name]
    return dict(result) | {"line": answer["line"], "green": answer["green"]}


def test_each_test_counts_and_only_a_new_failure_is_the_candidates(project: Stage) -> None:
    quick = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 pytest -q"
    (project.repository / ".kage.toml").write_text(f'[checks.pytest]\ncommand = "{quick}"\n')
    breaks = "sed -i 's/return a - b/return b - a/' calc.py"
    project.configure(f'[players.breaks]\ncommand = "{breaks}"\n')
    project.shell("spawn", "--hidden", "--yes", "@breaks", "--", "go on")
    project.shell("wait")
    result = checked(project, 1, "pytest", 1)
    assert result["line"] == "12/14 ✓, 1 new failure"
    assert result["regressed"] == ["test_calc.py::test_sub"]
    assert result["failing_at_base"] == ["test_calc.py::test_that_fails_before"]
    assert {"path": "test_calc.py", "line": 9} in [
        {"path": found["path"], "line": found["line"]} for found in result["failures"]
    ]


def test_a_benchmark_is_compared_with_the_base(project: Stage) -> None:
    table = '[checks.speed]\nkind = "bench"\ncommand = "echo run >> .runs; python3 cost.py"\n'
    (project.repository / ".kage.toml").write_text(table)
    (project.repository / ".gitignore").write_text(".runs\n")
    project.configure("[players.quick]\ncommand = \"sed -i 's/100/50/' cost.py\"\n")
    project.shell("spawn", "--hidden", "--yes", "@quick", "--", "make it quicker")
    project.shell("wait")
    result = checked(project, 1, "speed", 0)
    (metric,) = result["metrics"]
    assert (metric["value"], metric["base"], metric["unit"], metric["samples"]) == (50, 100, "ms", 5)
    assert (metric["change"], metric["verdict"], result["required"]) == (0.5, "better", False)
    assert result["summary"] == "50 ms, 50 % better than the base (5 rounds)"
    assert checked(project, 1, "speed", 0)["cached"] is True
    runs = "".join(file.read_text() for file in project.home.rglob("slots/*/tree/.runs"))
    assert runs.count("run") == 12, "a first run and five rounds of each"
