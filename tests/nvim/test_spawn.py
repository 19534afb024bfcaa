""":KageSpawn: what it reads from its words, what it sends, how it asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent


@pytest.fixture
def spawned(kaged: FakeDaemon) -> FakeDaemon:
    """A kaged that starts what it is asked for."""

    def start(params: dict[str, Any]) -> dict[str, Any]:
        count = params.get("count") or 1
        agents = [agent(n + 1) for n in range(count)]
        return {"run": "r1", "agents": agents, "notes": ["untracked big.bin (61 MB) left out"]}

    kaged.answers["spawn"] = start
    return kaged


def sent(kaged: FakeDaemon, count: int = 1) -> dict[str, Any]:
    """The parameters of that spawn, as soon as it arrived."""
    until(lambda: len(kaged.asked("spawn")) >= count, what="a spawn request")
    return kaged.asked("spawn")[count - 1]


WORDS: list[tuple[str, int | None, list[str], str]] = [
    ("", None, [], ""),
    ("3", 3, [], ""),
    ("3 make it faster", 3, [], "make it faster"),
    ("make it  2 times faster", None, [], "make it  2 times faster"),
    ("@fast:2+tester @claude do it", None, ["fast:2+tester", "claude"], "do it"),
    ("2 @fast", 2, ["fast"], ""),
    ("3d models", None, [], "3d models"),
    ("-- 2 files are wrong", None, [], "2 files are wrong"),
    ("2 -- @home is wrong", 2, [], "@home is wrong"),
    ("--fast flag is ignored", None, [], "--fast flag is ignored"),
    ("-x is not an option; drop it;", None, [], "-x is not an option; drop it;"),
    ("run #(date) | then %", None, [], "run #(date) | then %"),
]


def test_words(nvim: Editor) -> None:
    for text, count, players, task in WORDS:
        words = nvim.lua("return require('kage.spawn').parse(...)", text)
        assert (words.get("count"), words["players"], words["task"]) == (count, players, task)


COURSES: list[tuple[str, dict[str, Any] | None]] = [
    ("2 do it", None),
    ("--strategy race do it", {"strategy": "race"}),
    ("3 --strategy=cascade @a @b --retry 2 do it", {"strategy": "cascade", "retry": 2}),
    ("--until green --budget 0.50 do it", {"until": "green", "usd": 0.5}),
    ("--budget $2 --auto-accept green --retry 0", {"usd": 2, "auto_accept": "green", "retry": 0}),
    ("-- --strategy race is wrong", None),
    ("--strategyrace do it", None),
]


def test_what_follows_by_itself(nvim: Editor) -> None:
    for text, course in COURSES:
        words = nvim.lua("return require('kage.spawn').parse(...)", text)
        assert nvim.lua("return require('kage.spawn_words').course(...)", words) == course, text


def test_words_that_cannot_be(nvim: Editor, spawned: FakeDaemon) -> None:
    wrong = ["--strategy fast x", "--until red", "--budget -1 x", "--budget", "--retry 21 x", "--retry"]
    for text in ["0 x", "51 x", "-1 x", "999", "@ x", *wrong]:
        nvim.command("messages clear")
        nvim.command(f"KageSpawn {text}")
        assert "expected" in nvim.messages()
        assert "found" in nvim.messages()
        assert "Write :KageSpawn" in nvim.messages()
    assert spawned.asked("spawn") == []


def test_a_selection_and_a_task_go_to_kaged(nvim: Editor, spawned: FakeDaemon, repository: Path) -> None:
    nvim.command("edit calc.py")
    nvim.keys("VjG")
    nvim.keys(":KageSpawn 3 @fast:2+tester make it; fast | now<CR>")
    request = sent(spawned)
    assert request == {
        "cwd": str(repository),
        "task": {
            "text": "make it; fast | now",
            "selection": {
                "path": "calc.py",
                "first": 1,
                "last": 6,
                "text": (repository / "calc.py").read_text().rstrip("\n"),
            },
            "files": ["calc.py"],
        },
        "count": 3,
        "players": ["fast:2+tester"],
        "layout": {"place": "beside"},
    }
    nvim.until("return vim.fn.execute('messages'):find('3 agents run', 1, true)")
    assert "untracked big.bin (61 MB) left out" in nvim.messages()


def test_the_editor_is_not_held(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.lua("require('kage.host').request('status', {})")
    nvim.until("return require('kage.host').status().pending == 0")
    seconds = nvim.lua(
        """local began = vim.uv.hrtime()
        vim.cmd("KageSpawn 3 do it")
        return (vim.uv.hrtime() - began) / 1e9"""
    )
    assert seconds < 0.1


def test_the_prompt_takes_a_task_with_variants(nvim: Editor, spawned: FakeDaemon) -> None:
    nvim.command("edit calc.py")
    nvim.screen()
    nvim.keys(":2,5KageSpawn 2 @fast<CR>")
    screen = nvim.until_screen("KageSpawn 2 @fast · calc.py:2-5")
    assert any("<C-s> or :w send" in row for row in screen)
    nvim.keys("make it fast<CR>and small<CR>## 2<CR>with a cache<C-s>")
    request = sent(spawned)
    assert request["task"]["text"] == "make it fast\nand small"
    assert request["task"]["variants"] == {"2": "with a cache"}
    assert request["task"]["selection"]["first"] == 2
    nvim.until("return vim.api.nvim_get_mode().mode == 'n' and vim.fn.bufname() == 'calc.py'")


@pytest.mark.parametrize("keys", ["<C-s>", "<Esc><CR>", "<Esc>:w<CR>", "<Esc>:wq<CR>"])
def test_ways_to_send(nvim: Editor, spawned: FakeDaemon, keys: str) -> None:
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("do it" + keys)
    assert sent(spawned)["task"]["text"] == "do it"
    nvim.until("return vim.fn.bufname() ~= 'kage://prompt'")
    assert len(spawned.asked("spawn")) == 1


@pytest.mark.parametrize("keys", ["<Esc>q", "<Esc><Esc>", "<Esc>:q!<CR>", "<Esc>:bwipeout!<CR>"])
def test_cancelling_keeps_the_draft(nvim: Editor, spawned: FakeDaemon, keys: str) -> None:
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("half a thought" + keys)
    nvim.until("return vim.fn.bufname() ~= 'kage://prompt'")
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.getline(1) == 'half a thought'")
    assert spawned.asked("spawn") == []


def test_an_empty_task_is_said_and_the_prompt_stays(nvim: Editor, spawned: FakeDaemon) -> None:
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("  <CR><C-s>")
    nvim.until("return vim.fn.execute('messages'):find('the task is empty', 1, true)")
    assert nvim.lua("return vim.fn.bufname()") == "kage://prompt"
    nvim.keys("## 5<CR>x<C-s>")


def test_a_variant_for_an_agent_that_is_not_there(nvim: Editor, spawned: FakeDaemon) -> None:
    nvim.keys(":KageSpawn 2<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("task<CR>## 5<CR>x<C-s>")
    nvim.until("return vim.fn.execute('messages'):find('`## 5` names an agent', 1, true)")
    assert spawned.asked("spawn") == []


def test_prompts_are_recalled(nvim: Editor, spawned: FakeDaemon) -> None:
    for i, task in enumerate(["first", "second", "first"]):
        nvim.keys(":KageSpawn<CR>")
        nvim.until("return vim.fn.bufname() == 'kage://prompt'")
        nvim.keys(f"{task}<C-s>")
        sent(spawned, i + 1)
        nvim.until("return vim.fn.bufname() ~= 'kage://prompt'")
    history = Path(nvim.lua("return vim.fn.stdpath('state')")) / "kage" / "prompts.json"
    assert json.loads(history.read_text()) == ["second", "first"]
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("third<C-p>")
    nvim.until("return vim.fn.getline(1) == 'first'")
    nvim.keys("<C-p>")
    nvim.until("return vim.fn.getline(1) == 'second'")
    nvim.keys("<C-p><C-n><C-n>")
    nvim.until("return vim.fn.getline(1) == 'third'")


def test_questions_are_asked_and_the_answers_sent(nvim: Editor, spawned: FakeDaemon) -> None:
    start = spawned.answers["spawn"]
    questions = [{"id": "keys", "text": "Send code to openai?"}, {"id": "many", "text": "Start 9 agents?"}]

    def ask(params: dict[str, Any]) -> dict[str, Any]:
        if params.get("confirmed") != ["keys", "many"]:
            raise KageError("needs a yes", code="confirm", data={"questions": questions})
        return dict(start(params))

    spawned.answers["spawn"] = ask
    nvim.lua(
        """_G.asked, _G.choice = {}, "No"
        vim.ui.select = function(items, options, choose)
          table.insert(_G.asked, options.prompt)
          vim.schedule(function() choose(_G.choice) end)
        end"""
    )
    nvim.command("KageSpawn 9 do it")
    nvim.until("return vim.fn.execute('messages'):find('nothing was started', 1, true)")
    nvim.lua("_G.choice = 'Yes'")
    nvim.command("KageSpawn 9 do it")
    nvim.until("return vim.fn.execute('messages'):find('9 agents run', 1, true)")
    assert nvim.lua("return _G.asked") == ["Send code to openai?"] + [q["text"] for q in questions]


def test_what_did_not_start_is_not_lost(nvim: Editor, spawned: FakeDaemon) -> None:
    def refuse(_: object) -> None:
        raise KageError("no player is configured", fix="Export a key.", code="no_player")

    spawned.answers["spawn"] = refuse
    nvim.screen()
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("a long task<CR>## 1<CR>variant<C-s>")
    screen = nvim.until_screen("Export a key.")
    assert any("no player is configured" in row for row in screen)
    assert nvim.lua("return vim.api.nvim_get_mode().blocking") is False
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.getline(1) == 'a long task' and vim.fn.getline(3) == 'variant'")


def test_a_special_buffer_gives_no_selection(nvim: Editor, spawned: FakeDaemon, repository: Path) -> None:
    nvim.command("enew")
    nvim.command("normal! isome text")
    nvim.command("1KageSpawn 1 explain")
    request = sent(spawned)
    assert "selection" not in request["task"]
    assert request["cwd"] == str(repository)
    assert "the selection is left out" in nvim.messages()


def test_a_file_that_changed_on_disk_is_named(nvim: Editor, spawned: FakeDaemon, repository: Path) -> None:
    nvim.command("edit calc.py")
    nvim.command("normal! Omine")
    (repository / "calc.py").write_text("theirs\n")
    nvim.command("KageSpawn 1 go")
    sent(spawned)
    assert "changed on disk since you read it: calc.py" in nvim.messages()


def test_any_text_arrives_as_it_is(nvim: Editor, spawned: FakeDaemon) -> None:
    tasks = ["x" * 100_000, "a\x1b[31mb", "#(touch /tmp/x) ; $(id) `id`;", "naïve 読む"]
    for i, task in enumerate(tasks):
        nvim.lua("vim.cmd({ cmd = 'KageSpawn', args = { '1', ... } })", task)
        assert sent(spawned, i + 1)["task"]["text"] == task


def test_a_refused_text_is_no_draft_once_something_started(nvim: Editor, spawned: FakeDaemon) -> None:
    start = spawned.answers["spawn"]

    def refuse(_: object) -> None:
        raise KageError("no player @nobody", code="no_player")

    spawned.answers["spawn"] = refuse
    nvim.command("KageSpawn @nobody stale")
    nvim.until("return vim.fn.execute('messages'):find('no player @nobody', 1, true)")
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.getline(1) == 'stale'")
    nvim.keys("<Esc>q")
    nvim.until("return vim.fn.bufname() ~= 'kage://prompt'")
    spawned.answers["spawn"] = start
    nvim.command("KageSpawn 1 go")
    nvim.until("return vim.fn.execute('messages'):find('1 agent runs', 1, true)")
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    assert nvim.lines() == [""]
    nvim.keys("<C-p>")
    nvim.until("return vim.fn.getline(1) == 'stale'")


def test_a_draft_of_the_users_own_outlives_a_spawn(nvim: Editor, spawned: FakeDaemon) -> None:
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.bufname() == 'kage://prompt'")
    nvim.keys("half a thought<Esc>q")
    nvim.until("return vim.fn.bufname() ~= 'kage://prompt'")
    nvim.command("KageSpawn 1 go")
    nvim.until("return vim.fn.execute('messages'):find('1 agent runs', 1, true)")
    nvim.keys(":KageSpawn<CR>")
    nvim.until("return vim.fn.getline(1) == 'half a thought'")


def test_the_prompt_tells_what_such_a_run_took(nvim: Editor, spawned: FakeDaemon) -> None:
    """Below the prompt, later, and gone with it; completion names the best player first."""
    spawned.answers["estimate"] = lambda _: {
        "line": "about $0.12 (0.05-0.30), 2 min",
        "suggestion": "Python here: @zeta 8/10 green, $0.02 each",
        "order": ["zeta"],
        "guess": None,
    }
    nvim.command("edit calc.py")
    nvim.keys(":KageSpawn 2 @fast --strategy race<CR>")
    screen = nvim.until_screen("about $0.12 (0.05-0.30), 2 min")
    assert any("@zeta 8/10 green" in row for row in screen)
    assert any("KageSpawn 2 @fast --strategy race" in row for row in screen)
    asked = spawned.asked("estimate")[0]
    assert (asked["count"], asked["players"], asked["path"]) == (2, ["fast"], "calc.py")
    assert (asked["strategy"], asked["until"]) == ("race", "")
    best = nvim.lua("return require('kage.spending').best_first({ '@alpha', '@zeta' })")
    assert best == ["@zeta", "@alpha"]
    nvim.keys("<Esc>q")
    nvim.until("return #vim.api.nvim_list_wins() == 1")


def test_stats_are_a_table(nvim: Editor, kaged: FakeDaemon) -> None:
    row = {"role": "", "language": "Python", "runs": 4, "checked": 3, "green": 2, "wins": 1, "accepted": 1}
    row |= {"green_rate": 2 / 3, "seconds": 12.3}
    rows = [
        row | {"player": "fast", "usd": 0.5, "usd_per_accepted": 0.5},
        row | {"player": "free\x1b", "usd": None, "usd_per_accepted": None},
    ]
    kaged.answers["stats"] = lambda _: {"repository": "/x", "rows": rows}
    nvim.command("Kage stats")
    nvim.until("return vim.fn.execute('messages'):find('accepted', 1, true)")
    code = "return require('kage.spending').table(vim.json.decode(..., { luanil = { object = true } }))"
    lines = nvim.lua(code, json.dumps(rows))
    assert lines[1].split() == ["fast", "-", "Python", "4", "2/3", "(67%)", "1", "1", "$0.50", "12", "s"]
    assert lines[2].split()[-3] == "unpriced" and "\x1b" not in lines[2]
    code = code.replace("object = true } })", "object = true } }), 60")
    narrow = nvim.lua(code, json.dumps(rows))
    assert all(len(line) <= 60 for line in narrow)
    assert narrow[0].split() == ["player", "language", "runs", "green", "wins", "accepted", "each"]
    assert narrow[1].split() == ["fast", "Python", "4", "2/3", "1", "1", "$0.50"]
    kaged.answers["stats"] = lambda _: {"repository": "/x", "rows": []}
    nvim.command("Kage stats all")
    nvim.until("return vim.fn.execute('messages'):find('no agent has ended yet', 1, true)")
    assert kaged.asked("stats")[1]["all"] is True
