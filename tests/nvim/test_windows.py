"""Kage's windows leave the user's as they were: their options, their heights, the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent, run

INIT = """
  vim.o.number, vim.o.relativenumber, vim.o.list, vim.o.spell = true, true, true, true
  vim.o.signcolumn, vim.o.foldcolumn, vim.o.colorcolumn, vim.o.cursorline = "yes", "1", "80", false
  vim.o.wrap, vim.o.linebreak, vim.o.breakindent, vim.o.foldenable = true, false, false, true
  _G.options = { "number", "relativenumber", "list", "spell", "signcolumn", "foldcolumn", "colorcolumn",
    "cursorline", "wrap", "linebreak", "breakindent", "breakindentopt", "foldenable", "winfixheight",
    "winhighlight", "winfixbuf", "statuscolumn" }
  function _G.see(scope)
    local seen = {}
    for _, name in ipairs(_G.options) do
      seen[name] = vim.api.nvim_get_option_value(name, { scope = scope })
    end
    return seen
  end
"""
OPENERS = {
    "dashboard": ("Kage", "kage://dashboard", "q"),
    "help of the dashboard": ("execute 'Kage' | normal g?", "", "q"),
    "log": ("Kage log 1", "kage://r1/log/1", "q"),
    "prompt": ("KageSpawn", "kage://prompt", "<Esc>q"),
}


@pytest.fixture
def nvim(start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path) -> Editor:
    """A user with options of their own, a file, and a run."""
    for name in ("one", "two", "three"):
        (repository / name).write_text(f"{name}\n")
    kaged.answers["log"] = lambda _: {"events": [{"kind": "text", "text": "hello"}], "next": 1}
    kaged.runs = [run(agent(1), agent(2))]
    editor = start_nvim(init=INIT, args=["calc.py"])
    editor.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    editor.until("return require('kage.state').run() ~= nil")
    editor.screen(100, 30)
    return editor


@pytest.mark.parametrize("what", OPENERS)
@pytest.mark.parametrize("close", [True, False])
def test_options_stay_in_kages_windows(nvim: Editor, what: str, close: bool) -> None:
    users, everywhere = nvim.lua("return _G.see('local')"), nvim.lua("return _G.see('global')")
    command, name, quit_keys = OPENERS[what]
    nvim.command(command)
    nvim.until("local name = vim.api.nvim_buf_get_name(0) return name == ...", name)
    if close:
        nvim.keys(quit_keys)
        nvim.until("return vim.api.nvim_buf_get_name(0) ~= ...", name)
    nvim.keys("<Esc>")
    nvim.until("return vim.api.nvim_get_mode().mode == 'n'")
    assert nvim.lua("return _G.see('global')") == everywhere
    for opener, file in (("tabnew", "one"), ("split", "two"), ("vnew", "three")):
        nvim.command(f"{opener} {file}")
        assert nvim.lua("return _G.see('local')") == users, opener
        assert nvim.lua("return _G.see('global')") == everywhere, opener
        nvim.command("close")


def test_a_notice_leaves_no_option_behind(nvim: Editor) -> None:
    everywhere = nvim.lua("return _G.see('global')")
    nvim.lua("require('kage.notify').error({ message = 'one', fix = 'two' })")
    nvim.until_screen("│two")
    assert nvim.lua("return _G.see('global')") == everywhere


def heights(nvim: Editor) -> dict[str, int]:
    """Rows of each window of this tab by its file's name, and of the command line."""
    found: dict[str, Any] = nvim.lua(
        """local found = { cmdheight = vim.o.cmdheight }
        for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
          local name = vim.fs.basename(vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window)))
          found[name] = vim.api.nvim_win_get_height(window)
        end
        return found"""
    )
    return found


def test_a_dashboard_alone_leaves_the_command_line_alone(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.command("Kage")
    nvim.command("only")
    nvim.until("return not vim.wo.winfixheight")
    kaged.push([run(agent(1), id="r2"), *kaged.runs])
    nvim.until_screen("run r2")
    assert heights(nvim) == {"dashboard": 28, "cmdheight": 1}
    nvim.command("vsplit calc.py")
    kaged.push([run(agent(1), id="r3"), *kaged.runs])
    nvim.until_screen("run r3")
    assert heights(nvim) == {"dashboard": 28, "calc.py": 28, "cmdheight": 1}


def test_the_screen_may_shrink_and_grow_under_a_dashboard(nvim: Editor) -> None:
    nvim.screen(100, 60)
    nvim.command("Kage")
    nvim.until_screen("run r1", 100, 60)
    nvim.command("resize 36")
    for rows in (20, 60, 12, 30):
        nvim.screen(100, rows)
        nvim.lua("vim.cmd.Kage()")
        nvim.screen(100, rows)
        seen = heights(nvim)
        assert seen["cmdheight"] == 1
        assert seen["dashboard"] <= max(5, int(rows * 0.6))
        assert seen["calc.py"] >= 2
    nvim.command("only")
    nvim.screen(100, 50)
    nvim.screen(100, 20)
    assert heights(nvim) == {"dashboard": 18, "cmdheight": 1}


@pytest.mark.parametrize("known", [True, False])
def test_a_log_that_is_not_there_leaves_no_window(nvim: Editor, kaged: FakeDaemon, known: bool) -> None:
    def refuse(_: object) -> None:
        raise KageError("no such agent here", fix="See :Kage status.", code="unknown_agent")

    kaged.answers["log"] = refuse
    if not known:
        nvim.lua("require('kage.state').reset()")
    nvim.command("Kage log 99")
    nvim.until("return vim.fn.execute('messages'):find('no such agent here', 1, true)")
    assert nvim.lua("return vim.fn.winlayout()[1]") == "leaf"
    assert nvim.lua("return vim.fn.bufname()") == "calc.py"


def test_a_notice_stays_where_the_command_line_has_no_row(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.lua("vim.o.cmdheight, vim.o.laststatus = 0, 3")
    nvim.lua("require('kage.notify').info('3 agents run')")
    nvim.until_screen("│3 agents run│")
    kaged.push([run(agent(1, "done"), agent(2))])
    nvim.until("return require('kage.state').agent(1).state == 'done'")
    assert any("│3 agents run│" in row for row in nvim.screen())
    assert nvim.lua("return vim.api.nvim_get_mode().blocking") is False
    assert "Kage: 3 agents run" in nvim.messages()
