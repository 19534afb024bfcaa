"""`make demo` as a user runs it: every step happens, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.nvim.editor import CHECKOUT


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR of the test's own; short, because sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="kd", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.mark.slow
def test_every_step_of_the_demo_happens(temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=CHECKOUT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert done.stdout.splitlines()[-1].startswith("All 16 steps happened")
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_demo_that_is_ended_midway_cleans_up(temporary: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if "checked: four panes" in line:
                break
        demo.send_signal(signal.SIGTERM)
        started = time.monotonic()
        demo.stdout.read()
        assert demo.wait(30) == 130
        assert time.monotonic() - started < 30
    finally:
        demo.kill()
        demo.wait()
    until(lambda: not list(temporary.iterdir()), 5, "the demo's folder is gone")
    temporary.rmdir()


def test_without_tmux_the_fix_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "make", "python3", "find", "echo", "touch"):
        found = subprocess.run(
            ["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=False
        )
        if found.stdout.startswith("/"):
            (tools / name).symlink_to(found.stdout.strip())
    done = subprocess.run(
        ["make", "-o", ".venv/.kage-dev", "demo"],
        cwd=CHECKOUT,
        env={**os.environ, "PATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "tmux is missing" in done.stderr and "apt-get install -y tmux" in done.stderr
