"""What runners and linters write is read test by test. The samples were written by the real programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim import config
from kage_nvim.evaluate.outputs import formats
from kage_nvim.evaluate.outputs.formats import custom
from kage_nvim.evaluate.outputs.formats.said import Said, Unreadable
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

SAMPLES = Path(__file__).parent / "samples"
PLACES = Places(("/slot/tree/py", "/slot/tree/rs", "/slot/tree"))


def said(name: str, form: str) -> Said:
    data = (SAMPLES / name).read_bytes()
    found = formats.found(data)
    assert found is formats.FORMATS[form], "its form is found by looking"
    return found.read(data, PLACES)


def states(told: Said) -> dict[str, str]:
    return {test.name: test.state for test in told.tests}


OF_PYTEST = {
    "tests/test_calc.py::test_add": "pass",
    "tests/test_calc.py::test_p[1]": "pass",
    "tests/test_calc.py::test_p[x::y]": "pass",
    "tests/test_calc.py::test_p[3]": "fail",
    "tests/test_calc.py::TestK::TestInner::test_in": "skip",
    "tests/test_calc.py::test_x": "skip",
    "tests/test_calc.py::U::test_u": "pass",
}


@pytest.mark.parametrize(
    ("name", "form"), [("pytest.xml", "junit"), ("pytest.json", "pytest"), ("pytest.jsonl", "pytest")]
)
def test_pytest_names_a_test_alike_in_all_its_reports(name: str, form: str) -> None:
    told = said(name, form)
    assert states(told) == OF_PYTEST
    assert (told.passed, told.total, told.broken) == (4, 5, "")
    (failure,) = told.failures
    assert (failure.path, failure.line) == ("tests/test_calc.py", 10)
    assert "three" in failure.text and "\x1b" not in failure.text


def test_a_file_that_cannot_be_collected_is_a_failed_test() -> None:
    told = said("pytest-collect.xml", "junit")
    assert states(told) == {"tests/test_bad.py": "fail"}
    assert told.failures[0].path == "tests/test_bad.py"


@pytest.mark.parametrize("name", ["go.txt", "go.json"])
def test_go_names_a_test_by_its_package_and_its_file_by_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "a_test.go").touch()
    data = (SAMPLES / name).read_bytes()
    told = formats.FORMATS["go"].read(data, Places((str(tmp_path),), str(tmp_path)))
    assert states(told) == {
        "example.com/m.TestOk": "pass",
        "example.com/m.TestBad": "fail",
        "example.com/m.TestBad/in_side": "fail",
        "example.com/m.TestBad/fine": "pass",
        "example.com/m.TestSkip": "skip",
        "example.com/m/sub.TestSub": "pass",
        "example.com/m/bad": "fail",
    }
    assert [(failure.path, failure.line) for failure in told.failures] == [("a_test.go", 4), ("bad/b.go", 2)]
    assert told.failures[0].text == "wrong sum"
    assert formats.found(data) is formats.FORMATS["go"] and told.broken == ""


def test_go_names_a_file_of_a_package_below(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "s_test.go").touch()
    lines = (
        "=== RUN   TestS\n    s_test.go:3: wrong\n--- FAIL: TestS (0.00s)\nFAIL\nFAIL\tx.org/m/sub\t0.1s\n"
    )
    told = formats.FORMATS["go"].read(lines.encode(), Places((str(tmp_path),), str(tmp_path)))
    assert told.failures[0] == Failure("sub/s_test.go", 3, "wrong")


@pytest.mark.parametrize("name", ["cargo.txt", "cargo.json"])
def test_cargo_names_a_test_by_its_target_and_an_example_without_its_line(name: str) -> None:
    told = said(name, "cargo")
    assert states(told) == {
        "src/lib.rs::tests::it_works": "pass",
        "src/lib.rs::tests::slow": "skip",
        "src/lib.rs::tests::it_fails": "fail",
        "tests/outer.rs::outer": "pass",
        "src/lib.rs - add": "pass",
    }
    assert told.failures == [Failure("src/lib.rs", 13, "assertion `left == right` failed: sums")]
    failed = next(test for test in told.tests if test.state == "fail")
    assert failed.text == "assertion `left == right` failed: sums"


def test_what_only_counts_is_counted() -> None:
    quiet = b"running 3 tests\n..F\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured\n"
    told = formats.FORMATS["cargo"].read(quiet, PLACES)
    assert (told.tests, told.passed, told.total, told.broken) == ([], 2, 3, "")
    assert formats.FORMATS["cargo"].read(quiet + b"running 2 tests\n.", PLACES).broken
    told = formats.FORMATS["go"].read(b"ok  \texample.com/m\t0.003s\n", PLACES)
    assert (told.tests, told.passed, told.total) == ([], None, None)


@pytest.mark.parametrize("name", ["unittest.txt", "unittest-3.10.txt"])
def test_unittest_names_a_test_alike_in_all_pythons(name: str) -> None:
    told = said(name, "unittest")
    assert states(told) == {
        "tu.A.test_bad": "fail",
        "tu.A.test_doc": "pass",
        "tu.A.test_ef": "skip",
        "tu.A.test_err": "fail",
        "tu.A.test_noise": "pass",
        "tu.A.test_ok": "pass",
        "tu.A.test_skip": "skip",
        "tu.A.test_sub": "fail",
    }
    assert (told.passed, told.total, told.broken) == (3, 6, "")
    assert {failure.line for failure in told.failures} == {7, 14, 17}


def test_unittest_that_is_not_verbose_is_counted() -> None:
    told = formats.FORMATS["unittest"].read(b"..F\n\nRan 3 tests in 0.1s\n\nFAILED (failures=1)\n", PLACES)
    assert (told.tests, told.passed, told.total) == ([], 2, 3)
    told = formats.FORMATS["unittest"].read(b"..\n\nRan 3 tests in 0.1s\n", PLACES)
    assert told.broken


@pytest.mark.parametrize("name", ["doctest.txt", "doctest-3.13.txt"])
def test_doctest_tells_functions(name: str) -> None:
    told = said(name, "doctest")
    assert states(told) == {"calc.add": "pass", "calc.sub": "fail"}
    assert told.failures == [Failure("calc.py", 12, "sub(3, 1): expected 5, got 2")]


def test_tap_of_node_names_what_is_within() -> None:
    told = said("node.tap", "tap")
    assert states(told) == {
        "top": "pass",
        "group > in": "pass",
        "group > bad # hash": "fail",
        "skipped": "skip",
        "todo": "skip",
    }
    assert told.failures[0] == Failure("t.test.js", 3, "1 == 2") and told.broken == ""


PROVE = b"""\
TAP version 14
    # Subtest: inner
    ok 1 - a
    not ok 2 - b
    1..2
not ok 1 - inner
ok 2 - two # SKIP no network
ok 3
noise of others
1..3
"""


def test_tap_with_a_plan_at_either_end() -> None:
    read = formats.FORMATS["tap"].read
    assert states(read(PROVE, PLACES)) == {
        "inner > a": "pass",
        "inner > b": "fail",
        "two": "skip",
        "test 3": "pass",
    }
    assert read(b"1..2\nok 1 - a\nok 2 - b\n", PLACES).broken == ""
    assert read(b"1..3\nok 1 - a\nok 2 - b\n", PLACES).broken == "3 tests were planned, 2 ran"
    assert "before it said how many" in read(b"TAP version 13\nok 1 - a\n", PLACES).broken
    assert read(b"1..2\nok 1\nBail out! no database\n", PLACES).broken == "it gave up: no database"
    lone = b"    ok 1 - a\n    1..2\nnot ok 1 - group\n1..1\n"
    assert states(read(lone, PLACES)) == {"group > a": "pass", "group": "fail"}


CTEST = b"""\
Test project /slot/tree/build
    Start 1: adds
1/4 Test #1: adds .............................   Passed    0.01 sec
    Start 2: long name with spaces
2/4 Test #2: long name with spaces ............***Failed    0.02 sec
/slot/tree/src/a.c:12: assertion failed
3/4 Test #3: hangs ............................***Timeout   1.50 sec
4/4 Test #4: off ..............................***Skipped   0.00 sec

50% tests passed, 2 tests failed out of 4
"""


def test_ctest_tells_its_tests() -> None:
    told = formats.FORMATS["ctest"].read(CTEST, PLACES)
    assert states(told) == {
        "adds": "pass",
        "long name with spaces": "fail",
        "hangs": "fail",
        "off": "skip",
    }
    assert told.failures == [Failure("src/a.c", 12, "assertion failed")]
    assert formats.found(CTEST) is formats.FORMATS["ctest"]


SUREFIRE = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="com.x.AppTest" tests="3" failures="1">
  <properties><property name="java.version" value="17"/></properties>
  <testcase name="adds" classname="com.x.AppTest" time="0.01"/>
  <testcase name="subtracts" classname="com.x.AppTest" time="1,234.5">
    <failure message="expected:&lt;1&gt; but was:&lt;2&gt;" type="AssertionError">at com.x.AppTest</failure>
  </testcase>
  <testcase name="waits" classname="com.x.AppTest"><error>boom
more</error><system-out>src/other.c:1: noise</system-out></testcase>
</testsuite>"""


def test_junit_of_others_is_named_by_class() -> None:
    told = formats.FORMATS["junit"].read(SUREFIRE, PLACES)
    assert states(told) == {
        "com.x.AppTest.adds": "pass",
        "com.x.AppTest.subtracts": "fail",
        "com.x.AppTest.waits": "fail",
    }
    assert [test.text for test in told.tests] == ["", "expected:<1> but was:<2>", "boom"]
    nested = b"<testsuites>" + b"<testsuite>" * 3000 + b"<testcase name='t'/>" + b"</testsuite>" * 3000
    assert states(formats.FORMATS["junit"].read(nested + b"</testsuites>", PLACES)) == {"t": "pass"}
    twice = b"<testsuite><testcase name='a'/><testcase name='a'><failure/></testcase></testsuite>"
    assert states(formats.FORMATS["junit"].read(twice, PLACES)) == {"a": "pass", "a #2": "fail"}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE testsuites [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<testsuites><testsuite><testcase name="&b;"/></testsuite></testsuites>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE testsuites [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<testsuites><testsuite><testcase name="&a;"/></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("junit", BOMB),
        ("junit", OUTSIDE),
        ("junit", b"<testsuites><testsuite>"),
        ("junit", b"<html/>"),
        ("junit", b"\xff\xfe\x00"),
        ("junit", b'<?xml version="1.0" encoding="nonsense"?><testsuites/>'),
        ("sarif", b'{"runs": 3}'),
        ("sarif", b"[" * 100_000),
        ("pytest", b'{"exitcode": "x", "summary"'),
        ("pytest", b'{"$report_type": "SessionStart"}\n{"$repo'),
    ],
)
def test_what_is_no_report_is_refused(form: str, data: bytes) -> None:
    with pytest.raises(Unreadable):
        formats.FORMATS[form].read(data, PLACES)


SARIF = b"""{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{
 "tool": {"driver": {"name": "lint"}}, "results": [
 {"ruleId": "F401", "level": "error", "message": {"text": "`os` unused\\u001b[31m"}, "locations": [
   {"physicalLocation": {"artifactLocation": {"uri": "file:///slot/tree/src/a%20b.py"},
   "region": {"startLine": 3}}}]},
 {"ruleId": "N1", "level": "note", "message": {"text": "by the way"}, "locations": [{"physicalLocation":
   {"artifactLocation": {"uri": "src/n.py"}, "region": {"startLine": 1}}}]},
 {"ruleId": "S1", "message": {"text": "known"}, "suppressions": [{"kind": "inSource"}], "locations": []},
 {"message": {"text": "elsewhere"}, "locations": [{"physicalLocation":
   {"artifactLocation": {"uri": "../../etc/passwd"}, "region": {"startLine": 1}}}]},
 {"ruleId": null, "message": {"text": "no rule"}, "locations": [{"physicalLocation":
   {"artifactLocation": {"uri": "b.c"}}}]}]}]}"""


def test_sarif_tells_places() -> None:
    assert formats.found(SARIF) is formats.FORMATS["sarif"]
    told = formats.FORMATS["sarif"].read(SARIF, PLACES)
    assert told.failures == [Failure("src/a b.py", 3, "F401: `os` unused␛[31m"), Failure("b.c", 1, "no rule")]


@pytest.mark.parametrize(
    ("pattern", "output", "wanted"),
    [
        (r"(?P<passed>\d+) good, (?P<failed>\d+) bad", "1 good, 0 bad\n7 good, 2 bad", (7, 9)),
        (r"(?P<total>\d+) ran, (?P<failed>\d+) bad", "5 ran, 6 bad", (0, 5)),
        (r"(?P<passed>\d+) of (?P<total>\d+)", "5 of 3", (3, 3)),
        (r"(?P<passed>\d+) good", "99999999999999999999 good", (None, None)),
        (r"(?P<passed>\d+) good", "nothing", (None, None)),
    ],
)
def test_a_pattern_counts(pattern: str, output: str, wanted: tuple[int | None, int | None]) -> None:
    told = custom.read(output.encode(), PLACES, pattern)
    assert (told.passed, told.total) == wanted


def test_a_pattern_tells_tests_and_places() -> None:
    told = custom.read(b"[ok] one\n[no] two\n[skip] three\n", PLACES, r"^\[(?P<state>\w+)\] (?P<test>.+)$")
    assert states(told) == {"one": "pass", "two": "fail", "three": "skip"}
    shape = r"^(?P<line>\d+)@(?P<path>\S+) (?P<text>.*)$"
    told = custom.read(b"7@src/a.c wrong\n8@/etc/passwd no\n0@b.c whole", PLACES, shape)
    assert told.failures == [Failure("src/a.c", 7, "wrong"), Failure("b.c", 1, "whole")]


def test_a_pattern_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "SECONDS", 0.05)
    with pytest.raises(Unreadable, match="takes more than"):
        custom.read(b"a" * 60 + b"b", PLACES, r"(?P<test>(a|aa)+)$")


def test_every_form_can_be_named() -> None:
    assert set(formats.FORMATS) <= set(config.FORMATS)
    for text in (b"", b"plain words\n", b"{}", b"\x00\xff" * 1000, b"ok\n", b"12 passed"):
        assert formats.found(text) is None
