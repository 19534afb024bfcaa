"""A hostile agent in a real run: its tools, processes, output and git reach nothing of the host's."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage, digest, tape
from tests.fixtures.model_server import Reply

Call = tuple[str, dict[str, Any]]
FINISH: Call = ("finish", {"summary": "Tried."})
SECRET = "PRIVATE-5f1d3c7e9a"
MARK = "planted-by-the-agent"
CONNECT = """python3 - <<'END'
import socket
for name in {sockets}:
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(name)
        print('REACHED', name)
    except OSError:
        print('closed')
END
exec 3<>/dev/tcp/127.0.0.1/{port} && echo REACHED
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


def play(stage: Stage, folder: Path, *turns: list[Call], agents: int = 1, delay: float = 0.0) -> None:
    """Start a run in which a recorded model makes these calls."""
    replies = [Reply(tool_calls=turn) for turn in turns]
    stage.recorded(evil=tape(folder / "evil.jsonl", replies, delay))
    stage.shell("spawn", "-n", str(agents), "be evil")


def results(number: int = 1) -> list[dict[str, Any]]:
    """What an agent's tools gave, from its log."""
    log = next((paths.state() / "runs").glob(f"*/agents/{number}/log.jsonl"))
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event["kind"] == "result"]


def escapes(stage: Stage, port: int, other: int) -> list[list[Call]]:
    """Turns that try every tool on every way out; ``other`` is the number of another agent's slot."""
    home, repository = stage.home, stage.repository
    sockets = [str(paths.sockets() / name) for name in ("kaged", "gateway.sock", "tmux")]
    links = {"key": home / ".ssh/id_rsa", "ssh": home / ".ssh", "user": repository, "root": "/proc/1/root"}
    links |= {"free": home / "free", "up": "..", "store": paths.data(), "state": paths.state()}
    plant = "; ".join(f"ln -s {to} {name}" for name, to in links.items()) + "; mkfifo pipe; echo made"
    tree = f"../../{other}/tree"
    ways = ["key", "ssh/id_rsa", "free/notes", "user/secret.env", str(home / ".ssh/id_rsa"), "pipe"]
    ways += [f"root{home}/.ssh/id_rsa", "../" * 15 + f"{home}/.ssh/id_rsa", f"{tree}/calc.py"]
    ways += [f"/proc/self/root{home}/free/notes", f"{repository}/secret.env"]
    outs = ["ssh/new", "free/notes", "key", f"{home}/free/new", "user/new", f"root{home}/free/new", "../new"]
    outs += [f"{tree}/new", f"up/../{other}/tree/new", "store/new", "state/new"]
    hostile = [
        CONNECT.format(sockets=sockets, port=port),
        f"cat {' '.join(way for way in ways if way != 'pipe')} /proc/[0-9]*/environ",
        f"for out in {' '.join(outs)} /tmp/../{home}/free/new; do echo {MARK} >$out; done",
        f"tmux -S {sockets[2]} run-shell 'touch {home}/free/new'; ls -R {home} {tree}",
        f"rm -rf {home}/free {home}/.ssh user/* free/* ssh/* {tree}; kill -9 -1",
    ]
    edit = {"old": SECRET, "new": MARK}
    return [
        [("shell", {"command": plant})],
        [("read", {"path": way}) for way in ways],
        [("search", {"pattern": "PRIVATE", "path": path}) for path in ("ssh/", str(home), "root/", "user/")],
        [("write", {"path": out, "content": MARK}) for out in outs],
        [("edit", {"path": path, **edit}) for path in ("key", "free/notes", "user/secret.env")],
        [("shell", {"command": command, "timeout": 10}) for command in hostile],
        [FINISH],
    ]


def test_no_tool_reaches_out_of_the_worktree(stage: Stage, tmp_path: Path, listener: socket.socket) -> None:
    home, repository = stage.home, stage.repository
    for folder, name in ((home / ".ssh", "id_rsa"), (home / "free", "notes"), (repository, "secret.env")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(SECRET)
    (repository / ".git/info/exclude").write_text("secret.env\n")
    before = digest(repository), digest(home / ".ssh"), digest(home / "free")
    port = listener.getsockname()[1]
    tapes = {
        f"evil{other}": tape(
            tmp_path / f"{other}.jsonl", [Reply(tool_calls=turn) for turn in escapes(stage, port, other)]
        )
        for other in (2, 1)
    }
    stage.recorded(**tapes)
    stage.shell("spawn", "--player", "evil2", "--player", "evil1", "be evil")
    stage.shell("wait", "--timeout", "50")
    said = [result["text"] for number in (1, 2) for result in results(number)]
    assert said[0].endswith("made"), said[0]
    for wrong in (SECRET, "REACHED", "return a - b"):
        assert wrong not in "".join(said)
    assert "".join(said).count("closed") == 6
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert (digest(repository), digest(home / ".ssh"), digest(home / "free")) == before
    assert [path for top in (paths.data(), paths.state()) for path in top.rglob("new")] == []
    assert all((Path(agent["worktree"]) / "calc.py").exists() for agent in stage.agents())
    stage.shell("clean")
    assert (digest(repository), digest(home / ".ssh"), digest(home / "free")) == before


def sleeping(marker: str) -> list[int]:
    """Living processes with the marker among their arguments."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if marker in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_background_processes_end_with_the_command_and_with_a_stop(stage: Stage, tmp_path: Path) -> None:
    first, second, third = (str(700_000_000 + secrets.randbelow(99_000_000)) for _ in range(3))

    def leave(marker: str) -> str:
        return f"setsid -f sleep {marker}; nohup sleep {marker} >/dev/null 2>&1 & disown; "

    play(
        stage,
        tmp_path,
        [("shell", {"command": f"{leave(first)} echo left"})],
        [("shell", {"command": f"{leave(second)} sleep {second}"})],
        [("shell", {"command": f"{leave(third)} sleep {third}"})],
        [FINISH],
    )
    until(lambda: sleeping(second), 20, "the second command")
    assert sleeping(first) == []
    stage.shell("interrupt", "1")
    until(lambda: not sleeping(second), 5, "the end of all that the interrupted command started")
    stage.shell("send", "1", "go on")
    until(lambda: sleeping(third), 20, "the third command")
    stage.shell("stop", "1")
    assert sleeping(third) == []
    assert stage.agents()[0]["state"] == "stopped"


ESCAPES = (
    "\033]52;c;aGFja2Vk\a\033]0;HACKED\a\033]2;HACKED\033\\"
    "\033kHACKED\033\\\033Ptmux;\033\033]52;c;aGE=\a\033\\"
)
C1 = "\x9d52;c;aGFja2Vk\x9c\x9d2;HACKED\x9c"


def test_hostile_output_stays_text(stage: Stage, tmp_path: Path) -> None:
    hostile = ESCAPES + C1 + "\033[8;1;1t\033[21t\033[6n\033]8;;file:///etc/passwd\a"
    replies = [
        Reply(hostile + "words", tool_calls=[("shell", {"command": f"printf %s '{hostile}shown'"})], delay=1),
        Reply(tool_calls=[("write", {"path": f"{ESCAPES}name", "content": hostile})]),
        Reply(tool_calls=[("read", {"path": f"{ESCAPES}name"}), (ESCAPES, {ESCAPES: ESCAPES})]),
        Reply(tool_calls=[("finish", {"summary": f"{hostile}the end"})]),
    ]
    stage.recorded(evil=tape(tmp_path / "evil.jsonl", replies, 1.0))
    stage.shell("spawn", "-n", "1", f"{hostile}task")
    tmux = ["tmux", "-S", str(paths.sockets() / "tmux")]
    # The server at its most trusting, as a user may have it.
    for option in (
        ("-s", "set-clipboard", "on"),
        ("-gw", "allow-rename", "on"),
        ("-gw", "allow-passthrough", "on"),
    ):
        subprocess.run([*tmux, "set-option", *option], check=True)
    stage.run("wait", "--timeout", "40")

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*tmux, *words], capture_output=True, text=True, check=False)

    screen = ask("capture-pane", "-pe", "-S", "-", "-t", stage.panes()[0]).stdout
    assert "words" in screen and "the end" in screen
    assert "\033]" not in screen and "\x9d" not in screen and "\033P" not in screen
    assert ask("show-buffer").returncode != 0
    assert "HACKED" not in ask("list-panes", "-aF", "#{pane_title} #{window_name}").stdout
    for words in (("status",), ("log", "1"), ("explain", "1"), ("diff",), ("wait",), ("status", "--json")):
        done = stage.run(*words)
        assert "\033" not in done.stdout + done.stderr, words
        assert "\x9d" not in done.stdout + done.stderr, words


EVIL_GIT = """
cat >config.evil <<END
[core]
  fsmonitor = {trap}
  hooksPath = $PWD/hooks
  pager = {trap}
  editor = {trap}
  worktree = /
[diff]
  external = {trap}
[include]
  path = {trap}
[filter "evil"]
  clean = {trap}
  smudge = {trap}
  process = {trap}
END
mkdir -p hooks; for hook in pre-commit post-checkout post-index-change reference-transaction; do
  ln -s {trap} hooks/$hook
done
gitdir=$(git rev-parse --git-dir); common=$(git rev-parse --git-common-dir)
cp config.evil "$common/config"; cp config.evil "$gitdir/config.worktree"; cp -r hooks "$common/"
echo "$PWD/elsewhere" >"$gitdir/commondir"; : >"$gitdir/index"
git init -q elsewhere; cp config.evil elsewhere/.git/config; cp -r hooks elsewhere/.git/
git init -q nested; (cd nested; git commit -qm x --allow-empty; cp ../config.evil .git/config; echo x >x)
rm -f .git; cp -r elsewhere/.git .git; cp config.evil .git/config
printf '* filter=evil diff=evil merge=evil\\n' >.gitattributes
printf '[submodule "s"]\\n  path = s\\n  url = ext::{trap}\\n  update = !{trap}\\n' >.gitmodules
mkdir -p .git/info objects; cp .gitattributes .git/info/attributes; sed -i 's/a - b/a + b/' calc.py
"""


def test_an_agents_git_runs_nothing_on_the_host(stage: Stage, tmp_path: Path) -> None:
    hacked, trap = stage.home / "hacked", stage.home / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 $* >>{hacked}\ncat\n")
    trap.chmod(0o755)
    driver = f'[filter "evil"]\n\tclean = {trap}\n\tsmudge = {trap}\n[diff "evil"]\n\ttextconv = {trap}\n'
    driver += f'\tcommand = {trap}\n[merge "evil"]\n\tdriver = {trap}\n[diff]\n\texternal = {trap}\n'
    with (stage.home / ".gitconfig").open("a") as config:
        config.write(driver)
    before = digest(stage.repository)
    play(stage, tmp_path, [("shell", {"command": EVIL_GIT.format(trap=trap)})], [FINISH])
    stage.shell("wait", "--timeout", "40")
    assert "a + b" in stage.shell("diff", "--patch", "1")
    stage.shell("diff", "--stat", "1")
    stage.shell("accept", "1", "calc.py")
    stage.shell("undo")
    stage.shell("accept", "1")
    stage.shell("undo")
    assert digest(stage.repository) == before
    stage.shell("clean")
    play(stage, tmp_path, [FINISH])
    stage.run("wait", "--timeout", "40")
    stage.shell("clean")
    assert not hacked.exists(), hacked.read_text()
    assert digest(stage.repository) == before
