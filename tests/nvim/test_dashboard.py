"""The conductor's desk and the live log, on a real screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent, run

LOG = [
    {"t": 1.0, "kind": "task", "text": "make it faster"},
    {"t": 2.0, "kind": "text", "text": "I look at it.\n    indented\x1b[31m"},
    {"t": 3.0, "kind": "tool", "id": "1", "name": "shell", "args": {"command": "pytest -q\nmore"}},
    {
        "t": 4.0,
        "kind": "result",
        "id": "1",
        "name": "shell",
        "ok": True,
        "text": "…",
        "lines": 12,
        "seconds": 0.3,
    },
    {"t": 5.0, "kind": "usage", "tokens_in": 1, "tokens_cached": 0, "tokens_out": 1, "cost_usd": 0.0},
    {
        "t": 6.0,
        "kind": "result",
        "id": "2",
        "name": "shell",
        "ok": False,
        "text": "a\nexit code 1",
        "seconds": 0.0,
    },
    {"t": 7.0, "kind": "steer", "text": "use a cache"},
    {"t": 8.0, "kind": "state", "state": "done", "reason": "finished", "activity": "", "turn": 1},
    {"t": 9.0, "kind": "summary", "text": "It is faster."},
]
SHOWN = [
    "# make it faster",
    "I look at it.",
    "    indented [31m",
    "▸ shell pytest -q",
    "  ✓ 12 lines, 0.3 s",
    "  ✗ exit code 1",
    "» use a cache",
    "· done: finished",
    "= It is faster.",
]


class Logs:
    """Logs of agents as kaged serves them: an event is a byte."""

    def __init__(self) -> None:
        self.events: dict[int, list[dict[str, Any]]] = {}

    def answer(self, params: dict[str, Any]) -> dict[str, Any]:
        events = self.events.get(params["agent"], [])
        after = params["after"]
        found = events[-params["limit"] :] if after < 0 else events[after:]
        return {"events": found, "next": len(events)}


@pytest.fixture
def logs(kaged: FakeDaemon) -> Logs:
    served = Logs()
    kaged.answers["log"] = served.answer
    return served


@pytest.fixture
def desk(nvim: Editor, kaged: FakeDaemon, logs: Logs) -> Editor:
    """An open dashboard of two runs."""
    now = time.time()
    kaged.runs = [
        run(
            agent(1, activity="edit calc.py", cost_usd=0.02, tokens_in=12_000, started=now - 65),
            agent(
                2, "done", player="claude", role="tester", reason="finished", started=now - 99, ended=now - 9
            ),
            agent(3, "failed", reason="the model\x1b]0;x\x07answered 401", cost_usd=None),
            task="make it faster\nand smaller",
        ),
        run(agent(1, "done", cost_usd=1.5), id="r0", task="an older one"),
    ]
    logs.events = {1: LOG, 2: [{"t": 1.0, "kind": "text", "text": "all tests pass"}]}
    nvim.screen(100, 30)
    nvim.keys(":Kage<CR>")
    nvim.until_screen("edit calc.py")
    return nvim


def test_it_shows_agents_and_the_log_under_the_cursor(desk: Editor) -> None:
    screen = desk.until_screen("= It is faster.")
    text = "\n".join(screen)
    assert "make it faster and smaller" in text
    assert "run r1 (1 of 2) · base bbbbbbbb · $0.02+ · g? help" in text
    (first,) = [row for row in screen if row.startswith("  1 ")]
    assert first.startswith("  1 ● working     edit calc.py")
    assert "$0.02" in first
    assert "12k" in first
    assert "1:0" in first
    (second,) = [row for row in screen if row.startswith("  2 ")]
    assert "✓ done" in second
    assert "claude+tester" in second
    assert "1:30" in second
    (third,) = [row for row in screen if row.startswith("  3 ")]
    assert "the model ]0;x answered 401" in third
    assert "$?" in third
    assert [row for row in screen if row in SHOWN] == SHOWN[-6:]
    desk.keys("j")
    desk.until_screen("all tests pass")
    desk.until_screen("── log of agent 2 ─")


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_it_fits_the_width(desk: Editor, columns: int) -> None:
    screen = desk.screen(columns, 24)
    (first,) = [row for row in screen if row.startswith("  1 ")]
    assert "edit calc.py" in first
    assert "$0.02" in first
    for row in desk.lines(desk.lua("return vim.fn.bufnr('kage://dashboard')")):
        assert desk.lua("return vim.api.nvim_strwidth(...)", row) <= columns


def test_pushes_redraw_it(desk: Editor, kaged: FakeDaemon, logs: Logs) -> None:
    logs.events[1] = [*LOG, {"t": 10.0, "kind": "text", "text": "one more thing"}]
    kaged.push([run(agent(1, "waiting", reason="keys", activity="thinking"), agent(2))])
    desk.until_screen("◔ waiting     keys")
    desk.until_screen("one more thing")


def made(number: int, **more: Any) -> dict[str, Any]:
    """A candidate as kaged sends it."""
    base = {"number": number, "kind": "agent", "agent": number, "commit": "c", "files": 1, "added": 2}
    return {**base, "removed": 1, "checks": {}, "checked": "", "green": None, "weakened": [], **more}


def test_checks_are_seen_as_they_run_with_what_came_of_it(desk: Editor, kaged: FakeDaemon) -> None:
    running = made(1, checks={"test": "running"}, checked="3/14 ✓")
    kaged.push([run(agent(1, "checking"), candidates=[running])])
    desk.until_screen("  1 ◐ checking    ◐ 3/14")
    failed = made(1, checks={"test": "fail"}, checked="12/14 ✓, 1 new failure", green=False)
    weak = made(2, checks={"test": "pass"}, checked="14/14 ✓, tests weakened", green=False)
    weak["weakened"] = ["test_add is skipped\x1b[31m", "test_sub is gone"]
    composed = made(3, kind="composed", agent=None, checks={"test": "pass"}, checked="14/14 ✓", green=True)
    composed["note"] = "of 1 and 2"
    agents = [agent(1, "done", reason="finished"), agent(2, "done", reason="finished")]
    kaged.push(
        [
            run(
                *agents,
                candidates=[failed, weak, composed],
                winner=3,
                verdict="candidate 3 leads",
                saved="race saved $0.31",
                strategy="race",
            )
        ]
    )
    screen = desk.until_screen(" ★3 + composed    ✓ 14/14 · +2 -1 · of 1 and 2")
    text = "\n".join(screen)
    assert "  1 ✓ done        ✗ 12/14, 1 new failure · finished" in text
    assert "      tests weakened: test_add is skipped [31m; test_sub is gone" in text
    assert "candidate 3 leads" in text and "race saved $0.31" in text and " · race · " in text
    desk.keys("G?composed<CR>d")
    until(lambda: kaged.asked("diff"), what="the composed candidate is compared")
    assert kaged.asked("diff")[0]["agents"] == [3]
    for columns in (60, 80):
        desk.screen(columns, 24)
        for row in desk.lines(desk.lua("return vim.fn.bufnr('kage://dashboard')")):
            assert desk.lua("return vim.api.nvim_strwidth(...)", row) <= columns


def test_many_pushes_ask_for_few_logs(desk: Editor, kaged: FakeDaemon) -> None:
    desk.until_screen("= It is faster.")
    before = len(kaged.asked("log"))
    for i in range(50):
        kaged.push([run(agent(1, activity=f"step {i}"))])
    desk.until_screen("step 49")
    assert len(kaged.asked("log")) - before <= 51


def test_a_closed_dashboard_asks_for_nothing(desk: Editor, kaged: FakeDaemon) -> None:
    desk.until_screen("= It is faster.")
    desk.keys("q")
    desk.until("return vim.fn.bufnr('kage://dashboard') == -1")
    before = len(kaged.asked("log"))
    kaged.push([run(agent(1, activity="unseen"))])
    desk.until("return require('kage.state').agent(1).activity == 'unseen'")
    assert len(kaged.asked("log")) == before
    desk.keys(":Kage<CR>")
    desk.until_screen("unseen")


@pytest.mark.parametrize(
    ("keys", "method", "params"),
    [
        ("x", "stop", {"agent": 1}),
        ("jx", "stop", {"agent": 2}),
        ("i", "interrupt", {"agent": 1}),
        ("<CR>", "focus", {"agent": 1}),
        ("jjr", "restart", {"agent": 3}),
        ("jr", "resume", {"agent": 2}),
        ("shurry up<CR>", "send", {"agent": 1, "text": "hurry up"}),
        ("Shurry up<CR>", "send", {"agent": "all", "text": "hurry up"}),
        ("jay", "accept", {"agents": [2], "paths": [], "force": False}),
        ("]rx", "stop", {"agent": 1, "run": "r0"}),
    ],
)
def test_keys(desk: Editor, kaged: FakeDaemon, keys: str, method: str, params: dict[str, Any]) -> None:
    kaged.answers[method] = lambda _: {"agents": [1], "files": [], "pane": "%1", "argv": ["true"]}
    kaged.answers["attach"] = lambda _: {"argv": ["true"]}
    desk.keys(keys)
    until(lambda: kaged.asked(method), what=method)
    found = kaged.asked(method)[0]
    assert found == {"run": "r1", "cwd": str(kaged.repository), **params}


def test_accept_asks_first(desk: Editor, kaged: FakeDaemon) -> None:
    desk.keys("an")
    desk.keys("j")
    desk.until("return vim.fn.line('.') == 4")
    assert kaged.asked("accept") == []


def test_runs_can_be_turned(desk: Editor) -> None:
    desk.keys("]r")
    desk.until_screen("an older one")
    desk.keys("]r")
    desk.keys("[r")
    desk.until_screen("make it faster and smaller")


def test_help_names_every_key(desk: Editor) -> None:
    desk.keys("g?")
    screen = desk.until_screen("resume it; a failed one starts again")
    assert any("<CR> go to its pane" in row for row in screen)


def test_without_runs_it_says_what_to_do(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.screen()
    nvim.keys(":Kage<CR>")
    nvim.until_screen(":KageSpawn 3 starts three")


def test_it_can_float(start_nvim: Callable[..., Editor], kaged: FakeDaemon, logs: Logs) -> None:
    kaged.runs = [run(agent(1, activity="floating"))]
    nvim = start_nvim(init="require('kage').setup({ dashboard = { position = 'float', log_lines = 2 } })")
    nvim.screen()
    nvim.keys(":Kage<CR>")
    nvim.until_screen("floating")
    assert nvim.lua("return vim.api.nvim_win_get_config(0).relative") == "editor"
    nvim.keys("q")
    nvim.until("return #vim.api.nvim_list_wins() == 1")


def test_a_log_follows_its_agent(nvim: Editor, kaged: FakeDaemon, logs: Logs) -> None:
    logs.events = {2: list(LOG)}
    kaged.runs = [run(agent(1), agent(2))]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run() ~= nil")
    nvim.screen(60, 12)
    nvim.keys(":Kage log 2<CR>")
    nvim.until("return vim.fn.line('$') == ...", len(SHOWN))
    assert nvim.lines() == SHOWN
    logs.events[2] += [{"t": 10.0, "kind": "text", "text": f"line {i}"} for i in range(50)]
    kaged.push([run(agent(1), agent(2, activity="on"))])
    nvim.until_screen("line 49", 60, 12)
    nvim.keys("gg")
    nvim.until("return vim.fn.line('.') == 1")
    logs.events[2].append({"t": 11.0, "kind": "text", "text": "the last"})
    kaged.push([run(agent(1), agent(2, activity="on and on"))])
    nvim.until("return vim.fn.getline('$') == 'the last'")
    assert nvim.lua("return vim.fn.line('.')") == 1
    options = (
        "return { vim.bo.buftype, vim.bo.modifiable, vim.bo.filetype, vim.bo.modeline, vim.bo.swapfile }"
    )
    assert nvim.lua(options) == ["nofile", False, "", False, False]
    nvim.keys("q")
    nvim.until("return vim.fn.bufname() == ''")


def test_a_long_log_is_read_to_its_end(nvim: Editor, kaged: FakeDaemon) -> None:
    def pages(params: dict[str, Any]) -> dict[str, Any]:
        after = params["after"]
        if after < 0:
            return {"events": [{"kind": "text", "text": "first"}], "next": 100}
        found = [{"kind": "text", "text": f"from {after}"}] if after < 400 else []
        return {"events": found, "next": min(after + 100, 400)}

    kaged.answers["log"] = pages
    kaged.runs = [run(agent(1))]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run() ~= nil")
    nvim.command("Kage log 1")
    nvim.until("return vim.fn.getline(1) == 'first'")
    kaged.push([run(agent(1, "done"))])
    nvim.until("return vim.fn.getline('$') == 'from 300'")
    assert nvim.lines() == ["first", "from 100", "from 200", "from 300"]
