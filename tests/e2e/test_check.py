"""Checks: on what the user has, on candidates; in a slot, never in the user's files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage, digest, tape

BROKEN = "def add(a, b):\n    return a - b\n"
# A check without any package: it complains as compilers do, and counts in an ignored file how often it ran.
CHECK = """\
echo run >> .runs
python3 -c 'import calc, sys; sys.exit(calc.add(1, 2) != 3)' || { echo "calc.py:2: wrong sum"; exit 1; }
"""
SLEEP = 61_000_000 + os.getpid()
"""Seconds that no other process on this machine sleeps."""


@pytest.fixture
def project(stage: Stage) -> Stage:
    (stage.repository / "calc.py").write_text(BROKEN)
    (stage.repository / ".gitignore").write_text(".runs\n__pycache__/\n")
    (stage.repository / "check.sh").write_text(CHECK)
    (stage.repository / ".kage.toml").write_text('[checks.sum]\ncommand = "sh check.sh"\n')
    return stage


def only(answer: Any) -> dict[str, Any]:
    (result,) = answer["results"]
    return dict(result)


def test_the_working_tree_is_checked_in_a_slot(project: Stage) -> None:
    before = digest(project.repository)
    asked = project.run("check")
    assert asked.returncode == 4
    assert "Trust .kage.toml" in asked.stderr and "sh check.sh" in asked.stderr
    said = project.shell("check", "--yes", code=1)
    assert "✗ sum" in said and "calc.py:2: wrong sum" in said
    assert digest(project.repository) == before
    assert "(cached)" in project.shell("check", code=1)
    (project.repository / "calc.py").write_text(BROKEN.replace("-", "+"))
    assert only(project.json("check"))["state"] == "pass"
    # The slot was used again, and what git ignores stayed in it.
    (runs,) = (project.home).rglob("slots/*/tree/.runs")
    assert runs.read_text() == "run\nrun\n"


def test_a_candidate_has_its_checks_in_the_status(project: Stage, tmp_path: Path) -> None:
    project.recorded(fix=tape(tmp_path / "fix.jsonl", FIX))
    project.shell("spawn", "--hidden", "--yes", "-n", "1", "mend it")
    project.shell("wait")
    assert only(project.json("check", "1", "--yes"))["state"] == "pass"
    run = project.json("status")["runs"][0]
    assert run["candidates"][0]["checks"] == {"sum": "pass"}
    project.shell("check", code=1)  # what the user has is as broken as before
    project.shell("stop", "all")
    project.shell("clean")
    assert not list(project.home.rglob("slots/*/repo.git"))


def test_a_newer_check_takes_the_place_of_an_older_one(project: Stage) -> None:
    (project.repository / ".kage.toml").write_text(
        '[checks.slow]\ncommand = "grep -q later calc.py || sleep 60"\n'
    )
    ended: list[Any] = []
    older = threading.Thread(target=lambda: ended.append(project.run("check", "--yes")))
    older.start()
    until(lambda: any("sleep" in " ".join(_words(p)) for p in project.processes()), 20, "the check runs")
    (project.repository / "calc.py").write_text("# later\n")
    began = time.monotonic()
    assert only(project.json("check", "--yes"))["state"] == "pass"
    older.join(timeout=20)
    assert time.monotonic() - began < 40
    assert ended[0].returncode == 4 and "newer check" in ended[0].stderr


def test_a_check_ends_with_the_shell_that_asked(project: Stage) -> None:
    (project.repository / ".kage.toml").write_text(f'[checks.slow]\ncommand = "sleep {SLEEP}"\n')
    words = [sys.executable, "-I", "-m", "kage_nvim.cli", "check", "--yes"]
    asked = subprocess.Popen(words, cwd=project.repository, env=project.environment)
    until(lambda: _sleeping(), 20, "the check runs")
    asked.send_signal(signal.SIGINT)
    assert asked.wait(20) == 130
    until(lambda: not _sleeping(), 20, "nothing of it is left")


def _words(process: Any) -> list[str]:
    try:
        return list(process.cmdline())
    except Exception:  # it has just ended
        return []


@pytest.fixture
def desk(project: Stage) -> Iterator[Desk]:
    with Desk(project, init="require('kage').setup({ panes = 'hidden' })") as made:
        yield made


def test_unsaved_text_counts_and_failures_stand_beside_the_lines(desk: Desk) -> None:
    desk.command("Kage check")
    desk.until_screen("Trust .kage.toml")
    desk.type("1\r")
    desk.until_screen("✗ sum")
    found = desk.lua("return { vim.diagnostic.get(0)[1].lnum, vim.diagnostic.get(0)[1].message }")
    assert found == [1, "sum: wrong sum"]
    assert desk.lua("return vim.fn.getqflist()[1].lnum") == 2
    desk.command("%s/-/+/")
    desk.command("Kage check")
    desk.until_screen("✓ sum")
    assert desk.lua("return #vim.diagnostic.get(0) + #vim.fn.getqflist()") == 0
    assert (desk.stage.repository / "calc.py").read_text() == BROKEN


def test_picks_are_checked_as_they_are_made(project: Stage, tmp_path: Path) -> None:
    """Two picks in a row make one check; a pick while one runs ends that, with all that it started."""
    text = "".join(f"line {n}\n" for n in range(1, 41))
    (project.repository / "list.txt").write_text(text)
    slow = "grep -n wrong list.txt | sed 's/^/list.txt:/' ; echo run >> .runs; ! grep -q wrong list.txt"
    slow += f" && {{ grep -q quick list.txt || ! grep -q one list.txt || sleep {SLEEP}; }}"
    (project.repository / ".kage.toml").write_text(f"[checks.slow]\ncommand = '''{slow}'''\n")
    edit = "sed -i '5s/.*/one/; 20s/.*/wrong/; 35s/.*/quick/' list.txt"
    project.configure(f'[players.sed]\ncommand = """{edit}"""\n')
    project.shell("spawn", "--hidden", "--yes", "@sed", "--", "edit it")
    project.shell("wait")
    project.shell("check", "--yes", "1", code=1)
    init = "require('kage').setup({ check_on_pick = true })"
    with Desk(project, init=init, files=("list.txt",), columns=160) as desk:
        desk.until_lua("return require('kage.state').run() ~= nil")
        desk.command("KageDiff")
        desk.until_screen("✗0/1(.|\\n)*3 of 3 agree")
        desk.type("5Gdo20Gdo")
        desk.until_screen(r"yours ✗0/1")
        assert desk.lua("return vim.diagnostic.get()[1].lnum") == 19
        assert desk.lua("return vim.bo.modified") is True
        desk.type("20Gdr")
        desk.until_screen(r"yours ◐0/1")
        until(_sleeping, 20, "the check runs")
        assert desk.lua("return #vim.diagnostic.get()") == 0
        assert project.run("check", "1").returncode == 1, "known already, in its turn"
        desk.type("35Gdo")
        desk.until_screen(r"yours ✓1/1")
        assert not _sleeping()
        assert desk.lua("return require('kage.checks').of(vim.uv.fs_realpath('.')).stale") is False
        desk.type("u")
        desk.until_screen("before edits")
    runs = "".join(file.read_text() for file in project.home.rglob("slots/*/tree/.runs"))
    # The base and the candidate, both twice more since it regressed; two picks, the ended one, the last.
    assert runs.count("run") == 9
    assert (project.repository / "list.txt").read_text() == text


def _sleeping() -> bool:
    """Inside the sandbox, too, where processes have another HOME than the stage's."""
    return any(_words(process) == ["sleep", str(SLEEP)] for process in psutil.process_iter())


def test_failures_open_what_was_checked_of_the_candidate(project: Stage) -> None:
    """Its lines are not yours, its tests are the base's; `:cnext` works and no language server is asked."""
    checks = (
        "sh check.sh; python3 -c 'import calc; assert calc.sub(1, 2)' || { echo 'calc.py:5: no sub'; false; }"
    )
    (project.repository / ".kage.toml").write_text(f'[checks.sum]\ncommand = """{checks}"""\n')
    longer = "sed -i '1i # one\\n# two\\n# three' calc.py"
    project.configure(f"[players.sed]\ncommand = '''{longer}'''\n")
    project.shell("spawn", "--hidden", "--yes", "--player", "sed", "lengthen it")
    project.shell("wait")
    said = project.shell("check", "all", "--yes", code=1)
    assert "fails at the base, too: sum" in said and "candidate 1: 0/1 ✓" in said
    with Desk(project, init="require('kage').setup({ panes = 'hidden' })") as desk:
        desk.until_lua("return require('kage.state').run() ~= nil")
        desk.command("Kage check 1")
        desk.until_screen("2 places are in the quickfix list")
        desk.type("\r")
        desk.command("cc 2")
        desk.until_lua("return vim.fn.getline(5) == '    return a - b'")
        assert desk.lua("return vim.fn.line('.')") == 5
        assert desk.lua("return vim.fn.bufname():match('^kage://.*/1/checked/calc.py$') ~= nil") is True
        assert desk.lua("return { vim.bo.filetype, vim.bo.modifiable, #vim.diagnostic.get() }") == [
            "",
            False,
            0,
        ]
        desk.command("cprev")
        assert desk.lua("return { vim.fn.line('.'), vim.fn.getline(1) }") == [2, "# one"]
