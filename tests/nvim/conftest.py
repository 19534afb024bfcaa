"""Fixtures of the tests that run inside a real Neovim."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon


@pytest.fixture
def start_nvim(tmp_path: Path, repository: Path) -> Iterator[Callable[..., Editor]]:
    """Start Neovims that end with the test: ``start_nvim(cwd=…, init="lua", args=[files])``."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(cwd: Path | None = None, **options: Any) -> Editor:
            nonlocal count
            count += 1
            editor = Editor(tmp_path / f"nvim{count}", cwd=cwd or repository, **options)
            stack.callback(editor.close)
            return editor

        yield start


@pytest.fixture
def nvim(start_nvim: Callable[..., Editor]) -> Editor:
    """One Neovim, opened in the test's repository, without a file."""
    return start_nvim()


@pytest.fixture
def kaged(repository: Path) -> Iterator[FakeDaemon]:
    """A kaged that answers what the test says; Neovims of the test connect to it."""
    daemon = FakeDaemon(repository)
    yield daemon
    daemon.close()
