"""What stays behind: nothing but what was accepted, byte for byte, and none of Kage's processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from kage_nvim import paths
from tests.conftest import git, until
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

FINISH = Reply(tool_calls=[("finish", {"summary": "Done."})])


def shell(command: str) -> Reply:
    """A model that runs one command."""
    return Reply(tool_calls=[("shell", {"command": command})])


class Entry(NamedTuple):
    """A file, folder or link: its mode, its bytes or target, and when it was changed."""

    mode: int
    content: bytes
    changed: int


def photograph(root: Path, *, times: bool = True) -> dict[str, Entry]:
    """Everything below a folder, the ``.git`` in it included."""
    taken = {}
    for path in [root, *root.rglob("*")]:
        facts = path.lstat()
        content = b""
        if path.is_symlink():
            content = bytes(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        changed = facts.st_mtime_ns if times else 0
        taken[str(path.relative_to(root))] = Entry(facts.st_mode, content, changed)
    return taken


def differences(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    """The names that differ between two photographs."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.fixture
def odd(stage: Stage) -> Stage:
    """A repository with files of every sort, some committed, some staged, changed, untracked or ignored."""
    root = stage.repository
    (root / "crlf.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    (root / "open.txt").write_bytes(b"one\ntwo")
    (root / "latin.txt").write_bytes(b"caf\xe9\nna\xefve\n")
    (root / "run.sh").write_bytes(b"#!/bin/sh\necho run\n")
    (root / "run.sh").chmod(0o755)
    (root / "plain.sh").write_bytes(b"echo plain\n")
    (root / "data.bin").write_bytes(bytes(range(256)) * 8)
    (root / "link").symlink_to("crlf.txt")
    (root / "gone.txt").write_bytes(b"will go\n")
    (root / ".gitignore").write_text("*.log\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "odd")
    (root / "open.txt").write_bytes(b"one\ntwo\nthree")
    git(root, "add", "open.txt")
    (root / "README.md").write_bytes(b"# changed, not staged\n")
    (root / "new name\xe9\n.txt").write_bytes(b"untracked\r\n")
    (root / "build.log").write_bytes(b"ignored\n")
    (root / "empty").mkdir()
    return stage


def test_the_repository_is_the_same_in_every_bit(odd: Stage, tmp_path: Path) -> None:
    before = photograph(odd.repository)
    odd.recorded(
        one=tape(tmp_path / "1.jsonl", [shell("echo 1 >>crlf.txt; git add -A; git commit -qm mine"), FINISH]),
        two=tape(tmp_path / "2.jsonl", [shell("rm -rf *; git gc -q; git branch two; git stash"), FINISH]),
        three=tape(tmp_path / "3.jsonl", [shell("chmod 777 run.sh; git config user.name x"), FINISH]),
    )
    words = ("--player", "one", "--player", "two", "--player", "three")
    odd.shell("spawn", *words, "work")
    assert differences(before, photograph(odd.repository)) == []
    odd.shell("wait", "--timeout", "40")
    assert differences(before, photograph(odd.repository)) == []
    odd.shell("diff")
    odd.shell("diff", "--patch", "1")
    assert differences(before, photograph(odd.repository)) == []
    odd.shell("clean")
    assert differences(before, photograph(odd.repository)) == []


CHANGE = r"""
printf 'one\r\nTWO\r\nthree\r\nfour' >crlf.txt
printf 'one\ntwo\nthree\nfour' >open.txt
printf 'caf\351 noir\nna\357ve\n' >latin.txt
chmod 644 run.sh; chmod 755 plain.sh; rm gone.txt
ln -sfn open.txt link; ln -s nowhere dangling
printf '\000\001\377\r\n' >data.bin
mkdir -p a/b; printf 'new\r' >a/b/new; printf '' >void; printf '#!/bin/sh' >tool; chmod 755 tool
mv README.md 'READ ME.md'
"""


def test_bytes_and_modes_survive_accept_and_undo(odd: Stage, tmp_path: Path) -> None:
    root = odd.repository
    before = photograph(root, times=False)
    odd.recorded(one=tape(tmp_path / "1.jsonl", [shell(CHANGE), FINISH]))
    odd.shell("spawn", "-n", "1", "change it")
    odd.shell("wait", "--timeout", "40")
    index = (root / ".git/index").read_bytes()
    odd.shell("accept", "1")
    assert {
        name: (root / name).read_bytes()
        for name in ("crlf.txt", "open.txt", "latin.txt", "data.bin", "a/b/new", "void", "tool", "READ ME.md")
    } == {
        "crlf.txt": b"one\r\nTWO\r\nthree\r\nfour",
        "open.txt": b"one\ntwo\nthree\nfour",
        "latin.txt": b"caf\xe9 noir\nna\xefve\n",
        "data.bin": b"\x00\x01\xff\r\n",
        "a/b/new": b"new\r",
        "void": b"",
        "tool": b"#!/bin/sh",
        "READ ME.md": b"# changed, not staged\n",
    }
    executable = {name: bool((root / name).stat().st_mode & 0o111) for name in ("run.sh", "plain.sh", "tool")}
    assert executable == {"run.sh": False, "plain.sh": True, "tool": True}
    assert (str((root / "link").readlink()), str((root / "dangling").readlink())) == ("open.txt", "nowhere")
    assert not (root / "gone.txt").exists() and not (root / "README.md").exists()
    assert (root / "new name\xe9\n.txt").read_bytes() == b"untracked\r\n"
    assert (root / ".git/index").read_bytes() == index
    odd.shell("undo")
    after = photograph(root, times=False)
    assert differences(before, after) == [], [
        (before.get(n), after.get(n)) for n in differences(before, after)
    ]


def ours(stage: Stage, sockets: Path) -> list[str]:
    """Kage's living processes of this stage, tmux's server included."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            mine = process.environ().get("HOME") == str(stage.home)
            if process.is_running() and (mine or any(str(sockets) in word for word in words)):
                found.append(f"{process.pid} {' '.join(words)[:200]}")
    return found


def test_after_clean_no_process_pane_socket_or_claim_is_left(stage: Stage, tmp_path: Path) -> None:
    sockets = paths.sockets()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    stage.environment |= {"KAGE_LINGER": "1", "TMPDIR": str(temporary)}
    busy = [shell("(setsid sleep 300 &) ; echo"), shell("sleep 300"), FINISH]
    stage.recorded(
        done=tape(tmp_path / "1.jsonl", [shell("sleep 300 & echo x >x"), FINISH]),
        busy=tape(tmp_path / "2.jsonl", busy),
        again=tape(tmp_path / "3.jsonl", busy),
    )
    stage.shell("spawn", "--player", "done", "--player", "busy", "--player", "again", "work")
    stage.shell("wait", "--any", "--timeout", "40")
    stage.shell("stop", "2")
    stage.shell("interrupt", "3")
    until(lambda: stage.agents()[2]["state"] == "interrupted", 10, "the interrupt")
    assert len(stage.panes()) == 3
    stage.shell("clean")
    assert stage.panes() == []
    assert list(paths.data().rglob("claim")) == []
    until(lambda: not ours(stage, sockets), 15, f"the end of {ours(stage, sockets)}")
    assert list(temporary.iterdir()) == []
    assert not sockets.exists(), list(sockets.iterdir())
    left = {str(path.relative_to(paths.state())) for path in paths.state().iterdir()}
    assert {name for name in left if name.endswith((".json", ".new", ".sock"))} == set()


TEST = "import calc\n\n\ndef test_it():\n    print(calc.__file__)\n    assert calc.add(2, 3) == 5\n"
MEND = "sed -i 's/a - b/a + b/' calc.py; "


def outcome(stage: Stage, folder: Path, command: str) -> str:
    """What a command prints in a slot, after the agent mended calc.py there, and not in the repository."""
    stage.recorded(one=tape(folder / "tape.jsonl", [shell(MEND + command), FINISH]))
    stage.shell("spawn", "-n", "1", "mend it")
    stage.shell("wait", "--timeout", "60")
    log = next((paths.state() / "runs").glob("*/agents/1/log.jsonl"))
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert "a - b" in (stage.repository / "calc.py").read_text()
    return str(next(event["text"] for event in events if event["kind"] == "result"))


@pytest.mark.skipif(shutil.which("pytest") is None, reason="no pytest on PATH")
def test_the_users_own_pytest_sees_the_agents_files(stage: Stage, tmp_path: Path) -> None:
    (stage.repository / "test_calc.py").write_text(TEST)
    said = outcome(stage, tmp_path, "pytest -q -s -p no:cacheprovider")
    assert "1 passed" in said, said


def test_a_venv_in_the_repository_sees_the_agents_files(stage: Stage, tmp_path: Path) -> None:
    root = stage.repository
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n")
    (root / "tests").mkdir()
    (root / "tests/test_calc.py").write_text(TEST)
    venv.create(root / ".venv", symlinks=True)
    site = next((root / ".venv/lib").glob("python*/site-packages"))
    (site / "__editable__.project.pth").write_text(f"{root}\n")
    packages = Path(pytest.__file__).parents[1]
    for package in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        shutil.copytree(packages / package, site / package)
    shutil.copy(packages / "py.py", site)
    program = root / ".venv/bin/pytest"
    program.write_text(f"#!{root}/.venv/bin/python\nimport sys, pytest\nsys.exit(pytest.main())\n")
    program.chmod(0o755)
    stage.environment["PATH"] = f"{root}/.venv/bin:{stage.environment['PATH']}"
    stage.environment["VIRTUAL_ENV"] = str(root / ".venv")
    before = photograph(root)
    command = "for way in pytest .venv/bin/pytest '.venv/bin/python -m pytest'; do $way -q -s tests; done"
    said = outcome(stage, tmp_path, command)
    assert said.count("1 passed") == 3, said
    outside = subprocess.run(["pytest", "-q", "tests"], cwd=root, env=stage.environment, capture_output=True)
    assert b"1 failed" in outside.stdout
    shutil.rmtree(root / "__pycache__", ignore_errors=True)
    changed = [name for name in differences(before, photograph(root)) if "cache" not in name]
    assert [name for name in changed if name not in (".", "tests")] == []
