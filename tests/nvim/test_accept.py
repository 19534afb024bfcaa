"""What accept and undo say in the editor, and the quickfix list that they fill and empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import refused
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon, agent, run


@pytest.fixture
def busy(nvim: Editor, kaged: FakeDaemon) -> Editor:
    """A Neovim that knows of a run of three agents."""
    kaged.runs = [run(agent(1), agent(2, player="claude"), agent(3, "done")), run(agent(1), id="r0")]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run() ~= nil")
    return nvim


def test_a_refused_accept_lists_its_conflicts(busy: Editor, kaged: FakeDaemon) -> None:
    def refuse(_: object) -> None:
        message = "candidate 2 conflicts:\n  calc.py:2 (content)"
        conflicts = [{"path": "calc.py", "kind": "content", "line": 2}]
        raise refused(message, fix="KageAccept! 2", code="conflict", conflicts=conflicts)

    kaged.answers["accept"] = refuse
    busy.screen()
    busy.command("KageAccept 2")
    screen = busy.until_screen("KageAccept! 2")
    assert any("calc.py:2 (content)" in row for row in screen)
    assert busy.lua("return vim.api.nvim_get_mode().blocking") is False


def test_forced_conflicts_fill_a_quickfix_list_of_their_own(
    busy: Editor, kaged: FakeDaemon, repository: Path
) -> None:
    busy.lua("vim.fn.setqflist({}, ' ', { title = 'mine', items = { { text = 'x' } } })")
    busy.command("edit calc.py")
    kaged.answers["accept"] = lambda _: {
        "landing": 7,
        "files": [{"path": "calc.py", "action": "write", "where": "buffer-modified"}],
        "conflicts": [{"path": "calc.py", "line": 2}, {"path": "README.md", "line": 1}],
    }
    busy.command("KageAccept! 2")
    busy.until("return vim.fn.getqflist({ title = 1 }).title == 'Kage: conflicts of candidate 2'")
    items = busy.lua(
        "return vim.tbl_map(function(i) return { vim.fn.bufname(i.bufnr), i.lnum } end, vim.fn.getqflist())"
    )
    assert [(Path(name).name, line) for name, line in items] == [("calc.py", 2), ("README.md", 1)]
    assert busy.lua("return vim.fn.bufname()") == "calc.py"
    assert "not yet written" in busy.messages()
    busy.command("colder")
    assert busy.lua("return vim.fn.getqflist({ title = 1 }).title") == "mine"


def test_files_that_kaged_wrote_are_shown(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    busy.command("edit calc.py")

    def write(_: object) -> dict[str, Any]:
        (repository / "calc.py").write_text("landed = True\n")
        return {"files": [{"path": "calc.py", "action": "write", "where": "disk"}]}

    kaged.answers["accept"] = write
    busy.command("KageAccept 2")
    busy.until("return vim.fn.getline(1) == 'landed = True'")


def test_whose_unsaved_changes_a_landing_waits_for(busy: Editor, kaged: FakeDaemon) -> None:
    busy.command("edit README.md")
    busy.command("normal! Omine")
    files = [
        {"path": path, "action": "write", "where": "buffer-modified"} for path in ("README.md", "calc.py")
    ]
    kaged.answers["accept"] = lambda _: {"landing": 1, "files": files}
    busy.command("KageAccept 1")
    busy.until("return vim.fn.execute('messages'):find('2 files changed', 1, true)")
    said = " ".join(busy.messages().split())
    assert "because you had unsaved changes: README.md" in said
    assert "because you had unsaved changes in another Neovim: calc.py" in said


def test_a_landing_that_had_nothing_to_do_says_so(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["undo"] = lambda _: {"landing": 1, "files": []}
    busy.command("KageUndo")
    busy.until("return vim.fn.execute('messages'):find('undone: nothing had to be changed', 1, true)")


def test_an_undo_empties_the_list_of_what_it_took_back(busy: Editor, kaged: FakeDaemon) -> None:
    landed = {"files": [], "conflicts": [{"path": "calc.py", "line": 2}]}
    for landing in (1, 2):
        kaged.answers["accept"] = lambda _, number=landing: {**landed, "landing": number}
        busy.command(f"KageAccept! {landing}")
        busy.until(
            "return vim.fn.getqflist({ title = 1 }).title == ...", f"Kage: conflicts of candidate {landing}"
        )
    busy.lua("vim.fn.setqflist({}, ' ', { title = 'mine', items = { { text = 'x' } } })")
    kaged.answers["undo"] = lambda _: {"landing": 2, "files": []}
    busy.command("KageUndo")
    busy.until("return vim.fn.execute('messages'):find('undone', 1, true)")
    sizes = (
        "return vim.tbl_map(function(n) return vim.fn.getqflist({ nr = n, size = 0 }).size end, { 1, 2, 3 })"
    )
    assert busy.lua(sizes) == [1, 0, 1]
    assert busy.lua("return vim.fn.getqflist({ title = 1 }).title") == "mine"
