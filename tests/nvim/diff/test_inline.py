"""`:KageDiff inline` typed into a real Neovim: what is shown, versions turned and taken, all put back."""

from __future__ import annotations

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 41))
ONE = BASE.replace("line 5\n", "line five\nand a half\n").replace("line 20\n", "")
TWO = BASE.replace("line 5\n", "LINE 5\n").replace("line 33\n", "line 33\nnew after 33\n")
THREE = TWO.replace("line 1\n", "first of all\nline 1\n")


@pytest.fixture
def inline(diff: Diff) -> Diff:
    diff.changes(
        calc={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": TWO, "a3": THREE},
        made={"path": "src/made.py", "a1": "print(1)\nprint(2)\n"},
        gone={"path": "src/gone.py", "base": "old\n", "a2": {}},
    )
    (diff.root / "src/other.py").write_text("nothing\n")
    return diff


HERE = "require('kage.diff.inline').of(vim.api.nvim_get_current_win())"


def begin(diff: Diff, path: str, *agents: int, columns: int = 100) -> list[str]:
    """Open a file and the inline layout on it; the screen once it is drawn."""
    diff.editor.screen(columns, 40)
    diff.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(diff.root / path))
    diff.editor.lua("require('kage.diff').open({ 'inline', ... })", *agents)
    diff.editor.until(f"local s = {HERE} return s and s.canvas ~= nil")
    return diff.editor.screen(columns, 40)


def text(diff: Diff) -> list[str]:
    return diff.editor.lines()


def marks(diff: Diff) -> int:
    """How many extmarks of ours the current buffer holds."""
    return int(
        diff.editor.lua(
            """
            local count = 0
            for name, id in pairs(vim.api.nvim_get_namespaces()) do
              if name:find("^kage.inline") then
                count = count + #vim.api.nvim_buf_get_extmarks(0, id, 0, -1, {})
              end
            end
            return count
            """
        )
    )


def test_what_the_window_shows(inline: Diff) -> None:
    rows = begin(inline, "src/calc.py")
    assert rows[:3] == ["▎3 100%slow", "first of all", "line 1"], "what stands above the first line is seen"
    at = rows.index("line 5")
    assert rows[at + 1 : at + 4] == ["▎2 mini · 1 of 2 · 2 of 3 agree (2 3)", "LINE 5", "line 6"]
    assert rows[rows.index("line 20") + 1] == "▎1 fast · removes these lines"
    assert text(inline) == BASE.splitlines() and not inline.editor.lua("return vim.bo.modified")
    inline.editor.command("vsplit")
    other = inline.editor.screen(100, 40)
    assert other[0].split("│")[0].rstrip() == "line 1", "another window of the buffer shows nothing of it"
    assert "first of all" in other[1].split("│")[1]


def test_versions_are_turned_taken_and_undone(inline: Diff) -> None:
    begin(inline, "src/calc.py")
    inline.at(5)
    inline.keys("<Tab>")
    rows = inline.editor.screen(100, 40)
    at = rows.index("line 5")
    assert rows[at + 1 : at + 4] == ["▎1 fast · 2 of 2", "line five", "and a half"]
    inline.keys("do")
    assert text(inline)[4:7] == ["line five", "and a half", "line 6"]
    inline.keys("u")
    assert text(inline) == BASE.splitlines()
    inline.keys("<Tab>do")
    assert text(inline)[4:6] == ["LINE 5", "line 6"]
    inline.keys("u]c]c")
    assert inline.editor.lua("return vim.fn.line('.')") == 34
    inline.keys("do[c.")
    assert "new after 33" in text(inline) and "line 20" not in text(inline), "a dot takes again"
    inline.keys("uu5G1do")
    assert text(inline)[4] == "line five", "a number names the agent"
    inline.keys("u3]adO")
    assert text(inline) == THREE.replace("line 20\n", "").splitlines(), "what is shown everywhere"
    inline.keys("u")
    assert text(inline) == BASE.splitlines(), "one step"
    inline.keys("VGdo")
    assert text(inline)[4] == "LINE 5" and text(inline)[0] == "line 1", "the lines selected only"


def test_a_number_takes_what_touches_anothers(diff: Diff) -> None:
    added = BASE.replace("line 9\n", "line 9\nfrom one\n")
    ten, nine = BASE.replace("line 10\n", "ten\n"), BASE.replace("line 9\n", "nine\n")
    diff.changes(calc={"path": "src/calc.py", "base": BASE, "a1": added, "a2": ten, "a3": nine})
    begin(diff, "src/calc.py")
    for where in (9, 10):
        diff.at(where)
        diff.keys("1do")
        assert text(diff)[8:11] == ["line 9", "from one", "line 10"]
        diff.keys("u")


def test_typing_is_followed_and_kept(inline: Diff) -> None:
    begin(inline, "src/calc.py")
    inline.keys("ggOmine<Esc>7Gocopy<Esc>")
    inline.editor.until_screen("copy", 100, 40)
    inline.editor.until(f"return {HERE}.stops[2].y0 == 6")
    inline.at(6)
    inline.keys("do")
    assert text(inline)[:9] == [
        "mine", "line 1", "line 2", "line 3", "line 4", "LINE 5", "line 6", "copy", "line 7",
    ]  # fmt: skip


def test_it_ends_without_a_trace(inline: Diff) -> None:
    inline.editor.command("nnoremap <Tab> <Cmd>let g:tabbed = 1<CR>")
    inline.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(inline.root / "src/calc.py"))
    inline.editor.command("nnoremap <buffer> do <Cmd>let g:done = 1<CR>")
    before = inline.editor.lua("return vim.api.nvim_buf_get_keymap(0, 'n')")
    begin(inline, "src/calc.py")
    inline.at(12)
    inline.keys("<Tab>")
    assert inline.editor.lua("return vim.g.tabbed") == 1, "away from a place, <Tab> is the user's"
    inline.editor.command("new")
    assert inline.editor.lua("return vim.fn.maparg('dO', 'n')") == ""
    inline.editor.command("close")
    inline.keys("dq")
    assert marks(inline) == 0
    after = inline.editor.lua("return vim.api.nvim_buf_get_keymap(0, 'n')")
    assert [(one["lhs"], one.get("rhs")) for one in after] == [(one["lhs"], one.get("rhs")) for one in before]
    begin(inline, "src/calc.py")
    inline.editor.lua("require('kage.diff').open({ 'inline' })")
    assert marks(inline) == 0 and inline.editor.lua(f"return {HERE} == nil"), "the command again ends it"
    begin(inline, "src/calc.py")
    inline.editor.command("bdelete!")
    assert inline.editor.messages().count("E5108") == 0


def test_other_files(inline: Diff) -> None:
    inline.editor.screen(100, 40)
    inline.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(inline.root / "src/other.py"))
    inline.editor.lua("require('kage.diff').open({ 'inline' })")
    inline.editor.until(f"return {HERE} ~= nil")
    assert "]f shows the first" in inline.editor.messages().replace("\n", " ")
    assert text(inline) == ["nothing"]
    inline.keys("]f")
    inline.editor.until("return vim.fn.bufname():find('calc.py') ~= nil")
    inline.keys("]f")
    inline.editor.until("return vim.fn.bufname():find('gone.py') ~= nil")
    inline.editor.until_screen("deletes the file: 2do takes that", 100, 40)
    inline.keys("]f")
    inline.editor.until("return vim.fn.bufname():find('made.py') ~= nil")
    inline.editor.until_screen("print(2)", 100, 40)
    inline.keys("do")
    assert text(inline) == ["print(1)", "print(2)"]
    inline.editor.command("write")
    assert (inline.root / "src/made.py").read_text() == "print(1)\nprint(2)\n"
    inline.editor.command("edit src/other.py")
    assert marks(inline) == 0
    inline.editor.command("edit src/calc.py")
    inline.editor.until_screen("first of all", 100, 40)


def test_long_hunks_and_narrow_windows(diff: Diff) -> None:
    long = "".join(f"new {n} {'x' * 90}\n" for n in range(200))
    diff.changes(
        calc={"path": "a.txt", "base": "one\ttab\n", "a1": f"one\ttab\n{long}", "a2": "two\ttabs\x01\n"}
    )
    rows = begin(diff, "a.txt", columns=80)
    shown = "\n".join(rows)
    assert "more lines" in shown and "tabs^A" in shown
    assert all(len(row) <= 80 for row in rows)
    first = rows.index(next(row for row in rows if row.startswith("new 0 x")))
    assert rows[first + 1] == "x" * 16, "what does not fit is wrapped as the buffer's lines are"
