"""A planted key: after everything that a run can do, only the gateway's memory holds it.

The agent is hostile: it looks for the key in its environment and in /proc, prints what it finds and writes it
into files, which then become candidates, diffs and landings.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage
from tests.fixtures.model_server import ModelServer, Reply, refusal

HUNT = """
env; set; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'
{ env; cat /proc/*/environ; grep -ra sk-planted /etc /run /tmp ~ ..; } >found.txt 2>&1
git add -A && git commit -qm "$(env)"; env >~/kept; env >$TMPDIR/kept
"""
SLOW = 0.5
"""Seconds that the model takes for its second answer, in which processes are looked at."""


@pytest.fixture
def key() -> str:
    """A key of this test's own: another test's client may hold another one at the same time."""
    return f"sk-planted-{secrets.token_hex(12)}"


def everything(stage: Stage) -> list[Path]:
    """The folders in which Kage may have left anything."""
    return [stage.home, stage.repository.parent, paths.sockets()]


def leaks_in_files(stage: Stage, key: str) -> list[str]:
    """Files, names and links that hold the key; git's objects are read, not their compressed bytes."""
    found = []
    for path in (path for top in everything(stage) for path in top.rglob("*")):
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        elif path.name == "objects":
            every = ["git", "--git-dir", str(path.parent), "cat-file", "--batch", "--batch-all-objects"]
            content = subprocess.run(every, capture_output=True, check=False).stdout
        if key in str(path) or key.encode() in content:
            found.append(str(path))
    return found


def leaks_in_processes(key: str) -> list[str]:
    """Processes, of anybody, that show the key in their arguments or environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = [*process.cmdline(), *(f"{n}={v}" for n, v in process.environ().items())]
            if any(key in word for word in words):
                found.append(f"{process.pid} {process.name()}")
    return found


def remembers(pid: int, key: str) -> bool:
    """Whether a process has the key anywhere in its memory."""
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            parts = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if parts is None:
                continue
            first, last = (int(end, 16) for end in parts.groups())
            with suppress(OSError, ValueError):
                memory.seek(first)
                if key.encode() in memory.read(last - first):
                    return True
    return False


def screens() -> str:
    """All panes' text on Kage's tmux server, scrolled back to the beginning, and the server's environment."""
    tmux = ["tmux", "-S", str(paths.sockets() / "tmux")]

    def ask(*words: str) -> str:
        return subprocess.run([*tmux, *words], capture_output=True, text=True, check=False).stdout

    panes = ask("list-panes", "-aF", "#{pane_id}").split()
    return "\n".join(
        [
            *(ask("capture-pane", "-pe", "-S", "-", "-t", pane) for pane in panes),
            ask("show-environment", "-g"),
            *(ask("show-environment", "-t", f"={name}") for name in ask("ls", "-F", "#S").split()),
            ask("list-panes", "-aF", "#{pane_start_command} #{pane_title}"),
        ]
    )


def answers(stage: Stage, agent: str = "1") -> str:
    """Everything that the reading verbs say."""
    verbs = [("status", "--json"), ("status",), ("log", agent), ("explain", agent), ("cost", "--json")]
    verbs += [("diff", "--patch", agent), ("diff",), ("doctor", "--json"), ("history", "--json")]
    done = [stage.run(*words) for words in verbs]
    return "\n".join(one.stdout + one.stderr for one in done)


@pytest.fixture
def server(key: str) -> Iterator[ModelServer]:
    """A model that hunts for the key, and answers nobody without it."""
    script = [
        Reply(tool_calls=[("shell", {"command": HUNT})]),
        Reply(delay=SLOW, tool_calls=[("read", {"path": "found.txt"})]),
        Reply(tool_calls=[("finish", {"summary": "Hunted."})]),
        Reply(tool_calls=[("shell", {"command": HUNT})]),
        Reply(tool_calls=[("finish", {"summary": "Hunted again."})]),
    ]
    with ModelServer(script, key=key) as made:
        yield made


def processes_of(stage: Stage) -> dict[str, list[int]]:
    """The pids of Kage's processes by what they are."""
    found: dict[str, list[int]] = {"kaged": [stage.pid()], "gateway": [stage.pid("gateway")]}
    for process in stage.processes():
        with suppress(psutil.Error):
            if "kage_nvim.agent_runtime" in process.cmdline():
                found.setdefault("agent", []).append(process.pid)
    marks = [str(paths.sockets() / "tmux"), "new-session"]
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if all(mark in process.cmdline() for mark in marks):
                found.setdefault("tmux", []).append(process.pid)
    return found


def test_the_key_is_nowhere_but_in_the_gateways_memory(stage: Stage, server: ModelServer, key: str) -> None:
    stage.player(server.url)
    stage.environment |= {"OPENAI_API_KEY": key, "KAGE_TEST_API_KEY": key}
    stage.shell("spawn", "-n", "2", "find the key")
    until(lambda: len([r for r in server.requests if r.turn == 1]) == 2, 30, "both have hunted")
    assert leaks_in_processes(key) == []
    running = processes_of(stage)
    assert set(running) == {"kaged", "gateway", "agent", "tmux"}, running
    assert remembers(running["gateway"][0], key)
    for kind in ("kaged", "agent", "tmux"):
        assert not any(remembers(pid, key) for pid in running[kind]), kind
    stage.shell("wait", "--timeout", "40")
    assert [agent["state"] for agent in stage.agents()] == ["done", "done"]
    stage.shell("send", "all", "hunt again")
    until(lambda: len([r for r in server.requests if r.turn == 4]) == 2, 20, "the second turn")
    stage.shell("wait", "--timeout", "40")
    assert "found.txt" in stage.shell("diff", "1")
    assert key not in answers(stage) + screens()
    stage.shell("accept", "1")
    assert (stage.repository / "found.txt").stat().st_size > 0
    assert leaks_in_files(stage, key) == []
    stage.shell("undo")
    stage.shell("clean")
    assert leaks_in_files(stage, key) == []
    assert leaks_in_processes(key) == []


def test_a_refused_key_is_echoed_by_the_server_and_shown_nowhere(stage: Stage, key: str) -> None:
    echo = f"Incorrect API key provided: {key}. Authorization: Bearer {key[:-4]}"
    with ModelServer(refusal(401, echo)) as server:
        stage.player(server.url)
        stage.environment["OPENAI_API_KEY"] = key
        stage.shell("spawn", "-n", "1", "try")
        waited = stage.run("wait", "--timeout", "40")
        assert waited.returncode == 5
        agent = stage.agents()[0]
        assert agent["state"] == "failed"
        assert "OPENAI_API_KEY" in agent["reason"]
        said = waited.stdout + waited.stderr + answers(stage) + screens() + json.dumps(agent)
        assert key[:-4] not in said
        assert leaks_in_files(stage, key[:-4]) == []
        assert leaks_in_processes(key[:-4]) == []


def test_what_a_client_with_keys_starts_first_inherits_none(stage: Stage, key: str) -> None:
    names = ("OPENAI_API_KEY", "KAGE_API_KEY", "KAGE_MODEL_TOKEN", "XDG_SECRET", "AWS_SECRET_ACCESS_KEY")
    stage.environment |= dict.fromkeys(names, key)
    stage.shell("doctor", code=stage.run("doctor").returncode)
    assert leaks_in_processes(key) == []
    assert not remembers(stage.pid(), key)
    assert leaks_in_files(stage, key) == []
