"""Where the CLIs are, and a stage with them on PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clis.install import path_of
from tests.clis.table import CLIS, Cli
from tests.e2e.stage import Stage

FOLDER = os.environ.get("KAGE_CLIS", "")
"""The folder that the CLIs are in, read before a test takes the environment away."""
if not FOLDER:
    collect_ignore_glob = ["test_*.py"]  # they belong to `make test-clis`, which brings the CLIs
WANTED = os.environ.get("CLIS", "").split() or [cli.name for cli in CLIS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test plays once for each CLI that was asked for."""
    if "cli" in metafunc.fixturenames:
        chosen = [cli for cli in CLIS if cli.name in WANTED]
        chosen += [replace(cli, mode="acp") for cli in chosen if cli.acp]
        metafunc.parametrize("cli", chosen, ids=[f"{cli.name}-{cli.mode}" for cli in chosen])


@pytest.fixture
def stage(home: Path, repository: Path, cli: Cli) -> Iterator[Stage]:
    """A private machine whose PATH has this CLI; a CLI that no registry gave is left out."""
    path = path_of(Path(FOLDER, cli.name))
    if shutil.which(cli.name, path=path) is None:
        pytest.skip(f"{cli.name} is not in {FOLDER or 'KAGE_CLIS'}: make test-clis installs it")
    made = Stage(home, repository)
    made.environment["PATH"] = path + os.pathsep + made.environment["PATH"]
    yield made
    made.close()
