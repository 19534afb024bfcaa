"""From `kage spawn` to the N-th agent's first model request, versus git and tmux alone, one after the other.

The yardstick makes N worktrees with `git worktree add` and N tmux windows, in turns, until a shell runs in
each; Kage has by then also taken a snapshot of what the user sees, and its agents have started an interpreter
and asked. Cold: no slots yet; warm: slots of an earlier run are used again. kaged and the gateway run
already, except in the line "first of all".

    .venv/bin/python benchmarks/spawn.py [ROUNDS]
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ground import machine, seconds

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage
from tests.fixtures.model_server import ModelServer, Reply

COUNTS = (1, 4, 8)
SIZES = (50, 6000)


def kage(stage: Stage, server: ModelServer, count: int) -> float:
    """Seconds from the command to the last first request; the run is cleaned afterwards."""
    server.requests.clear()
    began = time.monotonic()
    stage.shell("spawn", "-n", str(count), "--yes", "do it")
    until(lambda: len(server.requests) >= count, 60, "the first requests")
    took = max(request.at for request in server.requests) - began
    stage.shell("wait", "--timeout", "60")
    stage.shell("clean")
    return took


def raw(stage: Stage, count: int) -> float:
    """The same number of worktrees and windows, by git and tmux alone."""
    top = stage.home / "raw"
    top.mkdir()
    tmux = ["tmux", "-f", "/dev/null", "-S", str(top / "tmux")]
    subprocess.run([*tmux, "new-session", "-d", "sleep", "100"], check=True)

    def work() -> None:
        for number in range(count):
            tree = top / str(number)
            add = ["git", "worktree", "add", "-q", "--detach", str(tree)]
            subprocess.run(add, cwd=stage.repository, check=True, capture_output=True)
            shell = ["touch started; exec sleep 100"]
            subprocess.run([*tmux, "new-window", "-d", "-c", str(tree), *shell], check=True)
        until(lambda: all((top / str(n) / "started").exists() for n in range(count)), 60)

    took = seconds(work)
    subprocess.run([*tmux, "kill-server"], check=True)
    shutil.rmtree(top)
    subprocess.run(["git", "worktree", "prune"], cwd=stage.repository, check=True)
    return took


def forget_slots() -> None:
    """Let the next spawn make its slots anew."""
    for slots in Path(paths.data()).glob("stores/*/slots"):
        shutil.rmtree(slots)


def main(rounds: int) -> None:
    """Measure and print."""
    for files in SIZES:
        done = [Reply(tool_calls=[("finish", {"summary": "Done."})])]
        with machine(files) as stage, ModelServer(done) as server:
            stage.player(server.url)
            print(f"{files} files; first of all, N=1: {kage(stage, server, 1):.2f} s")
            for count in COUNTS:
                plain, cold, warm = [], [], []
                for _ in range(rounds):
                    plain.append(raw(stage, count))
                    forget_slots()
                    cold.append(kage(stage, server, count))
                    warm.append(kage(stage, server, count))
                base, one, two = (statistics.median(times) for times in (plain, cold, warm))
                print(
                    f"  N={count}: raw {base:.2f} s, cold {one:.2f} s (x {one / base:.1f}), "
                    f"warm {two:.2f} s (x {two / base:.1f})"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
