"""Two agents against each other and the base: typed into a real Neovim."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
ONE = BASE.replace("line 3\n", "line three of one\n").replace("line 20\n", "")
THREE = BASE.replace("line 3\n", "line three of three\n").replace("line 25\n", "line 25\nadded\n")


@pytest.fixture
def two(diff: Diff) -> Diff:
    diff.changes(
        calc_py={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": BASE + "2\n", "a3": THREE},
        same_txt={"base": "a\n", "a1": "b\n", "a3": "b\n"},
        new_txt={"a3": "x\ny\n"},
        only2_txt={"base": "a\n", "a2": "b\n"},
        logo_png={"base": "a", "kind": "binary", "a1": "b", "a3": "c"},
    )
    return diff


def words(diff: Diff, index: int) -> list[str]:
    """What is marked as differing in a window, in the order of the lines."""
    found: list[str] = diff.editor.lua(
        """
        local buffer = vim.api.nvim_win_get_buf(...)
        local space = vim.api.nvim_create_namespace("kage.diff.between")
        return vim.tbl_map(function(mark)
          return vim.api.nvim_buf_get_text(buffer, mark[2], mark[3], mark[2], mark[4].end_col, {})[1]
        end, vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, { details = true }))
        """,
        diff.windows()[index]["id"],
    )
    return found


def messages(diff: Diff) -> str:
    return str(diff.editor.lua("return vim.fn.execute('messages')"))


def test_their_trees_stand_beside_the_base(two: Diff) -> None:
    (two.root / "src" / "calc.py").write_text("mine\n" + BASE)
    two.open(1, 3, path="src/calc.py", columns=160)
    panel, one, base, three = two.windows()
    assert [window["name"] for window in (one, base, three)] == [
        *("kage://k7/1/src/calc.py", "kage://k7/base/src/calc.py", "kage://k7/3/src/calc.py")
    ]
    assert (one["lines"], base["lines"], three["lines"]) == (
        *(ONE.splitlines(), BASE.splitlines(), THREE.splitlines()),
    )
    assert one["diff"] and base["diff"] and three["diff"] and not panel["diff"]
    assert words(two, 1) == ["one"] and words(two, 3) == ["three"], "and no word of yours or the base's"
    listed = "\n".join(panel["lines"])
    assert "calc.py" in listed and "only2" not in listed
    assert [line for line in panel["lines"] if " = " in line] == [" M same.txt  = 1 3 +1 -1"]


def test_at_80_columns_the_base_waits_for_a_key(two: Diff) -> None:
    two.open(1, 3, path="src/calc.py", columns=80)
    assert [window["name"][-13:] for window in two.windows()[1:]] == ["1/src/calc.py", "3/src/calc.py"]
    assert all(window["width"] >= 20 for window in two.windows()[1:])
    two.go(1)
    two.keys("gb")
    assert "/base/" in two.windows()[2]["name"] and two.windows()[2]["lines"] == BASE.splitlines()
    two.keys("gb")
    assert len(two.windows()) == 3


def test_a_change_is_put_into_yours_without_what_else_that_agent_did(two: Diff) -> None:
    path = two.root / "src" / "calc.py"
    path.write_text("mine\n" + BASE)
    two.open(1, 3, path="src/calc.py")
    two.go(3)
    two.at(3)
    two.keys("dp")
    lines: Any = two.editor.lua(
        "return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)", str(path)
    )
    assert lines == ["mine", *BASE.replace("line 3\n", "line three of three\n").splitlines()]
    assert "put into yours: calc.py:4" in messages(two)
    assert path.read_text() == "mine\n" + BASE, "yours is edited, not written"
    two.keys("dp")
    assert "has it already" in messages(two)
    two.at(10)
    two.keys("dp")
    assert "no change of agent 3 here" in messages(two)
    two.at(3)
    two.keys("u")
    lines = two.editor.lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)", str(path))
    assert lines == ["mine", *BASE.splitlines()]
    two.at(1)
    two.keys("VGdp")
    lines = two.editor.lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)", str(path))
    assert lines == ["mine", *THREE.splitlines()]
    two.go(1)
    two.keys("ggVGdp")
    lines = two.editor.lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)", str(path))
    both = THREE.replace("line three of three", "line three of one").replace("line 20\n", "")
    assert lines == ["mine", *both.splitlines()]
    assert "in place of yours" in messages(two)


def test_files_that_one_of_them_left_alone_or_made(two: Diff) -> None:
    two.open(1, 3, path="src/calc.py")
    seen = {}
    two.go(1)
    for _ in range(4):
        two.keys("]f")
        two.editor.until("return vim.wo[vim.fn.win_getid()].winbar ~= ''")
        windows = two.windows()
        seen[windows[1]["name"].rpartition("/")[2]] = windows
    new = seen["new.txt"]
    assert new[3]["lines"] == ["x", "y"] and new[1]["lines"] == [""] and "as at the base" in new[1]["title"]
    assert "not there" in new[2]["title"]
    assert "same as 3" in seen["same.txt"][1]["title"] and "same as 1" in seen["same.txt"][3]["title"]
    png = seen["logo.png"]
    assert "binary, not compared" in "\n".join(png[2]["lines"]) and not png[1]["diff"]


def test_a_new_file_is_made_from_it(two: Diff) -> None:
    two.changes(new_txt={"path": "deep/new.txt", "a1": "x\r\ny\r\n", "a3": "z\n"})
    two.open(1, 3)
    two.go(1)
    two.keys("dp")
    path = two.root / "deep" / "new.txt"
    two.editor.lua(
        "vim.api.nvim_buf_call(vim.fn.bufnr(...), function() vim.cmd('silent write') end)", str(path)
    )
    assert path.read_bytes() == b"x\r\ny\r\n"


def test_all_is_as_it_was_when_it_closes(two: Diff) -> None:
    (two.root / "mine.txt").write_text("a\n")
    two.editor.lua(
        "vim.cmd.edit(...); vim.wo.number = true; vim.wo.foldmethod = 'marker'", str(two.root / "mine.txt")
    )
    state = """
        return { vim.wo.diff, vim.wo.number, vim.wo.foldmethod, vim.wo.scrollbind, vim.wo.winbar,
          vim.o.scrollopt, vim.api.nvim_buf_get_name(0), #vim.api.nvim_list_tabpages(),
          #vim.fn.getjumplist()[1] }
    """
    before = two.editor.lua(state)
    two.open(1, 3)
    two.go(3)
    two.keys("]f")
    two.keys("q")
    assert two.editor.lua(state) == before
    names = two.editor.lua("return vim.tbl_map(vim.api.nvim_buf_get_name, vim.api.nvim_list_bufs())")
    assert [name for name in names if name.startswith("kage://")] == []


def test_three_numbers_or_one_stand_beside_yours(two: Diff) -> None:
    two.open(1, 2, 3, path="src/calc.py")
    assert two.windows()[1]["name"].endswith("project/src/calc.py")
    two.open(3, path="src/calc.py")
    assert two.windows()[1]["name"].endswith("project/src/calc.py")


CONTRAST = """
    local request = package.loaded["kage.host"].request
    local function row(level, text, cells, how, path, lines)
      return { level = level, text = text, cells = cells, how = how, path = path, lines = lines }
    end
    package.loaded["kage.host"].request = function(method, params, callback)
      if method ~= "contrast" then return request(method, params, callback) end
      local none = vim.empty_dict()
      callback(nil, {
        run = "k7", agents = { { number = 1 }, { number = 3 } }, files = { 1 },
        table = {
          row("head", "", { "1 fast", "3 " .. ("slow"):rep(9) }, "", "", none),
          row("total", "files", { "2", "1" }, "", "", none),
          row("file", "src/calc.py", { "+1 -2", "+2 -1" }, "differ", "src/calc.py", none),
          row("symbol", "Shop." .. ("sell"):rep(20), { "", "new +1" }, "only 3", "src/calc.py",
            { ["3"] = 26 }),
          row("note", "no grammar for it", { "", "" }, "", "src/calc.py", none),
        },
      })
    end
"""


def test_the_contrast_fits_80_columns_and_leads_to_the_place(two: Diff) -> None:
    two.editor.screen(80, 30)
    two.editor.lua(CONTRAST)
    two.editor.lua("require('kage.contrast').open({ 1, 3 })")
    two.editor.until("return vim.api.nvim_buf_get_name(0) == 'kage://k7/contrast'")
    lines = two.editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, true)")
    assert all(len(line) <= 80 for line in lines), lines
    assert lines[2].endswith("differ") and lines[3].endswith("only 3") and "+2 -1" in lines[2]
    two.at(2)
    two.keys("<CR>")
    assert "nothing to go to here" in messages(two)
    two.at(4)
    two.keys("<CR>")
    two.editor.until("return vim.api.nvim_buf_get_name(0) == 'kage://k7/3/src/calc.py'")
    assert two.editor.lua("return vim.api.nvim_get_current_line()") == "added"


def test_a_new_candidate_is_shown_where_the_cursor_stays(two: Diff) -> None:
    two.open(1, 3, path="src/calc.py")
    two.go(3)
    two.at(12)
    two.editor.lua(
        """
        local one = kaged.changes["src/calc.py"].agents["1"]
        one.text = "top\\n" .. one.text
        kaged.update(2, { { number = 1, commit = "x" }, { number = 3, commit = "y" } })
        """
    )
    two.editor.until("return vim.fn.getbufline('kage://k7/1/src/calc.py', 1)[1] == 'top'")
    assert two.windows()[1]["lines"] == ["top", *ONE.splitlines()]
    assert two.editor.lua("return vim.api.nvim_win_get_cursor(0)[1]") == 12
    two.editor.screen(80, 30)
    two.editor.until("return #vim.api.nvim_tabpage_list_wins(0) >= 3")
    assert two.windows()[-1]["name"] == "kage://k7/3/src/calc.py"
