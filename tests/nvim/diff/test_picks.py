"""The keys on lines, as typed: what each takes or resets, `.`, counts, and what Vim remembers meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 41))
LINES = BASE.splitlines()
ONE = BASE.replace("line 5\n", "line five\nand a half\n").replace("line 20\n", "twenty\n")
TWO = BASE.replace("line 5\n", "LINE 5\n").replace("line 20\n", "20\n").replace("line 33\n", "")
THREE = "top\n" + BASE.replace("line 30\n", "thirty\n")


@pytest.fixture
def calc(diff: Diff) -> Diff:
    """Three agents' versions of one file, yours in the current window."""
    diff.changes(calc={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": TWO, "a3": THREE})
    diff.open(path="src/calc.py")
    diff.editor.until("return vim.wo[vim.fn.win_getid(3)].diff")
    diff.go(1)
    return diff


def changed(diff: Diff) -> dict[int, str]:
    """The lines of yours that are not the base's, by number."""
    yours = diff.yours()
    assert len(yours) == len(LINES), yours
    return {n: yours[n - 1] for n in range(1, len(yours) + 1) if yours[n - 1] != LINES[n - 1]}


def steps(diff: Diff, *expected: list[str]) -> None:
    """`u` leads back through these texts."""
    for lines in expected:
        diff.keys("u")
        assert diff.yours() == lines


def test_a_dot_repeats_the_key_with_its_agent_at_the_cursor(calc: Diff) -> None:
    calc.at(5)
    calc.keys("2do20G.")
    assert changed(calc) == {5: "LINE 5", 20: "20"}
    calc.keys("5Gdr20G.")
    assert calc.yours() == LINES
    steps(calc, [*LINES[:19], "20", *LINES[20:]])
    calc.keys("<C-r>5G1do21G.")
    assert [calc.yours()[4], calc.yours()[5], calc.yours()[20]] == ["line five", "and a half", "twenty"]
    calc.keys("dRgg3dO")
    assert calc.yours() == THREE.splitlines()
    calc.keys("dR.")
    assert calc.yours() == LINES
    steps(calc, THREE.splitlines(), LINES)


def test_a_dot_repeats_selected_lines(calc: Diff) -> None:
    calc.at(19)
    calc.keys("Vj2do")
    assert changed(calc) == {20: "20"}
    calc.at(4)
    calc.keys(".")
    assert changed(calc) == {5: "LINE 5", 20: "20"}
    calc.keys("uu4Gv2j2do")
    assert changed(calc) == {5: "LINE 5"}
    calc.keys("u4Gl<C-v>2j2do")
    assert changed(calc) == {5: "LINE 5"}
    calc.keys("4GVjdr")
    assert calc.yours() == LINES


def test_the_operator_takes_what_is_in_the_lines_of_a_motion(calc: Diff) -> None:
    calc.at(4)
    calc.keys("2go2j")
    assert changed(calc) == {5: "LINE 5"}
    calc.at(18)
    calc.keys(".")
    assert changed(calc) == {5: "LINE 5", 20: "20"}
    calc.keys("uu5G2gogg")
    assert changed(calc) == {5: "LINE 5"}
    calc.keys("ugg2goG")
    assert calc.yours() == TWO.splitlines()
    steps(calc, LINES)
    calc.keys("5GV2go")
    assert changed(calc) == {5: "LINE 5"}
    calc.keys("u5Ggo<Esc>")
    assert calc.yours() == LINES


def test_the_change_at_the_cursor_is_a_text_object(calc: Diff) -> None:
    calc.at(20)
    calc.keys("2goih5G.")
    assert changed(calc) == {5: "LINE 5", 20: "20"}
    calc.keys("uu")
    calc.go(2)
    calc.at(6)
    calc.keys("yih")
    assert calc.editor.lua("return vim.fn.getreg('\"')") == "line five\nand a half\n"
    calc.at(6)
    calc.keys("vih")
    assert calc.editor.lua("return { vim.fn.mode(), vim.fn.line('v'), vim.fn.line('.') }") == ["V", 5, 6]
    calc.keys("dp")
    assert calc.yours()[4:6] == ["line five", "and a half"]
    calc.go(1)
    calc.at(6)
    calc.keys("yih")
    assert calc.editor.lua("return vim.fn.getreg('\"')") == "line five\nand a half\n", "what was taken"
    calc.keys("10G>ihgoihdah")
    assert calc.yours()[9] == "line 9", "no change there: nothing is done to the line"
    assert len(calc.yours()) == len(LINES) + 1


def test_an_agents_window_gives_and_undoes(calc: Diff) -> None:
    calc.go(2)
    calc.at(5)
    calc.keys("dp")
    assert calc.yours()[4:6] == ["line five", "and a half"]
    calc.at(21)
    calc.keys(".")
    assert calc.yours()[20] == "twenty"
    calc.keys("2dp")
    assert calc.yours()[20] == "20", "a number is an agent's everywhere"
    calc.keys("dr5Gdr")
    assert calc.yours() == LINES
    calc.keys("u")
    assert calc.yours()[4:6] == ["line five", "and a half"]
    calc.keys("<C-r>")
    assert calc.yours() == LINES
    calc.keys("dO")
    assert calc.yours() == ONE.splitlines()
    calc.keys("u5G2goG")
    assert calc.yours() == TWO.splitlines()


def test_plugs_are_the_keys(calc: Diff) -> None:
    def plug(name: str, mode: str = "n") -> None:
        calc.editor.lua(
            "local keys = vim.keycode(...) vim.api.nvim_feedkeys(keys, 'mx', false)",
            {"n": "", "x": "V"}[mode] + f"2<Plug>(kage-{name})",
        )

    for mode in ("n", "x"):
        calc.at(5)
        plug("take", mode)
        assert changed(calc) == {5: "LINE 5"}
        plug("reset", mode)
        assert calc.yours() == LINES
        plug("take-file", mode)
        assert calc.yours() == TWO.splitlines()
        plug("reset-file", mode)
        assert calc.yours() == LINES
    calc.editor.lua(
        "vim.api.nvim_feedkeys(vim.keycode('2<Plug>(kage-take-operator)<Plug>(kage-hunk)'), 'mx', false)"
    )
    assert changed(calc) == {5: "LINE 5"}


def remembered(diff: Diff) -> Any:
    return diff.editor.lua(
        """
        local jumps = vim.fn.getjumplist()
        return {
          registers = vim.tbl_map(vim.fn.getreg, { '"', "0", "1", "-", "/", ":" }),
          jumps = vim.tbl_map(function(jump) return jump.lnum end, jumps[1]),
          view = vim.fn.winsaveview(),
          searched = vim.v.searchforward,
          highlighted = vim.v.hlsearch,
        }
        """
    )


def test_what_vim_remembers(calc: Diff) -> None:
    calc.keys(":set hlsearch<CR>/line 1<CR>yy:nohlsearch<CR>15G5G")
    before = remembered(calc)
    calc.keys("2do")
    assert remembered(calc) == before
    assert calc.editor.lua('return { vim.fn.line("\'["), vim.fn.line("\']") }') == [5, 5]
    calc.keys("u1do")
    assert remembered(calc) == {**before, "jumps": [1, 11, 16]}, "the lines below moved down"
    assert calc.editor.lua('return { vim.fn.line("\'["), vim.fn.line("\']") }') == [5, 6]
    calc.keys("dr2dO.dR")
    assert remembered(calc)["registers"][:5] == before["registers"][:5]
    assert remembered(calc)["jumps"] == before["jumps"]


def test_keys_of_the_user_come_back_in_every_mode(calc: Diff) -> None:
    calc.keys("gt")
    calc.editor.lua(
        """
        vim.cmd.edit("src/calc.py")
        vim.o.operatorfunc = "v:lua.mine"
        hit = {}
        local all = { n = { "do", "dO", "dr", "dR", "go" }, o = { "ih", "ah" }, x = { "ih", "go" } }
        for mode, keys in pairs(all) do
          for _, key in ipairs(keys) do
            vim.keymap.set(mode, key, function() hit[#hit + 1] = mode .. key end, { buffer = 0 })
          end
        end
        """
    )
    calc.keys("gT")
    calc.at(5)
    calc.keys("2dodr2goihdrvih<Esc>")
    calc.keys("gt")
    calc.keys("dodOdrdRgoyihyahvihgo<Esc>")
    assert calc.editor.lua("return hit") == [
        *("ndo", "ndO", "ndr", "ndR", "ngo"),
        *("oih", "oah", "xih", "xgo"),
    ]
    assert calc.editor.lua("return vim.fn.maparg('<Plug>(kage-hunk)', 'o')") == ""
    calc.keys("<Esc>.")
    calc.keys("gT")
    calc.go(0)
    calc.keys("q")
    calc.editor.until("return #vim.api.nvim_list_tabpages() == 1")
    assert calc.editor.lua("return vim.o.operatorfunc") == "v:lua.mine"
