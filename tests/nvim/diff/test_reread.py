"""A buffer that is read anew, and maps that others set in it, while it is compared."""

from __future__ import annotations

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
NEW = BASE.replace("line 10\n", "ten\n")
LATE = """
    vim.api.nvim_create_autocmd("BufReadPost", { callback = function(event)
      vim.defer_fn(function()
        vim.keymap.set("n", "go", "<Cmd>let g:went=1<CR>", { buffer = event.buf })
        vim.keymap.set("o", "ih", ":<C-U>let g:chose=1<CR>", { buffer = event.buf })
        vim.g.late = 1
      end, 20)
    end })
"""


@pytest.fixture
def text(diff: Diff) -> Diff:
    diff.changes(text={"path": "text.txt", "base": BASE, "a1": NEW, "a2": BASE + "end\n"})
    return diff


@pytest.mark.parametrize("reread", [":edit!<CR>", ":edit<CR>", ":checktime<CR>"])
def test_the_tab_follows_a_file_that_is_read_anew(text: Diff, reread: str) -> None:
    text.open(path="text.txt")
    text.go(1)
    text.editor.lua("vim.o.autoread = true")
    (text.root / "text.txt").write_text("new\n" + BASE)
    text.keys(reread)
    text.editor.until("return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(3), 0, 1, true)[1] == 'new'")
    for word in ("one", "two"):
        text.keys(f"6GA {word}<Esc>")
        text.editor.until(
            "return vim.endswith(vim.api.nvim_buf_get_lines(vim.fn.winbufnr(3), 5, 6, true)[1], ...)", word
        )
    text.keys("11Gdo")
    assert text.yours()[10] == "ten" and "all taken" in text.windows()[2]["title"]


def test_inline_follows_a_file_that_is_read_anew(text: Diff) -> None:
    text.editor.screen(100, 40)
    text.editor.lua("vim.cmd.edit(...)", str(text.root / "text.txt"))
    text.editor.lua("require('kage.diff').open({ 'inline' })")
    here = "local here = require('kage.diff.inline').of(vim.api.nvim_get_current_win()) "
    text.editor.until(here + "return here and here.canvas ~= nil")
    text.keys(":edit!<CR>10Gccten<Esc>")
    text.editor.until(here + "return #here.stops == 1")


def test_maps_that_others_set_meanwhile_are_theirs(text: Diff) -> None:
    text.editor.lua(LATE)
    text.open(path="text.txt")
    text.editor.until("return vim.g.late == 1")
    text.go(2)
    text.go(1)
    assert text.editor.lua("return vim.fn.maparg('go', 'n', false, true).desc") == (
        "Kage: with a motion: take the changes in its lines; 2goip agent 2's"
    )
    text.keys(":tabnew text.txt<CR>")
    assert text.editor.lua(
        "return { vim.fn.maparg('go', 'n'), vim.fn.maparg('ih', 'o'), vim.fn.maparg('do', 'n') }"
    ) == [
        "<Cmd>let g:went=1<CR>",
        ":<C-U>let g:chose=1<CR>",
        "",
    ]
