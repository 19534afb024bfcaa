"""What is better than the tree before, and what is not: no check worse, and something better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kage_nvim.evaluate import compared, improvement
from kage_nvim.evaluate.evaluation import Evaluation, Weakening
from kage_nvim.evaluate.improvement import Change
from kage_nvim.evaluate.results import Failure, Metric, Result, Test


def result(state: str = "pass", *, kind: str = "test", name: str = "check", **more: Any) -> Result:
    return Result(name=name, state=state, command="run", kind=kind, **more)


def ran(**states: str) -> Result:
    told = [Test(name, state) for name, state in states.items()]
    return result("fail" if "fail" in states.values() else "pass", tests=told)


def lint(state: str, *places: str) -> Result:
    return result(state, kind="lint", failures=[Failure(place, 1, "bad") for place in places])


def counted(state: str, passed: int, total: int, *failing: str) -> Result:
    places = [Failure("test.js", 1, text) for text in failing]
    return result(state, passed=passed, total=total, failures=places)


def bench(verdict: str) -> Result:
    return result(kind="bench", metrics=[Metric(name="sort", value=1.0, verdict=verdict)])


def changed(before: Result, now: Result, *, base: Sequence[str] = (), here: Sequence[str] = ()) -> Change:
    known = [Weakening("skipped", "t.py", 1, text) for text in base]
    found = [Weakening("skipped", "t.py", 2, text) for text in here]
    results = [compared.with_base(now, before)]
    evaluation = Evaluation(commit="c", tree="t", results=results, weakened=found)
    return improvement.change(evaluation, {before.name: before}, known, "2")


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (ran(a="pass", b="fail"), ran(a="pass", b="pass"), "b failed on 2 and passes here"),
        (result("fail"), result("pass"), "check failed on 2 and passes here"),
        (lint("fail", "x.py", "y.py"), lint("fail", "x.py"), "check complains of 1 place fewer"),
        (counted("fail", 1, 3, "b", "c"), counted("fail", 2, 3, "b"), "check: 1 test fewer failed"),
        (bench("same"), bench("better"), "check: sort is better"),
    ],
)
def test_better(before: Result, now: Result, said: str) -> None:
    found = changed(before, now)
    assert found.kept and said in found.better, found
    assert not changed(before, before).kept and not changed(now, now).worse


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (ran(a="pass", b="fail"), ran(a="fail", b="pass"), "a passes on 2 and fails here"),
        (ran(a="pass", b="fail"), ran(b="pass"), "a passes on 2 and fails here"),
        (ran(a="pass", b="fail"), ran(a="skip", b="pass"), "a passes on 2 and fails here"),
        (ran(a="pass", b="fail"), result("timeout"), "did not pass here"),
        (result("pass"), result("fail"), "check passes on 2 and fails here"),
        (lint("fail", "x.py"), lint("fail", "x.py", "y.py"), "check complains of 1 place more"),
        (counted("fail", 2, 3), counted("fail", 1, 3), "check: 1 test fewer passed"),
        (bench("same"), bench("worse"), "check: sort is worse"),
    ],
)
def test_worse(before: Result, now: Result, said: str) -> None:
    found = changed(before, now)
    assert not found.kept and any(said in one for one in found.worse), found


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (ran(a="pass"), ran(a="pass", new="pass")),
        (ran(a="fail"), ran(a="fail")),
        (counted("pass", 3, 3), counted("pass", 4, 4)),
        (counted("fail", 1, 3, "b", "c"), counted("fail", 2, 3, "a")),  # another one fails now
        (bench("same"), bench("same")),
    ],
)
def test_nothing_better(before: Result, now: Result) -> None:
    found = changed(before, now)
    assert not found.kept and not found.better and not found.worse


def test_what_was_weakened_before_is_nothing_new() -> None:
    before, now = ran(a="pass", b="fail"), ran(a="pass", b="pass")
    assert changed(before, now, base=("b is skipped",), here=("b is skipped",)).kept
    found = changed(before, now, base=("b is skipped",), here=("b is skipped", "a is skipped"))
    assert not found.kept and found.worse == ["a is skipped"]


def test_what_passes_only_once_is_luck() -> None:
    before, now = ran(a="fail", b="fail"), ran(a="pass", b="pass")
    evaluation = Evaluation(commit="c", tree="t", results=[compared.with_base(now, before)])
    steady = improvement.only(evaluation, {"check": ["b"]})
    assert improvement.change(steady, {}, [], "2").better == ["b failed on 2 and passes here"]
    assert not improvement.change(improvement.only(evaluation, {}), {}, [], "2").kept


def test_many_tests_are_counted() -> None:
    names = [f"t{number}" for number in range(5)]
    found = changed(ran(**dict.fromkeys(names, "fail")), ran(**dict.fromkeys(names, "pass")))
    assert found.better == ["t0, t1, t2 and 2 more failed on 2 and pass here"]
