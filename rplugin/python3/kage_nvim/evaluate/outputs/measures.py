"""Benchmarks: the numbers of one run, and those of several rounds held against the base's. Pure.

A round runs the base and the candidate one right after the other, so that what slows the machine slows both;
each pair gives one ratio. A change counts only when it lies outside what the ratios themselves vary by.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from statistics import median

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate.outputs.formats import timings
from kage_nvim.evaluate.results import Metric, Result

SURE = 0.9
"""How often the interval around the median of the ratios is to hold the true one."""
FEW = 5
"""With fewer rounds than this an interval says little, and a change must stand out by itself."""
NEAR = 0.05
"""Rounds that all differ by less than this part agree that nothing changed, or by how little."""
LEAST = 0.01
"""A smaller change than this part is none, however steady."""


def of_run(output: bytes, reports: Sequence[bytes], check: Check, seconds: float) -> list[Metric]:
    """The numbers of one run: from its report, its output by a pattern or a known form, the last number that
    it prints; else the time that it took.

    Raises:
        Unreadable: it is not what the check says.
    """
    if check.pattern:
        texts = reports or [output]
        return [metric for data in texts for metric in timings.of_pattern(data, check.pattern, check.better)]
    if reports:
        return [metric for data in reports for metric in timings.read(data, check.format, check.better)]
    found = timings.read(output, check.format, check.better)
    found = found or timings.last_number(output, check.better)
    return found or [Metric(name="time", value=seconds)]


def together(here: Sequence[Result], there: Sequence[Result]) -> list[Metric]:
    """Rounds as one number for each benchmark; ``there`` are the base's, in the order of the rounds, or
    none."""
    mine, base = _rounds(here), _rounds(there)
    return [_metric(mine[name], base.get(name, []), paired=bool(there)) for name in mine]


def _rounds(results: Sequence[Result]) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    for result in results:
        for metric in result.metrics:
            found.setdefault(metric.name, []).append(metric)
    return found


def _metric(mine: list[Metric], base: list[Metric], *, paired: bool) -> Metric:
    values = [metric.value for metric in mine]
    spread = timings.spread(values) if len(values) > 1 else mine[0].spread
    made = msgspec.structs.replace(mine[0], value=median(values), spread=spread, samples=len(values))
    if len(base) != len(mine) or not paired:
        return made
    before = [metric.value for metric in base]
    ratios = [value / old for value, old in zip(values, before, strict=True) if old > 0 and value > 0]
    if len(ratios) < len(values):  # nothing and less than nothing have no ratio
        return msgspec.structs.replace(made, base=median(before), verdict=_apart(values, before, made.better))
    return msgspec.structs.replace(
        made, base=median(before), change=median(ratios), verdict=_verdict(ratios, made.better)
    )


def _verdict(ratios: list[float], better: str) -> str:
    """``better``, ``worse``, ``same``; empty when there were too few rounds to tell."""
    if len(ratios) < 2:
        return ""
    low, high = interval(ratios)
    change = median(ratios)
    apart = high < 1 or low > 1
    if len(ratios) < FEW:
        apart = apart and abs(change - 1) > 2 * (max(ratios) - min(ratios))
    if not apart or abs(change - 1) < LEAST:
        return "same"
    return "better" if (change < 1) == (better == "lower") else "worse"


def _apart(values: list[float], before: list[float], better: str) -> str:
    """As ``_verdict``, where only differences tell: every value must lie beyond every one of the base."""
    if len(values) < 2:
        return ""
    if max(values) < min(before) or min(values) > max(before):
        return "better" if (max(values) < min(before)) == (better == "lower") else "worse"
    return "same"


def settled(here: Sequence[Result], there: Sequence[Result]) -> bool:
    """Whether further rounds would say nothing else: all of them lie near 1, or far from it by what they
    differ among themselves."""
    mine, base = _rounds(here), _rounds(there)
    for name, metrics in mine.items():
        pairs = zip(metrics, base.get(name, []), strict=False)
        ratios = [each.value / old.value for each, old in pairs if each.value > 0 and old.value > 0]
        if not ratios:
            continue
        width = max(ratios) - min(ratios)
        near = max(abs(ratio - 1) for ratio in ratios) < NEAR
        if not near and abs(median(ratios) - 1) < 2 * width:
            return False
    return True


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Between which two of the values the true median lies, with at least ``SURE``; of few all of them.

    The k-th smallest and the k-th largest of n miss it as often as a fair coin falls fewer than k times of n
    on one side, twice.
    """
    ordered = sorted(ratios)
    count = len(ordered)
    outside = 0.0
    dropped = 0
    while dropped < (count - 1) // 2:
        outside += 2 * comb(count, dropped) / 2**count
        if outside > 1 - SURE:
            break
        dropped += 1
    left = max(dropped - 1, 0)
    return ordered[left], ordered[count - 1 - left]


def line(metrics: Sequence[Metric]) -> str:
    """``0.412 s, 18 % better than the base``, of several those that changed."""
    if not metrics:
        return ""
    told = [metric for metric in metrics if metric.verdict in ("better", "worse")] or list(metrics)
    parts = [_said(metric, named=len(metrics) > 1) for metric in told[:3]]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(parts) + more


def _said(metric: Metric, *, named: bool) -> str:
    name = f"{metric.name}: " if named else ""
    value = name + amount(metric.value, metric.unit)
    if metric.base is None:
        return value
    if metric.change is None and metric.verdict in ("better", "worse"):
        return f"{value}, {metric.verdict} than the base's {amount(metric.base, metric.unit)}"
    if metric.change is not None and metric.verdict in ("better", "worse"):
        return f"{value}, {abs(metric.change - 1) * 100:.0f} % {metric.verdict} than the base"
    return (
        f"{value}, as the base"
        if metric.verdict == "same"
        else f"{value}, the base {amount(metric.base, metric.unit)}"
    )


def amount(value: float, unit: str) -> str:
    """A number as one reads it: ``61.1 ns`` for 6.11e-08 s."""
    if unit == "s" and 0 < value < 1:
        scale = next((pair for pair in ((1e3, "ms"), (1e6, "µs")) if value * pair[0] >= 1), (1e9, "ns"))
        value, unit = value * scale[0], scale[1]
    return f"{value:.4g} {unit}".rstrip()
