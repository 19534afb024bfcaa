"""Comparing, picking, landing and taking back, typed; and a shell that goes through the open editor."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX, NOTED
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

CALC = "def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n"
MOVES = "mv calc.py sums.py && chmod +x run.sh && rm old.txt && printf '\\0\\2\\3' > logo.bin"
WHOLE = [
    Reply(tool_calls=[("shell", {"command": MOVES})]),
    Reply(tool_calls=[("finish", {"summary": "moved"})]),
]


@pytest.fixture
def desk(stage: Stage, tmp_path: Path) -> Iterator[Desk]:
    """A desk with two candidates: 1 mends one line, 2 mends it in two lines and adds a file."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX), noted=tape(tmp_path / "noted.jsonl", NOTED))
    (stage.repository / "calc.py").write_bytes(CALC.encode())
    with Desk(stage, columns=200, rows=40, init="require('kage').setup({ panes = 'hidden' })") as made:
        made.command("KageSpawn 2 make add() add")
        made.until_screen("1✓ 2✓")
        made.until_lua("return #require('kage.state').run().candidates == 2")
        yield made


def buffer(desk: Desk) -> str:
    """The text of calc.py in the editor."""
    lines = desk.lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr('calc.py'), 0, -1, false)")
    return "".join(f"{line}\n" for line in lines)


def on_disk(desk: Desk) -> str:
    return (desk.stage.repository / "calc.py").read_text()


def until_buffer(desk: Desk, text: str) -> None:
    """Wait until calc.py in the editor is exactly that."""
    until(lambda: buffer(desk) == text, 5, f"{text!r}\n{desk.picture()}")


def test_picks_from_two_agents_into_one_file_while_typing(desk: Desk) -> None:
    windows = desk.lua("return vim.fn.winlayout()")
    desk.command("KageDiff")
    desk.until_screen(r"calc\.py .*1 fix.*2 noted")
    desk.until_screen(r"return a - b +│ +return a \+ b")
    desk.until_screen(r"yours calc\.py  1 choice open")
    desk.until_screen(r"return a \+ b choice 1/1: 1 \| 2")
    desk.command("Kage take")
    desk.until_screen("nothing is left on which all agents agree; 1 choice is left")
    desk.type("2Gdo")
    until_buffer(desk, CALC.replace("a - b", "a + b"))
    desk.type("u")
    until_buffer(desk, CALC)
    desk.type("2G2do")
    until_buffer(desk, CALC.replace("return a - b", '"""Sum."""\n    return b + a'))
    desk.type("u")
    until_buffer(desk, CALC)
    desk.type("Goten = 10")
    desk.keys("Escape")
    desk.until_screen("ten = 10.*ten = 10.*ten = 10")
    desk.type("2GVdo")
    until_buffer(desk, CALC.replace("a - b", "a + b") + "ten = 10\n")
    desk.type("]f")
    desk.until_screen(r"NOTES\.md .*2 noted")
    desk.until_screen("# Notes")
    desk.type("[f")
    desk.until_screen(r"yours calc\.py")
    desk.command("tabclose")
    assert desk.lua("return #vim.api.nvim_list_tabpages()") == 1
    assert desk.lua("return vim.fn.winlayout()") == windows
    assert desk.lua("return vim.wo.diff or vim.wo.scrollbind") is False
    assert on_disk(desk) == CALC


def test_one_agent_by_number_and_paging(desk: Desk) -> None:
    desk.command("KageDiff 2")
    shown = desk.until_screen('"""Sum')
    assert "1 fix" not in shown.split("\n")[1]
    desk.command("tabclose")
    desk.command("lua require('kage').setup({ panes = 'hidden', diff = { columns = 1 } })")
    desk.command("KageDiff")
    desk.until_screen(r"│ 1 fix")
    desk.type("]a")
    desk.until_screen(r"│ 2 noted")
    desk.type("[a")
    desk.until_screen(r"│ 1 fix")
    desk.type("]f")
    desk.until_screen(r"yours NOTES\.md .*│ 2 noted  \+2")  # whose agent 1 is not
    desk.command("KageDiff 7")
    desk.until_screen("7")


def test_landing_onto_what_was_typed_and_back_to_every_byte(desk: Desk) -> None:
    before = digest(desk.stage.repository)
    desk.type("Goten = 10")
    desk.keys("Escape")
    desk.command("KageAccept 2")
    desk.until_screen("not yet written, because you had unsaved changes")
    mended = CALC.replace("return a - b", '"""Sum."""\n    return b + a')
    until_buffer(desk, mended + "ten = 10\n")
    assert on_disk(desk) == CALC
    assert (desk.stage.repository / "NOTES.md").read_text() == "# Notes\nadd adds\n"
    desk.command("KageUndo")
    until_buffer(desk, CALC + "ten = 10\n")
    until(lambda: digest(desk.stage.repository) == before, 5, "every byte")
    desk.type("u")
    desk.command("edit!")
    desk.command("KageAccept 1")
    desk.until_screen("candidate 1 landed: 1 file changed")
    until(lambda: on_disk(desk) == CALC.replace("a - b", "a + b"), 5, "written")
    assert desk.lua("return vim.bo.modified") is False
    desk.command("KageUndo")
    desk.until_screen("is undone")
    until(lambda: digest(desk.stage.repository) == before, 5, "every byte")
    desk.command("KageUndo")
    desk.until_screen("no landing to undo here")


def test_conflicts_refuse_with_a_list_or_land_with_marks(desk: Desk) -> None:
    before = digest(desk.stage.repository)
    desk.type("2GccX")
    desk.keys("Escape")
    typed = buffer(desk)
    desk.command("KageAccept 1")
    shown = desk.until_screen("KageAccept! 1")
    assert "calc.py" in shown
    assert buffer(desk) == typed
    desk.command("KageAccept! 1")
    until(lambda: "<<<<<<<" in buffer(desk), 5, "marks in the buffer")
    desk.until_screen(r"calc\.py\|2.*conflict with candidate 1")
    assert desk.lua("return vim.fn.getqflist({ title = 1 }).title") == "Kage: conflicts of candidate 1"
    desk.command("cclose")
    desk.command("KageUndo")
    until_buffer(desk, typed)
    desk.type("u")
    desk.command("edit!")
    assert digest(desk.stage.repository) == before


def test_a_shell_lands_through_the_editor(desk: Desk) -> None:
    desk.type("Goten = 10")
    desk.keys("Escape")
    desk.until_lua("return vim.bo.modified")
    desk.stage.shell("accept", "1")
    until_buffer(desk, CALC.replace("a - b", "a + b") + "ten = 10\n")
    assert on_disk(desk) == CALC
    desk.command("checktime")
    desk.command("write")
    until(lambda: on_disk(desk) == CALC.replace("a - b", "a + b") + "ten = 10\n", 5, "written")
    assert "W1" not in desk.messages()


def test_two_editors_accept_through_the_right_one(desk: Desk) -> None:
    other = desk.second("README.md")
    other.until_screen("1✓ 2✓")
    desk.type("Goten = 10")
    desk.keys("Escape")
    desk.until_lua("return vim.bo.modified")
    other.command("KageAccept 1")
    other.until_screen("candidate 1 landed")
    until_buffer(desk, CALC.replace("a - b", "a + b") + "ten = 10\n")
    assert on_disk(desk) == CALC
    other.command("KageUndo")
    until_buffer(desk, CALC + "ten = 10\n")
    other.command("edit calc.py")
    other.type("ggOnine = 9")
    other.keys("Escape")
    other.until_lua("return vim.bo.modified")
    other.command("KageAccept 1")
    other.until_screen("calc.py")
    other.command("KageSpawn 1 go on")
    other.until_screen("different|two editors")
    assert len(desk.stage.json("status")["runs"]) == 1


def test_modes_renames_deletions_and_binary_files_are_taken_whole(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(moves=tape(tmp_path / "moves.jsonl", WHOLE))
    root = stage.repository
    (root / "calc.py").write_text(CALC)
    (root / "run.sh").write_text("echo\n")
    (root / "old.txt").write_text("old\n")
    (root / "logo.bin").write_bytes(b"\0\1")
    before = digest(root)
    with Desk(stage, columns=200, rows=40, init="require('kage').setup({ panes = 'hidden' })") as desk:
        desk.command("KageSpawn 1 move")
        desk.until_screen("1✓")
        desk.until_lua("return #require('kage.state').run().candidates == 1")
        desk.command("KageDiff 1")
        for pattern, settled in [
            ("content, not taken: do takes it", "taken, :KageUndo takes it back"),
            ("deletes it · do takes that", "deletes it · taken"),
            (r"mode \+x, not taken: do takes it", r"all taken mode \+x"),
            (r"renamed from calc\.py, not taken: do takes it", r"all taken renamed from calc\.py"),
        ]:
            desk.until_screen(pattern)
            desk.type("do")
            desk.until_screen(settled)
            desk.type("]f")
        assert "R calc.py → sums.py" in desk.screen()
        assert (root / "logo.bin").read_bytes() == b"\0\2\3"
        assert not (root / "old.txt").exists() and not (root / "calc.py").exists()
        assert (root / "sums.py").read_text() == CALC
        assert (root / "run.sh").stat().st_mode & 0o111
        for _ in range(4):
            desk.command("messages clear")
            desk.command("KageUndo")
            desk.until_screen("the last landing is undone")
        until(lambda: digest(root) == before, 5, "every byte")


def test_the_diff_outlives_a_look_into_another_repository(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    (other / "README.md").write_text("# elsewhere\n")
    desk.command("KageDiff")
    desk.until_screen(r"calc\.py .*1 fix.*2 noted")
    tab = "return vim.tbl_map(vim.api.nvim_win_get_buf, vim.api.nvim_tabpage_list_wins(vim.g.tab))"
    desk.command("let g:tab = nvim_get_current_tabpage()")
    desk.command(f"edit {other}/README.md")
    desk.until_screen("# elsewhere")
    before = desk.lua(tab)
    desk.command("Kage")
    desk.until_lua("return vim.bo.filetype:find('kage') ~= nil or vim.fn.bufname():find('kage') ~= nil")
    desk.stage.shell("accept", "1")
    until(lambda: on_disk(desk) != CALC, 5, "landed")
    desk.lua("return { vim.wait(300) }")
    assert [shown for shown in desk.lua(tab) if shown in before] == before
    assert "Invalid" not in desk.messages()
