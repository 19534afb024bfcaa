"""The options that belong to a text's bytes: with picks, back to the base, along the undo tree."""

from __future__ import annotations

import pytest

from tests.nvim.diff.conftest import Diff


def start(diff: Diff, base: bytes, *agents: bytes) -> Diff:
    diff.editor.lua("vim.o.fixendofline = false")
    versions = {f"a{number}": text for number, text in enumerate(agents, 1)}
    diff.changes(text={"path": "text.txt", "base": base, **versions})
    diff.open(path="text.txt")
    diff.go(1)
    return diff


def written(diff: Diff) -> bytes:
    diff.keys(":write<CR>")
    return (diff.root / "text.txt").read_bytes()


def test_the_ending_follows_the_undo_tree_over_its_branches(diff: Diff) -> None:
    start(diff, b"one\ntwo\n", b"one\nTWO")
    diff.keys("Gdo")
    diff.keys("u")
    diff.keys("ggAx<Esc>")
    assert written(diff) == b"onex\ntwo\n"
    diff.keys(":undo 1<CR>")
    assert written(diff) == b"one\nTWO"
    diff.keys("ggAy<Esc>")
    assert written(diff) == b"oney\nTWO"
    diff.keys("g-")
    assert written(diff) == b"onex\ntwo\n"
    diff.keys(":undo 0 | write<CR>")
    assert (diff.root / "text.txt").read_bytes() == b"one\ntwo\n"
    diff.keys(":later 100<CR>")
    assert written(diff) == b"oney\nTWO"
    diff.keys(":edit!<CR>")
    diff.keys(":undo 2<CR>")
    assert written(diff) == b"onex\ntwo\n"


@pytest.mark.parametrize("back", ["Gdr", "dR"])
@pytest.mark.parametrize("version", [b"one\ntwo\nTHREE", b"one\ntwo\nthree", b"one\ntwo\nthree\nfour"])
def test_back_to_the_base_to_the_byte(diff: Diff, version: bytes, back: str) -> None:
    start(diff, b"one\ntwo\nthree\n", version)
    diff.keys("Gdo")
    assert written(diff) == version
    diff.keys(back)
    assert written(diff) == b"one\ntwo\nthree\n"
    diff.keys("u")
    assert written(diff) == version


def test_a_version_in_the_stead_of_another_brings_its_own_ending(diff: Diff) -> None:
    bare, ended = b"one\ntwo\nTHREE", b"one\ntwo\nDREI\n"
    start(diff, b"one\ntwo\nthree\n", bare, ended, b"ONE\ntwo\nthree\n")
    for keys, made in (("G1do", bare), ("G2do", ended), ("G1do", bare), ("AX<Esc>dR", b"one\ntwo\nthree\n")):
        diff.keys(keys)
        assert written(diff) == made
    diff.keys("1dOdR3dO")
    assert written(diff) == b"ONE\ntwo\nthree\n"


def test_an_ending_of_yours_stays_until_it_is_reset(diff: Diff) -> None:
    start(diff, b"one\ntwo\nthree\n", b"ONE\ntwo\nDREI\n")
    diff.keys(":set noendofline<CR>1dO")
    assert written(diff) == b"ONE\ntwo\nDREI"
    diff.keys("dR")
    assert written(diff) == b"one\ntwo\nthree\n"


UTF8, MIXED = "ä\nB → €\nc\n".encode(), b"one\r\ntwo\nTHREE\r\n"


@pytest.mark.parametrize(
    ("base", "version", "said"),
    [
        (b"one\ntwo\n", b"one\r\ntwo\r\n", "line ends dos"),
        (b"one\r\ntwo\r\nthree\r\n", b"one\nTWO\nthree\n", "line ends unix"),
        (b"one\r\ntwo\r\nthree\r\n", MIXED, "line ends mixed"),
        (b"one\ntwo\n", b"\xef\xbb\xbfone\ntwo\n", "bom"),
        ("ä\nb\nc\n".encode("latin-1"), UTF8, "encoding utf-8"),
        (UTF8, "ä\r\nB".encode("utf-16"), "line ends dos, encoding utf-16le, bom"),
    ],
)
def test_how_a_text_is_held_is_taken_with_the_file(
    diff: Diff, base: bytes, version: bytes, said: str
) -> None:
    start(diff, base, version)
    title = diff.windows()[2]["title"]
    assert said in title and ": dO" in title and "all taken" not in title
    diff.keys("dO")
    assert "all taken" in diff.windows()[2]["title"]
    assert written(diff) == version
    diff.keys("dR")
    assert written(diff) == base, diff.editor.messages()
    diff.keys("u")
    assert written(diff) == version
    diff.keys("u")
    assert written(diff) == base


def test_it_is_taken_by_do_once_nothing_else_is_left(diff: Diff) -> None:
    start(diff, b"one\r\ntwo\r\nthree\r\n", MIXED)
    diff.keys("Gdo")
    assert written(diff) == b"one\r\ntwo\r\nTHREE\r\n"
    diff.keys("ggOmine<Esc>")
    diff.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(3), 1)[1] == 'mine'")
    diff.keys("do")
    assert written(diff) == b"mine\r\n" + MIXED


def test_characters_that_the_encoding_lacks_are_not_taken(diff: Diff) -> None:
    start(diff, "ä\nb\nc\n".encode("latin-1"), UTF8)
    diff.keys("2Gdo")
    assert diff.yours() == ["ä", "b", "c"]
    assert "latin1 lacks" in diff.editor.messages() and "fileencoding=utf-8" in diff.editor.messages()
    diff.keys(":set fileencoding=utf-8<CR>do")
    assert written(diff) == UTF8


def test_an_encoding_that_lacks_characters_of_yours_is_not_taken(diff: Diff) -> None:
    start(diff, b"one\ntwo\n", "one\nä\n".encode("latin-1"))
    diff.keys("ggO→<Esc>dO")
    assert diff.yours() == ["→", "one", "two"] and "latin1 lacks" in diff.editor.messages()
    diff.keys("ggxdO")
    assert written(diff) == "\none\nä\n".encode("latin-1")


def test_inline_takes_how_a_text_is_held(diff: Diff) -> None:
    diff.changes(text={"path": "text.txt", "base": b"one\ntwo\n", "a1": b"one\r\ntwo\r\n"})
    diff.editor.screen(100, 40)
    diff.editor.lua("vim.cmd.edit(...)", str(diff.root / "text.txt"))
    diff.editor.lua("require('kage.diff').open({ 'inline' })")
    diff.editor.until("return vim.fn.maparg('dO', 'n') ~= ''")
    assert any("line ends dos: 1dO takes that" in row for row in diff.editor.screen(100, 40))
    diff.keys("dO")
    assert written(diff) == b"one\r\ntwo\r\n"
    diff.keys("u")
    assert written(diff) == b"one\ntwo\n"


def test_choices_say_which_files_are_not_among_them(diff: Diff) -> None:
    start(diff, b"a\nb\n", b"A\r\nb\r\n", b"B\nb\n")
    diff.keys(
        ":lua local order = require('kage.diff.places.gather.order').where({})"
        " require('kage.diff.places.quickfix').list(order)<CR>"
    )
    diff.editor.until("return vim.fn.execute('messages'):find('no choice is open') ~= nil")
    assert "text.txt" in diff.editor.messages()
