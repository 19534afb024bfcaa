"""What benchmarks write: hyperfine, pytest-benchmark, ``go test -bench``, or a number that is printed."""

from __future__ import annotations

import math
import re
from statistics import median, quantiles

import msgspec

from kage_nvim.evaluate.outputs import text
from kage_nvim.evaluate.outputs.formats.custom import matches
from kage_nvim.evaluate.outputs.formats.said import Unreadable
from kage_nvim.evaluate.results import Metric
from kage_nvim.visible import visible

MOST = 200
"""More benchmarks than this are not kept of one command."""
_GO = re.compile(r"^(?P<name>Benchmark\S*?)(?:-[0-9]+)?\s+[0-9]+\s+(?P<rest>[0-9].*)$")
_GO_NUMBER = re.compile(r"(?P<value>[0-9.eE+]+) (?P<unit>\S+)")
_NUMBER = re.compile(r"(?<![\w.])(?P<value>[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_NO_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:nan|inf|infinity)(?![\w.])", re.IGNORECASE)
# A shell's: "real 0m1.500s", "real 1.50"
_REAL = re.compile(r"^real\s+(?:(?P<minutes>[0-9]{1,6})m)?(?P<value>[0-9.]{1,20})s?$")
_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "μs": 1e-6, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}
# Those that print a time: hyperfine, Criterion, and the benchmarks of libtest. Each in seconds, since they
# change the unit as they like.
_TITLE = re.compile(r"^(?:Benchmark [0-9]+: )?(?P<name>\S.*)$")
_TIMES = (
    re.compile(r"^\s+Time \((?:mean . .|abs .)\):\s+(?P<value>[0-9.]+) (?P<unit>\S+)"),
    re.compile(r"^(?P<name>\S.*?)?\s+time:\s+\[\S+ \S+ (?P<value>[0-9.]+) (?P<unit>\S+) "),
    re.compile(r"^test (?P<name>\S+)\s+\.\.\. bench:\s+(?P<value>[0-9,.]+) (?P<unit>\w+)/iter"),
)
_MORE_IS_BETTER = ("MB/s", "GB/s", "B/s", "ops/s", "req/s", "rps")


class _Command(msgspec.Struct):
    command: str
    median: float
    times: list[float] = []


class _Hyperfine(msgspec.Struct):
    results: list[_Command]


class _Stats(msgspec.Struct):
    median: float
    q1: float = 0.0
    q3: float = 0.0
    rounds: int = 1


class _Benchmark(msgspec.Struct):
    name: str
    stats: _Stats
    fullname: str = ""


class _PytestBenchmark(msgspec.Struct):
    benchmarks: list[_Benchmark]


def read(data: bytes, form: str, better: str) -> list[Metric]:
    """The numbers in a text; none where no form is named and none is known.

    Raises:
        Unreadable: it is not what ``form`` names.
    """
    try:
        if form == "hyperfine" or (not form and _is_hyperfines(data)):
            return _of_hyperfine(msgspec.json.decode(data, type=_Hyperfine))
        if form == "pytest-benchmark" or (not form and b'"benchmarks"' in data and b'"stats"' in data):
            return _of_pytest(msgspec.json.decode(data, type=_PytestBenchmark))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    found = _of_go(text.plain(data), better) if form in ("", "go-bench") else []
    if form == "go-bench" and not found:
        raise Unreadable("no line of a Go benchmark")
    return found or ([] if form else _of_times(text.plain(data)))


def _is_hyperfines(data: bytes) -> bool:
    known = b'"exit_codes"' in data or (b'"results"' in data and b'"times"' in data)
    return data.lstrip().startswith(b"{") and known


def of_pattern(data: bytes, pattern: str, better: str) -> list[Metric]:
    """What the groups ``value``, ``unit`` and ``name`` find; the median where a name comes again.

    Raises:
        Unreadable: the pattern takes too long.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for groups in matches(data, pattern):
        number = _finite(groups.get("value", ""))
        if number is not None:
            key = groups.get("name", "").strip() or "value", groups.get("unit", "").strip()
            found.setdefault(key, []).append(number)
    return [_metric(name, unit, values, better) for (name, unit), values in found.items()][:MOST]


def last_number(data: bytes, better: str) -> list[Metric]:
    """The last number of the last line; its unit is what is said behind it. A shell's ``time`` says another
    line in front.

    Raises:
        Unreadable: it is not finite.
    """
    lines = [line for line in text.plain(data)[-20:] if line.strip()]
    real = next((found for line in lines[-3:] if (found := _REAL.match(line))), None)
    took = _finite(real["value"]) if real else None
    if real and took is not None:
        return [_metric("real", "s", [int(real["minutes"] or 0) * 60 + took], "lower")]
    last = (lines or [""])[-1][-1000:].replace(",", "")
    if no_number := _NO_NUMBER.search(last):
        raise Unreadable(f"its number is {no_number[0]}")
    numbers = list(_NUMBER.finditer(last))
    value = _finite(numbers[-1]["value"]) if numbers else None
    if value is None:
        return []
    unit = re.match(r"\s*([A-Za-z%µ][A-Za-z%µ/]{0,11})\s*$", last[numbers[-1].end() :])
    return [_metric("value", unit[1] if unit else "", [value], better)]


def _of_hyperfine(report: _Hyperfine) -> list[Metric]:
    return [
        _metric(each.command, "s", [t for t in each.times if math.isfinite(t)] or [each.median], "lower")
        for each in report.results[:MOST]
    ]


def _of_pytest(report: _PytestBenchmark) -> list[Metric]:
    return [
        Metric(
            name=visible(each.fullname or each.name)[:300],
            value=each.stats.median,
            spread=max(0.0, each.stats.q3 - each.stats.q1) / 2,
            samples=each.stats.rounds,
        )
        for each in report.benchmarks[:MOST]
        if math.isfinite(each.stats.median)
    ]


def _of_go(lines: list[str], better: str) -> list[Metric]:
    """With ``-count`` a name comes again; the number of cores behind it is no part of it."""
    found: dict[tuple[str, str], list[float]] = {}
    for line in lines:
        if match := _GO.match(line.strip()):
            for number in _GO_NUMBER.finditer(match["rest"]):
                value = _finite(number["value"])
                if value is not None:
                    found.setdefault((match["name"], number["unit"]), []).append(value)
    made = []
    for (name, unit), values in list(found.items())[:MOST]:
        way = "lower" if unit in ("ns/op", "B/op", "allocs/op") else better
        way = "higher" if unit in _MORE_IS_BETTER else way
        made.append(_metric(name if unit == "ns/op" else f"{name} {unit}", unit, values, way))
    return made


def _of_times(lines: list[str]) -> list[Metric]:
    found: dict[str, list[float]] = {}
    title = ""
    for line in lines:
        match = next((m for shape in _TIMES if (m := shape.match(line))), None)
        if match is None:
            title = titled["name"] if (titled := _TITLE.match(line)) else title
            continue
        value, scale = _finite(match["value"]), _SECONDS.get(match["unit"])
        if value is not None and scale is not None:
            name = match.groupdict().get("name") or title or "time"
            found.setdefault(name, []).append(value * scale)
    return [_metric(name, "s", values, "lower") for name, values in found.items()][:MOST]


def _metric(name: str, unit: str, values: list[float], better: str) -> Metric:
    return Metric(
        name=visible(name)[:300],
        value=median(values),
        unit=visible(unit)[:20],
        better=better,
        spread=spread(values),
        samples=len(values),
    )


def spread(values: list[float]) -> float:
    """Half the distance between the quartiles."""
    if len(values) < 2:
        return 0.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def _finite(digits: str) -> float | None:
    try:
        value = float(digits.strip().replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
