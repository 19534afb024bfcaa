"""A snapshot is the working tree byte for byte, and taking it leaves no trace in the user's repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kage_nvim.errors import KageError
from kage_nvim.model import Selection, Task
from kage_nvim.orchestrator import kageignore
from kage_nvim.orchestrator.shadow import discover
from tests.conftest import git
from tests.unit.git.support import content, fingerprint, make, on_disk, put, store_of

CRLF = b"one\r\ntwo\r\n"


def edit(root: Path) -> None:
    """Every plain kind of change at once."""
    put(root, {"new.txt": b"no end", "deep/er/x": b"x\n", "tracked": b"changed\n", "staged": b"staged\n"})
    git(root, "add", "staged")
    put(root, {"staged": b"and changed again\n"})
    (root / "gone").unlink()
    (root / "exec").chmod(0o755)
    (root / "link").symlink_to("tracked")
    (root / "new\nline").write_bytes(b"\0\xff")
    (root / os.fsdecode(b"latin-\xe9")).write_bytes(b"caf\xe9\n")


def staged_delete(root: Path) -> None:
    git(root, "rm", "-q", "tracked")


def cached_delete(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "tracked")


def intent_to_add(root: Path) -> None:
    put(root, {"later": b"later\n"})
    git(root, "add", "-N", "later")


def file_to_folder(root: Path) -> None:
    (root / "tracked").unlink()
    put(root, {"tracked/in": b"in\n"})


def folder_to_file(root: Path) -> None:
    (root / "dir" / "a").unlink()
    (root / "dir").rmdir()
    put(root, {"dir": b"now a file\n"})


def folder_to_link(root: Path) -> None:
    put(root, {"elsewhere/a": b"dir a\n"})
    (root / "dir" / "a").unlink()
    (root / "dir").rmdir()
    (root / "dir").symlink_to("elsewhere")


def file_to_link(root: Path) -> None:
    (root / "tracked").unlink()
    (root / "tracked").symlink_to("nowhere")


def autocrlf(root: Path) -> None:
    git(root, "config", "core.autocrlf", "true")
    put(root, {"tracked": CRLF, "clean": CRLF})
    git(root, "add", "tracked", "clean")
    git(root, "commit", "-q", "-m", "normalised")


def eol_attribute(root: Path) -> None:
    put(root, {".gitattributes": b"* text=auto\n*.bat text eol=crlf\n", "a.bat": CRLF, "b.txt": CRLF})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "normalised")
    (root / "a.bat").unlink()
    git(root, "checkout", "-q", "a.bat")


def ident(root: Path) -> None:
    put(root, {".gitattributes": b"*.c ident\n", "a.c": b"/* $Id$ */\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "ident")
    (root / "a.c").unlink()
    git(root, "checkout", "-q", "a.c")
    assert b"$Id: " in (root / "a.c").read_bytes()


def encoding(root: Path) -> None:
    put(
        root, {".gitattributes": b"*.u working-tree-encoding=UTF-16LE\n", "a.u": "日本\n".encode("utf-16-le")}
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "encoded")


def driver(root: Path) -> None:
    git(root, "config", "filter.up.clean", "tr a-z A-Z")
    git(root, "config", "filter.up.smudge", "tr A-Z a-z")
    git(root, "config", "filter.up.required", "true")
    put(root, {".gitattributes": b"*.up filter=up\n", "a.up": b"low\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "filtered")
    assert git(root, "cat-file", "-p", "HEAD:a.up") == "LOW"


def info_attributes(root: Path) -> None:
    (root / ".git" / "info").mkdir(exist_ok=True)
    (root / ".git" / "info" / "attributes").write_text("tracked text\n")
    put(root, {"tracked": CRLF})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "normalised")


def global_attributes(root: Path) -> None:
    Path(os.environ["XDG_CONFIG_HOME"], "git").mkdir()
    Path(os.environ["XDG_CONFIG_HOME"], "git", "attributes").write_text("tracked text\n")
    put(root, {"tracked": CRLF})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "normalised")


def hidden(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "tracked")
    git(root, "update-index", "--skip-worktree", "staged")
    put(root, {"tracked": b"not seen\n", "staged": b"nor this\n"})


def split_index(root: Path) -> None:
    git(root, "update-index", "--split-index")
    put(root, {"tracked": b"changed\n"})
    git(root, "add", "tracked")
    assert list((root / ".git").glob("sharedindex.*"))


def untracked_cache(root: Path) -> None:
    git(root, "config", "core.untrackedCache", "true")
    git(root, "config", "core.fsmonitor", "false")
    git(root, "status")
    put(root, {"another": b"x"})


def conflict(root: Path) -> None:
    git(root, "switch", "-q", "-c", "other")
    put(root, {"tracked": b"theirs\n", "only": b"x\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "theirs")
    git(root, "switch", "-q", "main")
    put(root, {"tracked": b"ours\n"})
    git(root, "rm", "-q", "gone")
    git(root, "commit", "-q", "-a", "-m", "ours")
    done = subprocess.run(["git", "merge", "other"], cwd=root, capture_output=True, check=False)
    assert done.returncode == 1


def racy(root: Path) -> None:
    put(root, {"tracked": b"racing\n"})
    git(root, "add", "tracked")
    put(root, {"tracked": b"gnicar\n"})


def nothing(root: Path) -> None:
    pass


CASES: list[Callable[[Path], None]] = [
    nothing,
    edit,
    staged_delete,
    cached_delete,
    intent_to_add,
    file_to_folder,
    folder_to_file,
    folder_to_link,
    file_to_link,
    autocrlf,
    eol_attribute,
    ident,
    encoding,
    driver,
    info_attributes,
    global_attributes,
    hidden,
    split_index,
    untracked_cache,
    conflict,
    racy,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_exact_bytes_and_no_trace(tmp_path: Path, case: Callable[[Path], None]) -> None:
    root = make(
        tmp_path / "p",
        tracked=b"tracked\n",
        staged=b"s\n",
        gone=b"g\n",
        exec=b"#!/bin/sh\n",
        dir__a=b"dir a\n",
    )
    case(root)
    before = fingerprint(root)
    store = store_of(root)
    first = store.snapshot({})
    assert content(store, first.tree) == on_disk(root)
    assert first.parent == git(root, "rev-parse", "HEAD")
    assert store.snapshot({}).tree == first.tree
    assert fingerprint(root) == before


def test_sparse_index(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a__x=b"x\n", b__y=b"y\n", c=b"c\n")
    git(root, "sparse-checkout", "set", "--cone", "--sparse-index", "a")
    put(root, {"a/x": b"changed\n"})
    before = fingerprint(root)
    store = store_of(root)
    found = content(store, store.snapshot({}).tree)
    assert found["b/y"] == ("100644", b"y\n")
    assert found["a/x"] == ("100644", b"changed\n")
    assert fingerprint(root) == before


def test_ignored_files_stay_out(tmp_path: Path) -> None:
    root = make(tmp_path / "p", **{".gitignore": b"*.log\n/build/\n"})
    put(root, {"a.log": b"", "build/x": b"", "secret": b"", "mine.tmp": b"", "kept": b""})
    (root / ".git" / "info" / "exclude").write_text("secret\n")
    git(root, "config", "core.excludesFile", "~/ignore")
    Path(os.environ["HOME"], "ignore").write_text("*.tmp\n")
    store = store_of(root)
    assert set(content(store, store.snapshot({}).tree)) == {".gitignore", "kept"}


def test_force_added_ignored_file_is_in(tmp_path: Path) -> None:
    root = make(tmp_path / "p", **{".gitignore": b"*.log\n"})
    put(root, {"a.log": b"one"})
    git(root, "add", "-f", "a.log")
    put(root, {"a.log": b"two"})
    store = store_of(root)
    assert content(store, store.snapshot({}).tree)["a.log"][1] == b"two"


def test_big_untracked_files_are_named(tmp_path: Path) -> None:
    root = make(tmp_path / "p", tracked=b"x" * 100)
    put(root, {"big.bin": b"y" * 2000, "tracked": b"z" * 2000})
    store = store_of(root)
    found = store.snapshot({}, size_limit=1000)
    assert found.skipped == ["big.bin"]
    assert found.notes == ["untracked big.bin (2 kB) left out"]
    assert set(content(store, found.tree)) == {"tracked"}


def test_big_files_behind_a_filter_keep_their_pointer(tmp_path: Path) -> None:
    root = make(tmp_path / "p")
    git(root, "config", "filter.lfs.clean", "head -c 7")
    put(
        root,
        {".gitattributes": b"*.bin filter=lfs\n", "a.bin": b"pointer" + b"x" * 2000, "s.bin": b"pointer+"},
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "large")
    store = store_of(root)
    found = store.snapshot({}, size_limit=1000)
    assert content(store, found.tree)["a.bin"][1] == b"pointer"
    assert content(store, found.tree)["s.bin"][1] == b"pointer+"
    assert found.skipped == ["a.bin"]


def test_nested_repositories_are_named(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"a")
    make(root / "nested", x=b"x")
    (root / "unborn").mkdir()
    git(root / "unborn", "init", "-q")
    put(root / "unborn", {"y": b"y"})
    before = fingerprint(root)
    store = store_of(root)
    found = store.snapshot({})
    assert set(content(store, found.tree)) == {"a"}
    assert found.notes == ["nested repositories left out: nested, unborn"]
    assert fingerprint(root) == before


def test_submodules_stay(tmp_path: Path) -> None:
    inner = make(tmp_path / "inner", x=b"x")
    root = make(tmp_path / "p", a=b"a")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-q", "-m", "sub")
    put(root, {"sub/x": b"changed", "sub/new": b"new"})
    git(root / "sub", "commit", "-q", "-a", "-m", "further")
    before = fingerprint(root)
    store = store_of(root)
    found = store.snapshot({"sub/x": b"unsaved"})
    assert found.tree == git(root, "rev-parse", "HEAD^{tree}")
    assert found.notes[0] == "submodules are there to be read, changes in them are not taken: sub"
    assert "sub/x" in found.notes[1]
    assert fingerprint(root) == before


def test_unborn_and_detached(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "p")
    root = tmp_path / "p"
    store = store_of(root)
    empty = store.snapshot({})
    assert (empty.parent, content(store, empty.tree)) == (None, {})
    put(root, {"a": b"a"})
    assert content(store, store.snapshot({"b": b"b"}).tree) == {"a": ("100644", b"a"), "b": ("100644", b"b")}
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    git(root, "checkout", "-q", "--detach")
    assert store_of(root).snapshot({}).parent == git(root, "rev-parse", "HEAD")


def test_no_index_at_all(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"a\n")
    (root / ".git" / "index").unlink()
    store = store_of(root)
    assert content(store, store.snapshot({}).tree) == on_disk(root)


def test_overlays(tmp_path: Path) -> None:
    root = make(tmp_path / "p", tracked=b"t\n", **{"run.sh": b"#!/bin/sh\n", ".gitignore": b"*.log\n"})
    (root / "run.sh").chmod(0o755)
    put(root, {"untracked": b"u"})
    (root / "link").symlink_to("tracked")
    (root / "out").symlink_to(tmp_path / "outside")
    overlays = {
        "tracked": b"\xff\xfeU\0T\0F\0\r\0\n\0",
        "run.sh": b"#!/bin/sh\r\n",
        "untracked": b"no newline",
        "new/file": b"new",
        "a.log": b"ignored",
        "out": b"outside",
        "../up": b"up",
        ".git/config": b"evil",
    }
    before = fingerprint(root)
    store = store_of(root)
    taken = store.snapshot(overlays)
    found = content(store, taken.tree)
    assert found["tracked"] == ("100644", overlays["tracked"])
    assert found["run.sh"] == ("100755", overlays["run.sh"])
    assert found["untracked"] == ("100644", b"no newline")
    assert found["new/file"] == ("100644", b"new")
    assert set(found) == {*on_disk(root), "new/file"}
    assert taken.skipped == ["a.log"]
    assert store.snapshot({"link": b"through"}).tree == store.snapshot({"tracked": b"through"}).tree
    assert fingerprint(root) == before


def test_middle_of_a_merge_is_said(tmp_path: Path) -> None:
    root = make(tmp_path / "p", tracked=b"tracked\n", gone=b"g\n")
    conflict(root)
    assert "middle of a merge" in store_of(root).snapshot({}).notes[0]


def test_kage_inside_a_home_under_git(home: Path) -> None:
    root = make(home, dotfile=b"d\n")
    store = store_of(root)
    store.snapshot({})
    found = content(store, store.snapshot({}).tree)
    assert not [path for path in found if "kage" in path]


@pytest.mark.parametrize("kind", ["sha256", "shallow", "alternates"])
def test_kinds_of_repositories(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "p"
    if kind == "sha256":
        root.mkdir()
        git(root, "init", "-q", "--object-format=sha256")
        put(root, {"a": b"a"})
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "first")
    else:
        source = make(tmp_path / "s", a=b"a")
        git(source, "commit", "-q", "--allow-empty", "-m", "second")
        how = ["--depth=1", f"file://{source}"] if kind == "shallow" else ["--shared", str(source)]
        git(tmp_path, "clone", "-q", *how, "p")
    put(root, {"b": b"b"})
    store = store_of(root)
    commit = store.snapshot({}).commit
    assert set(content(store, commit)) == {"a", "b"}
    assert (
        git(store.git_dir, "log", "--format=%s", commit).splitlines()[0] == "Kage: the working tree as it was"
    )


def test_gc_of_the_user_cannot_break_a_run(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"a\n", b=b"b\n")
    git(root, "checkout", "-q", "--detach")
    put(root, {"a": b"second\n"})
    git(root, "commit", "-q", "-a", "-m", "second")
    store = store_of(root)
    base = store.snapshot({}).commit
    store.pin("refs/kage/r/base", base)
    assert store.import_base_objects(base) > 0
    git(root, "checkout", "-q", "main")
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "-q", "--prune=now")
    assert content(store, base)["a"][1] == b"second\n"
    assert store.import_base_objects(store.snapshot({}).commit) > 0


def test_refs_trash_and_expiry(repository: Path) -> None:
    store = store_of(repository)
    commit = store.snapshot({}).commit
    store.pin("refs/kage/run/1", commit)
    kept = store.trash("refs/kage/run/1")
    assert kept and kept.startswith("refs/kage/trash/")
    assert store.refs() == {kept: commit}
    store.pin("refs/kage/run/1", commit)
    again = store.trash("refs/kage/run/1")
    assert again != kept
    assert store.trash("refs/kage/run/1") is None
    assert store.expire_trash(days=1) == []
    assert sorted(store.expire_trash(days=-1)) == sorted([kept, str(again)])
    assert store.refs() == {}


def test_read_file(repository: Path) -> None:
    store = store_of(repository)
    commit = store.snapshot({"calc.py": b"\xe9\r\n", "a b/[c]*": b"x"}).commit
    assert store.read_file(commit, "calc.py") == (b"\xe9\r\n", "100644")
    assert store.read_file(commit, "a b/[c]*") == (b"x", "100644")
    assert store.read_file(commit, "a b") is None
    assert store.read_file(commit, "nope") is None


def test_store_survives_a_broken_start(repository: Path) -> None:
    store = store_of(repository)
    (store.git_dir / "HEAD").unlink()
    assert store_of(repository).snapshot({}).parent == discover(repository).head


def test_unsaved_buffers_and_diagnostics_of_ignored_files_stay(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"one\n", secrets__code=b"old\n")
    put(root, {".kageignore": b"secrets/\n*.key\n", "local.key": b"on disk\n"})
    store = store_of(root)
    unsaved = {"secrets/code": b"typed\n", "local.key": b"typed\n", "new.key": b"typed\n", "a": b"two\n"}
    taken = kageignore.without(store, store.snapshot(unsaved))
    assert {
        path: data for path, (_, data) in content(store, taken.tree).items() if path != ".kageignore"
    } == {"a": b"two\n"}
    held = subprocess.run(
        ["git", "--git-dir", store.git_dir, "ls-tree", "-r", "--name-only", taken.commit],
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert held.split() == [".kageignore", "a"]
    told = ["secrets/code:1: wrong: typed", "a:1: wrong", "new.key:2: bad"]
    task = Task("mend", diagnostics=told)
    left, notes = kageignore.checked(store.repository, store, task)
    assert left.diagnostics == ["a:1: wrong"]
    assert notes == ["diagnostics of files that .kageignore names were left out"]
    with pytest.raises(KageError, match=r"secrets/code is kept from agents by \.kageignore"):
        chosen = Selection("secrets/code", 1, 1, "typed")
        kageignore.checked(store.repository, store, Task("mend", selection=chosen))
