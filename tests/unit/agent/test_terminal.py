"""The screen of a program: what reaches the pane, and what it shows, compared with tmux's own."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kage_nvim.agent_runtime.interactive.passage import Passage
from kage_nvim.agent_runtime.interactive.terminal import Terminal
from tests.conftest import until

REACHING = [
    b"\x1b]52;c;QUJD\x07",
    b"\x1b]52;c;QUJD\x1b\\",
    b"\x1b]52;c;QUJD\x1b[m",
    b"\x1bPtmux;\x1b\x1b]52;c;QUJD\x07\x1b\\",
    b"\x1b_title\x1b\\",
    b"\x1bkname\x1b\\",
    b"\x1b]0;title\x07",
    b"\x1b]9;notice\x07",
    b"\x1b[5i",
    b"\x1b[21t",
    b"\xc2\x9d52;c;QUJD\x07",
]
DRAWING = [b"text", b"\x1b[31m", b"\x1b[2;3H", b"\x1b]11;?\x1b\\", b"\xc3\xa9", b"\r\n", b"\x1b[?2004h"]


@given(
    st.lists(st.sampled_from(REACHING + DRAWING + [b"\x1b", b"\x1b]", b"\x1b["]), max_size=12),
    st.integers(1, 9),
)
def test_nothing_reaches_further_however_it_is_cut(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    whole = Passage(lambda _title: None).feed(data + b"\x1b\\x")
    cut = Passage(lambda _title: None)
    parts = [cut.feed((data + b"\x1b\\x")[i : i + size]) for i in range(0, len(data) + 3, size)]
    assert b"".join(parts) == whole
    for reach in (
        b"\x1b]52",
        b"\x1bP",
        b"\x1b_",
        b"\x1bk",
        b"\x1b]0;",
        b"\x1b]9;",
        b"\x1b[5i",
        b"\x1b[21t",
        b"\xc2\x9d",
    ):
        assert reach not in whole


def test_what_draws_passes_and_titles_are_told() -> None:
    titles: list[str] = []
    passage = Passage(titles.append)
    assert passage.feed(b"".join(DRAWING)) == b"".join(DRAWING)
    assert passage.pastes
    assert passage.feed(b"a\x1b]2;my title\x07b") == b"ab"
    assert titles == ["my title"]
    assert b"\x1b[?2004l" in passage.end()


@pytest.fixture(scope="module")
def pane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], Path]]:
    """A tmux pane that shows the file it is given."""
    folder = tmp_path_factory.mktemp("t")
    tmux = ["tmux", "-S", str(folder / "s"), "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "-x", "40", "-y", "12", "-s", "m", "cat"], check=True)
    yield tmux, folder
    subprocess.run([*tmux, "kill-server"], check=True)


COUNT = itertools.count()
STEPS = st.lists(
    st.one_of(
        st.text("abc XYZ", min_size=1, max_size=60),
        st.sampled_from(
            ["\r\n", "\r", "\b", "\t", "é", "漢字", "\x1bM", "\x1bD", "\x1b7", "\x1b8", "\x1b[2J", "\x1b[r"]
        ),
        st.builds("\x1b[{}{}".format, st.integers(1, 15), st.sampled_from(list("ABCDGdLMPX@ST"))),
        st.builds("\x1b[{}{}".format, st.integers(0, 2), st.sampled_from(list("JK"))),
        st.builds("\x1b[{};{}H".format, st.integers(1, 12), st.integers(1, 40)),
        st.builds("\x1b[{};{}r".format, st.integers(1, 5), st.integers(7, 12)),
        st.sampled_from(["\x1b[?1049h", "\x1b[?1049l"]),
    ),
    max_size=25,
)


# The same examples each time: a wide letter that is halved is drawn in several ways by tmux, by version, too.
@settings(max_examples=60, deadline=None, derandomize=True)
@given(STEPS)
@example(["X", "\x1b[2;7r", "\x1b[1L"])
@example(["\x1b[5B", "X", "\x1b[2;7r", "\x1b[7L"])
@example(["\x1b[?1049h", "\x1b[?1049l", "X", "\x1b[?1049l", "X"])
@example(["a\r\nb", "\x1b[3;7r", "\x1b[1M"])
@example(["a\r\nb", "\x1b[1;7r", "\x1b[9;1H", "c", "\x1b[2L"])
@example(["漢字", "\r", "a"])
@example(["x漢字", "\x1b[1;3H", "a漢"])
def test_it_shows_what_tmux_shows(pane: tuple[list[str], Path], steps: list[str]) -> None:
    tmux, folder = pane
    text = "\x1b[?1049l\x1bc\x1b[2J\x1b[H" + "".join(steps)
    mark = f"end {next(COUNT)}"
    (folder / "bytes").write_bytes(f"{text}\x1b]2;{mark}\x07".encode())
    show = f"stty raw; cat {folder}/bytes; sleep 100"
    subprocess.run([*tmux, "respawn-pane", "-k", "-t", "m", "sh", "-c", show], check=True)

    def asked(*words: str) -> str:
        return subprocess.run(
            [*tmux, words[0], "-t", "m", *words[1:]], capture_output=True, text=True, check=True
        ).stdout

    until(lambda: asked("display-message", "-p", "#{pane_title}").strip() == mark, 5, "drawn")
    terminal = Terminal(40, 12)
    terminal.feed(text.encode())
    theirs = [line.rstrip() for line in asked("capture-pane", "-p").split("\n")[:12]]
    assert terminal.text().split("\n") == theirs
