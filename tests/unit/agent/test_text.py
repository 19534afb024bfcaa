"""Nothing that a model or a command writes reaches a terminal as more than text, and output stays bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kage_nvim.agent_runtime.text import HeadTail, first_line, one_line, plain, printed, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;aGFoYQ==\x07x", "x"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("\x1bP$q\x1b\\x", "x"),
        ("\x9b31mx\x9d0;t\x9cy", "xy"),
        ("\x1b]52;never ended", "52;never ended"),
        ("\x1b(Bx\x1bcy", "xy"),
        ("a\x00\x07\x08\x7f\x85b", "ab"),
        ("a\u202eb\u2066c", "abc"),
        ("naïve 日本", "naïve 日本"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(alphabet=st.characters(max_codepoint=0x9F), max_size=60))
def test_plain_leaves_no_control_behind(text: str) -> None:
    assert not [c for c in plain(text) if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f"]


def test_a_progress_bar_is_its_last_state() -> None:
    assert printed("10%\r50%\r100%\r\ndone\r\n") == "100%\ndone\n"


def test_one_line() -> None:
    assert one_line("a\n b\x1b[1m  c") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert first_line("\n\n  first \nsecond") == "first"
    assert first_line("") == ""


@pytest.mark.parametrize("chunk", [1, 7, 4096, 100_000])
def test_long_output_keeps_both_ends_and_counts_the_middle(chunk: int) -> None:
    data = b"".join(b"%06d\n" % number for number in range(5000))
    kept = HeadTail()
    for at in range(0, len(data), chunk):
        kept.feed(data[at : at + chunk])
    text = kept.text()
    assert kept.lines == 5000
    assert text.startswith("000000\n") and text.endswith("004999\n")
    assert "[… 25,000 characters left out …]" in text
    assert len(text) == 10_000 + len("\n[… 25,000 characters left out …]\n")


@pytest.mark.parametrize("size", [0, 1, 4_999, 5_000, 5_001, 9_999, 10_000])
def test_output_up_to_the_limit_is_whole(size: int) -> None:
    assert shorten("x" * size) == "x" * size


def test_a_character_split_between_chunks_is_whole() -> None:
    kept = HeadTail()
    for byte in "日本".encode():
        kept.feed(bytes([byte]))
    assert kept.text() == "日本" and kept.lines == 1


def test_memory_is_bounded() -> None:
    kept = HeadTail(100)
    for _ in range(1000):
        kept.feed(b"y" * 1000)
    assert "999,900 characters left out" in kept.text()
