"""Proposals: documents instead of code, compared by sections; the chosen one is carried out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim import paths
from kage_nvim.errors import KageError
from kage_nvim.model import Task
from kage_nvim.orchestrator import proposals
from kage_nvim.records import Course
from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

ONE = "# Sum it\n\n## Summary\nUse sum.\n\n## Risks\nnone\n"
TWO = "# Add it\n\n## 1. Summary\nUse plus.\n\n## Costs\none line\n\n## Risks\nnone\n"
JUDGED = [Reply(json.dumps({"winner": "tie", "why": "both do"}))] * 8
PLAYERS = (
    "[players.one]\ncommand = 'cp one.txt PROPOSAL.md'\n"
    "[players.two]\ncommand = 'cp two.txt PROPOSAL.md; echo >> calc.py'\n"
    "[players.code]\ncommand = 'echo >> calc.py'\n"
    "[players.carry]\ncommand = \"sed -i '2s/-/+/' calc.py; test ! -e PROPOSAL.md\"\n"
)


@pytest.fixture
def proposed(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose newest run has two proposals, and none; the second agent touched code, too."""
    for name, text in (("one", ONE), ("two", TWO)):
        (stage.repository / f"{name}.txt").write_text(text)
    judge = (
        f"[players.judge]\nrecorded = '{tape(tmp_path / 'judge.jsonl', JUDGED)}'\n[judge]\nplayer = 'judge'\n"
    )
    stage.configure(PLAYERS + judge)
    (stage.repository / ".kage.toml").write_text('[checks.any]\ncommand = "true"\n')
    by = ("--player", "one", "--player", "two", "--player", "code")
    stage.shell("spawn", "--yes", *by, "--proposals", "make it add")
    stage.shell("wait", "--timeout", "30")
    return stage


def task(run: str) -> dict[str, str]:
    """What the first agent of a run was told."""
    return dict(json.loads((paths.run_folder(run) / "agents" / "1" / "spec.json").read_bytes())["task"])


def test_proposals_are_compared_by_sections_and_one_is_carried_out(proposed: Stage) -> None:
    run = proposed.json("status")["runs"][0]
    assert run["kind"] == "proposals" and [c["checks"] for c in run["candidates"]] == [{}, {}, {}]
    assert "Write one Markdown document, PROPOSAL.md" in task(run["id"])["wanted"]
    table = [(row["text"], row["cells"], row["how"]) for row in proposed.json("contrast", "1", "2")["table"]]
    assert table == [
        ("", ["1 one", "2 two"], ""),
        ("lines", ["7", "10"], ""),
        ("other files changed", ["", "1"], ""),
        ("Summary", ["1", "1"], "differ"),
        ("Costs", ["", "1"], "only 2"),
        ("Risks", ["1", "1"], "same"),
    ]
    shown = proposed.shell("diff", "1", "2")
    assert shown.index("Summary") < shown.index("Use sum.") < shown.index("Costs") < shown.index("Risks")
    assert "Use plus." in shown and "1 and 2 say the same" in shown
    assert proposed.shell("diff", "--patch", "1").startswith("diff --git")
    until(lambda: proposed.json("status")["runs"][0]["verdict"] != "", 20, "the verdict")
    judged = proposed.json("judge")
    gates = {one["number"]: one["gate"] for one in judged["ranking"]}
    assert judged["basis"] == "judge" and gates == {1: "", 2: "", 3: "it holds no document"}, judged
    for words, said in (
        (["check", "1"], "is a proposal"),
        (["compose"], "no check tells which of their lines are good"),
        (["synth"], "kage spawn --on N"),
    ):
        nothing = proposed.run(*words)
        assert (nothing.returncode, said in nothing.stderr) == (3, True), nothing.stderr
    look_in_the_editor(proposed)
    proposed.configure(PLAYERS)
    assert "nothing but a judge tells proposals apart" in proposed.run("judge").stderr
    carry_out(proposed, run["id"])


def look_in_the_editor(proposed: Stage) -> None:
    """A section leads to the documents."""
    with Desk(proposed) as desk:
        desk.until_lua("return require('kage.state').run() ~= nil")
        desk.command("Kage contrast 1 2")
        desk.until_screen("only 2")
        desk.type("/Risks\r\r")
        desk.until_lua("return #vim.api.nvim_list_tabpages() == 2 and #vim.fn.tabpagebuflist() == 2")
        desk.until_screen("(as 1 says)")
        rows = (
            "return vim.tbl_map(function(w) return vim.fn.getbufoneline(vim.fn.winbufnr(w), 4) end, { 1, 2 })"
        )
        assert desk.lua(rows) == ["(no Costs)", "## Costs"]
        assert desk.lua("return { vim.fn.getline('.'), vim.wo.scrollbind }") == ["## Risks", True]
        desk.type("q")
        desk.until_lua("return #vim.api.nvim_list_tabpages() == 1")


def carry_out(proposed: Stage, run: str) -> None:
    proposed.shell("spawn", "--yes", "--player", "carry", "--on", "2", "carry it out")
    proposed.shell("wait", "--timeout", "30")
    done = proposed.json("status")["runs"][0]
    told = task(done["id"])
    assert told["proposal"] == TWO and told["before"] == "" and done["on"] == f"{run}:2"
    assert done["kind"] == "code" and done["candidates"][0]["files"] == 1
    proposed.shell("accept", "1")
    assert "return a + b" in (proposed.repository / "calc.py").read_text()
    assert not (proposed.repository / "PROPOSAL.md").exists()


def test_a_document_is_a_markdown_file_of_the_repository() -> None:
    for path in ("/etc/x.md", "../x.md", "docs/../../x.md", "code.py", ".git/x.md"):
        with pytest.raises(KageError, match="Markdown file"):
            proposals.asked(Task("t"), Course(proposals=path))
    for course, said in (
        (Course(proposals="a.md", until="green"), "nothing would ever be green"),
        (Course(proposals="a.md", strategy="race"), "nothing would ever be green"),
        (Course(proposals="a.md", parts={1: "a", 2: "b"}), "have no parts"),
    ):
        with pytest.raises(KageError, match=said):
            proposals.asked(Task("t"), course)
    assert "docs/Plan.MD" in proposals.asked(Task("t"), Course(proposals="docs/Plan.MD")).wanted
