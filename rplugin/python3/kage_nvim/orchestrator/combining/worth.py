"""What the checks' results on one tree are worth, beside those on others of the same candidates. Pure.

A tree on which something fails that passed at the base is worth less than any on which nothing does; then
count required checks, all checks, single tests. Where a check tells no tests, what else it says is read: the
point at which it stopped, the lines that complain, an exit code that counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kage_nvim.compare.searching.tries import Outcome
from kage_nvim.evaluate.compared import outcomes
from kage_nvim.evaluate.outputs.text import TAIL
from kage_nvim.evaluate.results import Result

_TRACE = "Traceback (most recent call last)"
_COMPLAINS = re.compile(
    r"\b(?:fail\w*|bad|wrong\w*|errors?|not ok|mismatch\w*|expected|assert\w*|missing|broken|incorrect)\b"
    r"|[\u2716-\u2718\u274c]",
    re.IGNORECASE,
)
_PLACE = re.compile(r"""([^\s"'():]+\.\w+)(?:", line |:)([0-9]{1,7})\b""")
_CODES = range(2, 126)
"""Exit codes that may be counts; those above are said by shells, of signals."""
_INNER = 1e6
"""More than a file has lines."""


class Worth:
    """``before`` has the base's results by check. What one tree complains of is well on one that does not,
    so that all complaints are remembered."""

    def __init__(self, before: Mapping[str, Result]) -> None:
        self._before = before
        self._complaints = {name: _complaints(result) for name, result in before.items()}

    def outcome(self, results: Sequence[Result]) -> Outcome:
        """The results, compared with the base's, as the search wants them."""
        regressed = sum(len(result.regressed) for result in results)
        good: set[str] = set()
        bad: set[str] = set()
        for result in results:
            passing, failing = self._named(result)
            good |= {f"{result.name}: {name}" for name in passing}
            bad |= {f"{result.name}: {name}" for name in failing}
        counts = [_counts(result) for result in results]
        points = [_stopped(result) for result in results]
        key = (
            float(not regressed),
            sum(result.weight for result in results if result.good and result.required),
            sum(result.weight for result in results if result.good),
            -float(regressed),
            float(sum(_passed(result) for result in results)),
            -float(sum(len(result.failures) for result in results if not (result.good or _stopped(result)))),
            sum(point[0] + point[-1] / _INNER for point in points if point),
            -float(sum(self._said(result) for result in results)),
        )
        return Outcome(
            key,
            good=frozenset(good - bad),
            bad=frozenset(bad),
            perfect=not regressed and all(result.good for result in results),
            stopped=any(points),
            counts=(sum(passed for passed, _ in counts), sum(failing for _, failing in counts)),
        )

    def _named(self, result: Result) -> tuple[set[str], set[str]]:
        """Names of what passes and of what fails."""
        base = self._before[result.name]
        if result.tests or base.tests:
            here = outcomes(result)
            gone = outcomes(base).keys() - here.keys() if base.tests else set()
            passing = {name for name, ok in here.items() if ok}
            return passing, here.keys() - passing | gone
        if result.good or result.total:
            return ({result.name}, set()) if result.good else (set(), {result.name})
        if at := _stopped(result):
            return _up_to(result.failures[0].path, at)
        known = self._complaints[result.name]
        if len(known) < 2:  # it says one thing at a time, if any
            return set(), {result.name}
        if self._is_broken(result):
            return set(), {result.name} | known
        said = _complaints(result)
        known |= said
        return known - said, {result.name} | said

    def _said(self, result: Result) -> int:
        """How much a check that tells no tests complains of."""
        base = self._before[result.name]
        if result.good or result.tests or result.total or base.tests or _stopped(result):
            return 0
        known = len(self._complaints[result.name])
        if known > 1:
            return 2 * known if self._is_broken(result) else len(_complaints(result))
        return result.code or 0 if base.code in _CODES else 0

    def _is_broken(self, result: Result) -> bool:
        """Did it break off, where the base's came to its end? Then it is silent about the rest."""
        base = self._before[result.name]
        crashed = result.code is None or not 0 <= result.code <= _CODES[-1]
        return crashed or (_TRACE in result.tail and _TRACE not in base.tail)


def places(results: Sequence[Result]) -> set[tuple[str, int]]:
    """Every path and line that stands in what failed; paths may begin with the folder of the tree."""
    found = set()
    for result in results:
        if not result.good:
            found |= {(path, int(line)) for path, line in _PLACE.findall(result.tail)}
            found |= {(failure.path, failure.line) for failure in result.failures}
    return found


def _passed(result: Result) -> int:
    return _counts(result)[0] if result.tests or result.total else 0


def _counts(result: Result) -> tuple[int, int]:
    """Tests that pass and that fail, as far as they are told; else the check is the one test."""
    if result.tests:
        passed = sum(test.state == "pass" for test in result.tests)
        return passed, sum(test.state == "fail" for test in result.tests)
    if result.total:
        return result.passed or 0, result.total - (result.passed or 0)
    return int(result.good), int(not result.good)


def _stopped(result: Result) -> list[int]:
    """The line at which a check stopped at the first thing that is wrong, and what that came from."""
    if result.good or result.tests or result.total or not result.failures:
        return []
    if len(result.failures) > 1 and result.tail.count(_TRACE) != 1:
        return []
    script = result.failures[0].path
    return [failure.line for failure in result.failures if failure.path == script][:2]


def _up_to(path: str, at: list[int]) -> tuple[set[str], set[str]]:
    """All lines before this one are well: those of the script, and those of what it called there."""
    first, *inner = at
    passing = {f"{path}:{line}" for line in range(1, first)}
    failing = {f"{path}:{first}"}
    for last in inner:
        passing |= {f"{path}:{first}:{line}" for line in range(1, last)}
        failing.add(f"{path}:{first}:{last}")
    return passing, failing


def _complaints(result: Result) -> set[str]:
    """The lines that complain, where they may be all."""
    if result.good or result.tests or result.total or result.failures or len(result.tail) >= TAIL:
        return set()
    return {line.strip() for line in result.tail.splitlines() if _COMPLAINS.search(line)}
