"""Landing in buffers that are in use: what the user has in the editor stays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.nvim.land.conftest import Lander

OLD = "".join(f"line {n}\n" for n in range(1, 61))
NEW = (
    OLD.replace("line 20\n", "LINE 20\n").replace("line 5\n", "line 5\nnew\nnewer\n").replace("line 50\n", "")
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "text.py"
    found.write_text(OLD)
    return found


def land(lander: Lander, path: Path, text: str, **changes: Any) -> Any:
    return lander.land(lander.file(path, text.encode(), **changes))


def test_marks_extmarks_folds_and_cursors_stay(lander: Lander, path: Path) -> None:
    lander.open(path)
    found = lander.editor.lua(
        """
        vim.o.lines = 40
        local ns = vim.api.nvim_create_namespace("test")
        state = {}
        vim.cmd("split")
        local wins = vim.api.nvim_list_wins()
        vim.api.nvim_win_set_cursor(wins[1], { 33, 3 })
        vim.api.nvim_win_set_cursor(wins[2], { 20, 2 })
        vim.cmd("40mark a | 20mark b | 5mark c | 35,38fold | 20,22fold")
        local id = vim.api.nvim_buf_set_extmark(0, ns, 19, 5, { virt_text = { { "x", "Error" } } })
        local plain = vim.api.nvim_buf_set_extmark(0, ns, 44, 2, {})
        function state.now()
          local function mark(which) return vim.api.nvim_buf_get_extmark_by_id(0, ns, which, {}) end
          local function above(win)
            local view = vim.api.nvim_win_call(win, vim.fn.winsaveview)
            return view.lnum - view.topline
          end
          return {
            marks = { vim.fn.line("'a"), vim.fn.line("'b"), vim.fn.line("'c") },
            extmarks = { mark(id), mark(plain) },
            folds = vim.tbl_map(vim.fn.foldclosed, { 22, 24, 37, 40 }),
            cursors = { vim.api.nvim_win_get_cursor(wins[1]), vim.api.nvim_win_get_cursor(wins[2]) },
            screen = { above(wins[1]), above(wins[2]) },
          }
        end
        return state.now()
        """
    )

    land(lander, path, NEW)

    now = lander.editor.lua("return state.now()")
    assert now["marks"] == [42, 22, 5]
    assert now["extmarks"] == [[21, 5], [46, 2]]
    assert now["folds"] == [22, 22, 37, 37]
    assert now["cursors"] == [[35, 3], [22, 2]]
    assert now["screen"] == found["screen"]


def test_a_landing_taken_back_brings_deleted_marks_and_the_cursor_back(lander: Lander, path: Path) -> None:
    before = path.read_bytes()
    lander.open(path, "normal! 3Gma", "normal! 5GmB", "split", "normal! 9G", "wincmd p", "normal! 4G2l")
    where = 'return { vim.fn.getpos("\'a")[2], vim.fn.getpos("\'B")[2], vim.api.nvim_win_get_cursor(0) }'
    was = lander.editor.lua(where)
    landed = b"".join(before.splitlines(True)[:1] + before.splitlines(True)[6:])
    lander.land(lander.file(path, landed))
    assert lander.editor.lua(where) != was
    lander.editor.lua("vim.api.nvim_win_set_cursor(vim.fn.win_getid(vim.fn.winnr('#')), { 1, 0 })")
    lander.land(lander.file(path, before))
    assert path.read_bytes() == before
    assert lander.editor.lua(where) == was
    # In the other window the user had gone elsewhere meanwhile.
    other = "return vim.api.nvim_win_get_cursor(vim.fn.win_getid(vim.fn.winnr('#')))[1]"
    assert lander.editor.lua(other) == 1


def test_one_undo_step_brings_everything_back(lander: Lander, path: Path) -> None:
    lander.open(path)
    land(lander, path, NEW)
    lander.editor.command("silent undo")
    assert lander.editor.lines() == OLD.splitlines()
    assert lander.options(path)["modified"] is True
    lander.editor.command("silent redo")
    assert lander.editor.lines() == NEW.splitlines()


def test_undo_takes_the_options_along(lander: Lander, tmp_path: Path) -> None:
    path = tmp_path / "dos.txt"
    path.write_bytes(b"one\ntwo")
    lander.open(path)
    lander.land(lander.file(path, b"\xef\xbb\xbfone\r\n2\r\n"))
    lander.editor.keys("u")
    lander.editor.until("return vim.bo.fileformat == 'unix'")
    assert lander.bytes(path) == b"one\ntwo"
    lander.editor.keys("<C-r>")
    lander.editor.until("return vim.bo.fileformat == 'dos'")
    assert lander.bytes(path) == b"\xef\xbb\xbfone\r\n2\r\n"
    lander.editor.keys("u")
    lander.editor.until("return vim.bo.fileformat == 'unix'")
    lander.editor.keys("ggdd")
    lander.editor.until("return vim.api.nvim_buf_line_count(0) == 1")
    assert lander.bytes(path) == b"two"


def test_amid_typing(lander: Lander, path: Path) -> None:
    lander.open(path, "normal! gg")
    lander.editor.keys("Otyped ")
    lander.editor.until("return vim.fn.mode() == 'i' and vim.fn.getline(1) == 'typed '")

    land(lander, path, "typed \n" + NEW)
    lander.editor.keys("more<Esc>")
    lander.editor.until("return vim.fn.mode() == 'n' and vim.fn.getline(1) == 'typed more'")
    assert lander.editor.lines() == ["typed more", *NEW.splitlines()]

    lander.editor.keys("u")
    lander.editor.until("return vim.fn.getline(1) == 'typed '")
    assert lander.editor.lines() == ["typed ", *NEW.splitlines()]
    lander.editor.keys("u")
    lander.editor.until("return vim.fn.getline(21) == 'line 20'")
    assert lander.editor.lines() == ["typed ", *OLD.splitlines()]
    lander.editor.keys("u")
    lander.editor.until("return vim.fn.getline(1) == 'line 1'")
    assert lander.editor.lines() == OLD.splitlines()


def test_formatters_and_other_autocommands_do_not_run(lander: Lander, path: Path) -> None:
    lander.open(path)
    lander.editor.lua(
        """
        ran = {}
        for _, event in ipairs({ "BufWritePre", "BufWritePost", "BufWriteCmd", "BufEnter" }) do
          vim.api.nvim_create_autocmd(event, { callback = function()
            ran[#ran + 1] = event
            if event ~= "BufEnter" then vim.api.nvim_buf_set_lines(0, 0, 0, true, { "formatted" }) end
          end })
        end
        """
    )
    land(lander, path, NEW)
    assert path.read_text() == NEW
    assert lander.editor.lua("return #ran") == 0


def test_a_hidden_buffer(lander: Lander, path: Path, tmp_path: Path) -> None:
    lander.open(path)
    lander.open(tmp_path / "other.txt")
    here = lander.editor.lua("return { vim.fn.bufname('%'), vim.fn.bufname('#'), vim.fn.winnr('$') }")
    land(lander, path, NEW)
    assert path.read_text() == NEW
    after = lander.editor.lua("return { vim.fn.bufname('%'), vim.fn.bufname('#'), vim.fn.winnr('$') }")
    assert after == here


@pytest.mark.parametrize("autoread", ["autoread", "noautoread"])
def test_no_question_about_the_file_afterwards(lander: Lander, path: Path, autoread: str) -> None:
    lander.open(path, f"set {autoread}")
    os.utime(path, (1, 1))
    land(lander, path, NEW)
    lander.editor.command("checktime")
    lander.editor.command("doautocmd FocusGained")
    assert lander.editor.messages() == ""
    lander.editor.keys("x:write<CR>")
    lander.editor.until("return not vim.bo.modified")
    assert path.read_text() == NEW[1:]


def test_undo_file_and_swap_file(lander: Lander, path: Path, tmp_path: Path) -> None:
    lander.editor.lua("vim.o.undodir = ... vim.o.undofile = true", str(tmp_path))
    lander.editor.command("set directory=. swapfile updatecount=1")
    lander.open(path)
    land(lander, path, NEW)
    assert lander.editor.lua("return vim.fn.filereadable(vim.fn.undofile(...))", str(path)) == 1
    lander.editor.command("bwipeout")
    lander.open(path)
    lander.editor.command("silent undo")
    assert lander.editor.lines() == OLD.splitlines()


def test_modified_buffers_stay_modified_and_unwritten(lander: Lander, path: Path) -> None:
    lander.open(path, "normal! ggOmine")
    files = land(lander, path, "mine\n" + NEW)
    assert files == [{"path": str(path), "where": "buffer-modified"}]
    assert path.read_text() == OLD
    assert lander.editor.lines() == ["mine", *NEW.splitlines()]
    assert lander.options(path)["modified"] is True
    lander.editor.command("silent undo")
    assert lander.editor.lines() == ["mine", *OLD.splitlines()]


def test_a_path_through_a_link_and_with_odd_characters(lander: Lander, tmp_path: Path) -> None:
    real = tmp_path / "re al"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    path = real / "a % # $b [1] 'q'.txt"
    path.write_text("one\n")
    lander.open(tmp_path / "link" / path.name)
    lander.editor.lua("vim.api.nvim_buf_set_name(0, ...)", str(tmp_path / "link" / path.name))
    file = lander.file(tmp_path / "link" / path.name, b"two\n") | {"path": str(path)}
    lander.land(file)
    assert path.read_text() == "two\n"


def test_conflicts_get_a_quickfix_list_of_their_own(lander: Lander, path: Path) -> None:
    lander.open(path)
    lander.editor.lua(
        "vim.fn.setqflist({ { text = 'mine' } }, ' ') vim.fn.setqflist({}, 'a', { title = 'mine' })"
    )
    land(lander, path, NEW, conflicts=[[3, 7], [20, 20]])
    found = lander.editor.lua("return vim.fn.getqflist({ title = 0, items = 0, nr = 0 })")
    assert (found["title"], found["nr"]) == ("Kage conflicts", 2)
    assert [(item["lnum"], item["end_lnum"]) for item in found["items"]] == [(3, 7), (20, 20)]
    lander.editor.command("silent colder")
    assert lander.editor.lua("return vim.fn.getqflist({ title = 0 }).title") == "mine"
