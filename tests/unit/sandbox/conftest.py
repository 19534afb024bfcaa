"""A machine for every test of the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sandbox.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, home: Path) -> Machine:
    """A user's home, repository and store."""
    return Machine(tmp_path / "m", home)
