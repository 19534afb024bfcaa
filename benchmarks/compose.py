"""``kage compose`` on tasks with independent defects: how often all tests pass if the union can, how soon.

Each task is a repository with k broken functions and a test of 0.2 s. Five candidates change 20 places each:
they mend some defects (every one is mended by somebody), mend others wrongly, break functions that were
sound, and rewrite what nobody asked for; some fixes are of two hunks, a helper and its use. Half of the
tasks tell single tests, the other half nothing but an exit code; in those nobody breaks what was sound, and
only one candidate is wrong, for else nothing would tell which hunk it is.

    .venv/bin/python benchmarks/compose.py [TASKS [SEED]]
"""

from __future__ import annotations

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
TEST = """\
import sys, time, unittest
time.sleep(0.2)
{imports}
class Sums(unittest.TestCase):
{cases}
if __name__ == "__main__":
    quiet = {quiet}
    if quiet:
        sys.stderr = open("/dev/null", "w")
    unittest.main(verbosity=2)
"""


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


def task(root: Path, dice: random.Random, tells: bool) -> None:
    """Write a repository with a folder for what each candidate makes of it."""
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
    imports = "".join(f"from sums import m{module}\n" for module in range(MODULES))
    cases = "".join(
        f"    def test_{name}(self):\n        self.assertEqual(m{at % MODULES}.{name}(3), {3 + at})\n"
        for at, name in enumerate(names)
    )
    (root / "tests").mkdir()
    (root / "tests" / "test_sums.py").write_text(TEST.format(imports=imports, cases=cases, quiet=not tells))
    (root / ".kage.toml").write_text('[checks.test]\ncommand = "PYTHONPATH=. python3 tests/test_sums.py"\n')


def main() -> int:
    """Print each task and the share; 1 when one is not solved, or took too long."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    took: dict[bool, list[float]] = {True: [], False: []}
    solved: dict[bool, int] = {True: 0, False: 0}
    for number in range(tasks):
        tells = number % 2 == 0
        with machine(0, lambda root, s=seed + number, t=tells: task(root, random.Random(s), t)) as stage:
            players = [f'[players.p{n}]\ncommand = "cp variants/{n}/*.py sums/"\n' for n in CANDIDATES]
            stage.configure("".join(players))
            stage.shell("spawn", "--hidden", "--yes", "-n", "5", "mend the sums")
            stage.shell("wait")
            answer = {}
            time = seconds(lambda: answer.update(stage.json("compose", "--yes")))  # noqa: B023
            took[tells].append(time)
            solved[tells] += bool(answer["green"])
            how = "tests" if tells else "exit code"
            said = answer["line"] or answer["said"]
            print(
                f"{number + 1:>3} {how:<9} {said:<28} {len(answer['hunks']):>3} hunks, "
                f"{answer['tries']:>3} tries, {time:5.1f} s",
                flush=True,
            )
    for tells, all_of in took.items():
        if all_of:
            how = "single tests" if tells else "exit code alone"
            print(
                f"{how}: {solved[tells]}/{len(all_of)} solved,"
                f" median {statistics.median(all_of):.1f} s, longest {max(all_of):.1f} s"
            )
    everything = [time for times in took.values() for time in times]
    return int(sum(solved.values()) < len(everything) or max(everything) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
