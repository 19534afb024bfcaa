"""Attacks on whole runs stand on such a stage as whole runs, but for `kage`: each process has all that it was
started with where others could look for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage


@pytest.fixture
def stage(home: Path, repository: Path) -> Iterator[Stage]:
    """A private machine around the test's repository."""
    made = Stage(home, repository)
    yield made
    made.close()
