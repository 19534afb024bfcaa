"""What starting agents costs: process to first request, for one and for eight at once, and their memory.

    .venv/bin/python benchmarks/agent_start.py [ROUNDS]

Each agent gets a specification as kaged writes it (with a context of 4 kB), a gateway and a kaged of its own,
and runs one command in the sandbox before it is measured. A bare ``python -I -c pass`` is the yardstick.
Exit code 1 when a limit is passed: 250 ms for one, 800 ms for eight, 45 MB resident each.
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
from tests.unit.agent.world import World, call, finish, say

LIMITS = {1: 0.250, 8: 0.800}
MEMORY = 45.0


def start(count: int) -> tuple[float, list[float]]:
    """Seconds until the last of so many agents has made its first request, and the peak MB of each."""
    with tempfile.TemporaryDirectory(prefix="kage-start-") as folder:
        worlds = [_world(Path(folder) / str(number)) for number in range(count)]
        specs = [world.spec_file(context=str(world.folder / "context.md")) for world in worlds]
        began = time.monotonic()
        processes = [
            subprocess.Popen(
                [sys.executable, "-I", "-m", "kage_nvim.agent_runtime", "--spec", str(spec)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                cwd="/",
            )
            for spec in specs
        ]
        for world in worlds:
            until(lambda world=world: world.daemon.state == "done", 30)  # type: ignore[misc]
        peaks = [_peak(process.pid) for process in processes]
        for process in processes:
            process.terminate()
            process.wait(10)
        first = max(world.gateway.times[0] for world in worlds) - began
        for world in worlds:
            world.close()
        return first, peaks


def _world(folder: Path) -> World:
    folder.mkdir()
    world = World(folder, mode="on")
    (folder / "context.md").write_text("# Files, with symbol:line\n\n" + "lib/module.py: name:1\n" * 180)
    world.gateway.scripts = [say("", call("shell", command="seq 20000")), finish()]
    return world


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(rounds: int) -> int:
    """Measure and print; the exit code."""
    bare = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        bare.append(time.perf_counter() - began)
    python = statistics.median(bare)
    print(f"bare python: {python * 1000:.0f} ms")
    good = True
    for count, limit in LIMITS.items():
        runs = [start(count) for _ in range(rounds)]
        firsts = [first for first, _ in runs]
        memory = max(peak for _, peaks in runs for peak in peaks)
        median = statistics.median(firsts)
        print(
            f"{count} at once: first request after {median * 1000:.0f} ms (worst {max(firsts) * 1000:.0f}, "
            f"limit {limit * 1000:.0f}), {median / python:.1f} times a bare python; peak {memory:.1f} MB each"
        )
        good = good and median <= limit and memory <= MEMORY
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
