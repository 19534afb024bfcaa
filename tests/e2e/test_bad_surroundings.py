"""tmux, daemons, folders and disks that are not as they should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kage_nvim import paths
from kage_nvim.protocol import PROTOCOL
from kage_nvim.version import __version__
from tests.conftest import git, until
from tests.e2e.bad_input import WRITES, Row, kage, nothing_left, play
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply
from tests.unit.panes.conftest import User, user

__all__ = ["user"]

SPAWN = ["spawn", "-n", "1", "do it"]


@pytest.fixture
def one(stage: Stage, tmp_path: Path) -> Stage:
    """A machine whose one player adds a file."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", WRITES))
    return stage


def only(folder: Path, *without: str) -> str:
    """A PATH with every program but those."""
    folder.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in without and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


def test_tmux_missing_or_older(one: Stage, tmp_path: Path) -> None:
    """Each client's own PATH counts, not that of whoever started kaged."""
    without = only(tmp_path / "bin", "tmux")
    play(
        one,
        Row("missing", SPAWN, 4, ["tmux was not found", "apt install tmux"], environment={"PATH": without}),
    )
    old = tmp_path / "old"
    old.mkdir()
    (old / "tmux").write_text("#!/bin/sh\necho tmux 3.1\n")
    (old / "tmux").chmod(0o755)
    path = f"{old}:{os.environ['PATH']}"
    says = [f"{old}/tmux is tmux 3.1", "needs tmux 3.2", "apt install tmux"]
    play(one, Row("older", SPAWN, 4, says, environment={"PATH": path}))
    nothing_left(one)
    one.shell(*SPAWN)
    one.shell("wait", "--timeout", "30")


def test_git_missing(one: Stage, tmp_path: Path) -> None:
    without = only(tmp_path / "bin", "git")
    play(one, Row("git", SPAWN, 1, ["git was not found", "Install git 2.38"], environment={"PATH": without}))


def test_a_pane_that_is_closed_meanwhile(one: Stage, tmp_path: Path) -> None:
    """The work is kept, the agent is said to have been stopped and why, and it can go on."""
    recording = tmp_path / "fix.jsonl"
    quick = recording.read_text()
    first, last = (json.loads(line) for line in quick.splitlines())
    recording.write_text(f"{json.dumps(first)}\n{json.dumps(last | {'delay': 60})}\n")
    before = digest(one.repository)
    one.shell(*SPAWN)
    tree = Path(one.agents()[0]["worktree"])
    until(lambda: (tree / "made.txt").exists(), 20, "it wrote its file")
    socket = str(paths.sockets() / "tmux")
    subprocess.run(["tmux", "-S", socket, "kill-pane", "-t", one.agents()[0]["pane"]], check=True)
    one.shell("wait", "--timeout", "20")
    [agent] = one.agents()
    assert (agent["state"], agent["reason"]) == ("stopped", "its pane was closed")
    assert [c["files"] for c in one.json("status")["runs"][0]["candidates"]] == [1]
    play(one, Row("focus", ["focus", "1"], 1, ["the pane of agent 1 is gone", "resume 1"]))
    says = ["no process to hear it (agent 1: stopped)", "resume 1"]
    play(one, Row("send", ["send", "1", "go on"], 1, says))
    recording.write_text(quick)
    one.shell("resume", "1")
    one.shell("wait", "--timeout", "30")
    assert [agent["reason"] for agent in one.agents()] == ["made it"]
    assert digest(one.repository) == before


CONF = """
set -g base-index 1
setw -g pane-base-index 1
set -g renumber-windows on
set -g mouse on
set -g default-shell /usr/bin/false
set -g default-command "exit 3"
set -g remain-on-exit on
set -g automatic-rename off
set -g status-position top
set -g detach-on-destroy off
set -g aggressive-resize on
set -g update-environment "KAGE_SECRET"
"""


def test_a_tmux_of_the_users_own_making(one: Stage, user: Callable[..., User]) -> None:
    if not Path("/usr/bin/false").exists():
        pytest.skip("there is no /usr/bin/false")
    mine = user(conf=CONF)
    inside = {"TMUX": mine.TMUX, "TMUX_PANE": mine.editor}
    before = digest(one.repository)
    assert kage(one, ["spawn", "-n", "2", "do it"], **inside).returncode == 0
    assert len(mine.sizes()) == 3
    assert mine.tmux("display-message", "-p", "#{pane_id}") == mine.editor, "the focus stays"
    assert one.panes() == [], "none on a server of Kage's own"
    one.shell("wait", "--timeout", "30")
    assert kage(one, ["hide"], **inside).returncode == 0
    assert mine.tmux("list-panes", "-t", mine.editor, "-F", "#{pane_id}") == mine.editor
    assert kage(one, ["hide"], **inside).returncode == 0
    assert len(mine.tmux("list-panes", "-t", mine.editor, "-F", "#{pane_id}").split()) == 3
    one.shell("clean")
    assert list(mine.sizes()) == [mine.editor]
    assert digest(one.repository) == before


FAKE = """
import fcntl, json, os, socket, sys, time
from pathlib import Path
state, sock, version, protocol, ends = sys.argv[1:]
lock = open(state + "/kaged.lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
server = socket.socket(socket.AF_UNIX)
server.bind(sock)
server.listen(8)
facts = {"pid": os.getpid(), "start": 1, "socket": sock, "protocol": int(protocol), "version": version}
Path(state, "kaged.json").write_text(json.dumps(facts))
while True:
    peer, _ = server.accept()
    for line in peer.makefile("rb"):
        asked = json.loads(line)
        if ends == "hang":
            continue
        if ends == "garbage":
            peer.sendall(b"HTTP/1.1 400 Bad Request\\n\\n")
            continue
        answer = facts | {"epoch": 1, "captured": 0}
        if asked["method"] == "status":
            answer = {"schema": 1, "runs": []}
        peer.sendall(json.dumps({"id": asked["id"], "result": answer}).encode() + b"\\n")
        if asked["method"] == "retire":
            os.unlink(sock)
            time.sleep(float(ends))
            sys.exit(0)
"""
"""A kaged of another version: it holds the lock, says hello, and retires when asked, in its own time."""


@contextmanager
def other_kaged(version: str, protocol: int, ends: str = "0") -> Iterator[subprocess.Popen[bytes]]:
    """A living kaged of that version."""
    socket = paths.sockets() / "other"
    words = [str(paths.state()), str(socket), version, str(protocol), ends]
    with subprocess.Popen([sys.executable, "-c", FAKE, *words]) as process:
        until(lambda: paths.daemon_file().exists(), 10, "the other kaged is up")
        try:
            yield process
        finally:
            process.kill()
    socket.unlink(missing_ok=True)
    paths.daemon_file().unlink(missing_ok=True)


@pytest.mark.parametrize(("protocol", "ends"), [(PROTOCOL, "0"), (PROTOCOL, "1"), (PROTOCOL - 1, "0")])
def test_an_older_kaged_is_replaced(one: Stage, protocol: int, ends: str) -> None:
    with other_kaged("0.0.1", protocol, ends) as other:
        assert one.json("status")["runs"] == []
        assert one.pid() != other.pid
        assert json.loads(paths.daemon_file().read_text())["version"] == __version__
        assert other.wait(5) == 0


@pytest.mark.parametrize("protocol", [PROTOCOL, PROTOCOL + 1])
def test_a_newer_kaged_is_used(one: Stage, protocol: int) -> None:
    with other_kaged("99.0", protocol) as other:
        assert one.json("status")["runs"] == []
        assert one.pid() == other.pid


def test_a_kaged_of_an_unknown_protocol(one: Stage) -> None:
    with other_kaged("99.0", PROTOCOL + 2) as other:
        says = [f"kaged 99.0 speaks protocol {PROTOCOL + 2}, this client {PROTOCOL}", "Update Kage"]
        play(one, Row("unknown", ["status"], 1, says))
        assert other.poll() is None


@pytest.mark.parametrize("how", ["garbage", "hang"])
def test_a_kaged_that_makes_no_sense(one: Stage, how: str) -> None:
    with other_kaged(__version__, PROTOCOL, how) as other:
        fix = f"kill -9 {other.pid}" if how == "hang" else "kaged.log"
        play(one, Row(how, ["status"], 1, ["kaged", "answer", fix], environment={"KAGE_START_SECONDS": "1"}))


def test_the_runtime_folder_does_not_matter(one: Stage, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30) / ("er" * 60)
    assert kage(one, ["status"], XDG_RUNTIME_DIR=str(deep)).returncode == 0
    pid = one.pid()
    assert kage(one, SPAWN, XDG_RUNTIME_DIR="/no/such/folder").returncode == 0
    one.shell("wait", "--timeout", "30")
    assert one.pid() == pid, "one kaged, wherever it is called from"
    assert not deep.exists()


@pytest.mark.parametrize("name", ["XDG_STATE_HOME", "XDG_DATA_HOME"])
def test_folders_that_cannot_be_written(one: Stage, name: str) -> None:
    done = kage(one, SPAWN, **{name: "/dev/null/x"})
    assert done.returncode == 1
    assert "Not a directory" in done.stderr
    assert "/dev/null" in done.stderr


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A disk of that size, mounted there."""
    folder.mkdir(parents=True, exist_ok=True)
    if (
        os.getuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "kage", folder]).returncode
    ):
        pytest.skip("only root can mount a small disk; slots without one are tested in tests/unit/git")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


FILLS = [
    Reply(tool_calls=[("shell", {"command": "head -c 40m /dev/zero > zeros; true"})]),
    Reply(tool_calls=[("finish", {"summary": "filled"})]),
]


def test_a_disk_that_gets_full(one: Stage, tmp_path: Path) -> None:
    (one.repository / "big.bin").write_bytes(os.urandom(1_500_000))
    git(one.repository, "add", "-A")
    git(one.repository, "commit", "-q", "-m", "big")
    with small_disk(paths.data(), "8m"):
        says = ["could not be made", "Free some space"]
        play(one, Row("while slots are made", ["spawn", "-n", "8", "do it"], 1, says))
        nothing_left(one)
        subprocess.run(["mount", "-o", "remount,size=16m", str(paths.data())], check=True)
        one.recorded(fills=tape(tmp_path / "fills.jsonl", FILLS))
        one.shell(*SPAWN)
        one.shell("wait", "--timeout", "30", code=5)
        [agent] = one.agents()
        assert agent["state"] == "failed"
        assert "its files could not be read" in agent["reason"]
        assert "No space left" in agent["reason"] or "full" in agent["reason"]
        play(
            one,
            Row("clean", ["clean"], 4, ["agent 1 could not be kept, so nothing was cleaned", "disk full"]),
        )
        (Path(agent["worktree"]) / "zeros").unlink()
        one.shell("clean")
        nothing_left(one)
        one.kill()
