"""Landing from a shell: as commits, on branches, hunk by hunk; and taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

LINES = "".join(f"line {number}\n" for number in range(1, 41))


def with_lines(**changed: str) -> str:
    """LINES with some of them replaced: ``n3="three"``."""
    lines = LINES.splitlines()
    for number, text in changed.items():
        lines[int(number[1:]) - 1] = text
    return "\n".join(lines) + "\n"


ONE = with_lines(n3="three", n8="eight", n30="thirty")
TWO = with_lines(n3="three", n30="XXX")


@pytest.fixture
def ran(stage: Stage, tmp_path: Path) -> Stage:
    """Two agents have ended: both changed ``text``, the first also made a file and a mode."""
    (stage.repository / "text").write_text(LINES)
    git(stage.repository, "add", "text")
    git(stage.repository, "commit", "-qm", "text")
    (stage.repository / "README.md").write_text("# mine\n")
    one = [
        Reply(tool_calls=[("write", {"path": "text", "content": ONE})]),
        Reply(tool_calls=[("shell", {"command": "printf 'new\\n' > added; chmod +x calc.py"})]),
        Reply(tool_calls=[("finish", {"summary": "Numbers are words now. They read better."})]),
    ]
    two = [
        Reply(tool_calls=[("write", {"path": "text", "content": TWO})]),
        Reply(tool_calls=[("finish", {"summary": "Some numbers are words."})]),
    ]
    stage.recorded(one=tape(tmp_path / "one.jsonl", one), two=tape(tmp_path / "two.jsonl", two))
    stage.shell("spawn", "--player", "one", "--player", "two", "write numbers as words")
    stage.shell("wait", "--timeout", "60")
    return stage


def choose(stage: Stage, keys: str, *words: str, code: int = 0) -> str:
    """``kage accept --patch``, answered with a line for each key; stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "kage_nvim.cli", "accept", *words, "--patch"],
        cwd=stage.repository,
        env=stage.environment,
        input="".join(f"{key}\n" for key in keys.split()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr + stage.logs()
    return done.stdout + done.stderr


def test_landings_become_commits_and_undo_says_what_stays(ran: Stage) -> None:
    root = ran.repository
    _onto_branches(ran)
    said = ran.json("accept", "1", "text", "--commit")
    assert (said["branch"], said["commits"]) == ("main", [git(root, "rev-parse", "HEAD")])
    assert git(root, "log", "-1", "--format=%an <%ae>%n%B").splitlines() == [
        "Ada <ada@example.org>",
        "Numbers are words now",
        "",
        "Numbers are words now. They read better.",
        "",
        "The task was: write numbers as words",
        "",
        "Assisted-by: one (recorded) via Kage",
    ]
    assert git(root, "status", "--porcelain") == " M README.md"
    history = ran.shell("history")
    assert f"commit {said['commits'][0][:10]} on main" in history
    undone = ran.shell("undo")
    assert f"commit {said['commits'][0][:10]} stays on main" in undone
    assert (root / "text").read_text() == LINES
    assert git(root, "rev-parse", "HEAD") == said["commits"][0]
    ran.shell("accept", "1", "--commit", "--branch", "x", code=2)
    ran.shell("accept", "text", code=2)
    (root / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    (root / ".git" / "hooks" / "pre-commit").chmod(0o755)
    git(root, "commit", "-qn", "-m", "back", "--", "text")
    refused = ran.run("accept", "1", "--message", "again", "text")
    assert refused.returncode == 1
    assert "not today" in refused.stderr
    assert "landed, but not committed" in refused.stderr
    assert (root / "text").read_text() == ONE
    ran.shell("accept", "1", "text", "-m", " ", code=2)
    (root / ".git" / "hooks" / "pre-commit").unlink()
    assert "landed before" in ran.shell("accept", "1", "text", "-m", "at last")
    assert git(root, "show", "HEAD:text") + "\n" == ONE
    assert git(root, "status", "--porcelain") == " M README.md"
    ran.shell("accept", "1", "text", "--commit", code=3)


def _onto_branches(ran: Stage) -> None:
    root = ran.repository
    before = git(root, "status", "--porcelain")
    ran.shell("accept", "1", "--branch", "one")
    assert git(root, "log", "--format=%s", "main..one") == "Numbers are words now"
    assert git(root, "show", "one:text") + "\n" == ONE
    assert git(root, "show", "one:README.md") == "# project"
    assert git(root, "ls-tree", "one", "calc.py").startswith("100755")
    ran.shell("accept", "2", "--branch", "one", code=4)
    ran.shell("accept", "2", "--branch", "one", "--rebase", code=4)  # both change line 30
    assert git(root, "rev-list", "--count", "main..one") == "1"
    ran.shell("accept", "2", "--branch", "two", "-m", "Two")
    merged = ran.json("accept", "1", "added", "--branch", "two", "--merge", "-m", "Both")
    assert git(root, "log", "-1", "--format=%s %P", "two").split()[2] == merged["commits"][0]
    assert git(root, "show", "two:added") == "new"
    assert git(root, "status", "--porcelain") == before
    ran.shell("undo", code=3)
    assert "commit" in ran.shell("history")


def test_hunks_are_chosen_as_git_add_p_does(ran: Stage, tmp_path: Path) -> None:
    root = ran.repository
    _odd_words_and_streams(ran, tmp_path)
    said = choose(ran, "n n s y n q", "1")
    assert "Land this addition [y,n,q,a,d,?]?" in said
    assert "Land mode change" in said
    assert "(1/2) Land this hunk [y,n,q,a,d,j,J,g,/,s,?]?" in said
    assert "@@ -1,11 +1,11 @@" in said
    assert "-line 8\n+eight\n" in said
    assert (root / "text").read_text() == with_lines(n3="three")
    assert not (root / "added").exists()
    # The rest of it: what is there already is not asked about again.
    said = choose(ran, "y y a", "1")
    assert "-line 3" not in said and "Not asked about: 1 hunk that you have already." in said
    assert (root / "text").read_text() == ONE
    assert (root / "added").read_text() == "new\n"
    assert (root / "calc.py").stat().st_mode & 0o100
    said = choose(ran, "", "1", code=3)
    assert "Not asked about: 5 hunks" in said and "you have all of it already" in said
    choose(ran, "n n y", "1", "--branch", "chosen")  # your files are not the branch
    assert git(root, "show", "chosen:text") + "\n" == with_lines(n3="three", n8="eight")
    ran.shell("undo", "2")
    assert git(root, "status", "--porcelain") == " M README.md"
    choose(ran, "d n ? K j /thirty y", "1")  # the input ends with a place undecided
    assert (root / "text").read_text() == with_lines(n30="thirty")
    ran.shell("undo")
    (root / "text").unlink()
    assert "-line 3" in choose(ran, "n n q", "1", code=3), "what was deleted is not what the agent made"
    (root / "text").write_text(LINES)
    choose(ran, "", "1", code=3)
    assert git(root, "status", "--porcelain") == " M README.md"
    _of_several(ran)
    _made_anew(ran)


def redirected(stage: Stage, words: str, where: str, **options: Any) -> tuple[int, str, str]:
    """``kage WORDS`` with a redirection of the shell's: exit code, stdout, stderr."""
    command = f"exec {sys.executable} -I -m kage_nvim.cli {words} {where}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=stage.repository,
        env=stage.environment | {"LANG": "en_US.UTF-8", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=30,
        check=False,
        **options,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def _odd_words_and_streams(ran: Stage, tmp_path: Path) -> None:
    """Nothing of it is taken for something that was said."""
    before = digest(ran.repository)
    for words in (["accept", "1", ""], ["accept", "1", "-p", ""], ["diff", "--run", ""], ["undo", "--run="]):
        assert ran.run(*words).returncode == 2, words
    code, said, _ = redirected(ran, "accept 1 -p", "", input=b"\xff\xfe\nn\nq\n")
    assert code == 3 and "y - land this hunk" in said, "bytes that are no text are an answer like any other"
    assert redirected(ran, "accept 1 -p", "<&-")[0] == 3
    code, _, why = redirected(ran, "diff 1 --stat", ">/dev/full")
    assert (code, why) == (1, "kage: the answer could not be written: No space left on device\n")
    assert redirected(ran, "diff 1 --stat", ">&-")[::2] == (0, "")
    assert redirected(ran, "status", "<&- >&- 2>&-")[0] == 0
    assert digest(ran.repository) == before
    (tmp_path / "link").symlink_to(ran.repository)
    ran.shell("accept", "1", str(tmp_path / "link" / "added"))
    assert git(ran.repository, "status", "--porcelain").splitlines() == [" M README.md", "?? added"]
    assert "+three" in choose(ran, "q", "1", str(tmp_path / "link" / "text"), code=3)
    ran.shell("undo")
    assert digest(ran.repository) == before


def _of_several(ran: Stage) -> None:
    """Each place is chosen by an agent's number."""
    root = ran.repository
    said = choose(ran, "a g 3 2 n y n", "1", "2", "text", "-m", "Chosen")
    assert "@@ -1,6 +1,6 @@ 2 of 2 agree (1 2)\n" in said
    assert "several versions: answer with an agent's number" in said
    assert "agent 1:\n+thirty\nagent 2:\n+XXX\n" in said
    assert (root / "text").read_text() == with_lines(n3="three", n8="eight", n30="XXX")
    assert git(root, "show", "HEAD:text") + "\n" == (root / "text").read_text()
    assert git(root, "log", "-1", "--format=%s|%(trailers:key=Assisted-by,separator=|)").startswith("Chosen|")
    assert git(root, "status", "--porcelain") == " M README.md"


def _made_anew(ran: Stage) -> None:
    """Hunks that were shown of another candidate than it is now are refused."""
    before = (ran.repository / "text").read_text()
    listed = ran.json("status")["runs"][0]["candidates"]
    stale = {"path": "text", "agent": 1, "commit": listed[1]["commit"], "hunk": [3, 4, 3, 4]}
    script = (
        "import asyncio, json, sys\nfrom kage_nvim.client import Client\n"
        "from kage_nvim.errors import KageError\n"
        "async def main():\n c = Client()\n await c.open('cli', sys.argv[1])\n"
        " try:\n  await c.request('accept', json.loads(sys.argv[2]))\n"
        " except KageError as error:\n  print(error.code)\n await c.close()\nasyncio.run(main())\n"
    )
    params = json.dumps({"cwd": str(ran.repository), "picks": [stale]})
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(ran.repository), params],
        env=ran.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout == "changed\n", done.stderr
    assert (ran.repository / "text").read_text() == before
