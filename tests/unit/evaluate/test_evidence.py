"""Evidence without a test: the gate, what a change is, what a text shows, each other's tests."""

from __future__ import annotations

import pytest

from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.ranking import alike, gate, matrix, oddities
from kage_nvim.evaluate.results import Result, Test


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("a.py", "def f(:\n", "is no valid Python"),
        ("a.py", "x = 1\n", ""),
        ("a.json", "{", "is no valid JSON"),
        ("tsconfig.json", "{ // a comment\n}", ""),
        ("pyproject.toml", "[a\n", "is no valid TOML"),
        ("a.toml", "\xff", "is no valid TOML"),
        ("a.txt", "def f(:\n", ""),
        ("a.py", "(" * 5000, "is no valid Python"),
    ],
)
def test_what_cannot_be_read_is_out(path: str, text: str, wrong: str) -> None:
    data = text.encode("latin-1")
    assert gate.broken({}, {path: data}) == ({path: wrong} if wrong else {})
    assert gate.broken({path: b"{ ( [" if wrong else data}, {path: data}) == {}, "it was so before"


def test_what_cannot_be_started_here_only_is_out() -> None:
    def told(**more: object) -> Evaluation:
        found = Result(**({"name": "types", "state": "error", "command": "t"} | more))  # type: ignore[arg-type]
        return Evaluation(commit="c", tree="t", results=[found])

    assert gate.not_built(told(regressed=["types"], summary="no such file")).endswith("no such file")
    assert gate.not_built(told()) == ""
    assert gate.not_built(told(name="build", state="fail", regressed=["build"])).startswith(
        "it does not build"
    )
    assert gate.not_built(told(name="rebuilding", state="fail", regressed=["rebuilding"])) == ""


def change(path: str, text: str, before: str = "") -> str:
    return alike.of_change(
        {path: ("100644", before.encode())} if before else {}, {path: ("100644", text.encode())}
    )


def test_layout_and_comments_are_no_part_of_a_change() -> None:
    assert change("a.py", "x = f( 1 )\n") == change("a.py", "# why\nx = f(1)\n\n")
    assert change("a.py", "x = 'a  b'\n") != change("a.py", "x = 'a b'\n")
    assert change("a.js", "f(1,  2) // one\n") == change("a.js", "/* x */\nf(1, 2)\n")
    assert change("a.js", "f('a  b')\n") != change("a.js", "f('a b')\n")
    assert change("a.c", "#define X 1\n") != change("a.c", "#define X 2\n")
    assert change("a.yml", "a:\n  b: 1\n") != change("a.yml", "a:\nb: 1\n")
    assert change("a.md", "# One\n") != change("a.md", "# Two\n")
    assert change("a.py", "x = 1  # now\n", "x = 1\n") == ""
    assert change("a.bin", "\xff\xfe") != change("b.bin", "\xff\xfe")


def test_a_mode_and_a_deletion_are_part_of_a_change() -> None:
    base = {"a": ("100644", b"x\n")}
    assert alike.of_change(base, {"a": ("100755", b"x\n")}) != alike.of_change(base, {"a": None}) != ""


def texts(source: str, base: str | None = None) -> list[str]:
    return [p.text for p in oddities.of_file("a.py", base.encode() if base else None, source.encode())]


def test_what_a_text_shows() -> None:
    assert texts("def f(a):\n    return b\n") == ["undefined name 'b'"]
    assert texts("from typing import *\ndef f(a: List):\n    return a\n") == []
    assert texts("def f(a) -> int:\n    '''Doc.'''\n    pass\n") == ["f() does nothing"]
    assert texts("def f(a):\n    raise NotImplementedError\n") == ["f() is not implemented"]
    assert texts("def f(a) -> int:\n    a += 1\n") == ["f() returns nothing, though it is said to"]
    assert texts("def f(a):\n    return a\n    a = 2\n") == ["what follows is never reached"]
    assert texts("def f(a):\n    # TODO: all of it\n    return a\n") == ["left to do: TODO"]
    assert texts("import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n") == []
    assert texts("def f(a):\n    return b\n", "x = 1\n\ndef f(a):\n    return b\n") == [], "as before"
    assert texts("def f(:\n") == []


def ran(**tests: str) -> Result:
    found = [Test(name, state) for name, state in tests.items()]
    return Result(name="t", state="pass", command="t", kind="test", tests=found)


def test_only_tests_that_tell_something_count() -> None:
    known = matrix.flat([ran(old="fail")])
    author = matrix.flat([ran(old="pass", new="pass", green="pass", own="fail", skipped="skip")])
    base = matrix.flat([ran(old="fail", new="fail", green="pass", own="fail")])
    assert matrix.telling(author, base, known) == ["t: new"]
    alone = matrix.flat([Result(name="t", state="pass", command="t")])
    assert matrix.telling(alone, {"t": False}, {"t": True}) == ["t"], (
        "the check itself, where no test is told"
    )


def test_nobody_is_scored_by_tests_of_their_own_or_that_only_their_author_passes() -> None:
    told = {
        1: {1: {"a": True, "b": True}, 2: {"a": True, "b": False}, 3: {"a": False, "b": False}},
        2: {1: {"c": True}, 2: {"c": True}, 3: {"c": False}},
    }
    assert matrix.scores(told) == {1: (1, 1), 2: (1, 1), 3: (0, 2)}
    assert matrix.scores({}) == {}
