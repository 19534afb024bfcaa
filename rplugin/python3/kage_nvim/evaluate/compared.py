"""One check on two trees: what regressed, what failed before, what is flaky. Pure.

Where a check tells single tests, they are compared by name; else the check itself is the one test.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kage_nvim.evaluate.results import Result

BAD = ("fail", "timeout", "error")


def outcomes(result: Result) -> dict[str, bool]:
    """Whether each test passed, those that were skipped aside."""
    if result.tests:
        return {test.name: test.state == "pass" for test in result.tests if test.state != "skip"}
    return {result.name: result.good}


def with_base(result: Result, base: Result) -> Result:
    """The result with what differs from the base's.

    A test that the base has and that is gone, or skipped, here has regressed, for it holds nothing any more,
    and a check that is content with that has failed; unless the check broke off, when no test says anything,
    and the check itself has regressed.
    """
    here, there = outcomes(result), outcomes(base)
    silent = bool(base.tests) and not result.tests and result.good
    if bool(result.tests) != bool(base.tests) and not silent:
        here, there = {result.name: result.good}, {result.name: base.good}
    regressed = [name for name, passed in there.items() if passed and not here.get(name, False)]
    fewer = (base.total or 0) - (result.total or 0)
    if result.good and not base.tests and fewer > 0:  # counted only: which they are is not known
        regressed = [result.name]
    if not result.good and base.good and not regressed:
        regressed = [result.name]  # nothing that the base has fails, yet the check does
    idle = [name for name in there if name not in here] if base.tests and _same(here, there) else []
    if result.good and (regressed or idle):
        missing = (len(regressed) or len(idle)) if base.tests else fewer
        gone = f"{missing} test{'s' * (missing > 1)} of the base did not run"
        result = msgspec.structs.replace(result, state="fail", summary=gone)
    return msgspec.structs.replace(
        result,
        compared=True,
        regressed=sorted(regressed),
        failing_at_base=sorted(n for n, passed in here.items() if not passed and there.get(n) is False),
        fixed=sorted(name for name, passed in here.items() if passed and there.get(name) is False),
    )


def _same(here: Mapping[str, bool], there: Mapping[str, bool]) -> bool:
    """Whether no test has a name that the base has not: what could not be collected there has another one."""
    return here.keys() <= there.keys()


def without_flaky(result: Result, here: Result, there: Result) -> Result:
    """The result after the check was run again on both trees: what came out otherwise is flaky, and so is
    what has another name each time.

    A check whose every failure is flaky has passed.
    """
    if not there.tests:  # its tests may only be counted
        here = with_base(here, there)
    now, base = outcomes(here), outcomes(there)
    flaky = {
        name
        for name in result.regressed
        if now.get(name, here.good and name == result.name) or not base.get(name, not there.tests)
    }
    if not flaky:
        return result
    failing = {name for name, passed in outcomes(result).items() if not passed} - flaky
    left = [name for name in result.regressed if name not in flaky]
    passed = not failing and not left and result.state == "fail"
    return msgspec.structs.replace(
        result,
        state="pass" if passed else result.state,
        regressed=left,
        flaky=sorted({*result.flaky, *flaky}),
    )
