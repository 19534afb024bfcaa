"""Benchmarks: the numbers of a run, and when a difference to the base is one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kage_nvim.config import Check
from kage_nvim.evaluate.outputs import measures
from kage_nvim.evaluate.outputs.formats.said import Unreadable
from kage_nvim.evaluate.results import Metric, Result

SAMPLES = Path(__file__).parent / "samples"


def numbers(output: bytes, *, reports: tuple[bytes, ...] = (), **said: str) -> dict[str, tuple[float, str]]:
    check = Check(command="x", **said)  # type: ignore[arg-type]
    found = measures.of_run(output, reports, check, 1.5)
    return {metric.name: (metric.value, metric.unit) for metric in found}


def test_hyperfine_tells_each_command() -> None:
    found = numbers(b"", reports=((SAMPLES / "hyperfine.json").read_bytes(),))
    assert found == {"sleep 0.01": (0.011906668, "s"), "true": (0.004922072, "s")}


PYTEST = b"""{"machine_info": {}, "benchmarks": [{"name": "test_b", "fullname": "test_bm.py::test_b",
 "stats": {"min": 0.1, "median": 0.25, "q1": 0.2, "q3": 0.4, "rounds": 8}}], "version": "5"}"""


def test_pytest_benchmark_tells_each_test() -> None:
    assert numbers(b"", reports=(PYTEST,)) == {"test_bm.py::test_b": (0.25, "s")}
    (metric,) = measures.of_run(b"", [PYTEST], Check(command="x"), 1.0)
    assert metric.spread == pytest.approx(0.1)


def test_go_tells_each_unit_the_median_of_several_counts() -> None:
    output = (SAMPLES / "go-bench.txt").read_bytes()
    assert numbers(output) == {"BenchmarkAdd": (0.2781, "ns/op")}
    line = b"BenchmarkRead-8   100  1200 ns/op  85.5 MB/s  16 B/op  2 allocs/op\n"
    found = measures.of_run(line, [], Check(command="x"), 1.0)
    assert [(m.name, m.value, m.better) for m in found] == [
        ("BenchmarkRead", 1200.0, "lower"),
        ("BenchmarkRead MB/s", 85.5, "higher"),
        ("BenchmarkRead B/op", 16.0, "lower"),
        ("BenchmarkRead allocs/op", 2.0, "lower"),
    ]


HYPERFINE = """\
Benchmark 1: sleep 0.01
  Time (mean ± \u03c3):      12.4 ms ±   1.6 ms    [User: 1.0 ms, System: 0.0 ms]
  Range (min … max):    11.1 ms …  14.3 ms    3 runs
"""
CRITERION = "fib 20                  time:   [26.029 µs 26.251 µs 26.505 µs]\n"
LIBTEST = "test bench_add ... bench:       1,234 ns/iter (+/- 56)\n"


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (HYPERFINE, {"sleep 0.01": (0.0124, "s")}),
        (CRITERION, {"fib 20": (26.251e-6, "s")}),
        (LIBTEST, {"bench_add": (1.234e-6, "s")}),
        ("warming up 3\nscore: 1,234.5\n", {"value": (1234.5, "")}),
        ("took 12.5 ms\n\n", {"value": (12.5, "ms")}),
        ("took 12.5ms", {"value": (12.5, "ms")}),
        ("1e-3", {"value": (0.001, "")}),
        ("all good\n", {"time": (1.5, "s")}),
        ("3 steps\ndone\n", {"time": (1.5, "s")}),
        ("", {"time": (1.5, "s")}),
        ("\nreal\t1m2.5s\nuser\t0m1.0s\nsys\t0m0.1s\n", {"real": (62.5, "s")}),
        ("real 0.25\nuser 0.20\nsys 0.01\n", {"real": (0.25, "s")}),
        ("information 7 MB", {"value": (7.0, "MB")}),
    ],
)
def test_what_is_printed_is_a_number_or_the_time_counts(
    output: str, wanted: dict[str, tuple[float, str]]
) -> None:
    found = numbers(output.encode())
    assert {name: unit for name, (_, unit) in found.items()} == {
        name: unit for name, (_, unit) in wanted.items()
    }
    assert [value for value, _ in found.values()] == pytest.approx([value for value, _ in wanted.values()])


def test_a_pattern_names_number_and_unit() -> None:
    shape = r"^(?P<name>\w+): (?P<value>[\d.]+) (?P<unit>\S+)$"
    found = numbers(b"a: 1.5 ms\nb: 3 MB\na: 2.5 ms\nnoise 7\n", pattern=shape)
    assert found == {"a": (2.0, "ms"), "b": (3.0, "MB")}
    assert numbers(b"nothing", pattern=shape) == {}


@pytest.mark.parametrize("form", ["hyperfine", "pytest-benchmark", "go-bench"])
def test_a_form_that_is_named_is_required(form: str) -> None:
    with pytest.raises(Unreadable):
        numbers(b"", reports=(b"{}",), format=form)


def rounds(values: list[float], better: str = "lower") -> list[Result]:
    return [
        Result(name="b", state="pass", command="x", metrics=[Metric(name="time", value=value, better=better)])
        for value in values
    ]


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        ([1.0, 1.01, 0.99, 1.02, 1.0], [2.0, 2.1, 2.0, 1.9, 2.0], "better"),
        ([2.0, 2.1, 2.0, 1.9, 2.0], [1.0, 1.01, 0.99, 1.02, 1.0], "worse"),
        ([1.0, 1.2, 0.9, 1.1, 1.0], [1.1, 1.0, 1.0, 1.0, 1.1], "same"),
        ([1.001, 1.002, 1.001, 1.003, 1.001], [1.0, 1.0, 1.0, 1.0, 1.0], "same"),
        # The machine grew slower from round to round: only what is side by side is compared.
        ([1.1, 2.2, 3.3, 4.4, 5.5], [1.0, 2.0, 3.0, 4.0, 5.0], "worse"),
        ([0.5, 0.51], [1.0, 1.0], "better"),
        ([0.9, 0.8], [1.0, 1.0], "same"),
        ([0.5], [1.0], ""),
        # Counts of something may be nothing: then there is no ratio, yet a difference.
        ([0.0, 0.0], [3.0, 4.0], "better"),
        ([3.0, 4.0], [0.0, 0.0], "worse"),
        ([0.0, 5.0], [0.0, 4.0], "same"),
        ([-2.0, -2.1], [-1.0, -1.1], "better"),
        ([0.0], [1.0], ""),
    ],
)
def test_a_difference_counts_outside_its_spread(here: list[float], there: list[float], verdict: str) -> None:
    (metric,) = measures.together(rounds(here), rounds(there))
    assert metric.verdict == verdict
    (metric,) = measures.together(rounds(here, "higher"), rounds(there, "higher"))
    assert metric.verdict == {"better": "worse", "worse": "better"}.get(verdict, verdict)


def test_noise_alone_is_seldom_a_difference() -> None:
    chance = random.Random(7)
    said = []
    for _ in range(400):
        here, there = ([chance.gauss(1, 0.05) for _ in range(5)] for _ in range(2))
        said.append(measures.together(rounds(here), rounds(there))[0].verdict)
    assert said.count("same") >= 360


@pytest.mark.parametrize(
    ("here", "there", "enough"),
    [
        ([1.0, 1.01, 0.99, 1.02, 1.0], [2.0, 2.1, 2.0, 1.9, 2.0], True),  # far from 1
        ([1.02, 1.01, 0.99, 1.02, 1.0], [1.0] * 5, True),  # near it
        ([1.2, 1.06, 1.3, 1.1, 1.5], [1.0] * 5, False),  # all above, yet they do not agree by how much
        ([1.2, 0.8, 1.3, 0.9, 1.0], [1.0] * 5, False),
        ([1.2, 0.8, 1.3], [], True),  # nothing to be held against
    ],
)
def test_rounds_that_do_not_agree_want_others(here: list[float], there: list[float], enough: bool) -> None:
    assert measures.settled(rounds(here), rounds(there)) is enough


def test_the_numbers_are_told_in_a_line() -> None:
    (metric,) = measures.together(rounds([0.82, 0.8, 0.81, 0.8, 0.8]), rounds([1.0] * 5))
    assert (metric.base, metric.samples, round(metric.change or 0, 2)) == (1.0, 5, 0.8)
    assert measures.line([metric]) == "800 ms, 20 % better than the base"
    assert measures.line([]) == ""
    shown = [measures.amount(value, "s") for value in (6.11e-8, 2.5e-6, 0.0, 1.5)]
    assert shown == ["61.1 ns", "2.5 µs", "0 s", "1.5 s"] and measures.amount(0.5, "MB/s") == "0.5 MB/s"
    (alone,) = measures.together(rounds([0.5, 0.6, 0.7]), [])
    assert (alone.value, alone.base, alone.change, alone.verdict) == (0.6, None, None, "")
    (none,) = measures.together(rounds([0.0, 0.0]), rounds([0.0, 0.0]))
    assert (none.change, none.verdict, measures.line([none])) == (None, "same", "0 s, as the base")
    (less,) = measures.together(rounds([0.0, 0.0]), rounds([2.0, 2.0]))
    assert measures.line([less]) == "0 s, better than the base's 2 s"


@pytest.mark.parametrize("printed", ["score nan", "score: inf s", "-Infinity"])
def test_what_is_no_number_is_not_timed_in_its_place(printed: str) -> None:
    with pytest.raises(Unreadable, match="its number is"):
        numbers(printed.encode())
