"""What counts as the same, and what must not."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pytest

from kage_nvim.compare.align import align
from kage_nvim.compare.hunks import split
from tests.unit.compare.support import differences


def how(name: str, one: str | bytes, other: str | bytes, base: str | bytes = "") -> str:
    """How two versions of a file agree, at the one place where they differ; ``-``: they do not."""
    versions = [split(text if isinstance(text, bytes) else text.encode()) for text in (base, one, other)]
    sides = {n: (lines, differences(versions[0], lines)) for n, lines in enumerate(versions[1:], 1)}
    places = align(versions[0], sides, name)
    differing = [place for place in places if len(place.versions) > 1 or place.versions[0].how != "same"]
    assert len(differing) <= 1
    if not differing:
        return "same"
    return differing[0].versions[0].how if len(differing[0].versions) == 1 else "-"


@pytest.mark.parametrize(
    ("name", "one", "other", "expected"),
    [
        ("f.txt", "a b\n", "a b\n", "same"),
        ("f.txt", "a  b \n", "a\tb\r\n", "space"),
        ("f.txt", "a\n", "a", "space"),
        ("f.txt", "ab\n", "a b\n", "-"),
        ("f.txt", " a\n", "  a\n", "-"),
        ("f.txt", "a\n\nb\n", "a\nb\n", "-"),
        ("f.yaml", "a:\n  b: c\n", "a:\n b: c\n", "-"),
        ("f.yaml", "a:   b\n", "a: b\n", "space"),
        ("Makefile", "a:\n\tb\n", "a:\n    b\n", "-"),
        ("Makefile", "A = b \n", "A = b\n", "-"),
        ("f.md", "a  \nb\n", "a\nb\n", "-"),
        ("f.tsv", "a\tb\n", "a b\n", "-"),
        ("f.sh", "a \\\nb\n", "a \\ \nb\n", "-"),
        ("f.c", "if (a) {\n  b;\n}\n", "if (a) {\n\tb;\n\n}\n", "space"),
        ("f.c", 'p("a  b");\n', 'p("a b");\n', "-"),
        ("f.c", "#define A(x)\n", "#define A (x)\n", "-"),
        ("f.c", "#define A \\\n\n b\n", "#define A \\\n b\n", "-"),
        ("f.c", 'x = R"(\n  a\n)";\n', 'x = R"(\n a\n)";\n', "-"),
        ("f.js", "f(`a\n  b`)\n", "f(`a\n b`)\n", "-"),
        ("f.js", "f(`a`)\n  b()\n", "f(`a`)\n    b()\n", "space"),
        ("f.js", "a = /x  y/\n", "a = /x y/\n", "-"),
        ("f.js", "a = 'b\\\n  c'\n", "a = 'b\\\n c'\n", "-"),
        ("f.go", "a := `\n\tb`\n", "a := `\n b`\n", "-"),
        ("f.rs", 'let a = "b\n  c";\n', 'let a = "b\n c";\n', "-"),
        ("f.rb", "a = <<~B\n  c\nB\n", "a = <<~B\n    c\nB\n", "-"),
        ("f.lua", "x = [[\n a]]\n", "x = [[\n  a]]\n", "-"),
        ("f.json", '{"a":  1}\n', '  {"a": 1}\n', "space"),
        ("f.py", "x = (1,\n     2)\n", "x = (1, 2,)\n", "syntax"),
        ("f.py", "x = 'a'  # one\n", 'x = "a"\n', "syntax"),
        ("f.py", "x = 'a  b'\n", "x = 'a b'\n", "-"),
        ("f.py", "def f():\n    '''a'''\n", "def f():\n    '''a '''\n", "-"),
        ("f.py", "if a:\n    b\n    c\n", "if a:\n    b\nc\n", "-"),
        ("f.py", "if a:\n    b\n", "if a:\n  b\n", "syntax"),
        ("f.py", "x = 1\n", "x = 1.0\n", "-"),
        ("f.py", "x = 1 +\n", "x = 1  +\n", "-"),
        ("f.py", "print 1\n", "print  1\n", "-"),
        ("f.py", "x = 1; y = 2\n", "x = 1;y = 2\n", "syntax"),
        ("f.py", "'''\na\n'''; y = 2\n", "'''\na\n''';  y = 2\n", "syntax"),
        ("f.py", "# coding: latin-1\nx = (1)\n", "# coding: latin-1\nx = 1\n", "-"),
    ],
)
def test_same(name: str, one: str, other: str, expected: str) -> None:
    assert how(name, one, other) == expected
    assert how(name, other, one) == expected


PYTHON = "def f(a):\n    return a\n\n\ndef g():\n    pass\n"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("def f(a, b):\n", "def f(a, b,):\n", "syntax"),
        ("@d\ndef f(a):\n", "@(d)\ndef f(a):\n", "syntax"),
        ("@d\ndef f(a):\n", "@e\ndef f(a):\n", "-"),
        ("class A:\n  def f(a):\n", "class A:\n def f(a):\n", "syntax"),
        ("if a:\n  def f(a):\n", "if a:\n    def f(a):\n", "-"),
    ],
)
def test_a_place_is_judged_where_it_stands(one: str, other: str, expected: str) -> None:
    def whole(text: str) -> str:
        return text + PYTHON.partition("\n")[2]

    assert how("f.py", whole(one), whole(other), PYTHON) == expected


def test_what_the_rest_of_a_file_makes_of_a_place_counts() -> None:
    base = "a = 1\nb\nc = 3\nd\ne = 5\n"
    one = "a = '''\nb\nc  = 4\nd\n'''\n"
    assert how_at(3, base, one, one.replace("c  =", "c =")) == "-"
    # What neither can be without the rest is judged in the two files.
    base = "x\ny\nz\n"
    assert how_at(3, base, "f(\ny\n,  )\n", "f(\ny\n)\n") == "syntax"


def how_at(first: int, base: str, *files: str) -> str:
    lines = [split(text.encode()) for text in (base, *files)]
    sides = {n: (own, differences(lines[0], own)) for n, own in enumerate(lines[1:], 1)}
    place = next(place for place in align(lines[0], sides, "f.py") if place.first <= first < place.past)
    return place.versions[0].how if len(place.versions) == 1 else "-"


HOSTILE: Sequence[bytes] = (
    b"x = '\0'  \n",
    b"(" * 50_000 + b"\n",
    b"-" * 50_000 + b"1\n",
    b"x" + b".a" * 20_000 + b"\n",
    b"x = 1" + b"+1" * 20_000 + b"\n",
    b"".join(b" " * n + b"if 1:\n" for n in range(120)),
    b"9" * 50_000 + b"\n",
    b"# coding: nonsense\nx\n",
    b"# coding: utf-7\nx = '+AGEA'\n",
    b"\xff\xfe = 1\n",
    b"a = 1\rb = 2\n",
    b"'''" + b"a" * 300_000 + b"'''\n",
    b'f"' + b"{1}" * 20_000 + b'"\n',
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_just_another_one(text: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert how("f.py", text, text + b"# other\n") == "-"
    assert capfd.readouterr() == ("", "")


def test_nothing_is_said_of_a_candidates_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("always")
        assert how("f.py", "x = '\\d'\ny is 1\n", "x = ('\\d')\ny is 1\n") == "syntax"
    assert capfd.readouterr() == ("", "")
