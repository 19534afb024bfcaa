"""Nothing in an agent's tree runs code on the host, or leads the host's git anywhere else.

Each attack leaves a trap that makes the file ``hacked`` when it goes off; then the host does everything that
it ever does with the tree: read it as a candidate, show the changes, merge, write, release, use it again.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kage_nvim.compare import disk, land
from kage_nvim.orchestrator import candidates, folders, include, slots
from tests.conftest import git
from tests.unit.git.support import fingerprint, make, on_disk, put, store_of


class Target:
    """A user's repository, an agent's slot on it, and the trap's command."""

    def __init__(self, folder: Path) -> None:
        self.hacked = folder / "hacked"
        self.trap = folder / "trap.sh"
        self.trap.write_text(f"#!/bin/sh\ntouch '{self.hacked}'\ncat\n")
        self.trap.chmod(0o755)
        self.secret = folder / "secret"
        self.secret.write_text("planted")
        self.root = make(folder / "p", a=b"a\n", dir__b=b"b\n")
        git(self.root, "config", "--global", "filter.evil.clean", str(self.trap))
        git(self.root, "config", "--global", "filter.evil.smudge", str(self.trap))
        git(self.root, "config", "--global", "diff.evil.textconv", str(self.trap))
        git(self.root, "config", "--global", "diff.evil.command", str(self.trap))
        git(self.root, "config", "--global", "merge.evil.driver", str(self.trap))
        self.store = store_of(self.root)
        self.base = self.store.snapshot({})
        self.slot = slots.acquire(self.store, self.base.commit, held=set())
        self.tree = self.slot.tree

    def config(self) -> bytes:
        trap = self.trap
        return (
            f"[core]\n\tfsmonitor = {trap}\n\thooksPath = {trap.parent}\n\tpager = {trap}\n"
            f'\tsshCommand = {trap}\n\tworktree = /\n[diff]\n\texternal = {trap}\n[filter "evil"]\n'
            f"\tclean = {trap}\n\tsmudge = {trap}\n[alias]\n\tstatus = !{trap}\n"
        ).encode()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path)


def replaced_git_file(target: Target) -> None:
    (target.tree / ".git").unlink()
    evil = target.tree / "evil"
    git(target.tree, "init", "-q", "--separate-git-dir", str(evil))
    put(evil, {"config": target.config()})


def replaced_git_folder(target: Target) -> None:
    (target.tree / ".git").unlink()
    git(target.tree, "init", "-q")
    put(target.tree, {".git/config": target.config()})


def tampered_commondir(target: Target) -> None:
    evil = target.slot.repo_git / "evil"
    git(target.slot.repo_git, "init", "-q", "--bare", str(evil))
    put(evil, {"config": target.config()})
    put(target.slot.repo_git, {"config": target.config(), "worktrees/tree/commondir": b"../../evil\n"})


def attributes(target: Target) -> None:
    line = b"* filter=evil diff=evil merge=evil text eol=crlf ident\n"
    put(target.tree, {".gitattributes": line, "dir/.gitattributes": line, "a": b"$Id$\r\n"})


def hooks(target: Target) -> None:
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-update"):
        for folder in (target.slot.repo_git / "hooks", target.store.git_dir.parent / "hooks"):
            folder.mkdir(exist_ok=True)
            shutil.copy2(target.trap, folder / name)
    git(target.tree, "config", "core.hooksPath", str(target.trap.parent))


def nested_fsmonitor(target: Target) -> None:
    for name in ("dir", "inner"):
        (target.tree / name).mkdir(exist_ok=True)
        git(target.tree / name, "init", "-q")
        put(target.tree, {f"{name}/.git/config": target.config(), f"{name}/x": b"x"})


def gitmodules(target: Target) -> None:
    text = f'[submodule "x"]\n\tpath = dir\n\turl = ext::{target.trap}\n\tupdate = !{target.trap}\n'
    put(target.tree, {".gitmodules": text.encode()})


def links(target: Target) -> None:
    (target.tree / "peek").symlink_to(target.secret)
    folders.remove(target.tree / "dir")
    (target.tree / "dir").symlink_to(target.root)
    (target.tree / ".gitattributes").symlink_to(target.secret)


def capital_git(target: Target) -> None:
    put(
        target.tree, {".GIT/config": target.config(), "dir/.Git/hooks/pre-commit": b"x", "git~1/config": b"x"}
    )


def index_and_excludes(target: Target) -> None:
    put(target.slot.repo_git, {"worktrees/tree/index": b"DIRC", "info/exclude": b"*\n"})
    put(target.tree, {"new": b"n"})


ATTACKS = [
    replaced_git_file,
    replaced_git_folder,
    tampered_commondir,
    attributes,
    hooks,
    nested_fsmonitor,
    gitmodules,
    links,
    capital_git,
    index_and_excludes,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_goes_off(
    target: Target, attack: Callable[[Target], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(target.root)
    attack(target)
    target.hacked.unlink(missing_ok=True)  # the agent's own git may run what the agent likes
    monkeypatch.setenv("GIT_DIR", str(target.tree / ".git"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(target.trap))
    store, base = target.store, target.base
    found = candidates.capture(store, target.slot, base.commit, "m", 1)
    candidates.changes(store, base.commit, found.commit)
    candidates.patch(store, base.commit, found.commit)
    candidates.stat(store, base.commit, found.commit)
    merged = land.merge(store, base.commit, base.tree, found.commit)
    assert merged.tree == found.tree
    slots.release(target.slot)
    again = slots.acquire(store, base.commit, held=set())
    assert on_disk(again.tree) == on_disk(target.root)
    assert fingerprint(target.root) == before
    blobs = [plan.new.data for plan in merged.files if plan.new]
    assert not [data for data in blobs if b"planted" in data]
    assert not [plan.path for plan in merged.files if ".git" in plan.path.lower().split("/")]
    assert disk.verify(target.root, merged.files) == []
    disk.write(target.root, merged.files)
    assert not target.hacked.exists()
    assert target.secret.read_text() == "planted"


@pytest.mark.parametrize("attack", [replaced_git_folder, tampered_commondir, attributes, nested_fsmonitor])
def test_the_traps_are_live(target: Target, attack: Callable[[Target], None]) -> None:
    """A git that is not hardened sets each of them off; otherwise the test above would prove nothing."""
    attack(target)
    target.hacked.unlink(missing_ok=True)
    folder = target.tree / "inner" if attack is nested_fsmonitor else target.tree
    subprocess.run(["git", "status"], cwd=folder, capture_output=True, check=False)
    if attack is attributes:
        (target.slot.repo_git / "info" / "attributes").unlink()
    subprocess.run(["git", "add", "-A"], cwd=folder, capture_output=True, check=False)
    assert target.hacked.exists()


def test_captured_bytes_are_those_on_disk(target: Target) -> None:
    attributes(target)
    found = candidates.capture(target.store, target.slot, target.base.commit, "m", 1)
    assert target.store.read_file(found.commit, "a") == (b"$Id$\r\n", "100644")
    target.hacked.unlink(missing_ok=True)


def test_the_users_own_filters_do_not_run_on_a_snapshot(target: Target) -> None:
    put(target.root, {".gitattributes": b"* filter=evil\n"})
    target.store.snapshot({})
    include.included(target.store.repository, target.store, target.store.scratch)
    assert not target.hacked.exists()


def test_the_users_hooks_and_fsmonitor_do_not_run(target: Target) -> None:
    hooks_folder = target.root / ".git" / "hooks"
    hooks_folder.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        shutil.copy2(target.trap, hooks_folder / name)
    git(target.root, "config", "core.fsmonitor", str(target.trap))
    before = fingerprint(target.root)
    base = target.store.snapshot({"a": b"x"})
    target.store.pin("refs/kage/r/base", base.commit)
    slots.acquire(target.store, base.commit, held=set())
    assert not target.hacked.exists()
    assert fingerprint(target.root) == before


def test_a_link_swapped_in_before_writing_leads_nowhere(target: Target, tmp_path: Path) -> None:
    put(target.tree, {"sub/x": b"evil"})
    found = candidates.capture(target.store, target.slot, target.base.commit, "m", 1)
    merged = land.merge(target.store, target.base.commit, target.base.tree, found.commit)
    outside = tmp_path / "outside"
    outside.mkdir()
    assert disk.verify(target.root, merged.files) == []
    (target.root / "sub").symlink_to(outside)
    with pytest.raises(Exception, match="could not be written"):
        disk.write(target.root, merged.files)
    assert list(outside.iterdir()) == []
