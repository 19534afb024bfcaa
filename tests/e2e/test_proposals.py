"""Proposals: documents instead of code, compared by sections; the chosen one is carried out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

ONE = "# Sum it\n\n## Summary\nUse sum.\n\n## Risks\nnone\n"
TWO = "# Add it\n\n## 1. Summary\nUse plus.\n\n## Costs\none line\n\n## Risks\nnone\n"
JUDGED = [Reply(json.dumps({"winner": "tie", "why": "both do"}))] * 8


@pytest.fixture
def proposed(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose newest run has two proposals; the second agent touched code, too."""
    for name, text in (("one", ONE), ("two", TWO)):
        (stage.repository / f"{name}.txt").write_text(text)
    stage.configure(
        "[players.one]\ncommand = 'cp one.txt PROPOSAL.md'\n"
        "[players.two]\ncommand = 'cp two.txt PROPOSAL.md; echo >> calc.py'\n"
        f"[players.judge]\nrecorded = '{tape(tmp_path / 'judge.jsonl', JUDGED)}'\n[judge]\nplayer = 'judge'\n"
        "[players.carry]\ncommand = \"sed -i '2s/-/+/' calc.py; test ! -e PROPOSAL.md\"\n"
    )
    (stage.repository / ".kage.toml").write_text('[checks.any]\ncommand = "true"\n')
    stage.shell("check", "--yes")
    stage.shell("spawn", "--yes", "--player", "one", "--player", "two", "--proposals", "make it add")
    stage.shell("wait", "--timeout", "30")
    return stage


def task(run: str) -> dict[str, str]:
    """What the first agent of a run was told."""
    return dict(json.loads((paths.run_folder(run) / "agents" / "1" / "spec.json").read_bytes())["task"])


def test_proposals_are_compared_by_sections_and_one_is_carried_out(proposed: Stage) -> None:
    run = proposed.json("status")["runs"][0]
    assert run["kind"] == "proposals" and [c["checks"] for c in run["candidates"]] == [{}, {}]
    assert "Write one Markdown document, PROPOSAL.md" in task(run["id"])["wanted"]
    table = [(row["text"], row["cells"], row["how"]) for row in proposed.json("contrast")["table"]]
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
    until(lambda: proposed.json("status")["runs"][0]["verdict"] != "", 20, "the verdict")
    judged = proposed.json("judge")
    assert judged["basis"] == "judge" and [one["gate"] for one in judged["ranking"]] == ["", ""], judged
    assert proposed.shell("diff", "--patch", "1").startswith("diff --git")
    nothing = proposed.run("check", "1")
    assert (nothing.returncode, "is a proposal" in nothing.stderr) == (3, True)
    proposed.shell("spawn", "--yes", "--player", "carry", "--on", "2", "carry it out")
    proposed.shell("wait", "--timeout", "30")
    done = proposed.json("status")["runs"][0]
    told = task(done["id"])
    assert told["proposal"] == TWO and told["before"] == "" and done["on"] == f"{run['id']}:2"
    assert done["kind"] == "code" and done["candidates"][0]["files"] == 1
    proposed.shell("accept", "1")
    assert "return a + b" in (proposed.repository / "calc.py").read_text()
    assert not (proposed.repository / "PROPOSAL.md").exists()


def test_in_the_editor_a_section_leads_to_the_documents(proposed: Stage) -> None:
    with Desk(proposed) as desk:
        desk.until_lua("return require('kage.state').run() ~= nil")
        desk.command("Kage contrast")
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


def test_a_document_is_a_markdown_file_of_the_repository(stage: Stage) -> None:
    stage.configure("[players.one]\ncommand = 'true'\n")
    for path in ("/etc/x.md", "../x.md", "code.py", ".git/x.md"):
        refused = stage.run("spawn", "--document", path, "propose")
        assert (refused.returncode, "Markdown file" in refused.stderr) == (2, True), refused.stderr
    refused = stage.run("spawn", "--proposals", "--until", "green", "--budget", "1", "propose")
    assert refused.returncode in (1, 2) and stage.json("status")["runs"] == []
