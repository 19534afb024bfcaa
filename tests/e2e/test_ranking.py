"""Ranking whole runs on evidence alone, through the shell, as ``kage judge --json`` tells it."""

from __future__ import annotations

import base64
from typing import Any

from tests.conftest import git
from tests.e2e.stage import Stage

BASE = '''\
def clamp(value, low, high):
    """Keep a value within bounds.

    clamp(5, 1, 3) => 3
    """
    raise NotImplementedError


def double(value):
    return value * 2
'''
BODY = "    raise NotImplementedError\n"
OLD_TEST = "import unittest\nimport calc\n\n\nclass T(unittest.TestCase):\n    def test_double(self):\n"
OLD_TEST += "        self.assertEqual(calc.double(2), 4)\n"
NEW_TEST = OLD_TEST.replace("test_double", "test_low").replace("double(2), 4", "clamp(0, 1, 3), 1")
RIGHT = "    return max(low, min(value, high))\n"
ANSWERS = {
    "right": {"calc.py": BASE.replace(BODY, RIGHT)},
    "twin": {
        "calc.py": BASE.replace(BODY, "    capped = min(value, high)\n    return max(low, capped)\n"),
        "test_low.py": NEW_TEST,
    },
    "half": {"calc.py": BASE.replace(BODY, "    return min(value, high)\n")},
    "breaks": {"calc.py": BASE.replace(BODY, RIGHT).replace("value * 2", "value * 3")},
    "unread": {"calc.py": BASE.replace(BODY, "    return (\n")},
    "empty": {},
}


def spawned(stage: Stage, names: list[str]) -> dict[str, int]:
    """One agent for each answer; returns their numbers."""
    tables = [f"[defaults]\nplayers = {names}\n"]
    for name in names:
        steps = [
            f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {path}"
            for path, text in ANSWERS[name].items()
        ]
        tables.append(f'[players.{name}]\ncommand = """{" && ".join(steps) or "true"}"""\n')
    stage.configure("\n".join(tables))
    stage.shell("spawn", "--hidden", "--yes", "-n", str(len(names)), "--", "write clamp")
    stage.run("wait")
    return {name: number for number, name in enumerate(names, 1)}


def judged(stage: Stage, numbers: dict[str, int]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    verdict = stage.json("judge")
    names = {number: name for name, number in numbers.items()}
    return verdict, {names[place["number"]]: place for place in verdict["ranking"]}


def test_candidates_are_ranked_on_what_they_do(stage: Stage) -> None:
    (stage.repository / "calc.py").write_text(BASE)
    (stage.repository / "test_calc.py").write_text(OLD_TEST)
    (stage.repository / ".gitignore").write_text("__pycache__/\n")
    (stage.repository / ".kage.toml").write_text(
        '[checks.tests]\ncommand = "python3 -m unittest -v"\nkind = "test"\n'
    )
    git(stage.repository, "add", "-A")
    git(stage.repository, "commit", "-qm", "clamp is wanted")
    numbers = spawned(stage, ["breaks", "empty", "half", "unread", "twin", "right"])
    verdict, places = judged(stage, numbers)
    order = list(places)
    # Two that do the same are told apart by size alone; then come those that something speaks against.
    assert order[:4] == ["right", "twin", "half", "breaks"]
    assert verdict["winner"] == numbers["right"] and verdict["basis"] == "evidence"
    assert places["empty"]["gate"] == "it changes nothing" and "calc.py" in places["unread"]["gate"]
    assert places["breaks"]["regressed"] and not places["breaks"]["green"]
    # The new test of one says what another lacks; its author is not asked.
    assert places["half"]["matrix"] == [0, 1] and places["right"]["matrix"] == [1, 1]
    assert places["twin"]["matrix"] == [0, 0]
    assert places["right"]["cluster"] == places["twin"]["cluster"] != places["half"]["cluster"]
    assert places["right"]["distinct"] and not places["twin"]["distinct"]
    assert all(place["decided"] for name, place in places.items() if name != order[-1])
    # Other numbers, another order, and nothing to check with: the same choice, by behaviour alone.
    for name in (".kage.toml", "test_calc.py"):
        (stage.repository / name).unlink()
    verdict, others = judged(stage, spawned(stage, ["half", "twin", "right"]))
    assert list(others) == [name for name in order if name in others]
    assert others["half"]["green"] is None
    assert any("no check is known" in note for note in verdict["notes"])
