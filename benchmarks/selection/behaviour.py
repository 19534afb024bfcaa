"""What answers do with the inputs that Kage would make: by it the strongest majority is counted."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.selection.tasks import Task
from kage_nvim.evaluate.ranking.probes import evidence, questions


def behaviours(task: Task) -> list[str]:
    """A text for each answer; those that behave the same have the same."""
    files = {at: {"solution.py": answer.encode()} for at, answer in enumerate(task.answers)}
    asked = questions.ask({"solution.py": task.stub.encode()}, files, [])
    asked = [question for question in asked if question.subject.name == task.name]
    if not asked:
        return [str(at) for at in files]
    program = questions.program(asked, {"solution.py"})
    found = []
    for answer in task.answers:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "solution.py").write_text(answer, "utf-8")
            done = subprocess.run(
                [sys.executable, "-"],
                input=program,
                cwd=folder,
                capture_output=True,
                timeout=120,
                check=False,
            )
        told = questions.answers(done.stdout * 2, asked)
        calls = [call for _, answered in told[0] for call in answered] if told else []
        found.append(repr([evidence.strict(call) for call in calls]))
    return found
