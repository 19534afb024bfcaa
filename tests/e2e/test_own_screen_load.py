"""A CLI's own screen under load: silence costs nothing, floods pass, two typists do not mix their words."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from kage_nvim import paths
from tests.conftest import until
from tests.e2e.stage import Stage
from tests.e2e.test_interactive import CONFIG, comes, tmux


@pytest.fixture
def toy(stage: Stage) -> Stage:
    (stage.home / ".toy").mkdir()
    stage.configure(CONFIG)
    stage.environment["OPENAI_API_KEY"] = "x"
    return stage


def agent_process(stage: Stage) -> psutil.Process:
    """Kage's own process in the pane."""
    return next(p for p in stage.processes() if "--spec" in p.cmdline() and "kage" in " ".join(p.cmdline()))


def test_an_idle_screen_costs_nothing_and_a_flood_passes(toy: Stage) -> None:
    toy.shell("spawn", "-n", "1", "--hidden", "--player", "toy", "--yes", "flood of lines")
    comes(toy, "done")
    process = agent_process(toy)

    def idle() -> bool:
        before = process.num_ctx_switches().voluntary
        time.sleep(1)  # in which it has no reason to wake
        return process.num_ctx_switches().voluntary - before < 10

    until(idle, 10, "it sleeps, after the last look at its screen")

    toy.shell("send", "1", "flood again, and take long over it")
    comes(toy, "working")
    toy.shell("interrupt", "1")
    assert comes(toy, "interrupted")["reason"] == "interrupted by the user"
    toy.shell("stop", "1")


def test_what_the_user_types_meanwhile_follows_what_kage_types(toy: Stage) -> None:
    toy.shell("spawn", "-n", "1", "--hidden", "--player", "toy", "--yes", "begin")
    comes(toy, "done")
    pane = toy.panes()[0]
    socket = str(paths.sockets() / "tmux")
    keys = subprocess.Popen(
        ["sh", "-c", f'for i in $(seq 1 40); do tmux -S "{socket}" send-keys -t {pane} u; sleep 0.02; done']
    )
    toy.shell("send", "1", "kage's own words, unbroken")
    keys.wait(20)
    until(lambda: "unbroken" in tmux("capture-pane", "-p", "-t", pane), 10, "its words")
    said = " ".join(tmux("capture-pane", "-p", "-t", pane).split())
    assert "kage's own words, unbroken" in said
    toy.shell("stop", "1")
    assert Path(socket).exists()
