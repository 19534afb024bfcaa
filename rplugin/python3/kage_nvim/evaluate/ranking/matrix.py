"""Each candidate's new tests on every other candidate: which of them tell anything, and who passes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kage_nvim.evaluate.compared import outcomes
from kage_nvim.evaluate.guard.testfiles import kind
from kage_nvim.evaluate.results import Result

Outcomes = dict[str, bool]


def is_test(path: str, more: Sequence[str] = ()) -> bool:
    """Is it a test, or what tests are made with and held against? ``more`` are globs of files that are."""
    return kind(path, more) in ("test", "support", "data")


def flat(results: Sequence[Result]) -> Outcomes:
    """Whether each test passed, by check and name; the check alone where it tells no single tests."""
    return {
        f"{result.name}: {name}" if result.tests else result.name: passed
        for result in results
        for name, passed in outcomes(result).items()
    }


def telling(author: Outcomes, base: Outcomes, known: Outcomes) -> list[str]:
    """Those of an author's tests that tell something: the author passes them, the base does not (which has
    them laid over it), and they are no tests of the base's own (``known``), but for those that passed there
    and were changed."""

    def is_own(name: str) -> bool:
        changed = known[name] and name in base
        return ": " in name and not changed

    return sorted(
        name
        for name, passed in author.items()
        if passed and not base.get(name, False) and not (name in known and is_own(name))
    )


def scores(told: Mapping[int, Mapping[int, Outcomes]]) -> dict[int, tuple[int, int]]:
    """Passed and all tests of the others, for each candidate. ``told`` holds, by author, how each candidate
    came out of the tests of that author that tell something.

    A test that only its author passes says nothing about the rest, who may name things otherwise.
    """
    numbers = {number for found in told.values() for number in found} | set(told)
    counted = {number: [0, 0] for number in numbers}
    for author, found in told.items():
        others = {number: passed for number, passed in found.items() if number != author}
        for name in found.get(author, {}):
            if not any(passed.get(name) for passed in others.values()):
                continue
            for number, passed in others.items():
                counted[number][0] += bool(passed.get(name))
                counted[number][1] += 1
    return {number: (passed, total) for number, (passed, total) in counted.items()}
