"""What Kage chooses: a task is a repository, an answer is an agent's candidate."""

from __future__ import annotations

import base64
import json
from typing import Any

from benchmarks.selection.machine import Machine
from benchmarks.selection.tasks import Task

CHECKS = """\
[checks.examples]
command = "python3 -m unittest -v test_solution"
kind = "test"
timeout = 10
"""


def choose(machine: Machine, task: Task) -> dict[str, Any]:
    """The verdict on a task's answers; its numbers count from 1 in the answers' order."""
    root = machine.home / "tasks" / task.id.replace("/", "_")
    root.mkdir(parents=True)
    (root / "solution.py").write_text(task.stub, "utf-8")
    (root / "test_solution.py").write_text(task.visible, "utf-8")
    (root / ".gitignore").write_text("__pycache__/\n")
    (root / ".kage.toml").write_text(CHECKS)
    machine.git(root, "init", "-q", "-b", "main")
    machine.git(root, "add", "-A")
    machine.git(root, "commit", "-q", "-m", "the task")
    names = [f"answer{number}" for number in range(1, len(task.answers) + 1)]
    tables = [
        f'[players.{name}]\ncommand = """echo {_coded(answer)} | base64 -d > solution.py"""\n'
        for name, answer in zip(names, task.answers, strict=True)
    ]
    machine.configure("\n".join([f"[defaults]\nplayers = {json.dumps(names)}\n", *tables]))
    machine.kage(root, "spawn", "--hidden", "--yes", "-n", str(len(names)), "--", f"Write {task.name}.")
    machine.kage(root, "wait", codes=(0, 1, 2, 3))
    for number in range(1, len(names) + 1):
        machine.kage(root, "check", str(number), "--yes", "--json", codes=(0, 1))
    verdict: dict[str, Any] = json.loads(machine.kage(root, "judge", "--json"))
    return verdict


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
