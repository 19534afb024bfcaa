"""What it takes to interrupt an agent: from kaged's word to the agent's report that nothing runs any more.

    .venv/bin/python benchmarks/interrupt.py [ROUNDS]

A real agent's process, once while a command runs in the sandbox and once while a model is silent. Exit code 1
when the median of either is above 0.1 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ground import ROOT  # noqa: F401  (makes the tests' fixtures importable)

from tests.conftest import until
from tests.unit.agent.world import World, call, hang, say

MOST = 0.1


def interrupt(folder: Path) -> list[float]:
    """Seconds for a command, and for a call of a model."""
    world = World(folder, mode="on")
    world.gateway.scripts = [say("", call("shell", command="touch begun; sleep 60")), hang()]
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "kage_nvim.agent_runtime", "--spec", str(world.spec_file())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd="/",
    )
    took = []
    try:
        for begun in ((world.worktree / "begun").exists, lambda: len(world.gateway.times) == 2):
            until(begun, 30, "what is to be interrupted")
            at, began = len(world.daemon.reports), time.monotonic()
            world.daemon.push("interrupt")
            until(lambda at=at: any(r["state"] == "interrupted" for r in world.daemon.reports[at:]))  # type: ignore[misc]
            took.append(world.daemon.times[-1] - began)
            world.daemon.push("steer", text="go on")
    finally:
        process.terminate()
        process.wait(10)
        world.close()
    return took


def main(rounds: int) -> int:
    """Print both medians, and say whether they are within the limit."""
    both = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="kage-interrupt-") as folder:
            both.append(interrupt(Path(folder)))
    command, call_of_model = (statistics.median(one) for one in zip(*both, strict=True))
    print(
        f"interrupted: a command in {command * 1000:.0f} ms, a model's call in {call_of_model * 1000:.0f} ms"
    )
    return int(max(command, call_of_model) > MOST)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
