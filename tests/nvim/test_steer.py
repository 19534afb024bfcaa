"""Steering from the editor: several agents, ranges, the task in the prompt, names that complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent, run


@pytest.fixture
def busy(nvim: Editor, kaged: FakeDaemon) -> Editor:
    """A Neovim that knows of a run of three agents with a candidate, and of an older one."""
    old = run(agent(1), id="r0", candidates=[{"number": 1}])
    kaged.runs = [run(agent(1), agent(2), agent(3, "done"), candidates=[{"number": 3}]), old]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run() ~= nil")
    return nvim


def asked(kaged: FakeDaemon, method: str) -> dict[str, Any]:
    """The newest request of that method, without its folder, as soon as there is one."""
    until(lambda: kaged.asked(method), what=f"a {method} request")
    return {key: value for key, value in kaged.asked(method)[-1].items() if key != "cwd"}


ASKS: list[tuple[str, str, dict[str, Any]]] = [
    ("Kage send 2,3 look", "send", {"agent": [2, 3], "text": "look"}),
    ("Kage send 2 3 look at 4", "send", {"agent": [2, 3], "text": "look at 4"}),
    ("Kage send 2 -- 3 tests fail", "send", {"agent": 2, "text": "3 tests fail"}),
    ("Kage send 2 3d models", "send", {"agent": 2, "text": "3d models"}),
    ("Kage stop 1 3", "stop", {"agent": [1, 3]}),
    ("KageInterrupt 1,2", "interrupt", {"agent": [1, 2]}),
    ("KageResume 1,2,3", "resume", {"agent": [1, 2, 3]}),
    ("Kage restart 2,3 with a cache", "restart", {"agent": [2, 3], "text": "with a cache"}),
    ("Kage summary", "summary", {"agent": "all"}),
    ("Kage summary 2", "summary", {"agent": 2}),
    ("Kage task make it; 2 times", "task", {"text": "make it; 2 times"}),
    ("Kage role security", "role", {"name": "security"}),
]


def test_what_the_verbs_ask(busy: Editor, kaged: FakeDaemon) -> None:
    def told_all(_: object) -> dict[str, Any]:
        return {"agents": [1], "later": [], "missed": [], "roles": [], "task": "t"}

    kaged.answers |= dict.fromkeys(
        ("send", "stop", "interrupt", "resume", "restart", "task", "role"), told_all
    )
    kaged.answers["summary"] = lambda _: {"agents": []}
    for command, method, params in ASKS:
        kaged.requests.clear()
        busy.command(command)
        assert asked(kaged, method) == params, command
    busy.command("Kage stop 1 now")
    assert "expected agents' numbers or `all`, found `now`" in " ".join(busy.messages().split())


def test_who_heard_it_and_who_did_not(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["send"] = lambda _: {"agents": [1], "missed": [2, 3]}
    busy.command("Kage send all hello")
    busy.until("return vim.fn.execute('messages'):find('not to 2,3', 1, true)")
    assert ":Kage resume 2,3" in busy.messages()


def test_a_range_goes_along(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    kaged.answers["send"] = lambda _: {"agents": [2]}
    busy.command("edit calc.py")
    busy.keys("Vj:KageSend 2 why is this so?<CR>")
    lines = "\n".join((repository / "calc.py").read_text().splitlines()[:2])
    expected = f"why is this so?\n\ncalc.py, lines 1 to 2:\n```\n{lines}\n```"
    assert asked(kaged, "send")["text"] == expected
    busy.lua("vim.cmd({ cmd = 'KageSend', args = { '2 one\\ntwo' } })")
    until(lambda: asked(kaged, "send")["text"] == "one\ntwo", what="both lines")


def test_the_task_opens_to_be_changed(busy: Editor, kaged: FakeDaemon) -> None:
    def task(params: dict[str, Any]) -> dict[str, Any]:
        return {"task": params.get("text") or "make it\nfaster", "agents": [1, 2], "later": [3]}

    kaged.answers["task"] = task
    busy.command("Kage task")
    busy.until("return vim.fn.bufname() == 'kage://prompt'")
    assert busy.lines() == ["make it", "faster"]
    busy.keys(", much<C-s>")
    until(lambda: len(kaged.asked("task")) == 2, what="the changed task")
    assert asked(kaged, "task") == {"text": "make it\nfaster, much"}
    busy.until("return vim.fn.execute('messages'):find('told 1, 2', 1, true)")
    assert ":Kage resume 3" in busy.messages()


def complete(nvim: Editor, line: str) -> list[str]:
    """What the command line completes to."""
    return list(nvim.lua("return vim.fn.getcompletion(..., 'cmdline')", line))


def test_roles_and_candidates_complete(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    theirs = {"name": "ours-too", "description": "", "text": "t", "source": "package their.roles"}
    kaged.answers["role"] = lambda _: {"roles": [theirs]}
    for folder, name in ((paths.config_file().parent / "roles", "mine"), (repository / ".kage/roles", "our")):
        folder.mkdir(parents=True)
        (folder / f"{name}.md").write_text("text")
    (repository / ".kage/roles/file.md").write_text("---\nname: inside\n---\ntext")
    assert complete(busy, "KageSpawn @fast+ins") == ["@fast+inside"]
    busy.until("return vim.tbl_contains(vim.fn.getcompletion('Kage role ours', 'cmdline'), 'ours-too')")
    found = complete(busy, "KageSpawn 2 @fast:2+")
    assert {"@fast:2+security", "@fast:2+mine", "@fast:2+our", "@fast:2+test-writer"} <= set(found)
    assert complete(busy, "KageSpawn @fast+sec") == ["@fast+security"]
    assert complete(busy, "KageSpawn @fast --o") == ["--on"]
    assert complete(busy, "KageSpawn @fast --record calc.") == ["calc.py"]
    assert complete(busy, "KageSpawn @fast --on ") == ["3", "r1:3", "r0:1"]
    assert complete(busy, "Kage role sec") == ["security"]
    assert complete(busy, "Kage stop 1 ") == ["1", "2", "3", "all"]


def test_a_spawn_on_a_candidate(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["spawn"] = lambda _: {"run": "r2", "agents": [agent(1)]}
    busy.command("KageSpawn 3 @a:2+security --on r0:1 @b -- --on is a word")
    sent = asked(kaged, "spawn")
    assert (sent["count"], sent["players"], sent["on"]) == (3, ["a:2+security", "b"], "r0:1")
    assert sent["task"]["text"] == "--on is a word"
    busy.command("KageSpawn --record tape.jsonl @b do it")
    until(lambda: "record" in kaged.asked("spawn")[-1], what="a recorded spawn")
    assert kaged.asked("spawn")[-1]["record"].endswith("/tape.jsonl")
    busy.command("KageSpawn --on x do it")
    assert "expected a candidate (2, or RUN:2), found `x`" in " ".join(busy.messages().split())


def test_what_is_not_metered_or_should_be_known(busy: Editor, kaged: FakeDaemon) -> None:
    agents = [agent(1, unmetered=True, cost_usd=None, role="security"), agent(2, cost_usd=0.5)]
    kaged.push([run(*agents)])
    busy.until("return require('kage.statusline').plain():find('%$0.50%+$')")
    agents[1] |= {"warning": "run_usd: 83 % of $1.50 spent", "activity": "reads"}
    kaged.push([run(*agents)])
    busy.until("return require('kage.statusline').plain():find('%$0.50%+!$')")
    busy.command("set columns=120")
    busy.command("Kage")
    shown = busy.until("""local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')
        return text:find('83 %% of') and text""")
    assert "fast+security" in shown and "unmetered" in shown and "83 % of $1.50 spent · reads" in shown
    kaged.push([run(agents[0])])
    busy.until("return require('kage.statusline').plain():find('unmetered$')")
