"""A run on a candidate: where its agents begin, and what accepting brings, whatever was landed before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim import paths
from tests.conftest import git, until
from tests.e2e.desk import Desk
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

DESIGN = [
    Reply(
        tool_calls=[
            ("edit", {"path": "calc.py", "old": "return a - b", "new": "return sum([a, b])"}),
            ("write", {"path": "DESIGN.md", "content": "# Design\n\nadd uses sum\n"}),
            ("shell", {"command": "echo '2 passed in 0.01s'; touch made-by-hand; exit 3"}),
        ]
    ),
    Reply(tool_calls=[("finish", {"summary": "The design is there; the rest is open."})]),
]
REST = [
    Reply(
        tool_calls=[
            ("edit", {"path": "calc.py", "old": "return sum([a, b])", "new": "return sum((a, b))"}),
            ("edit", {"path": "DESIGN.md", "old": "add uses sum", "new": "add sums a tuple"}),
            ("write", {"path": "extra.py", "content": "DONE = True\n"}),
        ]
    ),
    Reply(tool_calls=[("finish", {"summary": "The rest is done."})]),
]


@pytest.fixture
def designed(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose newest run has the design as candidate 1."""
    stage.recorded(design=tape(tmp_path / "design.jsonl", DESIGN), rest=tape(tmp_path / "rest.jsonl", REST))
    stage.shell("spawn", "-n", "1", "--player", "design", "design it")
    stage.shell("wait", "--timeout", "30")
    return stage


def go_on(stage: Stage, on: str = "1") -> None:
    """A run of the other player on a candidate, to its end."""
    stage.shell("spawn", "--player", "rest", "--on", on, "do the rest")
    stage.shell("wait", "--timeout", "30")
    assert [agent["state"] for agent in stage.agents()] == ["done"]


def files(stage: Stage) -> tuple[bool, bool, bool]:
    """Whether each of the three files is as the second step left it."""
    root = stage.repository
    return (
        "sum((a, b))" in (root / "calc.py").read_text(),
        (root / "DESIGN.md").exists() and "tuple" in (root / "DESIGN.md").read_text(),
        (root / "extra.py").exists(),
    )


def test_accepting_brings_both_steps_when_the_first_was_not_landed_and_chains_go_on(designed: Stage) -> None:
    before = digest(designed.repository)
    for on, code, said in (
        ("x", 2, "Write --on 2, or --on RUN:2"),
        ("7", 1, "has no candidate 7"),
        ("gone:1", 1, "there is no run gone"),
    ):
        refused = designed.run("spawn", "--on", on, "more")
        assert (refused.returncode, said in refused.stderr) == (code, True), refused.stderr
    go_on(designed)
    first, second = reversed(designed.json("status")["runs"])
    assert second["on"] == f"{first['id']}:1" and second["base"] == first["base"]
    assert second["candidates"][0]["files"] == 4
    spec = json.loads((paths.run_folder(second["id"]) / "agents" / "1" / "spec.json").read_bytes())
    told = spec["task"]["before"]
    assert "design it" in told and "The design is there" in told and "DESIGN.md" in told
    assert "2 passed, 0 failed" in told and "exit 3" in told and "made-by-hand" in told

    git(designed.repository, "apply", "--check", "-", input=designed.shell("diff", "--patch", "1"))
    calc = designed.repository / "calc.py"
    calc.write_text("# mine, since\n" + calc.read_text())
    designed.shell("accept", "1")
    assert files(designed) == (True, True, True)
    assert calc.read_text().startswith("# mine, since\n")
    designed.shell("undo")
    calc.write_text(calc.read_text().removeprefix("# mine, since\n"))
    assert digest(designed.repository) == before
    chain(designed, second["id"])


def chain(designed: Stage, second: str) -> None:
    """A restart begins from the candidate again, and a further run stands on both."""
    designed.shell("restart", "1")  # its edits fit the candidate's files only
    designed.shell("wait", "--timeout", "30")
    assert designed.json("status")["runs"][0]["candidates"][0]["files"] == 4
    assert "edited calc.py" in designed.shell("log", "1")
    go_on(designed, f"{second}:1")  # these edits find nothing to replace any more
    third = designed.json("status")["runs"][0]["id"]
    told = json.loads((paths.run_folder(third) / "agents" / "1" / "spec.json").read_bytes())["task"]["before"]
    tasks = [run["task"] for run in reversed(designed.json("status")["runs"][1:])]
    places = [told.find(f"asked to do this:\n\n{task}") for task in tasks]
    assert len(tasks) == 2 and 0 <= places[0] < told.index("What came on top of that") < places[1], told
    designed.shell("accept", "1")
    assert files(designed) == (True, True, True)


def test_accepting_brings_the_rest_when_the_first_step_was_landed(designed: Stage) -> None:
    first = designed.json("status")["runs"][0]["id"]
    designed.shell("accept", "1")
    between = digest(designed.repository)
    go_on(designed, f"{first}:1")
    patch = designed.shell("diff", "--patch", "1")
    assert "-    return sum([a, b])" in patch and "return a - b" not in patch
    git(designed.repository, "apply", "--check", "-", input=patch)
    designed.shell("accept", "1")
    assert files(designed) == (True, True, True)
    designed.shell("undo")
    assert digest(designed.repository) == between

    design = designed.repository / "DESIGN.md"
    design.write_text(design.read_text().replace("# Design", "# Mine"))  # edited since: the landing tells
    designed.shell("accept", "1")
    assert files(designed) == (True, True, True) and design.read_text().startswith("# Mine")
    designed.shell("undo")
    design.write_text(design.read_text().replace("# Mine", "# Design"))
    assert digest(designed.repository) == between
    designed.shell("undo")  # the first step goes too: both steps land again
    designed.shell("accept", "1")
    assert files(designed) == (True, True, True)


def test_in_the_editor_with_unsaved_changes(designed: Stage) -> None:
    with Desk(designed) as desk:
        desk.command("normal! ggO# not saved yet")
        desk.command("KageSpawn @rest --on 1 do the rest")
        desk.until_lua("return require('kage.state').run() and require('kage.state').run().on ~= nil")
        desk.until_lua("return require('kage.state').run().agents[1].state == 'done'")
        assert "not in it" in " ".join(desk.messages().split())
        desk.command("KageAccept 1")
        desk.until_lua("return vim.fn.search('sum((a, b))', 'nw') > 0")
        assert desk.lua("return vim.fn.getline(1)") == "# not saved yet"
        until((designed.repository / "extra.py").exists, 5, "the new file")
        desk.command("KageUndo")
        desk.until_lua("return vim.fn.search('return a - b', 'nw') > 0")
        assert desk.lua("return vim.fn.getline(1)") == "# not saved yet"
        assert not (designed.repository / "extra.py").exists()
