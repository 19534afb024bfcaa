"""Fixtures of the whole-run tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage
from tests.fixtures.forked import Forks

KAGE = Forks()


@pytest.fixture
def stage(home: Path, repository: Path) -> Iterator[Stage]:
    """A private machine around the test's repository."""
    made = Stage(home, repository)
    made.kage = KAGE.run
    yield made
    made.close()
