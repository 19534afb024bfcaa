"""The repository is found from anywhere in it, whatever its path looks like, or the error says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kage_nvim.errors import KageError
from kage_nvim.orchestrator.shadow import discover
from tests.conftest import git
from tests.unit.git.support import make, store_of

NAMES = [
    "plain",
    "with space",
    'it\'s "quoted"',
    "hash#sign",
    "per%cent",
    "new\nline",
    "naïve-日本",
    "#first",
    '"quote-first',
    "back\\slash",
    "#(touch hacked)",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_path_works(tmp_path: Path, name: str) -> None:
    root = make(tmp_path / name, **{"a": b"a\n"})
    (root / "in" / "side").mkdir(parents=True)
    found = discover(root / "in" / "side")
    assert found.root == root
    assert found.git_dir == root / ".git"
    assert found.head == git(root, "rev-parse", "HEAD")
    snapshot = store_of(root).snapshot({"a": b"b\n"})
    assert git(store_of(root).git_dir, "log", "--format=%s", snapshot.commit).splitlines()[1] == "first"


def test_no_repository_names_the_fix(tmp_path: Path) -> None:
    with pytest.raises(KageError) as error:
        discover(tmp_path)
    assert error.value.code == "no_repository"
    assert "git init" in error.value.fix


def test_bare(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "x.git")
    with pytest.raises(KageError) as error:
        discover(tmp_path / "x.git")
    assert error.value.code == "bare"
    assert "clone" in error.value.fix


def test_inside_the_git_directory(repository: Path) -> None:
    with pytest.raises(KageError) as error:
        discover(repository / ".git")
    assert error.value.code == "no_repository"


def test_unborn(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert discover(tmp_path).head is None


def test_linked_worktree_and_submodule(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "second"))
    second = discover(tmp_path / "second")
    assert second.root == tmp_path / "second"
    assert second.objects == repository / ".git" / "objects"
    assert second.git_dir == repository / ".git" / "worktrees" / "second"
    outer = make(tmp_path / "outer", a=b"a")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "sub")
    inner = discover(outer / "sub")
    assert inner.root == outer / "sub"
    assert store_of(outer / "sub").snapshot({}).parent == inner.head


@pytest.mark.parametrize("verb", ["merge", "rebase", "cherry-pick", "revert"])
def test_state(repository: Path, verb: str) -> None:
    git(repository, "switch", "-q", "-c", "other")
    (repository / "calc.py").write_text("other\n")
    git(repository, "commit", "-q", "-a", "-m", "other")
    git(repository, "switch", "-q", "main")
    (repository / "calc.py").write_text("mine\n")
    git(repository, "commit", "-q", "-a", "-m", "mine")
    if verb == "revert":
        (repository / "calc.py").write_text("mine again\n")
        git(repository, "commit", "-q", "-a", "-m", "mine again")
    os.system(f"cd '{repository}' && git {verb} {'HEAD~1' if verb == 'revert' else 'other'} >/dev/null 2>&1")
    assert discover(repository).state == verb


def test_environment_of_a_hook_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert discover(repository).root == repository


def test_foreign_owner(repository: Path) -> None:
    if os.getuid():
        pytest.skip("only root can give a folder away")
    os.chown(repository, 12345, 12345)
    os.chown(repository / ".git", 12345, 12345)
    with pytest.raises(KageError) as error:
        discover(repository)
    assert error.value.code == "ownership"
    assert "safe.directory" in error.value.fix
