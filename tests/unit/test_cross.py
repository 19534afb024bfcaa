"""The cross-matrix at work: whose tests are run on whom, and what hostile ones can do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim.config import Check, RepositoryConfig, Tests
from kage_nvim.evaluate.ranking.matrix import scores
from kage_nvim.evaluate.results import Result, Test, begun
from kage_nvim.orchestrator.checking.trials import Ground
from kage_nvim.orchestrator.judging import cross
from kage_nvim.trees import ABSENT, Change

SUITE = {"suite": Check(command="pytest")}


class Trials:
    """Trees are ``code|tests``; ``world`` says what each test of a set does on each code."""

    def __init__(self, world: Mapping[str, Mapping[str, Mapping[str, bool | None]]]) -> None:
        self.world = world
        self.ran: list[tuple[str, float]] = []
        self.kept: list[str] = []

    async def results(self, ground: Any, tree: str, checks: Mapping[str, Check]) -> list[Result]:
        code, _, laid = tree.partition("|")
        found = []
        for name, check in checks.items():
            self.ran.append((tree, check.timeout))
            tests = {"old": True} | {
                test: on[code] for part in laid.split("+") for test, on in self.world.get(part, {}).items()
            }
            hangs = None in tests.values()
            passed = [Test(test, "pass" if fine else "fail") for test, fine in tests.items()]
            state = "timeout" if hangs else "pass" if all(tests.values()) else "fail"
            found.append(
                Result(
                    name=name,
                    command="pytest",
                    kind=begun(name, check).kind,
                    state=state,
                    tests=[] if hangs else passed,
                    seconds=10.0,
                )
            )
        return found

    def keep(self, tree: str, key: bytes, result: Result) -> None:
        self.kept.append(tree)


def new(path: str, *, old: str = "") -> Change:
    """A file that a candidate added, or changed from ``old``; its path names what it holds."""
    mode = "100644" if old else ABSENT
    return Change(path, "text", "A", None, mode, "100644", 1, 0, old, path)


def crossed(
    world: Mapping[str, Mapping[str, Mapping[str, bool | None]]],
    changed: Mapping[int, list[Change]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    files: list[str] | None = None,
) -> tuple[dict[int, tuple[int, int]], Trials]:
    monkeypatch.setattr(
        cross, "edit_tree", lambda store, tree, laid, scratch: tree + "|" + "+".join(e.sha for e in laid)
    )
    trials = Trials(world)
    store: Any = SimpleNamespace(scratch=Path("/nowhere"))
    ground = Ground(store, RepositoryConfig(tests=Tests(files=files or [])), {})
    trees = {number: f"c{number}" for number in changed}
    told, _ = asyncio.run(cross.cross(trials, ground, "base", trees, changed, SUITE))  # type: ignore[arg-type]
    return scores(told), trials


def on(base: bool | None, *codes: bool | None) -> dict[str, bool | None]:
    return {"base": base} | {f"c{number}": passed for number, passed in enumerate(codes, 1)}


def test_what_is_green_at_the_base_and_what_only_its_author_passes_tell_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = {"test_a.py": {"says": on(False, True, True, False), "green": on(True, True, False, False)}}
    world |= {"test_c.py": {"private": on(False, False, False, True)}}
    changed = {1: [new("test_a.py")], 2: [new("calc.py")], 3: [new("test_c.py")]}
    counted, trials = crossed(world, changed, monkeypatch)
    assert counted == {1: (0, 0), 2: (1, 1), 3: (0, 1)}
    assert not trials.kept


def test_tests_that_hang_hold_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    # On its author's code it ends; on the others', and on the base, it never does.
    world = {
        "test_a.py": {"waits": on(None, True, None, None)},
        "test_b.py": {"hangs": on(None, True, None, True)},
    }
    changed = {1: [new("test_a.py")], 2: [new("test_b.py")], 3: [new("calc.py")]}
    counted, trials = crossed(world, changed, monkeypatch)
    assert not any(total for _, total in counted.values())
    times = dict(trials.ran)
    assert times["c1|test_a.py"] == times["c2|test_b.py"] == 600.0
    # Ten seconds on its author's code make 128 on others', and once is enough.
    assert times["base|test_a.py"] == times["c3|test_a.py"] == 128.0
    assert trials.kept == ["base|test_a.py", "c2|+test_a.py", "c3|test_a.py"]
    # What hangs on its author's own code is run nowhere else.
    assert [tree for tree in times if tree.endswith("test_b.py")] == ["c2|test_b.py"]


def test_changed_tests_and_those_the_settings_name_count(monkeypatch: pytest.MonkeyPatch) -> None:
    world = {"check.t": {"old": on(False, True, True, False)}}
    counted, _ = crossed(
        world,
        {1: [new("check.t", old="o")], 2: [new("calc.py")], 3: [new("calc.py")]},
        monkeypatch,
        files=["*.t"],
    )
    assert counted == {1: (0, 0), 2: (1, 1), 3: (0, 1)}
