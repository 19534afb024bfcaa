"""The user's commits in words."""

from __future__ import annotations

from pathlib import Path

from kage_nvim.orchestrator.history import standing_on
from kage_nvim.orchestrator.shadow import Store, discover
from tests.conftest import git


def test_the_commit_under_a_snapshot_is_named_by_its_subject(repository: Path) -> None:
    found = discover(repository)
    assert (
        standing_on(Store.open(found), found) == f"{git(repository, 'rev-parse', '--short=7', 'HEAD')} first"
    )


def test_nothing_is_said_where_there_is_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    found = discover(tmp_path)
    assert standing_on(Store.open(found), found) == ""


def test_a_sha256_repository_is_named_by_its_commit_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    found = discover(tmp_path)
    assert standing_on(Store.open(found), found) == git(tmp_path, "rev-parse", "HEAD")[:7]
