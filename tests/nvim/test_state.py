"""Pushes become state, events and a statusline."""

from __future__ import annotations

from typing import Any

import pytest

from kage_nvim.model import State
from tests.nvim.editor import CHECKOUT, Editor, lua_string
from tests.nvim.kaged import agent, run

EVENTS = """
  _G.events = {}
  vim.api.nvim_create_autocmd("User", {
    pattern = "Kage*",
    callback = function(e) table.insert(_G.events, { e.match, e.data.run, e.data.agent }) end,
  })
"""


def push(nvim: Editor, seq: int, *runs: dict[str, Any], epoch: int = 1, repository: str = "/r") -> list[Any]:
    """Push, and return the events that it fired."""
    update = {"epoch": epoch, "seq": seq, "repository": repository, "runs": list(runs)}
    return list(
        nvim.lua(
            """_G.events = {}
            require("kage.host").on_messages({ { push = "update", params = ... } })
            return _G.events""",
            update,
        )
    )


@pytest.fixture
def watched(nvim: Editor) -> Editor:
    nvim.lua(EVENTS)
    return nvim


def test_events_follow_transitions_and_not_the_first_push(watched: Editor) -> None:
    nvim = watched
    assert push(nvim, 1, run(agent(1, "done"), agent(2))) == [["KageUpdate", "r1"]]
    assert push(nvim, 2, run(agent(1, "done"), agent(2, "waiting"))) == [
        ["KageUpdate", "r1"],
        ["KageAgentWaiting", "r1", 2],
    ]
    assert push(nvim, 3, run(agent(1, "done"), agent(2, "failed"))) == [
        ["KageUpdate", "r1"],
        ["KageAgentDone", "r1", 2],
        ["KageRunDone", "r1"],
    ]
    assert push(nvim, 4, run(agent(1, "done"), agent(2, "failed"))) == []


def test_a_run_too_quick_to_be_seen_working_is_still_announced(watched: Editor) -> None:
    push(watched, 1)
    names = [event[0] for event in push(watched, 2, run(agent(1, "done")))]
    assert names == ["KageUpdate", "KageAgentDone", "KageRunDone"]


def test_stale_pushes_are_dropped(watched: Editor) -> None:
    push(watched, 5, run(agent(1, activity="new")))
    assert push(watched, 5, run(agent(1, activity="same number"))) == []
    assert push(watched, 4, run(agent(1, activity="old"))) == []
    assert push(watched, 9, run(agent(1, activity="older life")), epoch=0) == []
    assert watched.lua("return require('kage.state').agent(1).activity") == "new"


def test_a_new_epoch_starts_the_numbers_afresh(watched: Editor) -> None:
    push(watched, 50, run(agent(1)))
    events = push(watched, 1, run(agent(1, "done")), run(agent(1, "done"), id="r0"), epoch=2)
    assert events == [["KageUpdate", "r1"], ["KageAgentDone", "r1", 1], ["KageRunDone", "r1"]]


def test_another_repository_starts_afresh(watched: Editor) -> None:
    push(watched, 50, run(agent(1)))
    assert push(watched, 1, run(agent(1, "done"), id="x"), repository="/other") == [["KageUpdate", "x"]]
    assert watched.lua("return require('kage.state').run().id") == "x"


def test_null_is_absent(nvim: Editor) -> None:
    push(nvim, 1, run(agent(1, cost_usd=None)))
    assert nvim.lua("return require('kage.state').agent(1).cost_usd == nil") is True


def status(nvim: Editor) -> str:
    """The statusline as it is drawn."""
    code = "return vim.api.nvim_eval_statusline([[%{%v:lua.require'kage.statusline'.get()%}]], {}).str"
    return str(nvim.lua(code))


def test_statusline_says_what_each_does_and_what_it_costs(nvim: Editor) -> None:
    assert status(nvim) == ""
    push(nvim, 1, run(agent(1, activity="edit calc.py", cost_usd=0.02)))
    assert status(nvim) == "1● edit calc.py $0.02"
    push(nvim, 2, run(agent(1, activity="edit calc.py", cost_usd=0.02), agent(2, "done", cost_usd=0.1)))
    assert status(nvim) == "1● edit calc.py 2✓ $0.12"
    assert nvim.lua("return vim.g.kage_status") == "1● edit calc.py 2✓ $0.12"


def test_unpriced_is_not_zero(nvim: Editor) -> None:
    push(nvim, 1, run(agent(1, "done", cost_usd=None)))
    assert status(nvim) == "1✓ $?"
    push(nvim, 2, run(agent(1, "done", cost_usd=None), agent(2, "done", cost_usd=0.5)))
    assert status(nvim) == "1✓ 2✓ $0.50+"


def test_statusline_stays_within_its_columns(nvim: Editor) -> None:
    states = ["working", "waiting", "done", "failed", "stopped", "unknown", "starting", "checking"]
    wide = "読む 編集 ファイル very long activity that goes on and on"
    for count in range(1, 51):
        agents = [agent(n + 1, states[n % 8], activity=wide, cost_usd=1234.567) for n in range(count)]
        push(nvim, count, run(*agents))
        text = status(nvim)
        assert 0 < nvim.lua("return vim.api.nvim_strwidth(...)", text) <= 40
        assert "$" in text


def test_statusline_never_executes_an_agents_words(nvim: Editor) -> None:
    nasty = "50%{execute('let g:pwned=1')}%#Error#\x1b]0;title\x07\nnext\x9b31m"
    nvim.lua("require('kage.config').setup({ statusline = { width = 200 } })")
    push(nvim, 1, run(agent(1, activity=nasty)))
    nvim.lua("vim.o.statusline = \"%{%v:lua.require'kage.statusline'.get()%} %{%g:kage_status%}\"")
    nvim.lua("vim.o.titlestring = \"%{%v:lua.require'kage.statusline'.get()%}\" vim.o.title = true")
    screen = nvim.screen(180, 20)
    text = status(nvim)
    assert nvim.lua("return vim.g.pwned") is None
    assert "50%{execute('let g:pwned=1')}%#Error# ]0;title next" in text
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text + nvim.lua("return vim.g.kage_status"))
    assert any("50%{execute" in row for row in screen)


def test_drawing_the_statusline_makes_no_call(nvim: Editor) -> None:
    push(nvim, 1, run(agent(1, activity="edit")))
    calls = nvim.lua(
        """local get = require("kage.statusline").get
        local calls = {}
        debug.sethook(function()
          local info = debug.getinfo(2, "S")
          if info.what == "C" then table.insert(calls, debug.getinfo(2, "n").name or "?") end
        end, "c")
        get()
        debug.sethook()
        return calls"""
    )
    assert set(calls) <= {"sethook"}
    seconds = nvim.lua(
        """local get, clock = require("kage.statusline").get, vim.uv.hrtime
        local began = clock()
        for _ = 1, 100000 do get() end
        return (clock() - began) / 1e9 / 100000"""
    )
    assert seconds < 5e-6


def test_the_screen_follows_a_push(nvim: Editor) -> None:
    nvim.lua("vim.o.laststatus = 2 vim.o.statusline = \"[%{%v:lua.require'kage.statusline'.get()%}]\"")
    push(nvim, 1, run(agent(1, activity="reads")))
    assert any("[1● reads <$0.01]" in row or "[1● reads $0.00]" in row for row in nvim.screen())


def test_lualine_shows_it_escaped(nvim: Editor) -> None:
    nvim.lua("package.loaded['lualine.component'] = { extend = function() return {} end }")
    push(nvim, 1, run(agent(1, activity="50% there", cost_usd=1.0)))
    code = f"return dofile({lua_string(str(CHECKOUT / 'lua/lualine/components/kage.lua'))}):update_status()"
    assert nvim.lua(code) == "1● 50%% there $1.00"


def test_every_state_has_a_highlight(nvim: Editor) -> None:
    for state in State:
        code = "return vim.api.nvim_get_hl(0, { name = require('kage.highlight').of(...) }).link ~= nil"
        assert nvim.lua(code, state.value)
    nvim.command("colorscheme default")
    assert nvim.lua("return vim.api.nvim_get_hl(0, { name = 'KageDone' }).link") == "DiagnosticOk"


def test_a_warning_is_said_once_for_all_agents_of_a_run(nvim: Editor) -> None:
    nvim.lua("_G.said = {} vim.notify = function(text) table.insert(_G.said, text) end")
    warning = "run_usd: 83 % of $1.50 spent"
    push(nvim, 1, run(agent(1), agent(2)))
    push(nvim, 2, run(agent(1, warning=warning), agent(2)))
    push(nvim, 3, run(agent(1, warning=warning), agent(2, warning=warning)))
    push(nvim, 4, run(agent(1, warning=""), agent(2, "stopped", warning="run_usd: no room for another call")))
    assert nvim.lua("return _G.said") == [
        f"agent 1: {warning}",
        "agent 2: run_usd: no room for another call",
    ]
