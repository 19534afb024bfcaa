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
