"""The verbs: what each asks of kaged, what it says, what it completes to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent, run


@pytest.fixture
def busy(nvim: Editor, kaged: FakeDaemon) -> Editor:
    """A Neovim that knows of a run of three agents."""
    kaged.runs = [run(agent(1), agent(2, player="claude"), agent(3, "done")), run(agent(1), id="r0")]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run() ~= nil")
    return nvim


def asked(kaged: FakeDaemon, method: str) -> dict[str, Any]:
    """The newest request of that method, without its folder, as soon as there is one."""
    until(lambda: kaged.asked(method), what=f"a {method} request")
    return {key: value for key, value in kaged.asked(method)[-1].items() if key != "cwd"}


ASKS: list[tuple[str, str, dict[str, Any]]] = [
    ("Kage stop 2", "stop", {"agent": 2}),
    ("KageStop all", "stop", {"agent": "all"}),
    ("Kage interrupt 1", "interrupt", {"agent": 1}),
    ("Kage resume 3", "resume", {"agent": 3}),
    ("Kage restart 2 with a cache; please", "restart", {"agent": 2, "text": "with a cache; please"}),
    ("Kage send 2 look at | the %  tests", "send", {"agent": 2, "text": "look at | the %  tests"}),
    ("KageSend all stop --run", "send", {"agent": "all", "text": "stop --run"}),
    ("Kage send --run r0 1 hello", "send", {"agent": 1, "text": "hello", "run": "r0"}),
    ("Kage send 1 see the --run flag", "send", {"agent": 1, "text": "see the --run flag"}),
    ("Kage stop 1 --run=r0", "stop", {"agent": 1, "run": "r0"}),
    ("Kage hide", "hide", {}),
    ("Kage focus 2", "focus", {"agent": 2}),
    ("Kage status", "status", {}),
    ("Kage clean", "clean", {"all": False}),
    ("Kage clean all", "clean", {"all": True}),
    ("Kage explain 2", "explain", {"agent": 2}),
    ("Kage undo", "undo", {"count": 1}),
    ("KageUndo 3", "undo", {"count": 3}),
    ("Kage accept 3", "accept", {"agents": [3], "paths": [], "force": False}),
    ("KageAccept! 3", "accept", {"agents": [3], "paths": [], "force": True}),
    ("Kage! accept 3", "accept", {"agents": [3], "paths": [], "force": True}),
]


def test_what_a_verb_asks(busy: Editor, kaged: FakeDaemon) -> None:
    answer = {"agents": [1], "hidden": True, "runs": [], "trash": [], "lines": ["because"], "files": []}
    for command, method, params in ASKS:
        kaged.answers[method] = lambda _: answer
        kaged.requests.clear()
        busy.command(command)
        assert asked(kaged, method) == params, command


WRONG = [
    ("Kage sttatus", "no verb `sttatus`; the nearest is `status`"),
    ("Kage stop", "expected an agent's number or `all`, found nothing"),
    ("Kage stop two", "expected an agent's number or `all`, found `two`"),
    ("Kage log all", "expected an agent's number, found `all`"),
    ("Kage focus -1", "expected an agent's number, found `-1`"),
    ("Kage diff x", "expected numbers of agents, found `x`"),
]


def test_wrong_words(busy: Editor) -> None:
    for command, said in WRONG:
        busy.command("messages clear")
        busy.command(command)
        messages = " ".join(busy.messages().split())
        assert said in messages
        assert "Write :Kage" in messages


def test_paths_of_accept_are_whole(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    (repository / "src").mkdir()
    busy.command(f"cd {repository}/src")
    kaged.answers["accept"] = lambda _: {"files": []}
    busy.command("KageAccept 3 ../calc.py new.py")
    paths_sent = asked(kaged, "accept")["paths"]
    assert paths_sent == [str(repository / "calc.py"), str(repository / "src" / "new.py")]


def complete(nvim: Editor, line: str) -> list[str]:
    return list(nvim.lua("return vim.fn.getcompletion(..., 'cmdline')", line))


def test_completion(busy: Editor, repository: Path) -> None:
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text('[players.fast]\nmodel = "x"\n[players."big one"]\n[defaults]\n')
    names = busy.lua("return require('kage.commands').names()")
    assert complete(busy, "Kage ") == names
    assert complete(busy, "Kage st") == ["stats", "status", "stop"]
    assert complete(busy, "'<,'>Kage sp") == ["spawn"]
    assert complete(busy, "Kage stop ") == ["1", "2", "3", "all"]
    assert complete(busy, "KageFocus ") == ["1", "2", "3"]
    assert complete(busy, "KageFocus cl") == ["2"]
    assert complete(busy, "KageFocus 2 ") == []
    assert complete(busy, "KageDiff 1 2") == ["2"]
    assert complete(busy, "KageAccept! 2 calc.") == ["calc.py"]
    assert complete(busy, "KageAccept 2 3") == ["3"]
    assert complete(busy, "KageSpawn 3 @") == ["@big one", "@claude", "@fast"]
    assert complete(busy, "KageSpawn 3 @fa") == ["@fast"]
    assert complete(busy, "KageSpawn 3 make") == []
    assert complete(busy, "Kage clean ") == ["all"]


def test_reports_can_be_read(busy: Editor, kaged: FakeDaemon) -> None:
    total = {
        "calls": 3,
        "tokens_in": 12000,
        "tokens_cached": 0,
        "tokens_out": 800,
        "cost_usd": 0.5,
        "unpriced_calls": 0,
    }
    free = {**total, "cost_usd": None, "unpriced_calls": 3}
    account = {
        "id": "r1",
        "run": total,
        "agents": [
            {"number": 1, "player": "fast", "unmetered": False, **total},
            {"number": 2, "player": "own", "unmetered": True, **free, "calls": 0},
        ],
        "players": {"local": free},
        "today": total,
        "today_players": {},
        "everywhere": {**total, "cost_usd": 2.25},
        "budgets": [
            {"name": "run_usd", "agent": None, "limit": 1.5, "spent": 0.5, "held": 0.25, "left": 0.75},
            {"name": "agent_tokens", "agent": 1, "limit": 20000, "spent": 12800, "held": 0, "left": 7200},
        ],
        "unmetered": [2],
    }
    kaged.answers.update(
        status=lambda _: {"runs": kaged.runs},
        cost=lambda _: account,
        doctor=lambda _: {
            "checks": [
                {"name": "git", "ok": True, "found": "git version 2.39", "fix": ""},
                {"name": "sandbox", "ok": False, "found": "no bwrap", "fix": "Install bubblewrap."},
            ]
        },
    )
    for verb, said in [
        ("status", "2 ● working claude $0.00"),
        ("cost", "this run: $0.50, 3 calls, 12k tokens in, 800 out"),
        ("cost", "@local: unpriced, 3 calls, 12k tokens in, 800 out"),
        ("cost", "1 fast: $0.50, 3 calls"),
        ("cost", "2 own: unmetered"),
        ("cost", "today, everywhere: $2.25"),
        ("cost", "run_usd: $0.75 of $1.50 left ($0.50 spent, $0.25 held by calls under way)"),
        ("cost", "agent_tokens of agent 1: 7k of 20k left (13k spent)"),
        ("cost", "unmetered: agent 2"),
        ("doctor", "✗ sandbox: no bwrap Install bubblewrap."),
    ]:
        busy.command("messages clear")
        busy.command(f"Kage {verb}")
        busy.until("return vim.fn.execute('messages') ~= ''")
        messages = " ".join(busy.messages().split())
        assert said in messages, messages


def test_attach_opens_a_terminal_that_closes_with_its_command(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["attach"] = lambda _: {"argv": ["sh", "-c", 'echo "in:$TMUX:"; read line']}
    busy.screen()
    busy.lua("vim.env.TMUX = '/tmp/tmux,1,0'")
    busy.command("Kage attach")
    busy.until_screen("in::")
    assert busy.lua("return vim.bo.buftype") == "terminal"
    busy.keys("<CR>")
    busy.until("return #vim.api.nvim_list_wins() == 1")


def test_focus_outside_tmux_attaches(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["focus"] = lambda _: {"pane": "%1"}
    kaged.answers["attach"] = lambda _: {"argv": ["sleep", "100"]}
    busy.lua("vim.env.TMUX = nil")
    busy.command("Kage focus 1")
    busy.until("return vim.bo.buftype == 'terminal'")


def test_a_notice_leaves_the_command_line_alone(busy: Editor) -> None:
    busy.screen()
    busy.keys(":echo 'typing")
    busy.until_screen(":echo 'typing")
    busy.lua("require('kage.notify').info('3 agents run')")
    screen = busy.until_screen("│3 agents run│")
    assert screen[-1] == ":echo 'typing"
    busy.keys("'<CR>")
    busy.until("return vim.fn.execute('messages'):find('Kage: 3 agents run', 1, true)")


def test_a_notify_of_the_users_is_used(start_nvim: Callable[..., Editor], kaged: FakeDaemon) -> None:
    nvim = start_nvim(init="_G.seen = {} vim.notify = function(...) table.insert(_G.seen, { ... }) end")
    nvim.command("Kage stop x")
    (said,) = nvim.lua("return _G.seen")
    assert "found `x`" in said[0]
    assert said[1:] == [4, {"title": "Kage"}]


def test_the_repository_of_the_current_file_counts(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path, tmp_path: Path
) -> None:
    kaged.answers["status"] = lambda _: {"runs": []}
    nvim = start_nvim(cwd=tmp_path)
    nvim.command(f"edit {repository}/calc.py")
    nvim.command("Kage status")
    until(lambda: kaged.asked("status"))
    assert kaged.asked("status")[0]["cwd"] == str(repository)
    assert kaged.asked("subscribe")[-1]["cwd"] == str(repository)


def test_names_of_any_characters_complete_and_arrive(
    busy: Editor, kaged: FakeDaemon, repository: Path
) -> None:
    names = ["we ird #1 %s.txt", "we b[1]*.txt", "we \\n'\"$HOME.txt"]
    for name in names:
        (repository / name).write_text("x\n")
    kaged.answers["accept"] = lambda _: {"files": []}
    for name in names:
        kaged.requests.clear()
        escaped = busy.lua("return vim.fn.fnameescape(...)", name)
        assert complete(busy, f"KageAccept 1 calc.py {escaped[:9]}") == [escaped]
        busy.keys(f":KageAccept 1 {escaped[:9].replace('<', '<lt>')}<Tab><CR>")
        assert asked(kaged, "accept")["paths"] == [str(repository / name)]
    kaged.requests.clear()
    (repository / "in side").mkdir()
    (repository / "in side" / "two 2").write_text("")
    assert complete(busy, "Kage accept 1 in") == ["in\\ side/"]
    assert complete(busy, "Kage accept 1 in\\ side/") == ["in\\ side/two\\ 2"]
    busy.command("Kage accept 1 in\\ side/two\\ 2 --run r0")
    params = {"agents": [1], "run": "r0", "force": False, "paths": [str(repository / "in side" / "two 2")]}
    assert asked(kaged, "accept") == params


def test_a_link_is_accepted_itself(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    (repository / "link").symlink_to("calc.py")
    kaged.answers["accept"] = lambda _: {"files": []}
    busy.command("KageAccept 1 link")
    assert asked(kaged, "accept")["paths"] == [str(repository / "link")]
