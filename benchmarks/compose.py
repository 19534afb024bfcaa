"""``kage compose`` on tasks with independent defects: how often all tests pass if the union can, how soon.

Each task is a repository with k broken functions and a test of 0.2 s. Five candidates change 20 places each:
they mend some defects (every one is mended by somebody), mend others wrongly, break functions that were
sound, and rewrite what nobody asked for; some fixes are of two hunks, a helper and its use. The tasks take
turns in what their test tells: single tests, nothing but an exit code, how many pass, or the first thing
that is wrong, where it stops. By the exit code alone nobody breaks what was sound, and only one candidate is
wrong, for else nothing would tell which hunk it is.

``simulated`` runs the search alone on the unit tests' simulated tasks and counts how many trees it tries
until all passes: for each way of telling, and with a unit in each candidate that lets nothing pass.

    .venv/bin/python benchmarks/compose.py [TASKS [SEED [WAY]]]
    .venv/bin/python benchmarks/compose.py simulated [TASKS]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
from pathlib import Path

from ground import machine, seconds

LIMIT = 60.0
CANDIDATES = range(1, 6)
HUNKS = 20
FUNCTIONS = 90
MODULES = 3
WAYS = ("tests", "exit", "counts", "first")
SINGLE = """\
import time, unittest
time.sleep(0.2)
{imports}
class Sums(unittest.TestCase):
{cases}
unittest.main(verbosity=2)
"""
PLAIN = """\
import sys, time
time.sleep(0.2)
{imports}
{cases}
"""


def test(way: str, names: list[str]) -> str:
    """The test's text; every function adds its number to three."""
    imports = "".join(f"from sums import m{module}\n" for module in range(MODULES))
    facts = [f"m{at % MODULES}.{name}(3) == {3 + at}" for at, name in enumerate(names)]
    if way == "tests":
        cases = "".join(
            f"    def test_{name}(self):\n        assert {fact}\n"
            for name, fact in zip(names, facts, strict=True)
        )
        return SINGLE.format(imports=imports, cases=cases)
    if way == "first":
        return PLAIN.format(imports=imports, cases="".join(f"assert {fact}\n" for fact in facts))
    said = 'print(sum(facts), "passed,", len(facts) - sum(facts), "failed")\n' if way == "counts" else ""
    cases = "facts = [\n" + "".join(f"    {fact},\n" for fact in facts) + "]\n"
    return PLAIN.format(imports=imports, cases=f"{cases}{said}sys.exit(not all(facts))\n")


def function(name: str, number: int, how: str = "sound") -> str:
    """One function in a version of its own."""
    bodies = {
        "sound": f"return x + {number}",
        "broken": f"return x - {number}",
        "mended": f"return {number} + x",
        "helped": f"return plus(x, {number})",
        "wrong": f"return x * {number + 2}",
        "rewritten": f"return x + {number} + 0",
    }
    return f"def {name}(x):\n    # adds {number}\n    {bodies[how]}\n\n\n"


def task(root: Path, dice: random.Random, way: str) -> None:
    """Write a repository with a folder for what each candidate makes of it."""
    tells = way != "exit"
    names = [f"add{number}" for number in range(FUNCTIONS)]
    defects = dice.sample(range(FUNCTIONS), dice.randint(3, 15))
    plans: dict[int, dict[int, str]] = {candidate: {} for candidate in CANDIDATES}
    for defect in defects:
        fixers = dice.sample(CANDIDATES, dice.randint(1, 3))
        how = "helped" if dice.random() < 0.2 else "mended"
        for candidate in CANDIDATES:
            if candidate in fixers:
                plans[candidate][defect] = how
            elif (tells and dice.random() < 0.3) or (not tells and candidate == 5 and dice.random() < 0.3):
                plans[candidate][defect] = "wrong"
    for plan in plans.values():
        sound = [number for number in range(FUNCTIONS) if number not in defects]
        for number in dice.sample(sound, HUNKS - len(plan)):
            plan[number] = "wrong" if tells and dice.random() < 0.1 else "rewritten"
    versions = {0: dict.fromkeys(defects, "broken")} | {
        candidate: dict.fromkeys(defects, "broken") | plan for candidate, plan in plans.items()
    }
    for candidate, version in versions.items():
        folder = root / (f"variants/{candidate}" if candidate else "sums")
        folder.mkdir(parents=True)
        for module in range(MODULES):
            own = range(module, FUNCTIONS, MODULES)
            text = '"""Sums."""\n\n\n'
            if any(version.get(number) == "helped" for number in own):
                text += "def plus(a, b):\n    return a + b\n\n\n"
            text += "".join(function(names[number], number, version.get(number, "sound")) for number in own)
            (folder / f"m{module}.py").write_text(text)
    (root / "tests").mkdir()
    (root / "tests" / "test_sums.py").write_text(test(way, names))
    (root / ".kage.toml").write_text('[checks.test]\ncommand = "PYTHONPATH=. python3 tests/test_sums.py"\n')


def simulated(tasks: int) -> int:
    """Print within how many tries all passes; 1 when it never did in a task told test by test."""
    from tests.unit.test_search import solve, world

    missed = 0
    for way, spoiled in (("tests", 0), ("tests", 1), ("first", 0), ("exit", 0), ("counts", 0)):
        needed = []
        for seed in range(tasks):
            known, first = asyncio.run(solve(world(random.Random(seed), way, spoiled), way))
            needed.append(first if known.best is not None and known.best.outcome.perfect else sys.maxsize)
        needed.sort()
        shares = ", ".join(f"{sum(n <= most for n in needed)} in {most}" for most in (50, 100, 150, 300))
        missed += sum(n == sys.maxsize for n in needed) if way == "tests" else 0
        print(
            f"{way:<6} {5 * spoiled} spoil all: of {tasks} solved {shares} tries, median {needed[tasks // 2]}"
        )
    return int(missed > 0)


def main() -> int:
    """Print each task and the share; 1 when one is not solved, or took too long."""
    if sys.argv[1:2] == ["simulated"]:
        return simulated(int(sys.argv[2]) if len(sys.argv) > 2 else 100)
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    ways = sys.argv[3:4] or list(WAYS)
    took: dict[str, list[float]] = {way: [] for way in ways}
    solved = dict.fromkeys(ways, 0)
    for number in range(tasks):
        way = ways[number % len(ways)]
        with machine(0, lambda root, s=seed + number, w=way: task(root, random.Random(s), w)) as stage:
            players = [f'[players.p{n}]\ncommand = "cp variants/{n}/*.py sums/"\n' for n in CANDIDATES]
            stage.configure("".join(players))
            stage.shell("spawn", "--hidden", "--yes", "-n", "5", "mend the sums")
            stage.shell("wait")
            answer = {}
            time = seconds(lambda: answer.update(stage.json("compose", "--yes")))  # noqa: B023
            took[way].append(time)
            solved[way] += bool(answer["green"])
            said = answer["line"] or answer["said"]
            print(
                f"{number + 1:>3} {way:<9} {said:<28} {len(answer['hunks']):>3} hunks, "
                f"{answer['tries']:>3} tries, {time:5.1f} s",
                flush=True,
            )
    for way, all_of in took.items():
        if all_of:
            print(
                f"{way}: {solved[way]}/{len(all_of)} solved,"
                f" median {statistics.median(all_of):.1f} s, longest {max(all_of):.1f} s"
            )
    everything = [time for times in took.values() for time in times]
    return int(sum(solved.values()) < len(everything) or max(everything) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
