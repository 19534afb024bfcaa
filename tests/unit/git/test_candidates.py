"""A candidate is what lies in the agent's worktree, whatever shape it was left in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from kage_nvim.orchestrator import candidates, folders, slots
from kage_nvim.orchestrator.candidates import Candidate
from kage_nvim.orchestrator.shadow import Store
from tests.conftest import git
from tests.unit.git.support import content, fingerprint, make, on_disk, put, store_of


class Work:
    """One slot at work on one base."""

    def __init__(self, root: Path) -> None:
        self.store: Store = store_of(root)
        self.base = self.store.snapshot({})
        self.slot = slots.acquire(self.store, self.base.commit, held=set())
        self.tree = self.slot.tree

    def capture(self, **options: Any) -> Candidate:
        return candidates.capture(self.store, self.slot, self.base.commit, "work", 1, **options)

    def content(self) -> dict[str, tuple[str, bytes]]:
        return content(self.store, self.capture().tree)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(
        make(
            tmp_path / "p",
            a=b"one\ntwo\nthree\n",
            run=b"#!/bin/sh\n",
            gone=b"g\n",
            dir__x=b"x\n",
            **{".gitignore": b"*.log\n"},
        )
    )


def test_nothing_changed_is_a_commit_all_the_same(work: Work) -> None:
    found = work.capture()
    assert (found.tree, found.files, found.added, found.removed) == (work.base.tree, 0, 0, 0)
    assert found.commit != work.base.commit
    assert git(work.store.git_dir, "log", "-1", "--format=%P %an %s", found.commit) == (
        f"{work.base.commit} Kage agent 1 work"
    )


def test_what_a_cli_leaves_for_itself_is_left_out_unless_it_was_there_before(work: Work) -> None:
    litter = (".toy.cache/v1/x.db", "deep/.toy.cache/y", "made/.toy.cache/z", "dir/x")
    paths = (*litter, "made/.git/HEAD", "mine")
    put(work.tree, dict.fromkeys(paths, b"new"))
    found = work.capture(litter=[".toy*", "dir/x"])
    names = {change.path for change in candidates.changes(work.store, work.base.commit, found.commit)}
    assert names == {"mine", "dir/x"}
    assert (work.tree / ".toy.cache/v1/x.db").exists()


def test_counts_and_kinds(work: Work) -> None:
    put(work.tree, {"a": b"one\n2\nthree\nfour\n", "bin": b"\0\1", "x.log": b"ignored"})
    (work.tree / "run").chmod(0o755)
    (work.tree / "gone").rename(work.tree / "moved")
    (work.tree / "link").symlink_to("a")
    found = work.capture()
    assert (found.files, found.added, found.removed) == (5, 3, 1)
    rows = {
        change.path: (change.kind, change.status, change.old_path, change.new_mode)
        for change in candidates.changes(work.store, work.base.commit, found.commit)
    }
    assert rows == {
        "a": ("text", "M", None, "100644"),
        "bin": ("binary", "A", None, "100644"),
        "link": ("symlink", "A", None, "120000"),
        "moved": ("text", "R", "gone", "100644"),
        "run": ("text", "M", None, "100755"),
    }
    assert b"5 files changed" in candidates.stat(work.store, work.base.commit, found.commit)


def test_patch_is_what_git_apply_takes(work: Work, tmp_path: Path) -> None:
    put(work.tree, {"a": b"one\r\ntwo", "bin": bytes(range(256)) * 20, "sp ace/\xe9": b"x"})
    (work.tree / "gone").rename(work.tree / "moved")
    (work.tree / "run").chmod(0o755)
    (work.tree / "link").symlink_to("a")
    found = work.capture()
    text = candidates.patch(work.store, work.base.commit, found.commit)
    root = work.store.repository.root
    subprocess.run(["git", "apply", "--index"], cwd=root, input=text, check=True)
    assert on_disk(root) == content(work.store, found.tree)


def closed(work: Work) -> None:
    put(work.tree, {"dir/y": b"y"})
    (work.tree / "dir").chmod(0)
    (work.tree / "a").chmod(0o200)


def devices(work: Work) -> None:
    os.mkfifo(work.tree / "pipe")
    os.mkfifo(work.tree / "dir" / ".gitignore")
    os.mkfifo(work.tree / ".gitattributes")
    (work.tree / "gone").unlink()
    os.mkfifo(work.tree / "gone")
    here = Path.cwd()
    os.chdir(work.tree)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    os.chdir(here)


def nested(work: Work) -> None:
    make(work.tree / "inner", x=b"in\n", **{".gitignore": b"*.tmp\n", "y.tmp": b""})
    put(work.tree, {"inner/y.log": b"ignored outside", "inner/new": b"n", "inner/z.tmp": b""})
    (work.tree / "unborn").mkdir()
    git(work.tree / "unborn", "init", "-q")
    put(work.tree, {"unborn/y": b"y"})
    make(work.tree / "inner" / "deeper", z=b"z")
    make(work.tree / "skipped.log", z=b"z")
    (work.tree / "dir" / ".git").write_text("gitdir: /nowhere\n")
    put(work.tree, {"dir/new": b"d"})


def trap_in_nested(work: Work) -> None:
    (work.tree / "trap" / ".git").mkdir(parents=True)
    os.mkfifo(work.tree / "trap" / ".git" / "HEAD")
    put(work.tree, {"trap/x": b"x", "other/x": b"x", "other/.git": b"gitdir: ../hole\n"})
    (work.tree / "hole").mkdir()
    os.mkfifo(work.tree / "hole" / "HEAD")


def swaps(work: Work) -> None:
    folders.remove(work.tree / "dir")
    (work.tree / "dir").symlink_to("elsewhere")
    put(work.tree, {"elsewhere/x": b"x\n"})
    (work.tree / "a").unlink()
    put(work.tree, {"a/b": b"b"})


def no_git_file(work: Work) -> None:
    (work.tree / ".git").unlink()
    put(work.tree, {".git/config": b"[core]\n\tfsmonitor = touch hacked\n", "a": b"x"})
    folders.remove(work.slot.repo_git)


def attributes(work: Work) -> None:
    put(
        work.tree,
        {
            ".gitattributes": b"* text eol=crlf\n*.u working-tree-encoding=UTF-16\n",
            "a": b"1\r\n",
            "u.u": b"x",
        },
    )


def odd_names(work: Work) -> None:
    for name in (
        b"new\nline",
        b"latin-\xe9",
        b'"quo"te',
        b" space ",
        b"-dash",
        b"tab\t",
        b"a\\b",
        b":(glob)",
    ):
        (work.tree / os.fsdecode(name)).write_bytes(name)


SHAPES = [closed, devices, nested, trap_in_nested, swaps, no_git_file, attributes, odd_names]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_shapes(work: Work, shape: object) -> None:
    before = fingerprint(work.store.repository.root)
    assert callable(shape)
    shape(work)
    wanted = {
        path: found
        for path, found in on_disk(work.tree).items()
        if not path.endswith((".log", ".tmp")) and not path.startswith("skipped.log/")
    }
    found = work.content()
    if shape is closed:
        wanted["a"] = ("100644", b"one\ntwo\nthree\n")
        wanted |= {"dir/x": ("100644", b"x\n"), "dir/y": ("100644", b"y")}
    assert found == wanted
    assert fingerprint(work.store.repository.root) == before


def test_big_files_are_named(work: Work) -> None:
    put(work.tree, {"big": b"x" * 3000, "a": b"y" * 3000})
    found = work.capture(size_limit=1000)
    assert sorted(found.notes) == ["a (3 kB) left out", "big (3 kB) left out"]
    assert found.files == 0


def test_deeper_than_any_path(work: Work) -> None:
    script = "import os\nfor n in range(2100): os.mkdir('d'), os.chdir('d')\nopen('x', 'w')"
    subprocess.run([sys.executable, "-c", script], cwd=work.tree, check=True)
    put(work.tree, {"a": b"changed"})
    assert work.content()["a"][1] == b"changed"
    slots.release(work.slot)
    assert slots.acquire(work.store, work.base.commit, held=set()).number == 1


def test_a_tree_that_became_a_link_is_refused(work: Work, tmp_path: Path) -> None:
    folders.remove(work.tree)
    work.tree.symlink_to(tmp_path)
    with pytest.raises(KageError) as error:
        work.capture()
    assert error.value.code == "worktree"


def test_included_files_never_come_back(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"a", **{".gitignore": b".env\n"})
    put(root, {".env": b"SECRET=1"})
    work = Work(root)
    slots.prepare(work.store, work.slot, [".env"])
    put(work.tree, {".gitignore": b"", ".env": b"SECRET=2"})
    assert set(work.content()) == {".gitignore", "a"}


@pytest.fixture
def module(tmp_path: Path) -> Work:
    """A base with a submodule, whose files are in the slot as agents get them."""
    inner = make(tmp_path / "inner", x=b"x")
    root = make(tmp_path / "p", a=b"a")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-q", "-m", "sub")
    work = Work(root)
    slots.prepare(work.store, work.slot, ["sub/x"])
    return work


def test_the_files_of_submodules_stay_out(module: Work) -> None:
    assert module.capture().files == 0
    put(module.tree, {"a": b"changed", "sub/x": b"y"})
    found = module.capture()
    assert (found.files, found.notes) == (1, ["changes inside submodules are not part of it: sub/x"])
    folders.remove(module.tree / "sub")
    assert module.capture().files == 1
    (module.tree / "sub").write_text("a file")
    assert module.capture().files == 1


def test_a_submodule_is_the_commit_that_it_stands_at(module: Work) -> None:
    make(module.tree / "sub", y=b"y")
    for _ in range(2):
        head = git(module.tree / "sub", "rev-parse", "HEAD")
        [change] = candidates.changes(module.store, module.base.commit, module.capture().commit)
        assert (change.path, change.kind, change.status, change.new_sha) == ("sub", "submodule", "M", head)
        git(module.tree / "sub", "pack-refs", "--all")
        git(module.tree / "sub", "commit", "-q", "--allow-empty", "-m", "more")
    # A repository elsewhere, a pipe and a link are no commits of a submodule.
    folders.remove(module.tree / "sub" / ".git")
    (module.tree / "sub" / ".git").write_text(f"gitdir: {module.store.repository.git_dir}\n")
    assert module.capture().files == 0
    (module.tree / "sub" / ".git").unlink()
    (module.tree / "sub" / ".git").symlink_to(module.store.repository.git_dir)
    assert module.capture().files == 0
    (module.tree / "sub" / ".git").unlink()
    (module.tree / "sub" / ".git").mkdir()
    os.mkfifo(module.tree / "sub" / ".git" / "HEAD")
    assert module.capture().files == 0


def test_what_the_agent_committed_counts_as_files_only(work: Work) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(work.slot.home)}
    put(work.tree, {"a": b"committed\n"})
    git(work.tree, "add", "-A", env=env)
    git(work.tree, "commit", "-q", "-m", "mine", env=env)
    git(work.tree, "update-index", "--assume-unchanged", "run", env=env)
    put(work.tree, {"run": b"hidden\n"})
    found = work.content()
    assert (found["a"][1], found["run"][1]) == (b"committed\n", b"hidden\n")


def test_a_second_turn_and_a_quick_one(work: Work) -> None:
    for number in range(5):
        put(work.tree, {"a": b"%d\n" % number})
        assert work.content()["a"][1] == b"%d\n" % number


def test_killed_while_capturing(work: Work) -> None:
    put(work.tree, {"a": b"x"})
    script = """
import sys
from pathlib import Path
from kage_nvim.orchestrator import candidates, slots
from kage_nvim.orchestrator.shadow import Store, discover
store = Store.open(discover(Path(sys.argv[1])))
candidates.capture(store, slots.slot(store, 1), sys.argv[2], "m", 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(work.store.repository.root), work.base.commit],
        env={**os.environ, "KAGE_FAIL_AT": "candidate.capture.action"},
        check=False,
    )
    assert done.returncode == -9
    assert work.content()["a"][1] == b"x"
