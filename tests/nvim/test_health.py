""":checkhealth kage says what is missing, which versions, each with its fix."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon


def health(nvim: Editor) -> str:
    nvim.command("checkhealth kage")
    return "\n".join(nvim.lines())


def test_it_names_versions_and_asks_kaged(nvim: Editor, kaged: FakeDaemon) -> None:
    checks = [
        {"name": "sandbox", "ok": False, "found": "no bwrap", "fix": "Install bubblewrap."},
        {"name": "players", "ok": True, "found": "fast", "fix": ""},
    ]
    kaged.answers["doctor"] = lambda _: {"checks": checks}
    said = health(nvim)
    for text in [
        "Neovim 0.",
        "git version",
        "tmux ",
        f"{sys.executable} (vim.g.kage_python)",
        "pynvim ",
        "litellm 1.102.4",
        "ERROR sandbox: no bwrap",
        "Install bubblewrap.",
        "OK players: fast",
        ":Kage attach shows it",
    ]:
        assert text in said, said


def test_what_is_missing_has_its_fix(
    start_nvim: Callable[..., Editor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    old = folder / "tmux"
    old.write_text("#!/bin/sh\necho tmux 3.0a\n")
    old.chmod(0o755)
    nvim = start_nvim(init=f"vim.env.PATH = '{folder}' vim.g.kage_python = '/nowhere/python'")
    said = health(nvim)
    for text in [
        "git is not there",
        "Install git 2.38 or newer.",
        "tmux 3.0a is too old",
        "Kage needs tmux 3.2 or newer.",
        "no Python at /nowhere/python",
        "make install",
    ]:
        assert text in said, said


def test_a_python_without_the_packages(start_nvim: Callable[..., Editor], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nshift\nexec {Path(sys.executable).resolve()} -I -S "$@"\n')
    python.chmod(0o755)
    nvim = start_nvim(init=f"vim.g.kage_python = '{python}'")
    said = health(nvim)
    assert "packages are missing: pynvim, libtmux" in said
    assert "make install" in said
