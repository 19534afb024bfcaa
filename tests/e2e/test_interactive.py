"""A CLI's own screen in a pane: its states, what the user types there, what Kage types, and its end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage

TUI = Path(__file__).parents[1] / "fixtures" / "tui.py"
CONFIG = f"""
[players.toy]
cli = "toy"
mode = "interactive"
expose = ["~/.toy"]
[clis.toy]
name = "toy"
title = "Toy"
program = "python3"
install = "nothing"
wire = "chat"
provider = "openai"
oneshot = ["false"]
interactive = ["python3", "-c", {json.dumps(TUI.read_text("utf-8"))}, "{{task}}"]
[[clis.toy.screens]]
state = "waiting"
waiting = "permission"
all = ['^Run .*\\?$']
last = ['^>', '^> \\d\\.']
[[clis.toy.screens]]
state = "working"
all = ['esc to interrupt']
lines = 3
[[clis.toy.screens]]
state = "interrupted"
last = ['^[●⎿]', '⎿ Interrupted']
[[clis.toy.screens]]
state = "done"
last = ['^[●⎿]', '●']
[[clis.toy.screens]]
state = "starting"
reason = "ready"
all = ['^>']
"""


def tmux(*words: str) -> str:
    socket = str(paths.sockets() / "tmux")
    return subprocess.run(["tmux", "-S", socket, *words], capture_output=True, text=True, check=False).stdout


def agent(stage: Stage) -> dict[str, Any]:
    return stage.agents()[0]


def comes(stage: Stage, state: str) -> dict[str, Any]:
    try:
        until(lambda: agent(stage)["state"] == state, 20, state)
    except AssertionError:
        screen = tmux("capture-pane", "-p", "-t", stage.panes()[0]) if stage.panes() else "no pane"
        raise AssertionError(f"{state}: {agent(stage)}\n{screen}\n{stage.logs()}") from None
    return agent(stage)


@pytest.fixture
def toy(stage: Stage) -> Stage:
    (stage.home / ".toy").mkdir()
    stage.configure(CONFIG)
    stage.environment["OPENAI_API_KEY"] = "x"
    return stage


def test_a_screen_of_its_own_from_permission_to_exit(toy: Stage) -> None:
    toy.shell("spawn", "-n", "1", "--hidden", "--player", "toy", "--yes", "needs permission")
    waiting = comes(toy, "waiting")
    assert waiting["reason"].startswith("permission: ")
    assert waiting["rule"] == "screen: permission"
    explained = toy.shell("explain", "1")
    assert "rule: screen: permission" in explained
    assert "Run touch made.txt?" in explained

    toy.shell("send", "1", "yes")
    comes(toy, "done")
    until(lambda: toy.json("status")["runs"][0]["candidates"], 10, "a candidate")

    toy.shell("send", "1", "take long\nover it")
    comes(toy, "working")
    toy.shell("interrupt", "1")
    assert comes(toy, "interrupted")["reason"] == "interrupted by the user"

    pane = toy.panes()[0]
    tmux("send-keys", "-t", pane, "typed by hand", "Enter")
    comes(toy, "done")
    assert "did: typed by hand" in tmux("capture-pane", "-p", "-t", pane)
    assert "stolen" not in tmux("show-buffer")
    assert tmux("display-message", "-p", "-t", pane, "#{pane_title}").strip() != "toy"

    assert "take long over it" in " ".join(toy.shell("log", "1").split())
    tmux("send-keys", "-t", pane, "/exit", "Enter")
    until(
        lambda: "idle; type to go on" in tmux("capture-pane", "-p", "-t", pane), 10, "the agent's own prompt"
    )
    toy.shell("stop", "1")
