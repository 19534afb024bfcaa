"""`:KageDiff` typed into a real Neovim: windows, picks, keys, and everything back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

HERE = Path(__file__).parent
BASE = "".join(f"line {n}\n" for n in range(1, 41))
ONE = BASE.replace("line 5\n", "line five\nand a half\n").replace("line 20\n", "")
TWO = BASE.replace("line 5\n", "LINE 5\n").replace("line 33\n", "line 33\nnew after 33\n")
THREE = BASE.replace("line 20\n", "twenty\n")


@pytest.fixture
def three(diff: Diff) -> Diff:
    diff.changes(
        calc={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": TWO, "a3": THREE},
        made={"path": "src/made.py", "a1": "print(1)\n"},
        readme={"path": "README.md", "base": "# project\n", "a3": "# a project\n"},
    )
    return diff


def titles(diff: Diff) -> list[str]:
    return [window["title"].strip() for window in diff.windows()]


def test_the_tab(three: Diff) -> None:
    three.open(path="src/calc.py")
    panel, yours, one, two = three.windows()
    assert "README.md" in "".join(panel["lines"])
    assert yours["name"].endswith("/src/calc.py") and yours["lines"] == BASE.splitlines()
    assert (one["name"], two["name"]) == ("kage://k7/1/src/calc.py", "kage://k7/2/src/calc.py")
    assert (one["lines"], two["lines"]) == (ONE.splitlines(), TWO.splitlines())
    assert [window["diff"] for window in (panel, yours, one, two)] == [False, True, True, True]
    assert "1 fast" in one["title"] and "+2 -2" in one["title"]
    screen = three.editor.screen(160, 30)
    assert any("▌  M calc.py" in row for row in screen)


def test_picks_by_number_focus_and_undo(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.at(5)
    three.keys("do")
    assert three.yours()[4:7] == ["line five", "and a half", "line 6"]
    assert "choice 1/2: 1 | 2, 1 taken" in "\n".join(three.editor.screen(160, 30))
    assert "conflict" not in titles(three)[3], "nothing of the user's is replaced"
    three.keys("2do")
    assert three.yours()[4:6] == ["LINE 5", "line 6"]
    three.keys("u")
    assert three.yours()[4:6] == ["line five", "and a half"]
    three.keys("u")
    assert three.yours() == BASE.splitlines()
    three.at(20)
    three.keys("3do")
    assert three.yours()[19] == "twenty"
    three.go(3)
    three.go(1)
    three.at(34)
    three.keys("do")
    assert three.yours()[33] == "new after 33", "the agent last visited is in focus"


def test_a_pick_never_reverts_what_was_typed_beside_it(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.at(4)
    three.keys("ccmine<Esc>")
    three.editor.until("return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(3), 3, 4, true)[1] == 'mine'")
    three.at(5)
    three.keys("do")
    assert three.yours()[3:7] == ["mine", "line five", "and a half", "line 6"]
    three.keys("u")
    assert three.yours()[3:5] == ["mine", "line 5"]


def test_picks_amid_typing_are_undo_steps_of_their_own(three: Diff) -> None:
    three.editor.command("inoremap <C-t> <Cmd>normal do<CR>")
    three.open(path="src/calc.py")
    three.at(5)
    three.keys("Atyped<C-t>after<Esc>u")
    assert three.yours()[4:6] == ["line five", "and a half"]
    three.keys("u")
    assert three.yours()[4] == "line 5typed"
    three.keys("u")
    assert three.yours() == BASE.splitlines()


def test_visual_lines_and_dp(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.go(2)
    three.at(6)
    three.keys("Vdp")
    assert three.yours()[4:7] == ["line 5", "and a half", "line 6"]
    three.at(5)
    three.keys("dp")
    assert three.yours()[4:7] == ["line five", "and a half", "line 6"]
    three.keys("uu")
    assert three.yours() == BASE.splitlines()
    three.go(1)
    three.keys("ggVGdo")
    assert three.yours() == ONE.splitlines()
    assert "all taken" in titles(three)[2]


def test_marks_folds_and_the_cursor_stay(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.editor.command("30mark a | 5mark b")
    three.keys("gg5Gdo")
    assert three.editor.lua("return { vim.fn.line(\"'a\"), vim.fn.line(\"'b\"), vim.fn.line('.') }") == [
        31,
        5,
        5,
    ]


def test_files(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("]f")
    three.editor.until("return vim.api.nvim_buf_get_name(vim.fn.winbufnr(2)):find('made.py') ~= nil")
    three.shown()
    assert three.yours() == [""]
    three.keys("do")
    assert three.yours() == ["print(1)"]
    three.keys(":write<CR>")
    three.editor.until("return not vim.bo.modified")
    assert (three.root / "src/made.py").read_text() == "print(1)\n"
    three.keys("]f")
    three.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('README') ~= nil")
    assert "does not change it" in titles(three)[2]
    three.keys("3do")
    three.editor.until("return vim.fn.getline(1) == '# a project'")
    three.keys("[f[f")
    three.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('calc.py') ~= nil")
    three.go(0)
    three.keys("/README<CR><CR>")
    three.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('README') ~= nil")


def test_a_new_file_in_a_new_folder_can_be_written(diff: Diff) -> None:
    diff.changes(made={"path": "a/b/made.py", "a1": "one\r\ntwo"})
    diff.open()
    diff.keys(":2wincmd w<CR>do:write<CR>")
    diff.editor.until("return not vim.bo.modified and vim.fn.getline(1) == 'one'")
    assert (diff.root / "a/b/made.py").read_bytes() == b"one\r\ntwo\r\n", "'fixeol' is the user's"


def test_agents_are_paged(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("]a")
    assert [window["name"] for window in three.windows()[2:]] == [
        "kage://k7/2/src/calc.py",
        "kage://k7/3/src/calc.py",
    ]
    three.keys("[a")
    assert three.windows()[2]["name"] == "kage://k7/1/src/calc.py"
    three.keys("3]a")
    assert three.windows()[3]["name"] == "kage://k7/3/src/calc.py"
    three.at(20)
    three.keys("do")
    assert three.yours()[19] == "twenty"


@pytest.mark.parametrize(
    ("columns", "agents", "shown"),
    [
        (240, (), 3),
        (199, (), 2),
        (120, (), 2),
        (119, (), 1),
        (80, (), 1),
        (160, (1, 2, 3), 3),
    ],
)
def test_no_window_is_too_narrow(three: Diff, columns: int, agents: tuple[int, ...], shown: int) -> None:
    three.open(*agents, path="src/calc.py", columns=columns)
    windows = three.windows()[1:]
    assert len(windows) == 1 + shown
    assert min(window["width"] for window in windows) >= 20
    assert (
        max(window["width"] for window in windows) - min(window["width"] for window in windows) <= shown + 1
    )


def test_a_resized_screen_is_laid_out_again(three: Diff) -> None:
    three.open(path="src/calc.py", columns=160)
    three.editor.screen(80, 30)
    three.editor.until("return vim.fn.winnr('$') == 3")
    three.editor.screen(160, 30)
    three.editor.until("return vim.fn.winnr('$') == 4")
    assert three.windows()[3]["lines"] == TWO.splitlines()


def test_no_filetype_no_server_no_modeline(diff: Diff) -> None:
    diff.changes(calc={"path": "calc.py", "a1": "# vim: set textwidth=7:\nprint(1)\n"})
    diff.editor.lua(
        """
        seen = {}
        for _, event in ipairs({ "FileType", "BufReadPost", "BufNewFile" }) do
          vim.api.nvim_create_autocmd(event, { callback = function(args)
            seen[#seen + 1] = event .. " " .. vim.api.nvim_buf_get_name(args.buf)
          end })
        end
        """
    )
    diff.open(path="calc.py")
    assert not [event for event in diff.editor.lua("return seen") if "kage://" in event]
    options = diff.editor.lua(
        """
        local found = {}
        for _, name in ipairs({ "filetype", "buftype", "swapfile", "modeline", "buflisted", "modifiable",
                                "textwidth", "syntax" }) do
          found[#found + 1] = vim.bo[vim.fn.winbufnr(3)][name]
        end
        return found
        """
    )
    assert options == ["", "nofile", False, False, False, False, 0, "python"]


def snapshot(diff: Diff) -> Any:
    return diff.editor.lua("return loadfile(...)()", str(HERE / "snapshot.lua"))


def test_who_closed_the_tab_and_went_on_is_not_called_back(three: Diff) -> None:
    three.editor.screen(160, 30)
    three.editor.command("new README.md | wincmd p")
    three.open()
    three.editor.lua("vim.cmd('tabclose'); vim.cmd('wincmd k')")  # at once, as typed ahead of a busy editor
    three.editor.lua("vim.wait(30)")
    assert three.editor.lua("return vim.fn.expand('%:t')") == "README.md"


@pytest.mark.parametrize(
    "way", ["q", "<C-w>h:tabclose<CR>", ":quit<CR>", "<C-w>l:quit<CR><C-w>l:quit<CR>", "]f]fq"]
)
def test_everything_is_as_before(three: Diff, way: str) -> None:
    three.editor.screen(160, 30)
    three.editor.lua(
        """
        vim.cmd.edit("README.md")
        vim.cmd.edit("src/calc.py")
        vim.cmd("setlocal number wrap foldmethod=manual | 10,12fold | 20,22fold")
        vim.cmd("vsplit | diffthis | wincmd p | diffthis | tabnew | edit test_calc.py | tabprevious")
        vim.cmd("normal! 30Gma10G")
        vim.keymap.set("n", "do", function() own = true end, { buffer = vim.fn.bufnr("src/calc.py") })
        vim.keymap.set("n", "]f", ":let g:mine = 1<CR>", { buffer = vim.fn.bufnr("src/calc.py") })
        """
    )
    three.editor.command("set diffopt+=iwhite scrollopt=ver,jump")
    three.editor.lua("vim.fn.setqflist({ { filename = 'README.md', lnum = 1 } })")
    three.editor.lua("vim.fn.writefile({ 'x' }, 'other.py')")
    three.editor.command("tabnew other.py | tabprevious")
    before = snapshot(three)
    three.open()
    if way == "q" or way.endswith("q"):
        three.go(0)
    if way == "<C-w>l:quit<CR><C-w>l:quit<CR>":
        three.go(1)
    three.keys(way)
    three.editor.until("return #vim.api.nvim_list_tabpages() == 3")
    three.editor.lua("vim.wait(30)")
    after = snapshot(three)
    assert {name: value for name, value in after.items() if before[name] != value} == {}
    assert after == before
    three.keys("do]f")
    assert three.editor.lua("return { own, vim.g.mine }") == [True, 1]


def test_keys_are_the_users_own_in_other_tabs(three: Diff) -> None:
    three.editor.command("edit src/calc.py")
    three.editor.lua("vim.keymap.set('n', 'do', function() own = (own or 0) + 1 end, { buffer = 0 })")
    three.open()
    three.keys("gt")
    three.at(5)
    three.keys("do")
    assert three.editor.lua("return own") == 1
    assert three.editor.lines() == BASE.splitlines()
    three.keys("gT")
    three.at(5)
    three.keys("do")
    assert three.editor.lua("return own") == 1
    assert three.yours()[4] == "line five"


def test_edits_in_another_tab_are_caught_up(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("gtggOtop<Esc>gT")
    three.editor.until("return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(3), 0, 1, true)[1] == 'top'")


@pytest.mark.parametrize(
    ("option", "fix"), [("nomodifiable", ":set modifiable in it"), ("readonly", ":set noreadonly in it")]
)
def test_what_cannot_be_edited_says_how_to_change_that(three: Diff, option: str, fix: str) -> None:
    three.editor.lua("require('kage.notify').error = function(err) told = err.fix end")
    three.open(path="src/calc.py")
    three.at(5)
    three.editor.command("set " + option)
    three.keys("do")
    assert three.editor.lua("return told") == fix
    assert three.yours() == BASE.splitlines()


def test_a_second_diff_replaces_the_first(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.editor.command("lua require('kage.diff').open({ 3 })")
    three.editor.until(
        "return vim.fn.winnr('$') == 3 and vim.wo[vim.fn.win_getid(3)].winbar:find('slow') ~= nil"
    )
    assert three.tabs() == 2
    assert "3 100%slow" in titles(three)[2]
    names = three.editor.lua("return vim.tbl_map(vim.api.nvim_buf_get_name, vim.api.nvim_list_bufs())")
    assert sum(name.startswith("kage://") for name in names) == 2


def test_a_new_candidate_is_shown_at_once(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.at(5)
    three.keys("do")
    three.editor.lua(
        """
        kaged.changes["src/calc.py"].agents["2"].text = ...
        kaged.update(2, { { number = 2, kind = "agent", commit = "c2" } })
        """,
        TWO.replace("line 9\n", "line nine\n"),
    )
    three.editor.until("return vim.api.nvim_buf_get_lines(vim.fn.winbufnr(4), 8, 10, true)[1] == 'line nine'")
    assert three.yours()[4] == "line five"
    assert three.editor.lua("return vim.fn.line('.')") == 5


@pytest.mark.parametrize(
    ("base", "agent", "shown"),
    [
        (b"one\r\ntwo\r\n", b"one\r\nTWO\r\n", ["one", "TWO"]),
        (b"one\r\ntwo\r\n", b"one\nTWO\n", ["one", "TWO"]),
        ("café\nx\n".encode("latin-1"), "café\ny é\n".encode("latin-1"), ["café", "y é"]),
        ("\ufeffone\n".encode("utf-16-le"), "\ufeffzwölf\n".encode("utf-16-le"), ["zwölf"]),
        (b"a\0b\n", b"a\0B\n", ["a\nB"]),
    ],
)
def test_versions_are_read_as_your_buffer_is(diff: Diff, base: bytes, agent: bytes, shown: list[str]) -> None:
    diff.changes(text={"path": "text.txt", "base": base, "a1": agent})
    diff.open(path="text.txt")
    lines = [line.replace("\0", "\n") for line in diff.windows()[2]["lines"]]
    assert lines == shown
    diff.keys("ggVGdo")
    assert [line.replace("\0", "\n") for line in diff.yours()] == shown


def test_the_newline_at_the_end_is_a_change_like_any_other(diff: Diff) -> None:
    diff.changes(text={"path": "text.txt", "base": "one\ntwo\n", "a1": "one\ntwo"})
    diff.open(path="text.txt")
    diff.at(2)
    diff.keys("do")
    assert diff.editor.lua("return vim.bo.endofline") is False
    diff.keys(":set nofixeol<CR>:write<CR>")
    diff.editor.until("return not vim.bo.modified")
    assert (diff.root / "text.txt").read_bytes() == b"one\ntwo"


def test_hostile_names(diff: Diff) -> None:
    name = "we ird/%{system('touch x')} #[a] $HOME 'q' \t.py"
    diff.changes(odd={"path": name, "base": "one\n", "a1": "two\n"})
    diff.open(path=name)
    diff.at(1)
    diff.keys("do")
    assert diff.yours() == ["two"]
    assert not (diff.root / "x").exists()


def test_help(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("g?")
    assert any("take the change of the agent" in row for row in three.editor.screen(160, 30))
    three.keys("q")
    assert three.tabs() == 2


def leftovers(diff: Diff) -> int:
    """Kage's buffers and event groups that are still there."""
    return int(
        diff.editor.lua(
            """
            local count = 0
            for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
              count = count + (vim.api.nvim_buf_get_name(buffer):find("^kage:") and 1 or 0)
            end
            for _, entry in ipairs(vim.api.nvim_get_autocmds({ event = "WinClosed" })) do
              count = count + ((entry.group_name or ""):find("^kage.diff") and 1 or 0)
            end
            return count
            """
        )
    )


def test_closed_from_another_tab(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("gt:tabonly<CR>")
    three.editor.until("return #vim.api.nvim_list_tabpages() == 1")
    three.editor.lua("vim.wait(30)")
    assert leftovers(three) == 0
    assert three.editor.lua("return { vim.wo.diff, vim.wo.winbar, vim.wo.foldmethod }") == [
        False,
        "",
        "manual",
    ]


def test_the_last_tab(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys(":tabonly<CR>")
    three.go(0)
    three.keys("q")
    three.editor.until("return vim.fn.winnr('$') == 1")
    assert leftovers(three) == 0
    assert three.editor.lines() == BASE.splitlines()
    assert three.editor.lua("return { vim.wo.diff, vim.wo.winbar, vim.wo.foldmethod }") == [
        False,
        "",
        "manual",
    ]
    assert three.editor.lua("return vim.fn.maparg('do', 'n')") == ""


def test_only_yours(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys(":only<CR>")
    three.editor.until("return #vim.api.nvim_list_tabpages() == 1")
    assert leftovers(three) == 0


def test_another_file_in_the_window_of_yours(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys(":edit test_calc.py<CR>")
    three.editor.until("return vim.fn.bufname():find('test_calc') ~= nil")
    assert three.editor.lua("return { vim.wo.diff, vim.fn.maparg('do', 'n') }") == [False, ""]
    three.keys(":edit README.md<CR>")
    three.editor.until("return vim.wo.diff and vim.fn.bufname(vim.fn.winbufnr(3)) == 'kage://k7/2/README.md'")
    three.keys("3do")
    three.editor.until("return vim.fn.getline(1) == '# a project'")
    three.keys(":buffer src/calc.py<CR>")
    three.editor.until("return vim.fn.bufname(vim.fn.winbufnr(3)) == 'kage://k7/1/src/calc.py'")
    three.at(5)
    three.keys("do")
    assert three.yours()[4] == "line five"
    three.go(0)
    three.keys("q")
    three.editor.until("return #vim.api.nvim_list_tabpages() == 1")
    assert three.editor.lua("return vim.fn.maparg('do', 'n')") == ""
    assert leftovers(three) == 0


def test_the_user_wipes_the_buffer(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys(":bwipeout!<CR>")
    three.editor.until("return #vim.api.nvim_list_tabpages() == 1")
    three.editor.lua("vim.wait(100)")
    assert leftovers(three) == 0
    assert three.editor.messages() == ""


def test_nothing_changed(diff: Diff) -> None:
    diff.changes()
    diff.editor.lua("require('kage.diff').open()")
    diff.editor.until("return vim.fn.execute('messages'):find('nothing to compare') ~= nil")
    assert diff.tabs() == 1
