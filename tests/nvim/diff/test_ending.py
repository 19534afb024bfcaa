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
