"""Whether an answer passes the hidden tests, and what simple rules would have chosen. Nothing of it is told
to those who choose."""

from __future__ import annotations

import ast
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence

from benchmarks.selection.tasks import Task

SECONDS = 10.0


def passes(program: str, answer: str) -> bool:
    """Does the answer, with a program after it, end well? In a process of its own with limits."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", f"{answer}\n\n{program}"],
                cwd=folder,
                env={"PATH": os.environ.get("PATH", "")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                preexec_fn=_limited,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def met(task: Task, answer: str) -> int:
    """How many of the visible examples an answer meets, each tried by itself."""
    program = task.visible.replace("import solution\n", "import sys\nsolution = sys.modules['__main__']\n")
    cases = [line.split("(")[0].split()[-1] for line in task.visible.splitlines() if " def test_" in line]
    run = "unittest.TextTestRunner(stream=open('/dev/null', 'w')).run(Examples({case!r}))"
    ends = "import os\nos._exit(0 if {run}.wasSuccessful() else 1)\n"
    return sum(passes(program + ends.format(run=run.format(case=case)), answer) for case in cases)


def said(answer: str, name: str) -> str:
    """An answer as text, without layout, comments and docstrings: what a majority is counted by."""
    try:
        tree = ast.parse(answer)
    except SyntaxError:
        return answer
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return "\n".join(
        ast.dump(node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    )


def majority(keys: Sequence[str], among: Sequence[int]) -> list[int]:
    """Those of the largest groups of equals."""
    counts = Counter(keys[at] for at in among)
    most = max(counts.values())
    return [at for at in among if counts[keys[at]] == most]


def expected(chosen: Sequence[int], good: Sequence[bool]) -> float:
    """The chance that one of the chosen, picked at random, is good."""
    return sum(good[at] for at in chosen) / len(chosen)
