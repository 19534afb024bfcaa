"""The file panel of `:KageDiff`: the tree, who agrees, how agents are doing, and how it gives way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 41))
ONE = BASE.replace("line 5\n", "five\n")
TWO = BASE.replace("line 7\n", "seven\n")


def tree(diff: Diff, agents: int = 3) -> None:
    """Files of every kind in folders of every depth, changed by so many agents."""
    every = {f"a{n}": ONE if n % 2 else TWO for n in range(1, agents + 1)}
    diff.changes(
        calc={"path": "src/app/calc.py", "base": BASE, **every},
        made={"path": "src/app/core/made.py", "a1": "print(1)\n"},
        old={"path": "src/zoo.py", "base": BASE, "a1": {}, "a2": {}},
        run={"path": "lib/deep/er/run.sh", "base": BASE, "a2": {"text": BASE, "mode": "100755"}},
        name={"path": "lib/deep/er/new.py", "a1": {"text": BASE, "old_path": "lib/deep/er/name.py"}},
        image={"path": "image.bin", "base": "a", "kind": "binary", "a1": "b", "a2": "c"},
    )


def panel(diff: Diff) -> list[str]:
    """The panel's lines, without the headline."""
    lines = [line.rstrip() for line in diff.windows()[0]["lines"]]
    return lines[lines.index("") + 1 :]


def head(diff: Diff) -> list[str]:
    lines = [line.rstrip() for line in diff.windows()[0]["lines"]]
    return lines[: lines.index("")]


def click(diff: Diff, name: str) -> None:
    """Click twice on a row of the panel, below the tab line and the winbar."""
    row = next(index for index, line in enumerate(diff.editor.screen(160, 30)) if name in line)
    for what in ("press", "release") * 2:
        diff.editor.lua("vim.api.nvim_input_mouse('left', ..., '', 0, select(2, ...), 8)", what, row)
    diff.editor.lua("return 1")


def test_the_tree(diff: Diff) -> None:
    tree(diff)
    diff.open(columns=180)
    assert panel(diff) == [
        " ▾ lib/deep/er/",
        "▌  R name.py → new.py  1 +40 -0",
        "   M run.sh  2 mode +x",
        " ▾ src/",
        "   ▾ app/",
        "     ▾ core/",
        "       A made.py  1 +1 -0",
        "     M calc.py  = 1 3 +1 -1  2 +1 -1",
        "   D zoo.py  = 1 2 +0 -40",
        " M image.bin  1 2 binary",
    ]
    diff.go(0)
    diff.keys("4G4jh")
    assert head(diff)[0] == " 6 files  g? keys"


def test_folders_fold_and_the_cursor_stays(diff: Diff) -> None:
    tree(diff)
    diff.open(path="src/app/calc.py")
    rows = len(panel(diff))
    diff.go(0)
    diff.keys("gg/app/<CR>za")
    assert [row for row in panel(diff) if "app" in row] == ["   ▸ app/  2 files"]
    assert not any("calc" in row for row in panel(diff))
    diff.keys("l")
    assert any("calc" in row for row in panel(diff))
    diff.keys("/made<CR>h")
    assert diff.editor.lua("return vim.fn.getline('.')").strip() == "▸ core/  1 file"
    diff.keys("h")
    diff.keys("h")
    assert [row.strip() for row in panel(diff) if "src" in row] == ["▸ src/  3 files"]
    diff.editor.lua("kaged.update(2, { { number = 1, kind = 'agent', commit = 'c9' } })")
    diff.editor.lua("vim.wait(50)")
    assert diff.editor.lua("return vim.fn.getline('.')").strip() == "▸ src/  3 files"
    diff.keys("]f")
    diff.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('zoo') ~= nil")
    assert any("▌  D zoo.py" in row for row in panel(diff)), "the file that is shown is unfolded"
    diff.editor.screen(160, 30)
    click(diff, "app/")
    click(diff, "core/")
    assert "     ▾ core/" in panel(diff)
    click(diff, "made.py")
    diff.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('made') ~= nil")
    diff.go(0)
    diff.keys("zMzR")
    assert len(panel(diff)) == rows
    diff.keys("G<CR>")
    diff.editor.until("return vim.fn.bufname(vim.fn.winbufnr(2)):find('image') ~= nil")


def test_agreement_checks_and_who_works(diff: Diff) -> None:
    tree(diff)
    place = {"first": 5, "past": 6}
    alike = {**place, "versions": [{"agents": [1, 2, 3], "how": "same"}]}
    differ = {**place, "versions": [{"agents": [1, 3], "how": "same"}, {"agents": [2], "how": "same"}]}
    answer = {
        "of": [1, 2, 3],
        "files": [
            {"path": "src/app/calc.py", "places": [differ, alike, differ]},
            {"path": "lib/deep/er/run.sh", "places": [alike]},
        ],
    }
    diff.editor.lua("kaged.answers = { align = ... }", answer)
    diff.open(columns=180)
    diff.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(1), 1)[1]:find('choices') ~= nil")
    assert "     M calc.py  1-3 +1 -1  2 choices" in " ".join(panel(diff)) or any(
        "2 choices" in row for row in panel(diff)
    )
    assert any("all agree" in row for row in panel(diff))
    diff.editor.lua(
        """
        local run = vim.deepcopy(require("kage.state").run())
        run.agents[2].state = "working"
        run.agents[4] = { number = 4, player = "late", state = "working" }
        run.candidates = {
          { number = 1, kind = "agent", commit = "a", checks = { test = "pass", lint = "pass" } },
          { number = 2, kind = "agent", commit = "b", live = true, checks = { test = "fail", l = "pass" } },
          { number = 3, kind = "agent", commit = "c", checks = { test = "running" } },
        }
        require("kage.state").push({ epoch = 1, seq = 9, repository = run.repository, runs = { run } })
        """
    )
    diff.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(1), 1, 9)[5]:find('nothing yet') ~= nil")
    rows = head(diff)
    assert rows[1].endswith("✓2/2") and rows[2].endswith("✗1/2") and rows[3].endswith("◐0/1")
    assert "2 ● mini" in rows[2] and "4 ● late nothing yet" in rows[4]
    assert "● working" in diff.windows()[3]["title"]


@pytest.mark.parametrize("agents", [2, 3, 5, 9])
@pytest.mark.parametrize("columns", [60, 80, 120, 240])
def test_no_row_is_cut_and_no_window_too_narrow(diff: Diff, agents: int, columns: int) -> None:
    tree(diff, agents)
    diff.editor.screen(columns, 30)
    diff.editor.lua("require('kage.diff').open({})")
    diff.editor.until("return vim.fn.winnr('$') >= 2 and vim.wo[vim.fn.win_getid(2)].diff")
    windows = diff.windows()
    assert sum(window["diff"] for window in windows) <= 8
    if columns == 60:
        assert [bool(window["diff"]) for window in windows] == [True, True]
        diff.keys("gz")
        windows = diff.windows()
    width = windows[0]["width"]
    assert 16 <= width <= 36 and min(window["width"] for window in windows[1:]) >= 20
    for row in windows[0]["lines"]:
        assert len(row) <= width, row
    diff.keys("gz")
    assert all(window["diff"] for window in diff.windows())


def test_a_column_closed_by_hand_stays_closed(diff: Diff) -> None:
    tree(diff)
    diff.open(columns=240)
    diff.go(3)
    diff.keys(":quit<CR>")
    diff.editor.screen(239, 30)
    diff.editor.lua("vim.wait(30)")
    assert [window["name"].split("/")[3] for window in diff.windows()[2:]] == ["1", "2"]
    diff.keys("]a")
    assert [window["name"].split("/")[3] for window in diff.windows()[2:]] == ["2", "3"]


def test_a_provider_of_the_users(diff: Diff) -> None:
    tree(diff)
    told: Any = diff.editor.lua(
        """
        require("kage").setup({ diff = { provider = function(ctx)
          seen = { run = ctx.run, paths = vim.tbl_map(function(f) return f.path end, ctx.files) }
          ctx.text("src/app/calc.py", 0, function(text) seen.base = text end)
          ctx.text("src/zoo.py", 1, function(text, err) seen.gone = text == nil and err == nil end)
        end } })
        require("kage.diff").open({})
        vim.wait(1000, function() return seen and seen.gone end)
        return seen
        """
    )
    assert told["run"] == "k7" and told["base"] == BASE and told["gone"] is True
    assert told["paths"][0] == "lib/deep/er/new.py" and diff.tabs() == 1
    diff.editor.lua(
        """
        require("kage.notify").error = function(err) problem = err end
        require("kage").setup({ diff = { provider = function() error("no such plugin") end } })
        require("kage.diff").open({})
        vim.wait(1000, function() return problem end)
        """
    )
    problem = diff.editor.lua("return problem")
    assert "no such plugin" in problem["message"] and ":KageDiff!" in problem["fix"]
    diff.editor.lua("require('kage.diff').open({}, { bang = true })")
    diff.editor.until("return #vim.api.nvim_list_tabpages() == 2")


def test_a_new_file_of_a_working_agent_waits_for_the_user_to_end_typing(diff: Diff, tmp_path: Path) -> None:
    diff.changes()
    diff.editor.lua(
        """
        local run = vim.deepcopy(require("kage.state").run())
        run.agents[1].state = "working"
        require("kage.state").push({ epoch = 1, seq = 5, repository = run.repository, runs = { run } })
        """
    )
    (diff.root / "mine.txt").write_text("mine\n")
    diff.editor.command("edit mine.txt")
    diff.editor.screen(160, 30)
    diff.editor.lua("require('kage.diff').open({})")
    diff.editor.until("return #vim.api.nvim_list_tabpages() == 2")
    assert "no changes yet" in diff.windows()[1]["title"]
    diff.keys("Atyped")
    diff.editor.lua(
        """
        kaged.changes["calc.py"] = { base = "one\\n", agents = { ["1"] = { text = "two\\n" } } }
        kaged.update(6, { { number = 1, kind = "agent", commit = "c1", live = true } })
        vim.wait(50)
        """
    )
    diff.keys(" on<Esc>")
    diff.editor.until(
        "return vim.fn.winnr('$') == 3 and vim.fn.bufname(vim.fn.winbufnr(2)):find('calc') ~= nil"
    )
    assert diff.editor.lua("return vim.fn.getbufline('mine.txt', 1, '$')") == ["minetyped on"]
