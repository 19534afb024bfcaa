"""What one format says of a run: its tests, the places that it complains of, what it holds of itself.

What is read here was written by code that nobody trusts: names and words are made visible, their number and
their length are bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from kage_nvim.evaluate.results import Failure, Metric, Test
from kage_nvim.visible import visible

MOST_TESTS = 50_000
"""More tests than this are counted, but not kept one by one."""
LONGEST_NAME = 500
LONGEST_TEXT = 500


class Unreadable(ValueError):
    """A report that is not what its format says; the text says why."""


class Said(msgspec.Struct, kw_only=True):
    """What was read. ``passed`` and ``total`` are counts, skipped tests aside, where the format has more than
    ``tests`` holds; ``broken`` says why this cannot be the whole of a run, where it shows that itself."""

    tests: list[Test] = []
    failures: list[Failure] = []
    metrics: list[Metric] = []
    passed: int | None = None
    total: int | None = None
    broken: str = ""


class Tests:
    """Tests as they are read: of two with one name, each keeps its own by a number (``name #2``)."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._tests: list[Test] = []
        self._passed = 0
        self._total = 0

    def add(self, name: str, state: str, *, seconds: float | None = None, text: str = "") -> None:
        """``state`` is ``pass``, ``fail`` or ``skip``; ``text`` may have several lines."""
        name = visible(name.strip())[:LONGEST_NAME] or "?"
        self._seen[name] += 1
        if self._seen[name] > 1:
            name = f"{name} #{self._seen[name]}"
        self._passed += state == "pass"
        self._total += state != "skip"
        if len(self._tests) < MOST_TESTS:
            self._tests.append(Test(name, state, seconds, first_line(text) if state != "pass" else ""))

    def said(self, failures: Iterable[Failure] = (), broken: str = "") -> Said:
        """All of them, and their counts."""
        return Said(
            tests=self._tests,
            failures=list(failures),
            passed=self._passed,
            total=self._total,
            broken=broken,
        )

    def __len__(self) -> int:
        return sum(self._seen.values())


def first_line(text: str) -> str:
    """The first line that says something, fit to be shown."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return visible(line)[:LONGEST_TEXT]


def seconds(value: object) -> float | None:
    """A duration that somebody wrote, when it is one."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None
