"""Writing to disk: verified first, atomic, never outside, and mendable after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kage_nvim.compare import disk
from kage_nvim.compare.land import Blob, FilePlan
from kage_nvim.errors import KageError
from tests.unit.git.support import fingerprint, make, on_disk, put, store_of


def blob(data: bytes, mode: str = "100644") -> Blob:
    return Blob(mode, "", data)


def plan(path: str, old: bytes | None, new: bytes | None) -> FilePlan:
    return FilePlan(
        path, None if old is None else blob(old), None if new is None else Blob("100644", "1", new)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path / "p", {"a": b"a", "d/b": b"b", "d/c": b"c"})
    return tmp_path / "p"


def test_owner_and_permissions_stay(root: Path) -> None:
    (root / "a").chmod(0o4604)
    if not os.getuid():
        os.chown(root / "a", 1234, 2345)
        (root / "a").chmod(0o604)
    before = (root / "a").stat()
    disk.write(root, [plan("a", b"a", b"new")])
    after = (root / "a").stat()
    assert (root / "a").read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_folders_come_and_go(root: Path) -> None:
    disk.write(root, [plan("d/b", b"b", None), plan("d/c", b"c", None), plan("x/y/z", None, b"z")])
    assert sorted(on_disk(root)) == ["a", "x/y/z"]
    assert not (root / "d").exists()
    disk.write(root, [plan("x/y/z", b"z", None), plan("x", None, b"now a file")])
    assert sorted(on_disk(root)) == ["a", "x"]


REFUSED = {
    "changed": (lambda root: put(root, {"a": b"other"}), plan("a", b"a", b"n"), "changed on disk"),
    "gone": (lambda root: (root / "a").unlink(), plan("a", b"a", b"n"), "not there"),
    "created": (lambda root: put(root, {"n": b"ignored"}), plan("n", None, b"n"), "already"),
    "executable": (lambda root: (root / "a").chmod(0o755), plan("a", b"a", b"n"), "executable"),
    "a link now": (lambda root: relink(root / "a", "d/b"), plan("a", b"a", b"n"), "another kind"),
    "a folder now": (lambda root: refolder(root / "a"), plan("a", b"a", b"n"), "folder"),
    "a pipe now": (lambda root: repipe(root / "a"), plan("a", b"a", b"n"), "another kind"),
    "folder in the way": (lambda root: None, plan("d", None, b"n"), "in the way"),
    "file in the way": (lambda root: None, plan("a/x", None, b"n"), "in the way"),
    "behind a link out": (lambda root: relink(root / "l", ".."), plan("l/x", None, b"n"), "symbolic link"),
    "behind a link": (lambda root: relink(root / "l", "d"), plan("l/b", b"b", b"n"), "symbolic link"),
    "folder gone": (lambda root: None, plan("no/x", b"x", b"n"), "not there"),
}


def relink(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def refolder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def repipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(root: Path, name: str) -> None:
    prepare, wanted, why = REFUSED[name]
    prepare(root)
    before = fingerprint(root)
    [(path, said)] = disk.verify(root, [wanted, plan("d/c", b"c", b"fine")])
    assert path == wanted.path
    assert why in said
    assert fingerprint(root) == before


def test_executable_bit_can_be_overlooked(root: Path) -> None:
    (root / "a").chmod(0o755)
    assert disk.verify(root, [plan("a", b"a", b"n")], file_mode=False) == []


@pytest.mark.parametrize("path", ["l/x", "l/deep/x"])
def test_never_through_a_link_even_unverified(root: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    relink(root / "l", str(tmp_path / "outside"))
    with pytest.raises(KageError):
        disk.write(root, [plan(path, None, b"evil")])
    assert list((tmp_path / "outside").iterdir()) == []
    assert [name for name in on_disk(root) if "kage" in name] == []


@pytest.mark.parametrize("path", ["../x", "/tmp/kage-escape", "d/../../x", ".git/config", "D/.GIT/x", ""])
def test_never_outside(root: Path, path: str) -> None:
    wanted = plan(path, None, b"evil")
    assert disk.verify(root, [wanted])
    with pytest.raises(KageError):
        disk.write(root, [wanted])
    assert not (root.parent / "x").exists()
    assert not Path("/tmp/kage-escape").exists()


def test_a_full_disk_changes_nothing(root: Path) -> None:
    before = fingerprint(root)
    unwritable = plan("d/" + "n" * 300, None, b"x")
    with pytest.raises(KageError) as error:
        disk.write(root, [plan("a", b"a", b"new"), plan("z" * 300 + "/x", None, b"x"), unwritable])
    assert error.value.code == "write"
    assert {path: row[2] for path, row in fingerprint(root).items()} == {
        path: row[2] for path, row in before.items()
    } or error.value.data["done"]


def test_killed_between_two_files(tmp_path: Path) -> None:
    root = make(tmp_path / "p", a=b"a", b=b"b")
    files = [plan("a", b"a", b"1"), plan("b", b"b", b"2"), plan("n/n", None, b"3")]
    script = """
import sys
from pathlib import Path
from kage_nvim.compare import disk
from kage_nvim.compare.land import Blob, FilePlan
m = "100644"
rows = [("a", b"a", b"1"), ("b", b"b", b"2"), ("n/n", None, b"3")]
files = [FilePlan(p, Blob(m, "", o) if o else None, Blob(m, "1", n)) for p, o, n in rows]
disk.write(Path(sys.argv[1]), files)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)],
        env={**os.environ, "KAGE_FAIL_AT": "land.file.action"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    disk.sweep(root, files)
    assert on_disk(root) == {"a": ("100644", b"1"), "b": ("100644", b"b")}
    assert store_of(root).snapshot({})
    disk.write(root, files[1:])
    assert on_disk(root)["n/n"] == ("100644", b"3")
