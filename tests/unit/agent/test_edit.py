"""How an edit finds its place."""

from __future__ import annotations

import pytest

from kage_nvim.agent_runtime.builtin.edit import EditError, changed, replace

CODE = "def add(a, b):\n    if a:\n        return a - b\n    return b\n\n\ndef sub(a, b):\n    return b\n"


@pytest.mark.parametrize(
    ("name", "text", "old", "new", "after"),
    [
        ("exact", "a\nb\nc\n", "b", "x\ny", "a\nx\ny\nc\n"),
        ("within a line", "return a - b\n", "a - b", "a + b", "return a + b\n"),
        ("no newline at the end", "a\nb", "b", "c", "a\nc"),
        ("deletion", "a\nb\nc\n", "b\n", "", "a\nc\n"),
        ("trailing space in the quote", "a\nb\nc\n", "b  \n", "x\n", "a\nx\nc\n"),
        ("trailing space in the file", "a \nb\t\nc\n", "a\nb\n", "x\n", "x\nc\n"),
        ("CRLF file, LF quote", "a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
        ("CRLF file, one line", "a\r\nb\r\n", "b", "c", "a\r\nc\r\n"),
        ("CRLF and wrong depth", "a\r\n    b\r\n    c\r\n", "b\nc", "x\ny", "a\r\n    x\r\n    y\r\n"),
        ("too shallow", "if a:\n    b()\n    c()\n", "b()\nc()", "b()\nd()", "if a:\n    b()\n    d()\n"),
        (
            "too deep",
            "b()\nif c:\n    d()\n",
            "    b()\n    if c:\n        d()",
            "    b()\n    if e:\n        f()",
            "b()\nif e:\n    f()\n",
        ),
        (
            "tabs in the file, spaces in the quote",
            "if a:\n\tif b:\n\t\tc()\n",
            "    if b:\n        c()",
            "    if b:\n        d()\n        e()",
            "if a:\n\tif b:\n\t\td()\n\t\te()\n",
        ),
        ("blank lines around the quote", "a\n  b\nc\n", "\n\nb\n\n", "x", "a\n  x\nc\n"),
        ("inner spaces", "x  =  1\ny = 2\n", "x = 1\n", "x = 3\n", "x = 3\ny = 2\n"),
    ],
)
def test_replace(name: str, text: str, old: str, new: str, after: str) -> None:
    assert replace(text, old, new) == after, name


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "x", "'old' is empty"),
        (" \n", "x", "'old' is empty"),
        ("return b", "return b", "the same"),
        ("    return b", "x", "fits 2 places (lines 4, 8)"),
        ("return b\n", "x", "fits 2 places (lines 4, 8)"),
        ("def mul(a, b):\n    return a * b", "x", "the nearest is"),
    ],
)
def test_uncertain_places_are_errors(old: str, new: str, says: str) -> None:
    with pytest.raises(EditError) as caught:
        replace(CODE, old, new)
    assert says in str(caught.value)


def test_the_nearest_text_is_shown_with_its_lines() -> None:
    with pytest.raises(EditError) as caught:
        replace(CODE, "    if a:\n        return a + c\n", "x")
    assert "3\t        return a - b" in str(caught.value)


def test_a_big_file_is_searched_quickly() -> None:
    text = "".join(f"value_{number} = compute({number})\n" for number in range(20_000))
    with pytest.raises(EditError) as caught:
        replace(text, "value_777 = compute(778)\n", "x")
    assert "value_77" in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("a\nb\n", "a\nc\n", (1, 1)),
        ("a\n", "a\nb\nc\n", (2, 0)),
        ("a\na\na\n", "a\n", (0, 2)),
        ("x", "x", (0, 0)),
    ],
)
def test_changed(before: str, after: str, counts: tuple[int, int]) -> None:
    assert changed(before, after) == counts


FLAT = (
    "class S:\n    def pop(self):\n        if not self.a:\n"
    "            return None\n        return self.a.pop(0)\n"
)


@pytest.mark.parametrize(
    ("old", "new", "after"),
    [
        (
            "return None\nreturn self.a.pop(0)",
            "return None\nreturn self.a.pop()",
            "            return None\n        return self.a.pop()\n",
        ),
        (
            "return None\nreturn self.a.pop(0)",
            "return self.a.pop()",
            "        return self.a.pop()\n",
        ),
    ],
)
def test_a_quote_without_its_indentation_keeps_the_file_s(old: str, new: str, after: str) -> None:
    assert replace(FLAT, old, new).endswith(after)


def test_a_depth_that_nobody_can_know_is_refused_with_the_text_as_it_is() -> None:
    old = "if not self.a:\nreturn None\nreturn self.a.pop(0)"
    with pytest.raises(
        EditError, match=r"quote it as it is:\n        if not self\.a:\n            return None"
    ):
        replace(FLAT, old, old.replace("return None", "log()\nreturn None"))


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("a\r\n\tb\r\nc", "b\nc", "B\nX\nC", "a\r\n\tB\r\nX\r\nC"),
        ("a\r\n\tb  x\r\nc", " b x\nc", " B\nX\nC", None),
        ("a\r\nb\r\nc\r\n", "a\r\nb", "A\nB", "A\r\nB\r\nc\r\n"),
        ("a\r\nb\r\n", "b", "B\nC", "a\r\nB\r\nC\r\n"),
        ("a\n  b  x\nc\n", "  b x", "  B\n", "a\n  B\nc\n"),
    ],
)
def test_line_ends_stay_as_they_are(text: str, old: str, new: str, after: str | None) -> None:
    made = replace(text, old, new)
    assert made == after if after is not None else not made.endswith("\r") and "\n\n" not in made
    assert made.count("\r") in (0, made.count("\n"))
