"""While agents work: who looks is told once, and each layout shows what came meanwhile."""

from __future__ import annotations

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
WORKING = """
    local run = vim.deepcopy(require("kage.state").run())
    run.agents[1].state, run.agents[3].state = "working", "working"
    require("kage.state").push({ epoch = 1, seq = 5, repository = run.repository, runs = { run } })
"""
WRITTEN = """
    local seq, agent, text = ...
    kaged.changes["calc.txt"].agents[tostring(agent)] = { text = text }
    kaged.update(seq, { { number = agent, kind = "agent", commit = "c" .. seq, live = true } })
"""


def looks(diff: Diff) -> list[bool]:
    """What kaged was told of looking."""
    return list(
        diff.editor.lua(
            """
            local found = {}
            for _, request in ipairs(kaged.requests) do
              if request.method == "look" then found[#found + 1] = request.params.on end
            end
            return found
            """
        )
    )


@pytest.fixture
def calc(diff: Diff) -> Diff:
    one = BASE.replace("line 5\n", "five\n")
    diff.changes(calc={"path": "calc.txt", "base": BASE, "a1": one, "a2": BASE + "end\n"})
    diff.editor.lua(WORKING)
    diff.editor.lua("vim.cmd.edit(...)", str(diff.root / "calc.txt"))
    diff.editor.screen(160, 30)
    return diff


def test_kaged_is_told_while_anything_looks(calc: Diff) -> None:
    calc.editor.lua("require('kage.diff').open({ 'inline' })")
    calc.editor.until("return vim.fn.maparg('do', 'n') ~= ''")
    assert looks(calc) == [True]
    calc.open(1, 2, path="calc.txt")
    calc.editor.until("return vim.fn.bufname('kage://k7/base/calc.txt') ~= ''")
    calc.editor.lua("vim.wait(30)")
    assert looks(calc) == [True, False, True], "one takes the place of the other"
    calc.editor.command("tabclose")
    calc.editor.lua("vim.wait(30)")
    assert looks(calc) == [True, False, True, False]


def test_inline_shows_what_was_written_since(calc: Diff) -> None:
    calc.editor.lua("kaged.changes['calc.txt'].agents = {}")
    calc.editor.lua("require('kage.diff').open({ 'inline' })")
    calc.editor.until("return vim.fn.execute('messages'):find('no changes yet') ~= nil")
    calc.editor.lua(WRITTEN, 6, 1, BASE.replace("line 9\n", "nine\n"))
    calc.editor.until("return vim.fn.maparg('do', 'n') ~= ''")
    calc.keys("9Gdo")
    assert calc.editor.lines()[8] == "nine"
    calc.editor.lua(WRITTEN, 7, 1, BASE.replace("line 9\n", "nine\n").replace("line 20\n", "twenty\n"))
    calc.editor.until(
        "return table.concat(vim.fn.getline(1, '$')):find('nine') and #require('kage.diff.inline')"
        ".of(vim.api.nvim_get_current_win()).stops == 1"
    )
    calc.keys("20Gdo")
    assert calc.editor.lines()[19] == "twenty"


def test_two_agents_follow_what_they_write(calc: Diff) -> None:
    calc.editor.lua("require('kage.diff').open({ 1, 3 })")
    calc.editor.until("return #vim.api.nvim_list_tabpages() == 2 and vim.fn.winnr('$') >= 2")
    calc.shown()
    names = [window["name"] for window in calc.windows()]
    assert not any("/3/" in name for name in names), "agent 3 has nothing yet; agent 1 is shown"
    calc.editor.lua(WRITTEN, 6, 3, BASE.replace("line 9\n", "nine\n"))
    calc.editor.until("return vim.fn.bufname('kage://k7/3/calc.txt') ~= ''")
    calc.editor.command("tabclose")
    calc.editor.lua("require('kage.diff').open({ 1, 3 })")
    calc.editor.until("return vim.fn.bufname('kage://k7/base/calc.txt') ~= ''")
    calc.shown()
    assert looks(calc)[-1] is True
    calc.editor.lua(WRITTEN, 7, 3, BASE.replace("line 9\n", "nine again\n"))
    calc.editor.until("return vim.fn.getbufline('kage://k7/3/calc.txt', 9)[1] == 'nine again'")
    assert calc.editor.messages().count("rror") == 0
