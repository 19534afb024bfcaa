"""The tab outlives other files, other repositories' state, and windows that close meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
NEW = BASE.replace("line 5\n", "line five\n")
ELSEWHERE = """
    require("kage.state").push({ epoch = 1, seq = 1, repository = ..., runs = {} })
"""
CANDIDATE = [{"number": 1, "kind": "agent", "commit": "c2"}]


@pytest.fixture
def calc(diff: Diff) -> Diff:
    diff.changes(
        calc={"path": "src/calc.py", "base": BASE, "a1": NEW, "a2": BASE + "end\n"},
        readme={"path": "a.md", "base": "# project\n", "a2": "# a project\n"},
        zoo={"path": "zoo.md", "base": "# zoo\n", "a2": "# a zoo\n"},
    )
    return diff


@pytest.fixture
def other(calc: Diff, tmp_path: Path) -> Path:
    """A file of another repository."""
    path = tmp_path / "elsewhere" / "README.md"
    path.parent.mkdir()
    path.write_text("# elsewhere\n")
    return path


def settle(diff: Diff) -> None:
    """Wait for every answer and timer that is under way."""
    diff.editor.lua("vim.wait(80)")


def names(diff: Diff) -> list[str]:
    return [Path(window["name"]).name for window in diff.windows()]


@pytest.mark.parametrize("hidden", ["hidden", "nohidden"])
def test_another_repository_in_the_window_of_yours(calc: Diff, other: Path, hidden: str) -> None:
    calc.open(path="src/calc.py")
    calc.editor.command(f"set {hidden}")
    calc.keys(f":edit {other}<CR>")
    calc.editor.until("return vim.fn.getline(1) == '# elsewhere'")
    before = names(calc)
    calc.editor.lua(ELSEWHERE, str(other.parent))
    settle(calc)
    assert names(calc) == before == ["files", "README.md", "calc.py", "calc.py"]
    calc.keys("gtgT")
    calc.editor.lua("kaged.update(7, ...)", CANDIDATE)
    settle(calc)
    calc.editor.screen(150, 30)
    assert names(calc) == before
    assert calc.editor.lua("return { vim.wo.diff, vim.fn.maparg('do', 'n'), vim.fn.getline(1) }") == [
        False,
        "",
        "# elsewhere",
    ]
    assert calc.editor.messages() == ""
    calc.keys(":edit src/calc.py<CR>")
    calc.editor.until("return vim.wo.diff and vim.fn.maparg('do', 'n') ~= ''")
    calc.at(5)
    calc.keys("do")
    assert calc.yours() == NEW.splitlines()
    calc.editor.until("return not vim.wo[vim.fn.win_getid(2)].winbar:find('README')")


def test_an_answer_under_way_does_not_come_over_another_file(calc: Diff, other: Path) -> None:
    calc.open(path="src/calc.py")
    calc.editor.lua(
        "vim.api.nvim_feedkeys(']f', 'xt', false) vim.cmd.edit(...)",
        str(other),
    )
    settle(calc)
    assert calc.yours() == ["# elsewhere"]


def test_the_same_buffers_are_used_when_the_file_comes_back(calc: Diff) -> None:
    calc.open(path="src/calc.py")
    ids = [window["id"] for window in calc.windows()]
    calc.keys(":edit test_calc.py<CR>:buffer src/calc.py<CR>")
    calc.editor.until("return vim.wo.diff and vim.fn.maparg('do', 'n') ~= ''")
    settle(calc)
    assert [window["id"] for window in calc.windows()] == ids
    assert calc.editor.messages() == ""


@pytest.mark.parametrize("index", [0, 2, 3])
def test_windows_closed_unseen_are_forgotten(calc: Diff, index: int) -> None:
    calc.open(path="src/calc.py")
    calc.editor.lua(
        "vim.cmd('noautocmd call nvim_win_close(' .. ... .. ', v:true)')", calc.windows()[index]["id"]
    )
    calc.editor.lua("kaged.update(7, ...)", CANDIDATE)
    settle(calc)
    calc.editor.screen(120, 30)
    calc.editor.screen(160, 30)
    calc.at(5)
    calc.keys("1do")
    settle(calc)
    assert calc.editor.lua("return vim.fn.getline(5)") == "line five"
    assert calc.editor.messages() == ""


@pytest.mark.parametrize("index", [0, 2])
def test_another_file_in_a_window_of_ours_stays(calc: Diff, other: Path, index: int) -> None:
    calc.open(path="src/calc.py")
    calc.go(index)
    calc.keys(f":edit {other}<CR>")
    window = calc.windows()[index]["id"]
    calc.editor.lua("kaged.update(7, ...)", CANDIDATE)
    settle(calc)
    calc.editor.screen(150, 30)
    assert calc.editor.lua("return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(...))", window) == str(
        other
    )
    assert calc.editor.messages() == ""


def test_folders_stand_above_files(calc: Diff) -> None:
    calc.open(path="src/calc.py")
    text = "\n".join(calc.windows()[0]["lines"])
    assert text.index("src/") < text.index("calc.py") < text.index("a.md") < text.index("zoo.md")
    calc.keys("]f")
    calc.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('a.md') ~= nil")


@pytest.mark.parametrize(
    "diffopt",
    [
        "internal,filler,closeoff,linematch:60,linematch:40",
        "internal,filler,linematch:60",
        "filler,context:0,iwhiteall,algorithm:minimal",
        "internal",
    ],
)
def test_the_users_diffopt(calc: Diff, diffopt: str) -> None:
    calc.editor.command(f"set diffopt={diffopt}")
    calc.open()
    for key in ("]f", "[f"):
        calc.keys(key)
        settle(calc)
    calc.go(1)
    calc.at(5)
    calc.keys("do")
    calc.keys("Gotyped<Esc>")
    settle(calc)
    calc.editor.screen(160, 30)
    assert calc.yours() == [*NEW.splitlines(), "typed"]
    assert calc.windows()[2]["lines"] == [*NEW.splitlines(), "typed"]
    assert calc.editor.messages() == ""
