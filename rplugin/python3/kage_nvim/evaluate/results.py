"""What a check said: one structure for editor, shell and status."""

from __future__ import annotations

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate.checks.kinds import is_required, kind_of
from kage_nvim.visible import visible

SHOWN = 100
"""Failed tests that are told of a check while it is followed."""


class Failure(msgspec.Struct, frozen=True):
    """A place that a check complains of: path from the repository's root, line (1-based), what was said."""

    path: str
    line: int
    text: str


class Test(msgspec.Struct, frozen=True):
    """One test: ``name`` is the same on every tree; ``state`` is ``pass``, ``fail`` or ``skip``."""

    __test__ = False  # pytest takes everything called Test for one

    name: str
    state: str
    seconds: float | None = None
    text: str = ""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a benchmark: the median of ``samples`` and their spread, the base's beside it.

    ``spread`` is half the distance between the quartiles, in the same ``unit``. ``change`` is the median of
    the ratios to the base (1.0: as fast), ``None`` without a base; ``verdict`` is ``better``, ``worse``,
    ``same`` (within the spread) or empty.
    """

    name: str
    value: float
    unit: str = "s"
    better: str = "lower"
    spread: float = 0.0
    samples: int = 1
    base: float | None = None
    change: float | None = None
    verdict: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One check on one tree.

    ``state`` is ``running``, ``pass``, ``fail`` (it ended with a code other than 0), ``timeout`` or ``error``
    (it could not be run); ``passed`` and ``total`` count tests where the output tells; ``tests`` has them
    singly where it tells even that; ``summary`` is the last line, ``tail`` the end of what it printed;
    ``cached``: it did not run again.

    The rest compares with the base, once that is known (``compared``): names of tests (the check's own name,
    where there are no single tests) that passed there and fail here, that fail in both, that failed there and
    pass here, and that came out differently when run again, which count for nothing.
    """

    name: str
    state: str
    command: str
    kind: str = "custom"
    weight: float = 1.0
    required: bool = True
    code: int | None = None
    seconds: float = 0.0
    passed: int | None = None
    total: int | None = None
    summary: str = ""
    failures: list[Failure] = []
    tests: list[Test] = []
    metrics: list[Metric] = []
    tail: str = ""
    cached: bool = False
    compared: bool = False
    regressed: list[str] = []
    failing_at_base: list[str] = []
    fixed: list[str] = []
    flaky: list[str] = []

    @property
    def good(self) -> bool:
        """True when it has ended well."""
        return self.state == "pass"


def begun(name: str, check: Check) -> Result:
    """A check that runs."""
    return Result(
        name=name,
        state="running",
        command=visible(shown(check.command)),
        kind=kind_of(name, check),
        weight=check.weight,
        required=is_required(name, check),
    )


def brief(result: Result) -> Result:
    """The result with only so much of its tests as a screen can show: the first ones that failed."""
    failed = [test for test in result.tests if test.state == "fail"]
    return msgspec.structs.replace(
        result,
        tests=failed[:SHOWN],
        regressed=result.regressed[:SHOWN],
        failing_at_base=result.failing_at_base[:SHOWN],
        fixed=result.fixed[:SHOWN],
        flaky=result.flaky[:SHOWN],
    )


def shown(command: str | list[str]) -> str:
    """A command in a line."""
    return command if isinstance(command, str) else " ".join(command)
