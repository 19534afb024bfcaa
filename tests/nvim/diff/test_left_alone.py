"""What is not taken is named: links, deleted texts, swap files, what kaged refuses; odd names and numbers."""

from __future__ import annotations

from pathlib import Path

from tests.nvim.diff.conftest import Diff
from tests.nvim.diff.test_inline import begin

BASE = "".join(f"line {n}\n" for n in range(1, 12))
ALL = BASE.replace("line 3\n", "three\n")
ONE, TWO = ALL.replace("line 8\n", "one\n"), ALL.replace("line 8\n", "two\n")
SNAPSHOT = "kaged.answers = { subscribe = { epoch = 0, seq = 0, repository = '', runs = {} } }"


def text_of(diff: Diff, path: Path) -> list[str]:
    lines = "return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)"
    return list(diff.editor.lua(lines, str(path)))


def listen(diff: Diff) -> None:
    """Messages are kept, and none waits for a key."""
    diff.editor.lua(SNAPSHOT)
    diff.editor.lua(
        """
        said = ""
        local notify = require("kage.notify")
        notify.info = function(text) said = said .. text .. " " end
        notify.error = function(err) said = said .. err.message .. " " .. (err.fix or "") .. " " end
        """
    )


def until_said(diff: Diff, *texts: str) -> None:
    for text in texts:
        diff.editor.until("return said:find(..., 1, true) ~= nil", text)


def test_take_names_what_it_leaves_alone(diff: Diff, tmp_path: Path) -> None:
    names = ("big", "link", "gone", "folder", "held")
    diff.changes(
        **{name: {"path": f"{name}.txt", "base": BASE, "a1": ONE, "a2": TWO} for name in names},
        new={"path": "new.txt", "a1": "n\n", "a2": "n\n"},
    )
    root, other = diff.root, tmp_path / "other.txt"
    other.write_text("mine\n" + BASE)
    for name in ("link", "gone", "folder"):
        (root / f"{name}.txt").unlink()
    (root / "link.txt").symlink_to(other)
    (root / "folder.txt").mkdir()
    listen(diff)
    diff.editor.command(f"cd {root}")
    diff.editor.command(f"set swapfile updatecount=200 directory={tmp_path}//")
    swap = diff.editor.lua(
        """
        local path, folder = ...
        local set = "set directory=" .. folder
        local job = vim.fn.jobstart({ vim.v.progpath, "--headless", "--clean", "--cmd", set, path })
        vim.wait(5000, function() return #vim.fn.glob(folder .. "*held.txt.swp", true, true) > 0 end, 10)
        return job
        """,
        str(root / "held.txt"),
        f"{tmp_path}//",
    )
    diff.editor.lua(
        """
        local request = kaged.request
        kaged.request = function(method, params, callback)
          if method ~= "accept" then return request(method, params, callback) end
          callback({ message = "x.txt is open twice", fix = "Write it." })
        end
        """
    )
    diff.editor.command("Kage take nosuch.py big.txt link.txt gone.txt folder.txt held.txt new.txt")
    until_said(
        diff,
        "took 1 hunk in 1 file; 2 choices are left",
        "nothing was taken into held.txt: its buffer is read-only",
        "not taken: new.txt: x.txt is open twice; Write it.",
        "left alone: folder.txt (a folder now), gone.txt (deleted by you), link.txt (a symbolic link now)",
        "no agent changed nosuch.py",
    )
    diff.editor.lua("vim.fn.jobstop(...)", swap)
    assert text_of(diff, root / "big.txt") == ALL.splitlines()
    assert text_of(diff, root / "held.txt") == BASE.splitlines()
    diff.editor.command("wall")
    assert other.read_text() == "mine\n" + BASE
    diff.editor.command("Kage choices")
    until_said(diff, "left out, no files of yours any more: folder.txt (a folder now), gone.txt")


def test_nothing_is_picked_through_a_link(diff: Diff, tmp_path: Path) -> None:
    diff.changes(link={"path": "link.txt", "base": BASE, "a1": ONE, "a2": TWO})
    (diff.root / "link.txt").unlink()
    (diff.root / "link.txt").symlink_to(tmp_path / "other.txt")
    (tmp_path / "other.txt").write_text(BASE)
    listen(diff)
    diff.open(path="link.txt")
    diff.at(3)
    diff.keys("do")
    until_said(diff, "nothing is taken into link.txt: it is a symbolic link now")
    assert diff.yours() == BASE.splitlines()


def test_inline_says_what_became_of_the_file_as_a_whole(diff: Diff) -> None:
    diff.changes(
        moved={"path": "sums.txt", "a1": {"text": BASE, "old_path": "calc.txt"}},
        calc={"path": "calc.txt", "base": BASE, "a2": TWO},
        named={"path": "called.txt", "a1": {"text": ALL, "old_path": "plain.txt"}},
        bin={"path": "bin.bin", "kind": "binary", "base": "\0a", "a1": "\0b", "a2": "\0c"},
    )
    (diff.root / "plain.txt").write_text(BASE)
    listen(diff)
    rows = begin(diff, "calc.txt")
    assert rows[0] == "▎1 renames it to sums.txt: :KageAccept 1 takes that"
    diff.editor.command("edit bin.bin")
    rows = diff.editor.screen(100, 40)
    assert rows[0].startswith("▎1 changes it as a whole (binary)") and rows[1].startswith("▎2 changes")
    diff.editor.command("edit calc.txt")
    diff.editor.command("KageDiff inline")
    diff.editor.command("edit plain.txt")
    diff.editor.command("KageDiff inline")
    until_said(diff, "what agents made of this file is said above its first line")
    assert diff.editor.screen(100, 40)[0] == "▎1 renames it to called.txt: :KageAccept 1 takes that"


def test_numbers_are_read_once_and_not_too_large(diff: Diff) -> None:
    diff.changes(calc={"path": "calc.txt", "base": BASE, "a1": ONE, "a2": TWO})
    diff.open(1, 1, path="calc.txt")
    assert [window["name"].rsplit("/", 2)[-2:] for window in diff.windows()[2:]] == [["1", "calc.txt"]]
    diff.editor.command("tabclose")
    listen(diff)
    for command in ("KageDiff", "KageContrast", "KageAccept", "Kage stop"):
        diff.editor.lua("said = ''")
        diff.editor.command(f"{command} 99999999999999999999")
        until_said(diff, "99999999999999999999", "Write :Kage")


def test_a_split_of_yours_that_becomes_a_tab_is_the_users_again(diff: Diff) -> None:
    diff.changes(calc={"path": "calc.txt", "base": BASE, "a1": ONE, "a2": TWO})
    diff.open(path="calc.txt")
    diff.editor.command("split | wincmd T")
    state = "return { vim.wo.winbar, vim.wo.diff, vim.wo.scrollbind, vim.fn.bufname():match('[^/]*$') }"
    assert diff.editor.lua(state) == ["", False, False, "calc.txt"]
    diff.editor.command("tabprevious")
    assert [window["diff"] for window in diff.windows()] == [False, True, True, True]


def test_five_agents_with_a_long_name_fit_80_columns(diff: Diff) -> None:
    lines = diff.editor.lua(
        """
        local cells, head = {}, {}
        for number = 1, 5 do
          cells[number], head[number] = "content", number .. " p" .. (number == 3 and "x" or ""):rep(30)
        end
        return (require("kage.contrast").lines({
          { level = "head", text = "", cells = head, how = "" },
          { level = "file", text = "some/folder/name.py", cells = cells, how = "1 | 2 | 3 | 4 | 5" },
        }, 80))
        """
    )
    assert all(len(line) <= 80 for line in lines), lines
    assert lines[1].endswith("1|2|3|4|5") and lines[1].count("content") == 5
