"""What an agent is told of its failures, and how its turns to mend them are counted and costed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kage_nvim.evaluate.evaluation import Evaluation, Weakening
from kage_nvim.evaluate.results import Failure, Result
from kage_nvim.model import AgentStatus
from kage_nvim.orchestrator.checking import repairs
from kage_nvim.orchestrator.runs import Agent
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.records import AgentRecord, Course, Repair


def result(name: str, state: str = "fail", **more: Any) -> Result:
    return Result(name=name, state=state, command=f"run {name}", **more)


def evaluation(*results: Result, **more: Any) -> Evaluation:
    return Evaluation(commit="c", tree="t", results=list(results), **more)


class Run:
    """What is asked of a run here."""

    def __init__(self, **course: Any) -> None:
        self.record = self
        self.course = Course(**course)


def test_only_what_is_the_agents_to_mend_is_sent() -> None:
    found = evaluation(
        result("test"),
        result("slow", "timeout"),
        result("fine", "pass"),
        result("missing", "error"),
        result("style", required=False),
        result("types", required=False, regressed=["types"]),
    )
    assert [failing.name for failing in repairs.failing(found)] == ["test", "slow", "types"]


def test_the_message_has_places_names_and_an_end() -> None:
    failures = [Failure(path="a.py", line=n, text=f"wrong {n}") for n in range(1, 14)]
    told = repairs.message(
        evaluation(
            result("test", failures=failures, regressed=["t::one"], summary="13 failed", tail="x" * 9000),
            weakened=[Weakening(kind="skipped", path="t.py", line=3, text="t::two is skipped now")],
        )
    )
    assert "test (run test): 13 failed" in told
    assert "a.py:10: wrong 10" in told and "a.py:11" not in told and "and 3 more" in told
    assert "passed before your change, and fails now: t::one" in told
    assert "t::two is skipped now" in told
    assert "x" * repairs.TAIL in told and "x" * (repairs.TAIL + 1) not in told
    assert told.endswith("end your turn when it is done.")


def test_a_message_is_bounded_and_shows_no_control_characters() -> None:
    many = [result(f"check{n}", tail="\x1b[31m" + "y" * 5000) for n in range(30)]
    told = repairs.message(evaluation(*many))
    assert len(told) < repairs.WHOLE + 500
    assert "\x1b" not in told
    assert told.endswith("end your turn when it is done.")


def test_the_spawn_decides_before_the_checks() -> None:
    found = evaluation(result("test"), result("lint"))
    retry = {"test": 1, "lint": 3, "other": 9}
    assert repairs.allowed(Run(), found, retry) == 3  # type: ignore[arg-type]
    assert repairs.allowed(Run(retry=0), found, retry) == 0  # type: ignore[arg-type]
    assert repairs.allowed(Run(retry=7), found, {}) == 7  # type: ignore[arg-type]
    assert repairs.allowed(Run(until="green"), found, {}) == 2  # type: ignore[arg-type]
    assert repairs.allowed(Run(), found, {"test": 1000}) == repairs.MOST  # type: ignore[arg-type]


def test_weakened_tests_alone_are_sent_back_too() -> None:
    found = evaluation(result("test", "pass"), weakened=[Weakening(kind="skip", path="t", line=1, text="x")])
    assert repairs.due(Run(), agent(), found, {"test": 1})  # type: ignore[arg-type]
    assert not repairs.due(Run(), agent(Repair(tokens=0, usd=0.0)), found, {"test": 1})  # type: ignore[arg-type]
    assert not repairs.due(Run(), agent(), found, {"test": 0})  # type: ignore[arg-type]


def test_a_part_mends_only_what_it_broke() -> None:
    """What failed before is what the other parts are for."""
    divided = Run(parts={1: "the sum", 2: "the rest"})
    others = result("test", failing_at_base=["t::rest"])
    broken = result("lint", regressed=["lint"])
    assert not repairs.due(divided, agent(), evaluation(others), {"test": 1})  # type: ignore[arg-type]
    assert repairs.due(divided, agent(), evaluation(others, broken), {"lint": 1})  # type: ignore[arg-type]
    told = repairs.message(evaluation(others, broken), part=True)
    assert "run lint" in told and "run test" not in told and "the other parts" in told


def agent(*done: Repair, tokens: int = 0, usd: float | None = 0.0) -> Agent:
    status = AgentStatus(number=1, player="p", tokens_in=tokens, cost_usd=usd)
    record = AgentRecord(run="r", status=status, slot=1, token="t", repairs=list(done))
    return Agent(record, Slot(1, Path("/nowhere")))


def test_turns_are_costed_by_what_was_spent_before_and_after() -> None:
    one = agent(Repair(tokens=100, usd=0.5), tokens=350, usd=0.75)
    assert repairs.under_way(one) and repairs.words(one, True) == ""
    repairs.settle(one)
    assert not repairs.under_way(one)
    assert repairs.words(one, True) == "repaired in 1 turn, $0.25"
    assert repairs.words(one, False) == "not green after 1 turn of repair, $0.25"
    repairs.settle(one)
    assert one.record.repairs[0].took_tokens == 250
    local = agent(Repair(tokens=0, usd=None), Repair(tokens=10, usd=None, took_tokens=5), tokens=9, usd=None)
    local.record.repairs[0].took_tokens = 1200
    assert repairs.words(local, True) == "repaired in 2 turns, 1,205 tokens"
    assert repairs.by_itself(agent(Repair(tokens=0, usd=0.0), Repair(tokens=0, usd=0.0, asked=True))) == 1
