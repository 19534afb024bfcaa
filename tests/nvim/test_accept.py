"""What accept and undo say in the editor, and the quickfix list that they fill and empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import refused
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


def test_what_conflicts_between_candidates_is_listed(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["accept"] = lambda _: {
        "landing": 4,
        "numbers": [1, 3],
        "files": [{"path": path, "action": "write", "where": "disk"} for path in ("calc.py", "README.md")],
        "conflicts": [
            {"path": "calc.py", "kind": "content", "line": 2, "agents": [1, 3], "marked": False},
            {"path": "logo.png", "kind": "binary", "line": None, "agents": [1, 3], "marked": False},
        ],
        "notes": ["2 places differ between 1 and 3 and were left as you have it: calc.py:2"],
    }
    busy.command("KageAccept 1 3")
    busy.until("return vim.fn.getqflist({ title = 1 }).title == 'Kage: conflicts of candidates 1 and 3'")
    items = busy.lua("return vim.tbl_map(function(i) return { i.lnum, i.text } end, vim.fn.getqflist())")
    assert items == [[2, "1 and 3 differ here"], [1, "1 and 3 differ here (binary)"]]
    assert busy.lua("return vim.fn.getqflist({ winid = 0 }).winid") > 0
    assert "2 files landed from 1 and 3" in busy.messages()
    assert "2 places differ between 1 and 3" in busy.messages()


def test_the_words_after_accept(busy: Editor, kaged: FakeDaemon, repository: Path) -> None:
    kaged.answers["accept"] = lambda _: {"landing": 1, "files": [], "conflicts": []}
    busy.command("edit calc.py")
    busy.command("cd ..")
    (repository / "linked").symlink_to(repository.parent)
    name = repository.name
    for line in (
        f"KageAccept! 1,3 {name}/** {name}/gone\\ away/*.py --branch=new --squash",
        "KageAccept 1 3 % --commit -m all of it",
        f"KageAccept 2 ./3 {name}/linked/{name}/calc.py -- --merge",
    ):
        busy.command(line)
    until(lambda: len(kaged.asked("accept")) == 3)
    first, second, third = kaged.asked("accept")
    assert (first["agents"], first["force"], first["branch"], first["how"]) == ([1, 3], True, "new", "squash")
    assert first["paths"] == [f"{repository}/**", f"{repository}/gone away/*.py"]
    assert (second["agents"], second["paths"]) == ([1, 3], [f"{repository}/calc.py"])
    assert (second["commit"], second["message"], second["force"]) == (True, "all of it", False)
    assert third["paths"] == [
        f"{repository.parent}/3",
        f"{repository}/calc.py",
        f"{repository.parent}/--merge",
    ]
    for line in (
        "KageAccept 1 --never",
        "KageAccept 1 --branch",
        "KageAccept src",
        "KageUndo x",
        "KageUndo 0",
    ):
        busy.command("messages clear")
        busy.command(line)
        busy.until("return vim.fn.execute('messages'):find('Write :Kage', 1, true)")
    assert len(kaged.asked("accept")) == 3


def test_several_steps_are_undone_and_a_conflict_is_listed(busy: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["undo"] = lambda _: {"landing": 3, "landings": [3, 2], "files": []}
    busy.command("KageUndo 2")
    busy.until("return vim.fn.execute('messages'):find('the last 2 landings are undone', 1, true)")
    assert kaged.asked("undo")[0]["count"] == 2

    def refuse(_: object) -> None:
        conflicts = [{"path": "calc.py", "kind": "content", "line": 2}]
        raise refused("changed since:\n  calc.py:2", fix="KageUndo 1", code="conflict", conflicts=conflicts)

    kaged.answers["undo"] = refuse
    busy.command("KageUndo 2")
    busy.until("return vim.fn.getqflist({ title = 1 }).title == 'Kage: conflicts of undo'")
    assert busy.lua("return vim.fn.getqflist()[1].lnum") == 2


def test_the_history_is_a_table(busy: Editor, kaged: FakeDaemon) -> None:
    entry = {"run": "r1", "created": 1e9, "files": [{}, {}], "added": 12, "removed": 3, "conflicts": 0}
    kaged.answers["history"] = lambda _: {
        "landings": [
            entry | {"id": 10, "number": 3, "numbers": [1, 3], "state": "done", "conflicts": 1},
            entry | {"id": 9, "number": 2, "state": "done", "commit": "abcdef1234", "branch": "main"},
            entry | {"id": 8, "number": 2, "numbers": [2], "state": "undone"},
        ]
    }
    busy.command("Kage history")
    busy.until("return vim.fn.bufname() == 'kage://history'")
    head, *rows = busy.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)")
    assert head.split() == ["id", "when", "run", "from", "files", "+", "-", "state"]
    assert [row.split()[0] for row in rows] == ["10", "9", "8"]
    assert rows[0].endswith(" 1 3       2  +12  -3  done, 1 conflict")
    assert rows[1].endswith("committed as abcdef1 on main")
    assert rows[2].endswith("undone")
    busy.keys("q")
    busy.until("return vim.fn.bufname() ~= 'kage://history'")
    kaged.answers["history"] = lambda _: {"landings": []}
    busy.command("Kage history")
    busy.until("return vim.fn.execute('messages'):find('nothing was landed', 1, true)")
