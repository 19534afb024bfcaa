"""``python -m benchmarks.selection [--data FILE] [--tasks N] [--workers N] [--json FILE]``

Each task is a git repository that holds a stub and the tests that its docstring's examples make. Players that
are commands write the recorded answers; ``kage check`` and ``kage judge --json`` choose, no model is asked.
Only then are the hidden tests run.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from benchmarks.selection import scoring, tasks
from benchmarks.selection.behaviour import behaviours
from benchmarks.selection.chosen import choose
from benchmarks.selection.machine import Machine, machine
from benchmarks.selection.tasks import Task

ROUNDS = 10_000
"""Bootstrap samples of the tasks."""
RULES = {
    "random": "random pick",
    "majority": "majority (same text)",
    "visible_majority": "visible tests + majority (same text)",
    "visible_behaviour": "visible tests + majority (same behaviour)",
    "kage": "Kage",
    "oracle": "oracle",
}
Row = dict[str, Any]


def main() -> int:
    """Run all tasks, print the table, and tell by the exit code whether the aim is met."""
    given = _arguments()
    found = tasks.read(given.data, given.tasks)
    began = time.monotonic()
    rows = _rows(found, given.workers)
    print(f"{len(rows)} tasks, {time.monotonic() - began:.0f} s\n")
    _table(rows)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), "utf-8")
    gap = _gap(rows, "kage")
    better = _mean(rows, "kage") > _mean(rows, "visible_majority")
    return 0 if gap >= 0.75 and better else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("--data", type=Path, default=tasks.DATA, help="recorded answers, one task a line")
    parser.add_argument("--tasks", type=int, help="only so many tasks")
    parser.add_argument("--workers", type=int, default=2, help="private machines side by side")
    parser.add_argument("--json", type=Path, help="write every task's outcome to this file")
    return parser.parse_args()


def _rows(found: Sequence[Task], workers: int) -> list[Row]:
    free: SimpleQueue[Machine] = SimpleQueue()
    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            free.put(stack.enter_context(machine()))

        def one(task: Task) -> Row:
            mine = free.get()
            try:
                row = _row(task, mine)
            finally:
                free.put(mine)
            print(".", end="", file=sys.stderr, flush=True)
            return row

        rows = list(pool.map(one, found))
    print(file=sys.stderr)
    return rows


def _row(task: Task, mine: Machine) -> Row:
    verdict = choose(mine, task)
    every = list(range(len(task.answers)))
    good = [scoring.passes(task.hidden, answer) for answer in task.answers]
    visible = [scoring.met(task, answer) for answer in task.answers]
    best = [at for at in every if visible[at] == max(visible)]
    texts = [scoring.said(answer, task.name) for answer in task.answers]
    does = behaviours(task)
    picks = {
        "random": every,
        "majority": scoring.majority(texts, every),
        "visible_majority": scoring.majority(texts, best),
        "visible_behaviour": scoring.majority(does, best),
        "kage": [verdict["winner"] - 1] if verdict["winner"] else every,
        "oracle": [at for at in every if good[at]] or every,
    }
    row: Row = {rule: scoring.expected(chosen, good) for rule, chosen in picks.items()}
    return row | {"task": task.id, "good": good, "winner": verdict["winner"]}


def _mean(rows: Sequence[Row], rule: str) -> float:
    return float(sum(row[rule] for row in rows) / len(rows))


def _gap(rows: Sequence[Row], rule: str) -> float:
    low, high = _mean(rows, "random"), _mean(rows, "oracle")
    return (_mean(rows, rule) - low) / (high - low) if high > low else 1.0


def _interval(rows: Sequence[Row], measure: Callable[[Sequence[Row]], float]) -> tuple[float, float]:
    """The middle 95 % of a measure over resampled tasks."""
    chance = random.Random(1)
    found = sorted(measure(chance.choices(rows, k=len(rows))) for _ in range(ROUNDS))
    return found[int(ROUNDS * 0.025)], found[int(ROUNDS * 0.975)]


def _table(rows: Sequence[Row]) -> None:
    print("| rule | right | 95 % | of the gap | 95 % |\n|---|---|---|---|---|")
    for rule, title in RULES.items():
        low, high = _interval(rows, lambda some, rule=rule: _mean(some, rule))  # type: ignore[misc]
        gap_low, gap_high = _interval(rows, lambda some, rule=rule: _gap(some, rule))  # type: ignore[misc]
        print(
            f"| {title} | {_mean(rows, rule):.1%} | {low:.1%} to {high:.1%}"
            f" | {_gap(rows, rule):.0%} | {gap_low:.0%} to {gap_high:.0%} |"
        )
    for other in ("visible_majority", "visible_behaviour"):
        low, high = _interval(rows, lambda some, other=other: _mean(some, "kage") - _mean(some, other))  # type: ignore[misc]
        ahead = _mean(rows, "kage") - _mean(rows, other)
        print(f"\nKage minus {RULES[other]}: {ahead:+.1%} ({low:+.1%} to {high:+.1%})")
    missed = [row["task"] for row in rows if row["kage"] < row["oracle"]]
    print(f"\nA right answer was there, and another was chosen: {', '.join(missed) or 'never'}")


if __name__ == "__main__":
    sys.exit(main())
