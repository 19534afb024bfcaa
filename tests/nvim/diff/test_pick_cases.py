"""The cases in which Vim's own diffget destroys text or surprises: each in a real Neovim."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.nvim.diff.conftest import Diff

LINES = [f"line {n}" for n in range(1, 31)]
BASE = "\n".join(LINES) + "\n"


def changed(*edits: tuple[int, str]) -> str:
    """The base with lines replaced (by several, or by none) at their numbers."""
    lines = dict(enumerate(LINES, 1)) | dict(edits)
    return "".join(f"{text}\n" for text in lines.values() if text)


def ready(diff: Diff, path: str = "src/text.txt") -> Diff:
    diff.open(path=path)
    diff.editor.until("return vim.wo[vim.fn.win_getid(3)].diff")
    diff.go(1)
    return diff


def test_overlapping_and_adjacent_hunks_under_linematch(diff: Diff) -> None:
    diff.editor.command("set diffopt=internal,filler,closeoff,linematch:60")
    one = changed((10, "ten of one"), (11, "eleven of one"), (20, "twenty of one"))
    two = changed((11, "eleven of two"), (12, "twelve of two"), (21, "twenty-one of two"))
    three = changed((12, "twelve of three\nand more"), (19, ""), (22, "twenty-two of three"))
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": one, "a2": two, "a3": three})
    ready(diff)
    for agents in permutations((1, 2, 3)):
        for agent in agents:
            diff.editor.lua("vim.fn.search('^line 1$', 'w')")
            diff.editor.lua("vim.fn.search('20', 'w')")
            row = diff.editor.lua("return vim.fn.search(..., 'nw')", "line 20\\|twenty of one")
            diff.at(row + {1: 0, 2: 1, 3: 2}[agent])
            diff.keys(f"{agent}do")
        expected = [*LINES[:19], "twenty of one", "twenty-one of two", "twenty-two of three", *LINES[22:]]
        assert diff.yours() == expected, agents
        diff.at(11)
        diff.keys("1do2do")
        assert diff.yours()[10:13] == ["eleven of two", "twelve of two", "line 13"]
        diff.keys("dR")
        assert diff.yours() == LINES


@pytest.mark.parametrize("typed", [9, 10, 11])
def test_a_pick_beside_a_later_edit(diff: Diff, typed: int) -> None:
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten"), (20, "twenty"))})
    ready(diff)
    diff.at(20)
    diff.keys("do")
    diff.at(typed)
    diff.keys("Omine<Esc>")
    diff.at(10 if typed > 10 else 11)
    diff.keys("do")
    expected = [*LINES[:9], "ten", *LINES[10:19], "twenty", *LINES[20:]]
    expected.insert(typed - 1, "mine")
    assert diff.yours() == expected
    diff.keys("dr")
    expected[expected.index("ten")] = "line 10"
    assert diff.yours() == expected, "a reset leaves what was typed beside it"


@pytest.mark.parametrize(
    ("base", "agent", "written"),
    [
        (b"one\r\ntwo\r\nthree\r\n", b"one\r\nTWO\r\nthree\r\n", b"one\r\nTWO\r\nthree\r\n"),
        (b"one\ntwo", b"ONE\ntwo", b"ONE\ntwo"),
        ("eins\ndrü\n".encode("latin-1"), "zwö\ndrü\n".encode("latin-1"), "zwö\ndrü\n".encode("latin-1")),
        (b"one\ntwo\r\nthree\n", b"one\nTWO\r\nthree\n", b"one\nTWO\r\nthree\n"),
    ],
)
def test_bytes_written_are_the_agents(diff: Diff, base: bytes, agent: bytes, written: bytes) -> None:
    diff.editor.command("set nofixeol")
    diff.changes(text={"path": "src/text.txt", "base": base, "a1": agent})
    ready(diff)
    diff.keys("dO:write<CR>")
    assert (diff.root / "src/text.txt").read_bytes() == written
    diff.keys("u:write<CR>")
    assert (diff.root / "src/text.txt").read_bytes() == base
    diff.keys("<C-r>dR:write<CR>")
    assert (diff.root / "src/text.txt").read_bytes() == base


def test_a_formatter_that_runs_before_each_write(diff: Diff) -> None:
    diff.editor.command("autocmd BufWritePre *.txt silent! keepjumps %s/\\s\\+$//e")
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten  "), (20, "twenty"))})
    ready(diff)
    diff.at(10)
    diff.keys("do:write<CR>20Gdo")
    assert diff.yours() == [*LINES[:9], "ten", *LINES[10:19], "twenty", *LINES[20:]]
    diff.keys("10Gdr")
    assert diff.yours() == [*LINES[:19], "twenty", *LINES[20:]]


def test_a_pick_of_a_timer_amid_typing(diff: Diff) -> None:
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten\nmore"))})
    ready(diff)
    diff.at(10)
    diff.keys("A typed")
    diff.editor.lua("vim.fn.timer_start(1, function() vim.cmd('normal dr') vim.cmd('normal do') end)")
    diff.editor.until("return vim.fn.getline(11) == 'more'")
    assert diff.editor.lua("return vim.fn.mode()") == "i"
    diff.keys("<Esc>")
    assert diff.yours()[9:11] == ["ten", "more"]
    diff.keys("uu")
    assert diff.yours()[9] == "line 10 typed"
    diff.keys("u")
    assert diff.yours() == LINES


def test_a_file_changed_on_disk_meanwhile(diff: Diff) -> None:
    diff.editor.command("set autoread")
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten"), (20, "twenty"))})
    ready(diff)
    diff.at(10)
    diff.keys("do:write<CR>")
    path = diff.root / "src/text.txt"
    path.write_text("outside\n" + path.read_text())
    diff.editor.command("checktime")
    assert diff.yours()[:2] == ["outside", "line 1"]
    diff.at(11)
    diff.keys("do")
    assert "no change" in diff.editor.messages()
    diff.at(21)
    diff.keys("do")
    assert diff.yours() == ["outside", *LINES[:9], "ten", *LINES[10:19], "twenty", *LINES[20:]]


def test_edits_in_another_window_and_tab(diff: Diff) -> None:
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten"), (20, "twenty"))})
    ready(diff)
    diff.keys(":tabnew src/text.txt<CR>5dd:split<CR>O<Esc>gT")
    diff.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(3), 1)[1] == ''")
    diff.go(2)
    diff.at(diff.windows()[2]["lines"].index("ten") + 1)
    diff.keys("dp")
    expected = [*LINES[5:]]
    expected[expected.index("line 10")] = "ten"
    assert diff.yours() == ["", *expected]
    diff.keys(".")
    assert diff.yours() == ["", *expected]


@pytest.mark.parametrize("method", ["manual", "expr", "diff", "indent"])
def test_folds_and_scrolling(diff: Diff, method: str) -> None:
    diff.changes(text={"path": "src/text.txt", "base": BASE, "a1": changed((10, "ten\nmore"), (25, "25"))})
    ready(diff)
    diff.editor.command(f"windo setlocal foldmethod={method} foldexpr=v:lnum>14&&v:lnum<21")
    diff.go(1)
    if method == "manual":
        diff.keys("zE:15,20fold<CR>")
    if method in ("manual", "expr"):
        diff.keys(":normal! zM<CR>")
        assert diff.editor.lua("return vim.fn.foldclosedend(15)") == 20
    diff.keys("gg]cdo")
    assert diff.yours()[9:11] == ["ten", "more"]
    if method == "manual":
        assert diff.editor.lua("return { vim.fn.foldclosed(16), vim.fn.foldclosedend(16) }") == [16, 21]
    diff.keys(":diffupdate<CR>gg]c")
    assert diff.editor.lua("return vim.fn.line('.')") == 26
    diff.keys("26G.")
    assert diff.editor.lua("return vim.wo.scrollbind") is True
    assert diff.yours()[25] == "25"
    diff.keys("gg]c")
    assert diff.editor.lua("return vim.fn.line('.')") == 1, "nothing differs any more"


def test_language_servers_see_the_users_file_only(diff: Diff) -> None:
    diff.editor.lua(
        """
        attached = {}
        vim.api.nvim_create_autocmd("FileType", { callback = function(args)
          attached[#attached + 1] = vim.api.nvim_buf_get_name(args.buf)
        end })
        """
    )
    diff.changes(text={"path": "src/text.lua", "base": BASE, "a1": changed((10, "ten")), "a2": "x\n"})
    ready(diff, "src/text.lua")
    diff.keys("ggdO2dOdR]a[a")
    assert {name.rsplit("/", 1)[-1] for name in diff.editor.lua("return attached")} <= {"text.lua"}
    assert not [name for name in diff.editor.lua("return attached") if name.startswith("kage:")]
