"""What the checks' results on one tree are worth, beside those on others of the same candidates. Pure.

A tree on which something fails that passed at the base is worth less than any on which nothing does; then
count required checks, all checks, single tests. Where a check tells no tests, what it complains of is
counted, and where it stops at the first complaint, how far it came.
"""

from __future__ import annotations

from collections.abc import Sequence

from kage_nvim.compare.searching.tries import Outcome
from kage_nvim.evaluate.compared import outcomes
from kage_nvim.evaluate.results import Result


def outcome(results: Sequence[Result]) -> Outcome:
    """The results, compared with the base's, as the search wants them."""
    regressed = sum(len(result.regressed) for result in results)
    tests = {f"{result.name}: {name}": ok for result in results for name, ok in outcomes(result).items()}
    key = (
        float(not regressed),
        sum(result.weight for result in results if result.good and result.required),
        sum(result.weight for result in results if result.good),
        -float(regressed),
        float(sum(_passed(result) for result in results)),
        -float(sum(len(result.failures) for result in results if not result.good)),
        float(sum(_reached(result) for result in results)),
    )
    return Outcome(
        key,
        good=frozenset(name for name, ok in tests.items() if ok),
        bad=frozenset(name for name, ok in tests.items() if not ok),
        perfect=not regressed and all(result.good for result in results),
    )


def _passed(result: Result) -> int:
    if result.tests:
        return sum(test.state == "pass" for test in result.tests)
    return result.passed or 0


def _reached(result: Result) -> int:
    """The line of the one complaint of a check that stops there."""
    if result.good or result.tests or result.total or len(result.failures) != 1:
        return 0
    return result.failures[0].line
