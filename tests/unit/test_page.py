"""The page of `kage diff --html`: hostile and large files stay readable, and what is left out is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kage_nvim.cli.page_file import ROWS, section
from kage_nvim.cli.shown import LONGEST, Colours, Text, escaped
from kage_nvim.compare.align import align
from kage_nvim.compare.hunks import Hunk, split
from kage_nvim.protocol import b64
from tests.e2e.test_outside import Page

TAGS = {
    *("details", "summary", "ul", "li", "b", "p", "div"),
    *("table", "thead", "tr", "th", "td", "small", "i"),
}


def file(path: str) -> dict[str, Any]:
    change = {
        "status": "A",
        "old_path": None,
        "added": 1,
        "removed": 0,
        "old_mode": None,
        "new_mode": "100644",
    }
    return {"path": path, "kind": "text", "agents": {"1": change}}


def made(path: str, data: bytes) -> str:
    """The section of a file that agent 1 made."""
    lines = split(data)
    places = align([], {1: (lines, [Hunk(1, 1, 1, len(lines) + 1)])}, path) if lines else []
    answer = {
        "path": path,
        "base_b64": None,
        "base_mode": None,
        "of": [1],
        "voices": [1],
        "places": [place.json() for place in places],
        "versions": {"1": {"b64": b64(data), "mode": "100644"}},
    }
    return section(0, file(path), answer, Colours())


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=20), st.binary(max_size=60), st.sampled_from([".py", ".js", ".html", ".c", ""]))
def test_whatever_a_file_is_called_or_holds_the_page_is_whole(name: str, data: bytes, end: str) -> None:
    page = Page(made(name.replace("\0", "") + end, data))
    assert set(page.tags) <= TAGS
    assert {key for key, _ in page.attributes} <= {"class", "id", "open"}
    assert not any(ord(char) < 32 and char != "\n" and char != "\t" for char in page.text)


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=30))
def test_nothing_that_is_escaped_can_be_taken_for_markup(text: str) -> None:
    assert not set("<>\"'\n\r\x1b\u202e") & set(escaped(text))


def test_a_file_that_is_too_long_is_cut_and_says_so() -> None:
    text = Page(made("a.txt", b"x\n" * (ROWS + 500))).text
    assert "500 rows of this place are left out, and 0 more places" in text


def test_long_lines_are_cut_and_say_so() -> None:
    html = made("a.min.js", b"x" * 3_000_000)
    assert len(html) < LONGEST + 2_000
    assert "(3000000 characters)" in html and "long lines are cut" in html


@pytest.mark.parametrize(
    ("data", "lines", "remarks"),
    [
        (b"", [], []),
        (b"a\r\nb\r\n", ["a", "b"], ["CRLF"]),
        (b"a\r\nb\n", ["a\r", "b"], []),
        (b"a", ["a"], ["no newline at the end"]),
        (b"\xff\n", ["\xff"], ["not UTF-8, read as Latin-1"]),
    ],
)
def test_what_is_said_of_a_text(data: bytes, lines: list[str], remarks: list[str]) -> None:
    text = Text(data)
    assert (text.lines, text.remarks) == (lines, remarks)
