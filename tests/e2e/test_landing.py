"""Landings on odd working trees."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import git
from tests.e2e.desk import Desk
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply


def test_a_file_that_a_sparse_checkout_leaves_out_lands_and_goes_again(stage: Stage, tmp_path: Path) -> None:
    (stage.repository / "docs").mkdir()
    (stage.repository / "docs" / "guide.md").write_text("old\n")
    git(stage.repository, "add", "-A")
    git(stage.repository, "commit", "-q", "-m", "docs")
    git(stage.repository, "sparse-checkout", "set", "--no-cone", "/*", "!/docs/")
    assert not (stage.repository / "docs").exists()
    before = digest(stage.repository)
    replies = [
        Reply(tool_calls=[("write", {"path": "docs/guide.md", "content": "new\n"})]),
        Reply(tool_calls=[("write", {"path": "README.md", "content": "# mine\n"})]),
        Reply(tool_calls=[("finish", {"summary": "both"})]),
    ]
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", replies))
    stage.shell("spawn", "-n", "1", "--file", "README.md", "write both")
    stage.shell("wait", "--timeout", "30")
    stage.shell("accept", "1")
    assert (stage.repository / "docs" / "guide.md").read_text() == "new\n"
    assert (stage.repository / "README.md").read_text() == "# mine\n"
    stage.shell("undo")
    assert digest(stage.repository) == before


def test_the_files_of_a_submodule_are_there_and_changes_in_it_are_not_taken(
    stage: Stage, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    (library / "lib.py").write_text("ANSWER = 42\n")
    git(library, "add", "-A")
    git(library, "commit", "-q", "-m", "lib")
    git(stage.repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    git(stage.repository, "commit", "-q", "-m", "with a submodule")
    before = digest(stage.repository)
    replies = [
        Reply(
            tool_calls=[
                ("shell", {"command": "python3 -c 'import lib.lib; print(lib.lib.ANSWER)' > out.txt"})
            ]
        ),
        Reply(tool_calls=[("write", {"path": "lib/lib.py", "content": "ANSWER = 41\n"})]),
        Reply(tool_calls=[("finish", {"summary": "asked"})]),
    ]
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", replies))
    said = stage.run("spawn", "-n", "1", "ask the library")
    assert "changes in them are not taken: lib" in said.stderr
    stage.shell("wait", "--timeout", "30")
    assert "out.txt" in stage.shell("diff", "--stat")
    assert "lib/lib.py" not in stage.shell("diff", "--stat")
    stage.shell("accept", "1")
    assert (stage.repository / "out.txt").read_text() == "42\n"
    stage.shell("undo")
    assert digest(stage.repository) == before


def test_files_to_read_must_exist_and_lie_in_the_repository(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", []))
    assert "no file gone.py" in stage.run("spawn", "--file", "gone.py", "x").stderr
    outside = tmp_path / "outside.py"
    outside.write_text("")
    refused = stage.run("spawn", "--file", str(outside), "x")
    assert (refused.returncode, "is not in" in refused.stderr) == (2, True)


def test_without_any_run_there_is_nothing_to_do(stage: Stage, tmp_path: Path) -> None:
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", []))
    for words in (["wait"], ["clean"], ["stop", "all"], ["undo"], ["accept", "1"]):
        stage.shell(*words, code=3)


ONE = "sed -i 's/a - b/a + b/' calc.py && rm notes && mkdir notes && echo in > notes/in"
TWO = "sed -i 's/a - b/b + a/; s/a \\* b/b * a/' calc.py && echo new > new.py"


def test_two_candidates_typed_together_and_taken_back(stage: Stage, tmp_path: Path) -> None:
    (stage.repository / "notes").write_text("a file\n")
    git(stage.repository, "add", "notes")
    git(stage.repository, "commit", "-q", "-m", "notes")
    done = Reply(tool_calls=[("finish", {"summary": "done"})])
    stage.recorded(
        one=tape(tmp_path / "1.jsonl", [Reply(tool_calls=[("shell", {"command": ONE})]), done]),
        two=tape(tmp_path / "2.jsonl", [Reply(tool_calls=[("shell", {"command": TWO})]), done]),
    )
    before = digest(stage.repository)
    hidden = "require('kage').setup({ panes = 'hidden' })"
    with Desk(stage, columns=80, rows=30, files=("notes", "calc.py"), init=hidden) as desk:
        desk.command("bufdo edit | buffer calc.py")
        desk.command("KageSpawn 2 make it so")
        desk.until_screen("1✓ 2✓")
        desk.type("ggO# mine")
        desk.keys("Escape")
        desk.command("KageAccept 1 2")
        desk.until_screen("4 files landed from 1 and 2")
        desk.until_screen(r"calc\.py\|3.*1 and 2 differ here")
        text = "\n".join(desk.lua("return vim.fn.getbufline('calc.py', 1, '$')"))
        assert "return a - b" in text
        assert "return b * a" in text
        assert text.startswith("# mine")
        assert (stage.repository / "notes" / "in").read_text() == "in\n"
        desk.command("cclose")
        desk.command("KageAccept 1 *.py")
        desk.until_screen(r"candidate 1 landed: 1 file changed")
        desk.command("Kage history")
        desk.until_screen(r"from +files +\+ +- +state")
        desk.until_screen(r" 1 2 +4 .*done, 1 conflict")
        desk.type("q")
        desk.command("KageUndo 2")
        desk.until_screen("the last 2 landings are undone")
        assert desk.lua("return vim.fn.getbufline('calc.py', 1, '$')")[0] == "# mine"
        assert "return a - b" in desk.lua("return vim.fn.getbufline('calc.py', 3)")[0]
        assert desk.lua("return vim.bo[vim.fn.bufnr('calc.py')].modified")
        assert digest(stage.repository) == before
