"""What cannot be taken line by line: modes, renames, deletions, binary files, the newline at the end."""

from __future__ import annotations

import os

import pytest

from tests.nvim.diff.conftest import Diff

TEXT = "one\ntwo\nthree\n"


def title(diff: Diff, index: int = 2) -> str:
    """What stands above a window."""
    return str(diff.windows()[index]["title"]).strip()


def until_title(diff: Diff, text: str) -> None:
    """Wait until the first agent's title has that in it."""
    diff.editor.until(
        """
        local window = vim.fn.win_getid(3)
        local shown = vim.api.nvim_eval_statusline(vim.wo[window].winbar, { winid = window, maxwidth = 200 })
        return shown.str:find(..., 1, true) ~= nil
        """,
        text,
    )


def accepted(diff: Diff) -> list[list[str]]:
    """The paths of each landing that was asked for."""
    return list(
        diff.editor.lua(
            """
            local found = {}
            for _, request in ipairs(kaged.requests) do
              if request.method == "accept" then found[#found + 1] = request.params.paths end
            end
            return found
            """
        )
    )


def test_a_mode_is_not_taken_until_it_is(diff: Diff) -> None:
    diff.changes(run={"path": "run.sh", "base": TEXT, "a1": {"text": TEXT, "mode": "100755"}})
    diff.open(path="run.sh")
    assert "mode +x, not taken: do takes it" in title(diff)
    assert "all taken" not in title(diff)
    diff.keys("do")
    until_title(diff, "all taken mode +x")
    assert accepted(diff) == [[str(diff.root / "run.sh")]]
    assert os.access(diff.root / "run.sh", os.X_OK)
    assert ":KageUndo takes it back" in diff.editor.messages()
    (diff.root / "run.sh").chmod(0o644)
    diff.editor.lua("kaged.update(2, {})")
    until_title(diff, "not taken")


def test_a_mode_beside_lines_comes_after_them(diff: Diff) -> None:
    new = TEXT.replace("two", "TWO")
    diff.changes(run={"path": "run.sh", "base": TEXT, "a1": {"text": new, "mode": "100755"}})
    diff.open(path="run.sh")
    assert "+1 -1 mode +x, not taken" in title(diff)
    diff.at(2)
    diff.keys("do")
    assert diff.yours() == new.splitlines()
    diff.keys(":write<CR>")
    assert accepted(diff) == []
    diff.keys("do")
    until_title(diff, "all taken mode +x")


@pytest.mark.parametrize("window", [1, 2])
def test_a_rename_lands_whole(diff: Diff, window: int) -> None:
    (diff.root / "old.py").write_text(TEXT)
    diff.changes(new={"path": "new.py", "a1": {"text": TEXT, "old_path": "old.py"}})
    diff.open()
    assert "renamed from old.py, not taken: do takes it" in title(diff)
    assert any("R old.py → new.py" in line for line in diff.windows()[0]["lines"])
    diff.go(window)
    diff.keys("do" if window == 1 else "dp")
    until_title(diff, "all taken renamed from old.py")
    assert accepted(diff) == [[str(diff.root / "new.py")]]
    assert not (diff.root / "old.py").exists()
    assert (diff.root / "new.py").read_text() == TEXT


def test_a_rename_whose_lines_were_taken_lands_the_rest(diff: Diff) -> None:
    (diff.root / "old.py").write_text(TEXT)
    (diff.root / "new.py").write_text("mine\n")
    diff.changes(new={"path": "new.py", "a1": {"text": TEXT, "old_path": "old.py"}})
    diff.open()
    diff.go(1)
    diff.keys("ggVGdo")
    assert accepted(diff) == []
    diff.keys(":write<CR>")
    assert "renamed from old.py, not taken" in title(diff)
    assert "+" not in title(diff)
    diff.keys("do")
    until_title(diff, "all taken renamed from old.py")
    assert not (diff.root / "old.py").exists()


def test_a_long_rename_takes_two_rows(diff: Diff) -> None:
    old, new = "src/a_rather_long_name_of_a_module.py", "lib/another_rather_long_name.py"
    (diff.root / "src").mkdir(exist_ok=True)
    (diff.root / old).write_text(TEXT)
    diff.changes(new={"path": new, "a1": {"text": TEXT, "old_path": old}})
    diff.open()
    lines = diff.windows()[0]["lines"]
    row = next(index for index, line in enumerate(lines) if "R src/a_rather_long_name" in line)
    assert lines[row].endswith("… →") and "another_rather_long_name.py" in lines[row + 1]


def test_a_deletion(diff: Diff) -> None:
    diff.changes(gone={"path": "old.py", "base": TEXT, "a1": {"mode": "100644"}})
    diff.open(path="old.py")
    assert "deletes it · do takes that" in title(diff)
    diff.keys("do")
    until_title(diff, "deletes it · taken, :KageUndo takes it back")
    assert accepted(diff) == [[str(diff.root / "old.py")]]


def test_a_binary_file(diff: Diff) -> None:
    diff.changes(logo={"path": "logo.png", "base": b"\0\1", "kind": "binary", "a1": b"\0\2\3"})
    diff.open()
    note = "\n".join(diff.windows()[2]["lines"])
    assert "3 bytes" in note and "do takes the whole file" in note
    assert ":KageUndo takes it back, u does not" in note
    assert not diff.windows()[1]["diff"]
    diff.go(1)
    diff.keys("do")
    until_title(diff, "taken, :KageUndo takes it back")
    assert " taken;" in diff.windows()[2]["lines"]
    assert (diff.root / "logo.png").read_bytes() == b"\0\2\3"
    diff.go(0)
    diff.keys("/logo<CR>1do")
    diff.editor.until(
        "return #vim.tbl_filter(function(r) return r.method == 'accept' end, kaged.requests) == 2"
    )


def test_help_says_what_u_does_not_take_back(diff: Diff) -> None:
    diff.changes(text={"path": "text.txt", "base": TEXT, "a1": "x\n"})
    diff.open()
    diff.keys("g?")
    shown = "\n".join(diff.editor.lines())
    assert ":KageUndo  take back what do took whole" in shown
    assert "in the panel or an agent's window: close the tab; in yours :tabclose does" in shown


@pytest.mark.parametrize("window", [1, 2])
def test_a_newline_added_at_the_end(diff: Diff, window: int) -> None:
    diff.changes(
        text={
            "path": "text.txt",
            "base": "one\ntwo",
            "a1": "one\ntwo\n",
            "a2": "one\nTWO\n",
            "a3": "ONE\ntwo",
        }
    )
    diff.open(1, 2, 3, path="text.txt")
    assert "newline added at end" in "\n".join(diff.editor.screen(160, 30))
    diff.go(window)
    diff.at(2)
    diff.keys("1do" if window == 1 else "dp")
    buffer = "vim.bo[vim.fn.winbufnr(2)]"
    assert diff.editor.lua(f"return {{ {buffer}.modified, {buffer}.endofline }}") == [True, True]
    assert "[+]" in title(diff, 1)
    assert ["conflict" in title(diff, index) for index in (2, 3, 4)] == [False, False, False]
    assert "+1 -1" in title(diff, 3) and "+1 -1" in title(diff, 4)
    diff.keys("u")
    assert diff.editor.lua(f"return {{ {buffer}.modified, {buffer}.endofline }}") == [False, False]
    until_title(diff, "+1 -1")
    diff.go(1)
    diff.keys("<C-r>")
    diff.editor.until("return vim.bo.endofline and vim.bo.modified")
    diff.keys(":set nofixeol | wall<CR>")
    diff.editor.until("return not vim.bo.modified")
    assert (diff.root / "text.txt").read_bytes() == b"one\ntwo\n"
    diff.at(2)
    diff.keys("2do")
    assert diff.yours() == ["one", "TWO"]
    diff.at(1)
    diff.keys("3do")
    assert diff.yours() == ["ONE", "TWO"]
    assert diff.editor.lua("return vim.bo.endofline") is True
