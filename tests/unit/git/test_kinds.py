"""Every kind of file that git knows, all the way: slot, candidate, diff, landing, undo."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from tests.conftest import git
from tests.unit.git.desk import Desk, Files, edit
from tests.unit.git.support import make, on_disk, put

TEXT = b"".join(b"line %d\n" % n for n in range(1, 31))
LONG = b"".join(b"line %d\r\n" % n for n in range(50_000))
CAFE = os.fsdecode(b"caf\xe9")

BASE: Files = {
    "text": TEXT,
    "crlf": TEXT.replace(b"\n", b"\r\n"),
    "noeol": TEXT[:-1],
    "utf16": TEXT.decode().encode("utf-16"),
    "latin": b"caf\xe9\n" * 9,
    "bin": bytes(range(256)) * 9,
    "long": LONG,
    "empty": b"",
    "run.sh": b"#!/bin/sh\necho\n",
    "dir/one": b"one\n",
    "dir/two": TEXT,
    "link": "text",
    "dirlink": "dir",
    "dangling": "nowhere",
    CAFE: b"named\n",
}


def mode(name: str, bits: int) -> Callable[[Path], None]:
    return lambda root: (root / name).chmod(bits)


def both(*steps: Files | Callable[[Path], object]) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        for step in steps:
            step(root) if callable(step) else edit(root, step)

    return do


Row = tuple[str, str, str | None]

KINDS: dict[str, tuple[Files | Callable[[Path], object], dict[str, Row]]] = {
    "new": (
        {"new": TEXT, "deep/er/new": b"n"},
        {"new": ("text", "A", None), "deep/er/new": ("text", "A", None)},
    ),
    "deleted": ({"text": None}, {"text": ("text", "D", None)}),
    "a whole folder deleted": (
        {"dir/one": None, "dir/two": None},
        {"dir/one": ("text", "D", None), "dir/two": ("text", "D", None)},
    ),
    "renamed": ({"text": None, "moved/text": TEXT}, {"moved/text": ("text", "R", "text")}),
    "renamed and edited": ({"text": None, "txt": TEXT + b"more\n"}, {"txt": ("text", "R", "text")}),
    "renamed by case only": ({"text": None, "TEXT": TEXT}, {"TEXT": ("text", "R", "text")}),
    "renamed in a circle": (
        {"text": TEXT.replace(b"\n", b"\r\n"), "crlf": TEXT},
        {"crlf": ("text", "M", None), "text": ("text", "M", None)},
    ),
    "executable": (mode("run.sh", 0o755), {"run.sh": ("text", "M", None)}),
    "executable and edited": (
        both({"run.sh": b"#!/bin/sh\nls\n"}, mode("run.sh", 0o755)),
        {"run.sh": ("text", "M", None)},
    ),
    "a link to a file": ({"l": "text"}, {"l": ("symlink", "A", None)}),
    "a link to a folder": ({"l": "dir"}, {"l": ("symlink", "A", None)}),
    "a link to nothing": ({"l": "../../gone"}, {"l": ("symlink", "A", None)}),
    "links to elsewhere": (
        {"link": "latin", "dirlink": "text", "dangling": "more"},
        dict.fromkeys(("dangling", "dirlink", "link"), ("symlink", "M", None)),
    ),
    "a file becomes a link": ({"latin": "text"}, {"latin": ("symlink", "T", None)}),
    "a link becomes a file": (
        {"dirlink": b"file\n", "link": TEXT},
        {"dirlink": ("text", "T", None), "link": ("text", "T", None)},
    ),
    "a folder becomes a link": (
        {"dir/one": None, "dir/two": None, "dir": "text"},
        {"dir": ("symlink", "A", None), "dir/one": ("text", "D", None), "dir/two": ("text", "D", None)},
    ),
    "a link becomes a folder": (
        {"link": None, "link/in": b"in\n"},
        {"link": ("symlink", "D", None), "link/in": ("text", "A", None)},
    ),
    "a file becomes a folder": (
        {"latin": None, "latin/in": b"in\n"},
        {"latin": ("text", "D", None), "latin/in": ("text", "A", None)},
    ),
    "a folder becomes a file": (
        {"dir/one": None, "dir/two": None, "dir": b"file\n"},
        {"dir": ("text", "A", None), "dir/one": ("text", "D", None), "dir/two": ("text", "D", None)},
    ),
    "binary": (
        {"bin": b"\0new", "bin2": b"\0"},
        {"bin": ("binary", "M", None), "bin2": ("binary", "A", None)},
    ),
    "utf-16": ({"utf16": (TEXT + b"more").decode().encode("utf-16")}, {"utf16": ("binary", "M", None)}),
    "text becomes binary": ({"text": b"\0" + TEXT}, {"text": ("binary", "M", None)}),
    "carriage returns": (
        {"crlf": TEXT.replace(b"\n", b"\r\n") + b"more\r\n", "text": TEXT.replace(b"\n", b"\r\n")},
        {"crlf": ("text", "M", None), "text": ("text", "M", None)},
    ),
    "no newline at the end": (
        {"noeol": TEXT, "text": TEXT[:-1]},
        {"noeol": ("text", "M", None), "text": ("text", "M", None)},
    ),
    "latin-1": (
        {"latin": b"caf\xe8\n" * 9, CAFE: None, f"{CAFE}\n": b"named\n"},
        {"latin": ("text", "M", None), f"{CAFE}\n": ("text", "R", CAFE)},
    ),
    "50,000 lines": (
        {"long": LONG.replace(b"line 40000\r", b"changed\r"), "longer": LONG * 2},
        {"long": ("text", "M", None), "longer": ("text", "A", None)},
    ),
    "empty": (
        {"empty": b"no more", "text": b"", "void": b""},
        {"empty": ("text", "M", None), "text": ("text", "M", None), "void": ("text", "A", None)},
    ),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a file of each kind."""
    root = tmp_path_factory.mktemp("kinds") / "p"
    root.mkdir()
    git(root, "init", "-q")
    edit(root, BASE)
    git(root, "add", "-A")
    git(root, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    return root


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    shutil.copytree(template, tmp_path / "p", symlinks=True)
    return Desk(tmp_path / "p")


@pytest.mark.parametrize("some", [list(KINDS)[at::4] for at in range(4)], ids=lambda some: some[0])
def test_a_candidate_is_shown_landed_and_undone(desk: Desk, tmp_path: Path, some: list[str]) -> None:
    before = on_disk(desk.root)
    for name in some:
        make_it, rows = KINDS[name]
        desk.candidate(1, make_it)
        shown = desk.diff(1)
        assert {
            path: (entry["kind"], entry["agents"]["1"]["status"], entry["agents"]["1"]["old_path"])
            for path, entry in shown.items()
        } == rows, name
        wanted = tmp_path / "wanted"
        shutil.copytree(desk.root, wanted, symlinks=True)
        both(make_it)(wanted)
        desk.accept(1)
        assert on_disk(desk.root) == on_disk(wanted), name
        shutil.rmtree(wanted)
        desk.undo()
        assert on_disk(desk.root) == before, name
        assert git(desk.root, "status", "--porcelain") == "", name


def desk_of(root: Path, files: Files, *commands: tuple[str, ...]) -> Desk:
    """A repository with these files, committed by a git that was configured so."""
    root.mkdir()
    git(root, "init", "-q")
    for command in commands:
        git(root, *command)
    edit(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return Desk(root)


CONVERTING: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "autocrlf": (b"", ("config", "core.autocrlf", "true")),
    "autocrlf input": (b"", ("config", "core.autocrlf", "input")),
    "eol by attribute": (b"*.txt text eol=crlf\n*.sh text eol=lf\n", ("config", "core.autocrlf", "true")),
    "an encoding": (b"*.txt text working-tree-encoding=UTF-16LE-BOM\n", ("config", "core.autocrlf", "false")),
}


@pytest.mark.parametrize("name", CONVERTING)
def test_bytes_land_as_they_are_whatever_git_converts(tmp_path: Path, name: str) -> None:
    attributes, command = CONVERTING[name]
    wide = b"\xff\xfe" + TEXT.decode().encode("utf-16-le")
    text = wide if b"UTF-16" in attributes else TEXT.replace(b"\n", b"\r\n")
    desk = desk_of(tmp_path / "p", {".gitattributes": attributes, "a.txt": text, "b.sh": TEXT}, command)
    git(desk.root, "checkout-index", "-fa")
    text = (desk.root / "a.txt").read_bytes()
    desk.begin()
    before = on_disk(desk.root)
    end = b"m\0\n\0" if text == wide else text[text.index(b"1") + 1 : text.index(b"line 2")]
    desk.candidate(1, {"a.txt": text + end, "b.sh": TEXT + b"more\n", "n.txt": b"1\n2\r\n"})
    assert desk.diff(1)["a.txt"]["agents"]["1"]["status"] == "M"
    desk.accept(1)
    assert (desk.root / "a.txt").read_bytes() == text + end
    assert (desk.root / "n.txt").read_bytes() == b"1\n2\r\n"
    desk.undo()
    assert on_disk(desk.root) == before
    assert git(desk.root, "status", "--porcelain") == ""


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % (b"a" * 64)
FILTER = {
    # A stand-in for git-lfs: its clean filter makes a pointer, its smudge filter the content.
    "clean": f'sh -c \'cat > /dev/null; printf "%b" "{POINTER.decode()}"\''.replace("\n", "\\\\n"),
    "smudge": "sh -c 'cat > /dev/null; echo content'",
}


def lfs(tmp_path: Path, *, installed: bool) -> Desk:
    desk = desk_of(tmp_path / "p", {".gitattributes": b"*.big filter=lfs -text\n", "a.big": POINTER})
    if installed:
        for name, command in FILTER.items():
            git(desk.root, "config", f"filter.lfs.{name}", command)
        put(desk.root, {"a.big": b"content\n"})
        git(desk.root, "add", "a.big")
    assert git(desk.root, "show", ":a.big") + "\n" == POINTER.decode()
    assert git(desk.root, "status", "--porcelain") == ""
    desk.begin()
    return desk


@pytest.mark.parametrize("installed", [True, False])
def test_lfs_content_and_pointers_are_not_mixed_up(tmp_path: Path, installed: bool) -> None:
    desk = lfs(tmp_path, installed=installed)
    before = on_disk(desk.root)
    desk.candidate(1, lambda root: put(root, {"b.big": (root / "a.big").read_bytes(), "a.big": b"new\n"}))
    desk.accept(1)
    assert (desk.root / "a.big").read_bytes() == b"new\n"
    assert (desk.root / "b.big").read_bytes() == before["a.big"][1]
    desk.undo()
    assert on_disk(desk.root) == before
    # A pointer does not take the place of content that the user has.
    desk.candidate(2, {"a.big": POINTER.replace(b"a" * 64, b"b" * 64)})
    if installed:
        with pytest.raises(KageError) as error:
            desk.accept(2)
        assert [c["kind"] for c in error.value.data["conflicts"]] == ["LFS pointer in place of content"]
        assert on_disk(desk.root) == before
    else:
        desk.accept(2)
        desk.undo()
        assert on_disk(desk.root) == before


def module_of(tmp_path: Path) -> tuple[Desk, str, str]:
    """A desk with a submodule, the commit that it is at, and a newer one that it knows."""
    inner = make(tmp_path / "inner", x=b"x")
    root = make(tmp_path / "p", a=b"a")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-q", "-m", "sub")
    old = git(root / "sub", "rev-parse", "HEAD")
    git(root / "sub", "commit", "-q", "--allow-empty", "-m", "newer")
    new = git(root / "sub", "rev-parse", "HEAD")
    git(root / "sub", "checkout", "-q", old)
    return Desk(root), old, new


def at_commit(name: str, commit: str) -> Callable[[Path], Any]:
    return lambda root: put(root, {f"{name}/.git/HEAD": commit.encode() + b"\n"})


def test_submodules_stay_and_what_would_move_them_is_said(tmp_path: Path) -> None:
    desk, old, new = module_of(tmp_path)
    desk.candidate(1, both({"a": b"agent"}, at_commit("sub", new)))
    assert desk.diff(1)["sub"]["kind"] == "submodule"
    answer = desk.accept(1)
    assert [file["path"] for file in answer["files"]] == ["a"]
    assert answer["notes"] == [
        f"not landed, since it is a submodule: sub {old[:12]} → {new[:12]}; git -C sub checkout {new[:12]}"
    ]
    assert git(desk.root / "sub", "rev-parse", "HEAD") == old
    desk.undo()
    assert git(desk.root, "status", "--porcelain") == ""
    desk.candidate(2, at_commit("sub", "1" * 40))
    with pytest.raises(KageError) as error:
        desk.accept(2)
    assert error.value.exit == 3
    assert "no such commit yet; fetch it, then git -C sub checkout 111111111111" in error.value.message
