"""What all checks together say of one tree: whether it is green, and in a line."""

from __future__ import annotations

import msgspec

from kage_nvim.evaluate.results import Result


class Weakening(msgspec.Struct, frozen=True):
    """Something done to tests, or to what runs them, that lets worse code pass.

    ``kind`` is a short word (``deleted``, ``skipped``, ``loosened``, ``config`` …), ``text`` a sentence,
    ``path`` and ``line`` (1-based, 0: the file) where it is in the candidate, or was in the base.
    """

    kind: str
    path: str
    line: int
    text: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All checks on one tree. ``tree`` is what was run: the candidate's with the base's tests laid over it
    where ``overlaid`` names them."""

    commit: str
    tree: str
    number: int | None = None
    results: list[Result] = []
    weakened: list[Weakening] = []
    overlaid: list[str] = []

    @property
    def ended(self) -> bool:
        """True when nothing runs any more."""
        return all(result.state != "running" for result in self.results)

    @property
    def green(self) -> bool:
        """Every required check passed, tests that are flaky aside, and no test was weakened."""
        required = [result for result in self.results if result.required]
        return bool(required) and all(result.good for result in required) and not self.weakened

    @property
    def regressed(self) -> list[str]:
        """What passed at the base and fails here."""
        return [name for result in self.results for name in result.regressed]

    @property
    def line(self) -> str:
        """``12/14 ✓, 1 new failure``."""
        parts = [self._count()]
        if new := len(self.regressed):
            parts.append(f"{new} new failure{'s' * (new > 1)}")
        if self.weakened:
            parts.append("tests weakened")
        return ", ".join(filter(None, parts))

    def _count(self) -> str:
        passed = total = 0
        for result in self.results:
            passed += result.passed if result.total and result.passed is not None else result.good
            total += result.total or 1
        return f"{passed}/{total} ✓" if total else ""
