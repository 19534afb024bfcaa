"""Spawning from the editor, typed: what agents get, what is asked, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX
from tests.e2e.stage import KEY, Stage, digest, tape
from tests.fixtures.model_server import ModelServer, Reply

DONE = [Reply(tool_calls=[("finish", {"summary": "nothing to do"})])]


@pytest.fixture
def quick(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose player ends at once."""
    stage.recorded(quick=tape(tmp_path / "quick.jsonl", DONE))
    return stage


def specs(stage: Stage) -> list[dict[str, Any]]:
    """What the newest run's agents were given."""
    run = stage.json("status")["runs"][0]["id"]
    folder = Path(stage.environment["XDG_STATE_HOME"]) / "kage" / "runs" / run / "agents"
    return [
        json.loads((folder / n / "spec.json").read_text()) for n in sorted(p.name for p in folder.iterdir())
    ]


def test_the_selection_and_its_variants_reach_the_models(stage: Stage) -> None:
    before = digest(stage.repository)
    with ModelServer(DONE, key=KEY) as server, with_key(stage, server) as desk:
        desk.type("5GVj:KageSpawn 2")
        desk.keys("Enter")
        shown = desk.until_screen(r"KageSpawn 2 · calc\.py:5-6")
        assert "<C-s> or :w send" in shown
        desk.type("make it faster\nand keep 100 % of it\n## 2\nwith a table")
        desk.keys("C-s")
        desk.until_screen("1✓ 2✓")
        asked = [json.dumps(request.body["messages"], ensure_ascii=False) for request in server.requests]
    assert len(asked) == 2
    for text in asked:
        assert "make it faster\\nand keep 100 % of it" in text
        assert "calc.py, lines 5 to 6" in text
        assert "def mul(a, b):\\n    return a * b" in text
    assert sorted("with a table" in text for text in asked) == [False, True]
    assert "## 2" not in "".join(asked)
    assert digest(stage.repository) == before


def with_key(stage: Stage, server: ModelServer) -> Desk:
    stage.player(server.url)
    return Desk(stage)


def test_prompts_are_recalled_kept_and_refused(quick: Stage) -> None:
    with Desk(quick) as desk:
        desk.command("KageSpawn 1")
        desk.until_screen("q cancel")
        desk.keys("C-s")
        desk.until_screen("the task is empty")
        desk.type("first task\nof two lines")
        desk.keys("Escape", ":", "w", "Enter")
        desk.until_screen("1✓")
        desk.command("KageSpawn 1")
        desk.until_screen("q cancel")
        desk.type("half a thought")
        desk.keys("Escape", "q")
        desk.until_screen("q cancel", gone=True)
        desk.command("KageSpawn 1")
        desk.until_screen("half a thought")
        desk.keys("C-p")
        desk.until_screen("of two lines")
        desk.keys("C-n")
        desk.until_screen("half a thought")
        desk.keys("Escape", "q")
        desk.command("KageSpawn 2")
        desk.until_screen("KageSpawn 2")
        desk.keys("C-u")
        desk.type("a task\n## 3\nfor nobody")
        desk.keys("C-s")
        desk.until_screen("names an agent that this run of 2 agents does not have")
        assert len(quick.json("status")["runs"]) == 1


def test_words_ranges_and_counts(quick: Stage) -> None:
    with Desk(quick) as desk:
        for count in ("0", "51"):
            desk.command(f"KageSpawn {count} much")
            desk.until_screen(f"expected 1 to 50, found {count}")
        desk.command("KageSpawn 1 @nobody a task")
        desk.until_screen(r"there is no player `nobody` \(known: quick\)")
        desk.command("2,3KageSpawn 1 @quick -- -x; 'a' \"b\" #(date) 100%")
        desk.until_screen("1✓")
        task = specs(quick)[0]["task"]
        assert task["text"] == "-x; 'a' \"b\" #(date) 100%"
        assert (task["selection"]["first"], task["selection"]["last"]) == (2, 3)
        assert task["selection"]["text"] == "    return a - b\n"
        desk.command("KageSpawn x marks it")
        desk.until_lua("return #require('kage.state').runs() == 2")
        desk.until_screen(r"✓")
        assert specs(quick)[0]["task"]["text"] == "x marks it"
        assert specs(quick)[0]["task"]["files"] == ["calc.py"]
        assert "selection" not in specs(quick)[0]["task"] or not specs(quick)[0]["task"]["selection"]


def test_special_buffers_start_runs_too(quick: Stage) -> None:
    with Desk(quick, files=()) as desk:
        desk.command("1KageSpawn 1 from an unnamed buffer")
        desk.until_screen("the selection is left out")
        desk.until_screen("1✓")
        for number, opened in enumerate(("help quickref", "copen", "terminal"), 2):
            desk.command(opened)
            desk.command(f"KageSpawn 1 from {opened.split()[0]}")
            desk.until_lua(f"return #require('kage.state').runs() == {number}")
            desk.command("bdelete!" if opened == "terminal" else "close")
        desk.until_screen("1✓")
        assert "Error" not in desk.messages()


def test_agents_start_from_unsaved_bytes(quick: Stage) -> None:
    crlf = quick.repository / "dos.txt"
    crlf.write_bytes(b"one\r\ntwo")
    (quick.repository / "latin.txt").write_bytes("größe\n".encode("latin-1"))
    git(quick.repository, "add", "-A")
    git(quick.repository, "commit", "-qm", "more")
    calc = (quick.repository / "calc.py").read_text()
    with Desk(quick, files=("dos.txt", "latin.txt", "calc.py")) as desk:
        desk.type("ggAX")
        desk.keys("Escape")
        desk.command("edit ++enc=latin1 latin.txt")
        desk.type("A!")
        desk.keys("Escape")
        desk.command("edit calc.py")
        desk.type("Gonine = 9")
        desk.keys("Escape")
        desk.until_lua("return vim.bo.modified")
        (quick.repository / "calc.py").write_text("changed = True\n")
        desk.command("KageSpawn 1 look")
        desk.until_screen("changed on disk since you read it: calc.py")
        desk.until_screen("1✓")
        tree = Path(quick.agents()[0]["worktree"])
        assert (tree / "dos.txt").read_bytes() == b"oneX\r\ntwo"
        assert (tree / "latin.txt").read_bytes() == "größe!\n".encode("latin-1")
        assert (tree / "calc.py").read_text() == calc + "nine = 9\n"
    git(quick.repository, "checkout", "-q", "calc.py")
    assert (quick.repository / "dos.txt").read_bytes() == b"one\r\ntwo"
    assert git(quick.repository, "status", "--short") == ""


def test_a_key_found_in_the_environment_is_asked_about_once(stage: Stage) -> None:
    stage.environment["ANTHROPIC_API_KEY"] = KEY
    with Desk(stage) as desk:
        desk.command("KageSpawn 1 look")
        desk.until_screen("Send code of project to")
        shown = desk.screen()
        assert "ANTHROPIC_API_KEY" in shown and KEY not in shown
        desk.type("2")
        desk.keys("Enter")
        desk.until_screen("nothing was started")
        assert stage.json("status")["runs"] == []
        desk.command("KageSpawn 1")
        desk.until_screen("look")  # what was typed is the draft now
        desk.keys("Escape", "q")
        desk.leave()


def test_without_any_model_the_error_names_three_ways(stage: Stage) -> None:
    with Desk(stage) as desk:
        desk.command("KageSpawn 2 look")
        shown = desk.until_screen("no model was found")
        for way in ("export a key", "start a local server", "config.toml"):
            assert way in " ".join(shown.replace("│", " ").split())


def test_the_slots_run_what_was_fixed(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX))
    with Desk(stage, columns=120, rows=30) as desk:
        desk.type("ggVG:KageSpawn 1 make add() add")
        desk.keys("Enter")
        desk.until_screen("1✓")
        desk.command("Kage log 1")
        desk.until_screen("✓ 1 line")
        desk.until_screen(r"add\(\) adds now\.")
