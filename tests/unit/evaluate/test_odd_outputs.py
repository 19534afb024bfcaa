"""Outputs and reports as they really come: coloured, cut, mixed with other words, or made to take long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.evaluate.outputs import complaints, formats, text
from kage_nvim.evaluate.outputs.formats.said import Said, Unreadable
from kage_nvim.evaluate.outputs.places import Places

PLACES = Places(("/home/u/proj",))


def told(data: str | bytes) -> Said:
    data = text.uncoloured(data.encode() if isinstance(data, str) else data)
    form = formats.found(data)
    assert form is not None, "its form is known"
    return form.read(data, PLACES)


def states(said: Said) -> dict[str, str]:
    return {test.name: test.state for test in said.tests}


def places(output: str, inside: Places = PLACES) -> list[tuple[str, int, str]]:
    found = complaints.places(text.plain(output.encode()), inside)
    return [(each.path, each.line, each.text) for each in found]


def case(words: str) -> str:
    return f'<testsuite name="s"><testcase classname="c" name="t"{words}</testsuite>'


JEST = """><failure>Error: expected 2
    at Object.test (/home/u/proj/src/a.test.js:7:20)
    at run (/home/u/proj/node_modules/jest-circus/utils.js:298:28)</failure></testcase>"""
SHORT = """><error message="collection failure">
t.py:1: in &lt;module&gt;
    import nope
E   ModuleNotFoundError: No module named 'nope'</error></testcase>"""


@pytest.mark.parametrize(
    ("report", "wanted", "place"),
    [
        ("\ufeff" + case("/>"), {"c.t": "pass"}, None),
        ("<!-- by a tool -->\n" + case("/>"), {"c.t": "pass"}, None),
        (case("/>").replace("<testsuite", '<testsuite xmlns="https://x.org"'), {"c.t": "pass"}, None),
        (case("><failure>\x1b[31mno\x1b[0m</failure></testcase>"), {"c.t": "fail"}, None),
        (case("><failure>&#27;[31mno&#x1b;[0m</failure></testcase>"), {"c.t": "fail"}, None),
        (case(' status="notrun" result="suppressed"/>'), {"c.t": "skip"}, None),
        (case("><flakyFailure/></testcase>"), {"c.t": "pass"}, None),
        (case("><failure/><rerunFailure/></testcase>"), {"c.t": "fail"}, None),
        (case(JEST), {"c.t": "fail"}, ("src/a.test.js", 7, "Error: expected 2")),
        (case(SHORT), {"c.t": "fail"}, ("t.py", 1, "ModuleNotFoundError: No module named 'nope'")),
    ],
)
def test_junit_as_it_comes(report: str, wanted: dict[str, str], place: tuple[str, int, str] | None) -> None:
    said = told(report)
    assert (states(said), said.broken) == (wanted, "")
    assert [(each.path, each.line, each.text) for each in said.failures] == ([place] if place else [])


def test_junit_that_counts_failures_without_a_name_is_broken() -> None:
    said = told(
        '<testsuites><testsuite tests="0" errors="1"><error>no such file</error></testsuite></testsuites>'
    )
    assert said.broken == "its report counts 1 that failed, and names none"
    for bad in ('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aa">]>' + case("/>"), case("/>")[:-3]):
        with pytest.raises(Unreadable):
            told(bad)


@pytest.mark.parametrize(
    ("output", "wanted", "broken"),
    [
        ("TAP version 13\n\x1b[32mok\x1b[0m 1 - a\n1..1\n", {"a": "pass"}, False),
        ("1..2\r\nok 1 - a\r\nnot ok\r\n", {"a": "pass", "test 2": "fail"}, False),
        ("okay\n1..1\nok 1 - a\nokay then\n", {"a": "pass"}, False),
        ("    not ok 1 - x\n    1..1\nnot ok 1 - f # TODO later\n1..1\n", {"f > x": "skip"}, False),
        ("1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n", {"a": "pass", "b": "pass", "c": "pass"}, False),
        ("1..1\nok 1 - a {\n    1..1\n    ok 1 - b\n}\n", {"a": "pass", "b": "pass"}, False),
        (
            "t/a.t .. \n1..1\nok 1 - x\nok\nt/b.t .. \n1..2\nok 1 - x\nnot ok 2\n",
            {"t/a.t > x": "pass", "t/b.t > x": "pass", "t/b.t > test 2": "fail"},
            False,
        ),
        ("1..3\nok 1 - a\nnot o", {"a": "pass"}, True),
        ("1..3\nok 1 - a\nBail out! no db\n", {"a": "pass"}, True),
    ],
)
def test_tap_as_it_comes(output: str, wanted: dict[str, str], broken: bool) -> None:
    said = told(output)
    assert (states(said), bool(said.broken)) == (wanted, broken)


def finding(uri: str, line: int = 3, **more: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    return {"ruleId": "E1", "message": {"text": "bad"}, "locations": [{"physicalLocation": place}], **more}


RULES = {"rules": [{"id": "E1", "messageStrings": {"d": {"text": "no {0}"}}}]}
BASES = {"S": {"uri": "sub/", "uriBaseId": "R"}, "R": {"uri": "file:///home/u/proj/"}}
OF_BASE = {"physicalLocation": {"artifactLocation": {"uri": "a.py", "uriBaseId": "S"}}}
BY_NUMBER = {"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 4}}}
MESSAGE = {"id": "d", "arguments": ["x"]}
ONE = ("a.py", 3, "E1: bad")


@pytest.mark.parametrize(
    ("result", "run", "wanted"),
    [
        (finding("file:///home/u/proj/src/a%20b.py"), {}, ("src/a b.py", 3, "E1: bad")),
        (finding("file://localhost/home/u/proj/a.py"), {}, ONE),
        (finding("src%5Cx.cs", -1), {}, ("src/x.cs", 1, "E1: bad")),
        (finding("", locations=[OF_BASE]), {"originalUriBaseIds": BASES}, ("sub/a.py", 1, "E1: bad")),
        (
            finding("", locations=[BY_NUMBER]),
            {"artifacts": [{"location": {"uri": "x.c"}}]},
            ("x.c", 4, "E1: bad"),
        ),
        (finding("a.py", message=MESSAGE), {"tool": {"driver": RULES}}, ("a.py", 3, "E1: no x")),
        (finding("a.py", level=None, kind=None, suppressions=[]), {}, ONE),
        (finding("a.py", baselineState="absent"), {}, None),
        (finding("a.py", level="note"), {}, None),
        (finding("a.py", locations=None), {}, None),
        (finding("../a.py"), {}, None),
    ],
)
def test_sarif_as_it_comes(
    result: dict[str, Any], run: dict[str, Any], wanted: tuple[str, int, str] | None
) -> None:
    log = {"version": "2.1.0", "$schema": "sarif", "runs": [{"results": [result], **run}]}
    said = told(f"warning: old\n\ufeff{json.dumps(log)}\nFound 1.\n")
    assert [(each.path, each.line, each.text) for each in said.failures] == ([wanted] if wanted else [])
    assert not said.broken


def test_sarif_fails_by_what_its_rules_and_its_tool_say() -> None:
    rules = {"driver": {"rules": [{"id": "E1", "defaultConfiguration": {"level": "error"}}]}}
    run: dict[str, Any] = {"results": [finding("a.py", locations=[])], "tool": rules}
    assert told(json.dumps({"version": "2.1.0", "runs": [run]})).broken == "1 error in its report: E1: bad"
    run = {"results": [], "invocations": [{"executionSuccessful": False}]}
    assert "did not come to its end" in told(json.dumps({"version": "2.1.0", "runs": [run]})).broken


def test_colours_hide_no_form() -> None:
    green, red, off = "\x1b[32m", "\x1b[31m", "\x1b[m"
    cargo = f"running 2 tests\ntest a ... {green}ok{off}\ntest b ... {red}FAILED{off}\n"
    said = told(f"{cargo}test result: {red}FAILED{off}. 1 passed; 1 failed; 0 ignored\n")
    assert states(said) == {"a": "pass", "b": "fail"}


def test_what_a_line_complains_of_may_stand_before_or_after() -> None:
    short = "t.py:9: in test_b\n    assert f() == 2\nE   assert 1 == 2\nE    +  where 1 = f()\n"
    assert places(f"{short}t.py:12: in test_c\nx.py:3: in g\nE   ValueError: no\n") == [
        ("t.py", 9, "assert 1 == 2"),
        ("t.py", 12, "in test_c"),
        ("x.py", 3, "ValueError: no"),
    ]
    vitest = "AssertionError: expected 3 to be 2\n \u276f src/a.test.ts:6:13\n"
    assert places(vitest) == [("src/a.test.ts", 6, "AssertionError: expected 3 to be 2")]
    go = "panic: boom\n\ngoroutine 6 [running]:\nx/p.f(...)\n\t/home/u/proj/p/a.go:9 +0x1d\n"
    assert places(go) == [("p/a.go", 9, "panic: boom")]


def test_a_java_class_is_a_file_of_its_package(tmp_path: Path) -> None:
    (tmp_path / "app/src/test/java/org/x").mkdir(parents=True)
    (tmp_path / "app/src/test/java/org/x/CalcTest.java").touch()
    trace = "java.lang.AssertionError: expected 3\n\tat org.junit.Assert.fail(Assert.java:89)\n"
    trace += "\tat java.base/java.lang.reflect.Method.invoke(Method.java:568)\n"
    inside = Places((str(tmp_path),), str(tmp_path))
    assert places(f"{trace}\tat org.x.CalcTest.adds(CalcTest.java:12)\n", inside) == [
        ("app/src/test/java/org/x/CalcTest.java", 12, "java.lang.AssertionError: expected 3")
    ]


def event(action: str, test: str = "", output: str = "") -> str:
    said = {"Action": action, "Package": "x/p", "Test": test, "Output": output}
    return json.dumps({key: value for key, value in said.items() if value}, separators=(",", ":")) + "\n"


def test_a_panic_in_gos_json_is_a_place() -> None:
    lines = event("run", "TestA") + event("output", "TestA", "panic: boom\n")
    lines += (
        event("output", "TestA", "\t/home/u/proj/a.go:9 +0x1d\n") + event("fail", "TestA") + event("fail")
    )
    said = told(lines)
    assert states(said) == {"x/p.TestA": "fail"}
    assert [(each.path, each.line, each.text) for each in said.failures] == [("a.go", 9, "panic: boom")]


@pytest.mark.parametrize(
    "line", [b"thread a panicked at 'x' " * 40_000, b" " * 1_000_000 + b"x", b" at " + b"(a b.js:1" * 100_000]
)
def test_no_line_keeps_the_reader(line: bytes) -> None:
    """Before lines were bounded each of these took minutes."""
    assert text.read(line, PLACES)[0] == []
