"""What every test stands on: private folders, a private identity, no key, no terminal of the user's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kage_nvim import paths

KEEP = (
    "PATH",
    "LANG",
    "PYENV_ROOT",
    "NVM_DIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "TERM",
    "PYTHONDONTWRITEBYTECODE",
)

sys.dont_write_bytecode = False
"""What is compiled of the tests is kept for the next time (6 s of each worker); what the environment says is
for the programs that they start."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Tests that run as a shell's background job ignore Ctrl-C, and so would all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test begin first: at the end, one of many workers would be alone with it."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def private_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An environment of the test's own: HOME and XDG folders under a fresh folder, nothing inherited."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name not in KEEP and not name.startswith(("PYTEST", "COV", "KAGE_TEST")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        folder = home / f".{name.lower()}"
        folder.mkdir()
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder))
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    sockets = paths.sockets()
    yield home
    if (sockets / "tmux").exists():
        subprocess.run(["tmux", "-S", str(sockets / "tmux"), "kill-server"], capture_output=True, check=False)
    shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture
def home(private_environment: Path) -> Path:
    """The test's HOME."""
    return private_environment


def git(folder: Path, *arguments: str, **options: object) -> str:
    """Run git as the user would and return what it prints, stripped of the last newline."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, **options
    )  # type: ignore[call-overload]
    return str(done.stdout).rstrip("\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small real repository with one commit: ``calc.py``, its test and a README."""
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q")
    (root / "calc.py").write_text("def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n")
    (root / "calc_spec.py").write_text(
        "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
    )
    (root / "README.md").write_text("# project\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def alive(pid: int) -> bool:
    """True while a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], object], seconds: float = 10.0, what: str = "") -> None:
    """Wait until the condition holds; fail with its name when the deadline passes. Looking may take a third
    of the time, so that one who starts a program to look leaves the cores to what is looked for."""
    deadline = time.monotonic() + seconds
    while (began := time.monotonic()) < deadline:
        if condition():
            return
        time.sleep(max(0.01, 2 * (time.monotonic() - began)))
    raise AssertionError(f"not within {seconds} s: {what or condition}")
