"""Whether a tree is better than another that it was made from: nothing worse, something better. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from kage_nvim.evaluate.evaluation import Evaluation, Weakening
from kage_nvim.evaluate.results import Result

NAMED = 3
"""Tests of one check that are named; of the others it is said how many they are."""


@dataclass(frozen=True)
class Change:
    """What is ``worse`` and what is ``better`` than on the tree before, each as a sentence's part."""

    worse: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """No check is worse, and something is better."""
        return bool(self.better) and not self.worse


def change(
    evaluation: Evaluation, before: Mapping[str, Result], known: Iterable[Weakening], name: str
) -> Change:
    """What an evaluation that was held against another tree says of it.

    Args:
        evaluation: the checks on the new tree, compared with those on the tree before.
        before: the checks on the tree before, by name; benchmarks are in the evaluation alone.
        known: what weakened tests in the tree before already: that is nothing new.
        name: what the tree before is called.
    """
    old = {_same(one) for one in known}
    worse = [weakening.text for weakening in evaluation.weakened if _same(weakening) not in old]
    better: list[str] = []
    for result in evaluation.results:
        was = before.get(result.name)
        worse += _worse(result, was, name)
        better += _better(result, was, name)
    return Change(list(dict.fromkeys(worse)), list(dict.fromkeys(better)))


def only(evaluation: Evaluation, steady: Mapping[str, Collection[str]]) -> Evaluation:
    """The evaluation with only those tests as fixed, by check, that were so again; the others are luck."""
    results = [
        replace(result, fixed=[one for one in result.fixed if one in steady.get(result.name, ())])
        for result in evaluation.results
    ]
    return replace(evaluation, results=results)


def _same(weakening: Weakening) -> tuple[str, str, str]:
    return weakening.kind, weakening.path, weakening.text


def _worse(result: Result, was: Result | None, name: str) -> list[str]:
    said = []
    if result.regressed:
        said.append(f"{_names(result.regressed)} on {name} and {_fails(result.regressed)} here")
    elif not result.good and (was is None or was.good or _silent(result, was)):
        said.append(f"{result.name} did not pass here ({result.state})")
    if was is not None and not result.regressed:
        fewer, places = _passed(was) - _passed(result), _places(result) - _places(was)
        if fewer > 0:
            said.append(f"{result.name}: {fewer} test{'s' * (fewer > 1)} fewer passed")
        if places > 0:
            said.append(f"{result.name} complains of {places} place{'s' * (places > 1)} more")
    slower = [metric.name for metric in result.metrics if metric.verdict == "worse"]
    return [*said, *(f"{result.name}: {metric} is worse" for metric in slower)]


def _better(result: Result, was: Result | None, name: str) -> list[str]:
    said = []
    if result.fixed:
        said.append(f"{_names(result.fixed, 'failed')} on {name} and {_passes(result.fixed)} here")
    if was is not None and not result.fixed and not result.flaky:
        fewer, places = _failed(was) - _failed(result), _places(was) - _places(result)
        if not was.good and result.good and not was.tests:
            said.append(f"{result.name} failed on {name} and passes here")
        if fewer > 0 and (result.total or 0) >= (was.total or 0) and _same_ones(result, was):
            said.append(f"{result.name}: {fewer} test{'s' * (fewer > 1)} fewer failed")
        if places > 0:
            said.append(f"{result.name} complains of {places} place{'s' * (places > 1)} fewer")
    faster = [metric.name for metric in result.metrics if metric.verdict == "better"]
    return [*said, *(f"{result.name}: {metric} is better" for metric in faster)]


def _silent(result: Result, was: Result) -> bool:
    """Whether a check broke off that told more before: what it would have found is not known."""
    return (result.state != "fail" and was.state == "fail") or (bool(was.tests) and not result.tests)


def _passed(result: Result) -> int:
    """Tests that are only counted; those that are told singly are compared by name."""
    return 0 if result.tests else (result.passed or 0)


def _failed(result: Result) -> int:
    """The same of those that failed: a new test that passes is nothing better."""
    return 0 if result.tests or result.passed is None else (result.total or 0) - result.passed


def _same_ones(result: Result, was: Result) -> bool:
    """Whether what fails still is what failed before: of tests that are only counted one may have taken the
    place of another."""
    told = {(failure.path, failure.text) for failure in result.failures}
    return result.good or (bool(told) and told <= {(place.path, place.text) for place in was.failures})


def _places(result: Result) -> int:
    """What a check complains of that tells no tests, as a linter; where it broke off it tells nothing."""
    tells = result.kind not in ("test", "bench") and not result.tests and not result.total
    return len(result.failures) if tells and result.state in ("pass", "fail") else 0


def _names(tests: Sequence[str], verb: str = "passes") -> str:
    shown, left = list(tests[:NAMED]), len(tests) - NAMED
    if left > 0:
        shown.append(f"{left} more")
    if len(shown) == 1:
        return f"{shown[0]} {verb}"
    plural = "pass" if verb == "passes" else verb
    return f"{', '.join(shown[:-1])} and {shown[-1]} {plural}"


def _fails(tests: Sequence[str]) -> str:
    return "fails" if len(tests) == 1 else "fail"


def _passes(tests: Sequence[str]) -> str:
    return "passes" if len(tests) == 1 else "pass"
