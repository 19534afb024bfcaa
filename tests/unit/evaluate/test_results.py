"""What is read out of the plain output of checks."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from kage_nvim.config import Check
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.outputs.text import read
from kage_nvim.evaluate.results import Failure, Test, begun, brief

PYTEST = b"""\
..F                                                   [100%]
=================================== FAILURES ===================================
____________________________________ test_b ____________________________________

    def test_b():
        x = 1
>       assert x == 2
E       assert 1 == 2

tests/test_a.py:6: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_b - assert 1 == 2
\x1b[31m========================= 1 failed, 2 passed in 0.12s =========================\x1b[0m
"""
UNITTEST = b"""\
Traceback (most recent call last):
  File "/slot/tree/test_x.py", line 4, in test_x
    self.assertEqual(1, 2)
  File "/usr/lib/python3/unittest/case.py", line 9, in fail
AssertionError: 1 != 2

Ran 4 tests in 0.001s

FAILED (failures=1, errors=1)
"""


def test_pytest_says_how_many_and_where() -> None:
    failures, passed, total, summary, tail = read(PYTEST, Places(("/slot/tree",)))
    assert failures == [Failure("tests/test_a.py", 6, "assert 1 == 2")]
    assert (passed, total, summary) == (2, 3, "1 failed, 2 passed in 0.12s")
    assert "\x1b" not in tail


def test_unittest_and_tracebacks_name_places_of_the_project_only() -> None:
    failures, passed, total, _, _ = read(UNITTEST, Places(("/slot/tree", "/home/me/project")))
    assert failures == [Failure("test_x.py", 4, "AssertionError: 1 != 2")]
    assert (passed, total) == (2, 4)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("src/x.py:12:5: F401 unused import", Failure("src/x.py", 12, "F401 unused import")),
        ("  --> src/lib.rs:3:9", Failure("src/lib.rs", 3, "")),
        ("/home/me/project/a.go:7: undefined: x", Failure("a.go", 7, "undefined: x")),
        ("/etc/passwd.txt:1: not of the project", None),
        ("../outside.py:1: not of the project", None),
        ("http://host.example:80 is no place", None),
        ("took 12:30 minutes", None),
        ("a.py:0: the whole file", Failure("a.py", 1, "the whole file")),
        ("a.py:9999999: far", Failure("a.py", 9_999_999, "far")),
        (f"a.py:{2**31}: negative in 32 bits", None),
        (f"a.py:{'9' * 5000}: no number", None),
        ("a.py:1: \x9b31mred\u202e", Failure("a.py", 1, "31mred")),
        ("\x00\xff:1: " + "x" * 100_000, None),
    ],
)
def test_places_of_other_tools(line: str, found: Failure | None) -> None:
    assert read(line.encode(), Places(("/home/me/project",)))[0] == ([found] if found else [])


@pytest.mark.parametrize(
    "said", ["== {} passed in 1s ==", "{} failed, 1 passed", "Ran {} tests in 1s\n\nFAILED (errors={})"]
)
def test_numbers_that_nobody_counts_to_are_no_counts(said: str) -> None:
    for number in (2**65, "9" * 5000):
        _, passed, total, _, _ = read(said.replace("{}", str(number)).encode(), Places(()))
        assert (passed, total) == (None, None)
    assert read(b"Ran 1 test in 1s\n\nFAILED (errors=3)", Places(()))[1:3] == (0, 1)


def test_no_output_is_no_answer() -> None:
    assert read(b"Found 2 errors.", Places(()))[1:3] == (None, None), "a linter's are no tests"
    assert read(b"=== 1 error in 0.07s ===", Places(()))[1:3] == (0, 1)
    assert read(b"", Places(())) == ([], None, None, "", "")


def test_what_is_followed_is_no_more_than_a_screen_shows() -> None:
    tests = [Test(f"t{n}", "fail" if n % 2 else "pass") for n in range(1000)]
    names = [test.name for test in tests]
    whole = begun("t", Check(command="x"))
    whole = replace(whole, tests=tests, regressed=names, failing_at_base=names, fixed=names, flaky=names)
    short = brief(whole)
    assert len(msgspec.json.encode(short)) < 10_000 < len(msgspec.json.encode(whole))
    assert [test.name for test in short.tests] == [f"t{n}" for n in range(1, 200, 2)]
    assert short.regressed == names[:100]
