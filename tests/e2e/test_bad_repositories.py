"""Odd repositories that work: each is spawned in, landed in and taken back, and none of its bytes is touched.

All share one machine: one kaged that sees every one of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.bad_input import WRITES, kage
from tests.e2e.stage import Stage, digest, tape

NAMES = ["with space", 'it\'s "quoted"', "a#b", "per%cent", "new\nline", "naïve-日本", "#(touch hacked)", ";"]
"""Names of files and folders."""


def fresh(root: Path, **files: str) -> Path:
    """A repository with one commit."""
    root.mkdir(parents=True)
    git(root, "init", "-q")
    for name, content in ({"a.txt": "a\n"} | files).items():
        (root / name).write_text(content)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def unborn(root: Path) -> None:
    root.mkdir()
    git(root, "init", "-q")
    (root / "a.txt").write_text("a\n")


def empty(root: Path) -> None:
    root.mkdir()
    git(root, "init", "-q")


def merging(root: Path) -> None:
    _diverged(root)
    subprocess.run(["git", "merge", "other"], cwd=root, capture_output=True, check=False)
    assert (root / ".git/MERGE_HEAD").exists()


def rebasing(root: Path) -> None:
    _diverged(root)
    subprocess.run(["git", "rebase", "other"], cwd=root, capture_output=True, check=False)
    assert (root / ".git/rebase-merge").exists()


def _diverged(root: Path) -> None:
    fresh(root)
    git(root, "checkout", "-q", "-b", "other")
    (root / "a.txt").write_text("theirs\n")
    git(root, "commit", "-q", "-am", "theirs")
    git(root, "checkout", "-q", "main")
    (root / "a.txt").write_text("ours\n")
    git(root, "commit", "-q", "-am", "ours")


def everything(root: Path) -> None:
    """All at once that does not exclude another: a detached HEAD, names of files and folders that look like
    commands, a submodule, other repositories inside (one of them unborn), and a file that is too big."""
    fresh(root, **{f"{name}.txt": "x\n" for name in NAMES})
    library = fresh(root.parent / "library")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    git(root, "commit", "-q", "-m", "with a submodule")
    git(root, "checkout", "-q", "--detach")
    for name in NAMES:
        (root / name).mkdir()
        (root / name / "untracked").write_text(name)
    fresh(root / "inner")
    empty(root / "hollow")
    with (root / "big.bin").open("wb") as file:
        file.truncate(51 * 1024 * 1024)


MADE: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "unborn": (unborn, []),
    "empty": (empty, []),
    'it\'s a "b" ünï-日本 #(touch hacked) %s %{x} ;': (
        everything,
        ["lib", "inner", "hollow", "big.bin (53 MB)"],
    ),
    "#(touch hacked)\nnew line": (merging, ["in the middle of a merge"]),
    "-n": (rebasing, ["in the middle of a rebase"]),
}
"""By its folder's name: how each is made, and what is said at the spawn."""
FORECAST = "note: by runs like it: "


def cycle(stage: Stage, *more: str) -> tuple[str, list[str]]:
    """Spawn, wait, accept, undo, clean: returns what the spawn said, and the files that agents got."""
    before = digest(stage.repository)
    said = kage(stage, ["spawn", "-n", "1", "do it", *more])
    assert said.returncode == 0, said.stderr + stage.logs()
    [agent] = stage.json("wait", "--timeout", "30")["agents"]
    assert (agent["state"], agent["reason"]) == ("done", "made it")
    tree = Path(agent["worktree"])
    seen = sorted(str(p.relative_to(tree)) for p in tree.rglob("*") if not p.is_dir() and p.name != ".git")
    assert digest(stage.repository) == before
    stage.shell("accept", "1")
    assert (stage.repository / "made.txt").read_text() == "made\n"
    stage.shell("undo")
    stage.shell("clean")
    assert digest(stage.repository) == before
    lines = said.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(FORECAST)), seen


@pytest.fixture
def one(stage: Stage, tmp_path: Path) -> Stage:
    """A machine whose one player adds a file."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", WRITES))
    return stage


def test_they_work(one: Stage, subtests: pytest.Subtests, tmp_path: Path) -> None:
    for name, (make, notes) in MADE.items():
        with subtests.test(name):
            one.repository = tmp_path / "here" / name
            one.repository.parent.mkdir(parents=True, exist_ok=True)
            make(one.repository)
            said, seen = cycle(one)
            for note in notes:
                assert note in said
            assert notes or said == ""
            if make is everything:
                odd = [f"{n}.txt" for n in NAMES] + [f"{n}/untracked" for n in NAMES]
                # Nothing of the repositories inside, but of the submodule; and nothing that is too big.
                assert set(seen) == {"a.txt", "made.txt", ".gitmodules", "lib/a.txt", *odd}
    assert not list(tmp_path.rglob("hacked")), "a path was run as a command"
    assert not list(one.home.rglob("hacked"))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write below a folder, not even root where its file system knows such a flag."""
    everything = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in everything}
    for path in everything:
        path.chmod(modes[path] & ~0o222)
    immutable = os.getuid() == 0 and shutil.which("chattr") is not None
    if immutable:
        subprocess.run(["chattr", "-R", "+i", str(folder)], capture_output=True, check=False)
    try:
        yield
    finally:
        if immutable:
            subprocess.run(["chattr", "-R", "-i", str(folder)], capture_output=True, check=False)
        for path in everything:
            path.chmod(modes[path])


def test_a_git_folder_that_is_read_only(one: Stage) -> None:
    with read_only(one.repository / ".git"):
        cycle(one)
