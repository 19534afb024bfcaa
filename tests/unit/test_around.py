"""Results are kept for a tree and what lies around it: other packages, another sandbox, files copied in."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim import paths
from kage_nvim.config import Check, RepositoryConfig, Setup
from kage_nvim.orchestrator.checking import around, bench
from kage_nvim.orchestrator.checking.trials import Ground, key_of
from kage_nvim.orchestrator.repository import discover
from kage_nvim.orchestrator.shadow import Store


def packages(environment: Path) -> Path:
    folder = environment / "lib/python3.12/site-packages"
    folder.mkdir(parents=True)
    return folder


def test_what_is_installed_or_copied_in_is_part_of_what_is_known(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitignore").write_text(".env\n.venv/\nnode_modules/\n")
    (repository / ".worktreeinclude").write_text(".env\n")
    store = Store.open(discover(repository))
    env = {"VIRTUAL_ENV": str(tmp_path / "other")}
    seen: list[bytes] = []

    def is_new(settings: RepositoryConfig = RepositoryConfig()) -> bool:  # noqa: B008
        seen.append(around.marks(store, settings, env))
        return seen[-1] not in seen[:-1]

    assert is_new() and not is_new()
    (repository / ".env").write_text("A=1\n")
    assert is_new() and not is_new()
    folder = packages(repository / ".venv")
    assert is_new() and not is_new()
    os.utime(folder, (1, 1))
    assert is_new(), "a package came or went"
    packages(tmp_path / "other")
    assert is_new()
    (repository / "node_modules").mkdir()
    assert is_new()
    own = RepositoryConfig(setup=Setup(command="npm ci"))
    assert is_new(own)
    os.utime(repository / "node_modules", (1, 1))
    assert not is_new(own), "a slot has what its own setup makes"
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text('sandbox = "off"\n')
    assert is_new(own)


@pytest.mark.parametrize("kept", [True, False])
def test_a_key_has_what_decides(kept: bool) -> None:
    check = Check(command="pytest", weight=2.0)
    one = Ground(None, RepositoryConfig(), {}, b"a")  # type: ignore[arg-type]
    other = Ground(None, RepositoryConfig(), {"X": "1"}, b"a" if kept else b"b")  # type: ignore[arg-type]
    assert (key_of("t", check, one) == key_of("unit", Check(command="pytest"), other)) is kept


def test_the_repositorys_own_programs_can_be_called_and_a_candidates_are_not(repository: Path) -> None:
    (repository / ".gitignore").write_text(".venv/\n")
    for folder in (".venv/bin", "node_modules/.bin"):
        (repository / folder).mkdir(parents=True)
        (repository / folder / "pytest").write_text("#!/bin/sh\n")
    store = Store.open(discover(repository))
    commit = store.snapshot({}).commit  # it has node_modules, for nobody ignores that
    tree = Path("/slots/1/tree")
    profile: Any = SimpleNamespace(env={"PATH": "/usr/bin:/bin"}, mode="on")
    assert bench._path(store, tree, commit, profile, {}) == "/slots/1/tree/.venv/bin:/usr/bin:/bin"
    other = {"VIRTUAL_ENV": "/home/u/env"}
    assert bench._path(store, tree, commit, profile, other) == "/usr/bin:/bin:/slots/1/tree/.venv/bin"
    profile.mode = "off"
    assert bench._path(store, tree, commit, profile, {}) == f"{repository}/.venv/bin:/usr/bin:/bin"
