"""What kaged takes to compare candidates: the panel's files, one file, the places of all; and the pure core.

    .venv/bin/python benchmarks/align.py [ROUNDS]

100 Python files of 300 lines, changed by 3 agents that partly agree, in one of ten up to their syntax trees;
then one text of 50,000 lines and 9 agents with 2,000 hunks each. Times are medians, in a process of their own
without an editor. *cold*: nothing of these candidates was read yet. Exit code 1 when the panel takes more
than 40 ms or all places more than 250 ms.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "rplugin" / "python3")]

from kage_nvim.compare.align import align  # noqa: E402
from kage_nvim.compare.hunks import Hunk  # noqa: E402
from kage_nvim.model import CandidateStatus  # noqa: E402
from kage_nvim.orchestrator import comparing  # noqa: E402
from kage_nvim.orchestrator.runs import Run  # noqa: E402
from tests.unit.compare.support import Bare, Files  # noqa: E402

PANEL, PLACES = 0.040, 0.250


def source(number: int) -> list[str]:
    return [f"def f{number}_{n}(a, b):\n    return a + b * {n}\n\n" for n in range(100)]


def edited(number: int, agent: int) -> bytes:
    """A file with ten functions changed: of these all agree on five, say two the same in other words, and
    differ in the rest."""
    parts = source(number)
    for n in range(5, 105, 10):
        kind, text = n // 10 % 4, "a - b"
        if kind == 2 and agent == 2 and number % 10 == 0:
            text = "(a - b)"
        elif kind == 3:
            text = f"a - b - {agent}"
        parts[n % 100] = f"def f{number}_{n}(a, b):\n    return {text}\n\n"
    return "".join(parts).encode()


def candidates(store: Bare) -> tuple[Run, str]:
    base: Files = {f"src/m{n}.py": ("100644", "".join(source(n)).encode()) for n in range(100)}
    made: list[Files] = [
        {path: ("100644", edited(n, agent)) for n, path in enumerate(base)} for agent in (1, 2, 3)
    ]
    first, *commits = store.commits(base, *made)
    shown = [CandidateStatus(number=n, agent=n, commit=commit) for n, commit in enumerate(commits, 1)]
    run = SimpleNamespace(
        id="r", root=store.git_dir, store=store, agents={}, shown=lambda: shown, seen=lambda n: shown[n - 1]
    )
    return cast("Run", run), first


def median(rounds: int, action: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    times = []
    for _ in range(rounds):
        before()
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def forget() -> None:
    comparing._changes.cache_clear()
    comparing._read_edits.cache_clear()


async def measured(rounds: int, run: Run, base: str) -> dict[str, float]:
    loop = asyncio.get_running_loop()

    async def of(make: Callable[[], Any], before: Callable[[], object]) -> float:
        times = []
        for _ in range(rounds):
            before()
            began = loop.time()
            await make()
            times.append(loop.time() - began)
        return statistics.median(times)

    def nothing() -> None:
        pass

    found = {}
    for name, before in (("cold", forget), ("warm", nothing)):
        found[f"diff, {name}"] = await of(lambda: comparing.diff(run, [], base), before)
        found[f"diff_file, {name}"] = await of(
            lambda: comparing.diff_file(run, "src/m7.py", [], base), before
        )
        found[f"align, {name}"] = await of(lambda: comparing.aligned(run, [], [], base), before)
    return found


def large() -> tuple[list[bytes], dict[int, tuple[list[bytes], list[Hunk]]]]:
    chance = random.Random(1)
    base = [b"line %d\n" % n for n in range(50_000)]
    sides = {}
    for agent in range(1, 10):
        lines: list[bytes] = []
        hunks = []
        at = 0
        for first in sorted(chance.sample(range(0, 50_000, 5), 2_000)):
            lines += base[at:first]
            new = [b"new %d\n" % chance.randrange(2)] * chance.randrange(3)
            hunks.append(Hunk(first + 1, first + 3, len(lines) + 1, len(lines) + 1 + len(new)))
            lines += new
            at = first + 2
        sides[agent] = (lines + base[at:], hunks)
    return base, sides


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        run, base = candidates(Bare.make(Path(folder) / "store"))
        found = asyncio.run(measured(rounds, run, base))
    lines, sides = large()
    found["50,000 lines, 9 agents, .txt"] = median(rounds, lambda: align(lines, sides, "a.txt"))
    found["50,000 lines, 9 agents, .c"] = median(rounds, lambda: align(lines, sides, "a.c"))
    found["50,000 lines, 9 agents, .py"] = median(rounds, lambda: align(lines, sides, "a.py"))
    for name, taken in found.items():
        print(f"{name:32} {taken * 1e3:8.1f} ms")
    return int(found["diff, cold"] > PANEL or found["align, cold"] > PLACES)


if __name__ == "__main__":
    sys.exit(main())
