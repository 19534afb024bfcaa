"""Watching and steering from the editor: statusline, events, dashboard, log, and words to agents at work."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX, NOTED
from tests.e2e.stage import KEY, Stage, tape
from tests.fixtures.model_server import ModelServer, Reply
from tests.nvim.editor import CHECKOUT

EVENTS = """
_G.heard = {}
for _, name in ipairs({ "KageUpdate", "KageAgentDone", "KageRunDone", "KageAgentWaiting" }) do
  vim.api.nvim_create_autocmd("User", { pattern = name, callback = function(event)
    table.insert(_G.heard, { event.match, event.data.run, event.data.agent or 0 })
  end })
end
"""


@pytest.fixture
def slow(stage: Stage, tmp_path: Path) -> Stage:
    """Two players that take their time."""
    stage.recorded(
        fix=tape(tmp_path / "fix.jsonl", FIX, delay=0.3),
        noted=tape(tmp_path / "noted.jsonl", NOTED, delay=1.0),
    )
    return stage


def test_the_statusline_and_the_events_follow_the_agents(slow: Stage) -> None:
    with Desk(slow, init=EVENTS) as desk:
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1● .*2● ")
        desk.until_screen(r"1● (edit|shell|read) ")
        desk.until_screen("1✓ 2●")
        desk.until_screen("1✓ 2✓")
        assert desk.lua("return vim.g.kage_status") == "1✓ 2✓ $?"
        run = slow.json("status")["runs"][0]["id"]
        heard = desk.lua("return _G.heard")
        assert ["KageUpdate", run, 0] in heard
        ends = [event for event in heard if event[0] in ("KageAgentDone", "KageRunDone")]
        assert ends == [["KageAgentDone", run, 1], ["KageAgentDone", run, 2], ["KageRunDone", run, 0]]


def test_the_dashboard_shows_and_its_keys_act(slow: Stage) -> None:
    with Desk(slow, columns=200, rows=40) as desk:
        desk.command("Kage")
        desk.until_screen("No agents here yet")
        desk.type("q")
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("2●")
        desk.command("Kage")
        desk.until_screen(r"1 ● working(.|\n)*2 ● working")
        desk.type("j")
        desk.until_screen("log of agent 2")
        desk.type("x")
        desk.until_screen("2 ■ stopped")
        desk.type("k")
        desk.until_screen("log of agent 1")
        desk.until_screen(r"1 ✓ done .*add\(\) adds now\.")
        desk.type("g?")
        desk.until_screen("undo the last landing")
        desk.type("q")
        desk.until_screen("undo the last landing", gone=True)
        desk.until_screen("log of agent 1")
        desk.type("jr")
        desk.until_screen("2 [●✓]")
        desk.until_screen("2 ✓ done")
        desk.type("ks")
        desk.until_screen("Say to agent 1")
        desk.keys("Escape")
        desk.type("e")
        desk.until_screen("process:|agent 1")
        desk.type("a")
        desk.until_screen("Land candidate 1")
        desk.type("y")
        desk.until_screen("candidate 1 landed: 1 file changed")
        desk.type("u")
        desk.until_screen("the last landing is undone")
        desk.type("d")
        desk.until_screen(r"return a - b.*return a \+ b")
        desk.command("tabclose")
        desk.type("l")
        desk.until_screen(r"# make add\(\) add")
        desk.type("q")
        desk.keys("Enter")
        desk.until_lua("return true")


@pytest.fixture
def told() -> threading.Event:
    """What the first answer of the model waits for."""
    return threading.Event()


@pytest.fixture
def served(stage: Stage, told: threading.Event) -> Iterator[tuple[Stage, ModelServer]]:
    """A stage whose player is a scripted HTTP server."""
    turns = [
        Reply("I look first.", tool_calls=[("read", {"path": "calc.py"})], hold=told),
        Reply(tool_calls=[("write", {"path": "one.txt", "content": "1\n"})]),
        Reply(tool_calls=[("finish", {"summary": "one is there"})]),
        Reply(tool_calls=[("write", {"path": "two.txt", "content": "2\n"})]),
        Reply(tool_calls=[("finish", {"summary": "two is there"})]),
    ]
    with ModelServer(turns, key=KEY) as server:
        stage.player(server.url)
        yield stage, server


def words(server: ModelServer, index: int) -> str:
    """All that a model was told in its n-th call."""
    return json.dumps(server.requests[index].body["messages"])


def test_words_reach_an_agent_at_work_before_its_next_call_and_wake_an_idle_one(
    served: tuple[Stage, ModelServer], told: threading.Event
) -> None:
    stage, server = served
    with Desk(stage) as desk:
        desk.command("KageSpawn 1 make two files")
        desk.until_screen("1● thinking")
        desk.command("Kage send 1 name it 'one' please")
        desk.until_screen("sent to 1")
        told.set()
        desk.until_screen("1✓")
        assert "name it 'one' please" not in words(server, 0)
        assert "name it 'one' please" in words(server, 1)
        desk.until_lua("return #(require('kage.state').run().candidates or {}) == 1")
        first = candidate(stage)
        assert desk.lua("return vim.g.kage_status") == "1✓ <$0.01"
        desk.command("Kage log 1")
        desk.until_screen("» name it 'one' please")
        desk.type("q")
        desk.command("Kage send all and now two")
        desk.until_lua("return require('kage.state').agent(1).reason == 'two is there'")
        desk.until_lua(f"return require('kage.state').run().candidates[1].commit ~= '{first['commit']}'")
        assert (first["files"], candidate(stage)["files"]) == (1, 2)
        desk.command("KageDiff")
        desk.until_screen("two.txt")


def candidate(stage: Stage) -> Any:
    """The newest run's only candidate."""
    return stage.json("status")["runs"][0]["candidates"][0]


def test_interrupt_stop_resume_and_restart(stage: Stage, tmp_path: Path) -> None:
    go = tmp_path / "go"
    wait = Reply(tool_calls=[("shell", {"command": f"until [ -e {go} ]; do sleep 0.05; done"})])
    stage.recorded(
        fix=tape(tmp_path / "fix.jsonl", [wait, *FIX]), noted=tape(tmp_path / "noted.jsonl", [wait, *NOTED])
    )
    stage.configure('sandbox = "off"\n' + paths.config_file().read_text())  # else `go` is not seen
    with Desk(stage) as desk:
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1● .*2● ")
        desk.command("Kage interrupt 1")
        desk.until_screen("1‖ ")
        desk.command("Kage stop all")
        desk.until_screen("1[‖■] .*2■")
        go.touch()
        desk.command("Kage resume 2")
        desk.until_screen("2●")
        desk.until_screen("2✓")
        desk.command("Kage restart 1")
        desk.until_screen("1✓ 2✓")
        desk.command("Kage stop 7")
        desk.until_screen("agent 7|no agent")
        desk.command("Kage explain 2")
        desk.until_screen("add\\(\\) adds now; noted")


def test_completion_health_help_and_doctor(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX))
    subprocess.run(["make", "-s", "doc/tags"], cwd=CHECKOUT, check=True)
    with Desk(stage, columns=100, rows=60) as desk:
        desk.type(":Kage st")
        desk.keys("Tab")
        desk.until_screen("stats(.|\n)*status|:Kage stats")
        desk.keys("Escape")
        desk.type(":KageSpawn @")
        desk.keys("Tab")
        desk.until_screen("^:KageSpawn @fix")
        desk.keys("C-c")
        desk.until_screen("^:KageSpawn", gone=True)  # Ctrl-C drops what is typed until it is dealt with
        desk.command("Kage doctor")
        desk.until_screen("✓ sandbox")
        desk.command("checkhealth kage")
        shown = desk.until_screen("players: fix")
        assert "ERROR" not in shown
        assert "tmux 3" in shown
        desk.command("bdelete")
        desk.command("help kage")
        desk.until_screen(r"conductor's desk")
        assert desk.lua("return vim.bo.filetype") == "help"
        desk.command("close")
        desk.command("Kage nonsense")
        desk.until_screen("no verb `nonsense`")


def test_an_agent_whose_key_is_gone_waits_for_it_and_the_editor_hears(stage: Stage) -> None:
    gone = threading.Event()
    turns = [
        Reply("I look first.", tool_calls=[("read", {"path": "calc.py"})], hold=gone),
        Reply(tool_calls=[("finish", {"summary": "looked"})]),
    ]
    with ModelServer(turns, key=KEY) as server:
        stage.player(server.url)
        stage.shell("spawn", "-n", "1", "look at calc.py")
        key = stage.environment.pop("OPENAI_API_KEY")
        with Desk(stage, init=EVENTS) as desk:
            desk.until_screen("1●")
            stage.kill("gateway")
            gone.set()
            desk.until_screen("1◔ .*OPENAI")
            run = stage.json("status")["runs"][0]["id"]
            assert ["KageAgentWaiting", run, 1] in desk.lua("return _G.heard")
            stage.environment["OPENAI_API_KEY"] = key
            stage.shell("status")
            desk.until_screen("1✓")
            ends = [event[0] for event in desk.lua("return _G.heard") if event[0] != "KageUpdate"]
            assert ends == ["KageAgentWaiting", "KageAgentDone", "KageRunDone"]
