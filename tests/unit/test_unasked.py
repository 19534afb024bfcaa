"""A landing that nobody confirms: everything has to hold, and each thing that does not is named."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim.errors import KageError
from kage_nvim.evaluate.verdict import Standing, Verdict
from kage_nvim.model import State
from kage_nvim.orchestrator.judging import verdicts
from kage_nvim.orchestrator.landing import accepting, unasked

COMMITS = {1: "a", 2: "b"}


def verdict(**more: Any) -> Verdict:
    best = Standing(number=2, rank=1, green=True)
    told = {"winner": 2, "ranking": [best, Standing(number=1, rank=2)], "both_orders": True}
    return Verdict(run="r", task="t", **(told | {"commits": COMMITS} | more))


def stage(
    landed: tuple[str, ...] = (), commits: dict[int, str] | None = None, state: State = State.DONE
) -> tuple[Any, Any]:
    """A conductor and a run, as far as a landing asks them."""
    landings = [SimpleNamespace(run=run) for run in landed]
    conductor = SimpleNamespace(database=SimpleNamespace(landings=lambda root: landings))
    made = [SimpleNamespace(number=n, commit=c) for n, c in (commits or COMMITS).items()]
    agents = {
        n: SimpleNamespace(record=SimpleNamespace(status=SimpleNamespace(state=state))) for n in COMMITS
    }
    record = SimpleNamespace(status=SimpleNamespace(candidates=made))
    return conductor, SimpleNamespace(id="r", root=Path("/r"), agents=agents, record=record)


def best(**more: Any) -> list[Standing]:
    return [Standing(number=2, **({"green": True} | more))]


@pytest.mark.parametrize(
    ("told", "world", "why"),
    [
        ({}, {}, ""),
        ({}, {"landed": ("another run",)}, ""),
        ({}, {"landed": ("r",)}, "landed already"),
        ({"winner": None}, {}, "no candidate can"),
        ({"ranking": best(green=False, checked="1/2 ✓")}, {}, r"not green \(1/2 ✓\)"),
        ({"ranking": best(green=None)}, {}, "not green"),
        ({"ranking": best(weakened=["test_a is skipped"])}, {}, "weakened tests"),
        ({"ranking": best(regressed=["lint"])}, {}, "broke what worked"),
        ({"stale": "candidate 3 is new"}, {}, "changed since"),
        ({}, {"commits": {1: "a", 2: "c"}}, "changed since"),
        ({}, {"commits": {1: "a", 2: "b", 3: "d"}}, "changed since"),
        ({}, {"state": State.WORKING}, "agent 1 is at work again"),
        ({"both_orders": False}, {}, "in both orders"),
    ],
)
def test_each_term_has_to_hold(told: dict[str, Any], world: dict[str, Any], why: str) -> None:
    found = unasked.hindrance(*stage(**world), verdict(**told))
    if why:
        assert re.search(why, found)
    else:
        assert found == ""


def test_it_lands_once_and_asks_again_when_its_turn_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    landed: list[int] = []
    conductor, run = stage()
    quicker = False

    async def accept(conductor: Any, run: Any, numbers: list[int], *_: Any, hindrance: Any, **__: Any) -> Any:
        if quicker:  # the user's own landing of this run came before
            conductor.database.landings("")[:] = [SimpleNamespace(run="r")]
        if why := hindrance():
            raise KageError(f"{why}:\n  more")
        landed.extend(numbers)
        return {"landing": 7}

    monkeypatch.setattr(accepting, "accept", accept)
    monkeypatch.setattr(verdicts, "keep", lambda conductor, run, told: kept.append(told.landed))
    told = verdict()
    asyncio.run(unasked.land(conductor, run, told))
    asyncio.run(unasked.land(conductor, run, told))
    assert landed == [2] and kept == ["landed by itself (landing 7)"]
    quicker = True
    asyncio.run(unasked.land(conductor, run, verdict()))
    assert landed == [2] and kept[-1] == "nothing landed by itself: something of this run was landed already"
