"""Whatever is not as it was when the landing was planned refuses, and then nothing at all changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.nvim.land.conftest import Lander

COMMANDS = {
    "typed": ("normal! Onew", "changed in the editor"),
    "modified": ("set modified", "modified in the editor"),
    "read-only": ("set readonly", ":set noreadonly in it first"),
    "not modifiable": ("set nomodifiable", ":set modifiable in it first"),
    "special": ("set buftype=nofile", "not open in this editor"),
    "wiped": ("bwipeout!", "not open in this editor"),
    "unloaded": ("bunload!", "not open in this editor"),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("good\n")
    bad.write_text("bad\n")
    return good, bad


@pytest.mark.parametrize("name", COMMANDS)
def test_buffers(lander: Lander, files: tuple[Path, Path], name: str) -> None:
    command, why = COMMANDS[name]
    good, bad = files
    lander.open(good)
    lander.open(bad)
    plan = [lander.file(good, b"GOOD\n"), lander.file(bad, b"BAD\n")]
    lander.editor.command(command)
    assert why in lander.refusal(*plan)
    assert (good.read_text(), bad.read_text()) == ("good\n", "bad\n")
    assert lander.bytes(good) == b"good\n"


def test_disk(lander: Lander, files: tuple[Path, Path]) -> None:
    good, bad = files
    lander.open(good)
    lander.open(bad)
    plan = [lander.file(good, b"GOOD\n"), lander.file(bad, b"BAD\n")]
    stat = bad.stat()
    bad.write_text("BAD\0")
    os.utime(bad, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "changed on disk" in lander.refusal(*plan)
    assert (good.read_text(), bad.read_text()) == ("good\n", "BAD\0")
    bad.unlink()
    assert "changed on disk" in lander.refusal(*plan)


def test_other_bytes_at_the_same_tick(lander: Lander, files: tuple[Path, Path]) -> None:
    good, _ = files
    lander.open(good, "normal! Onew")
    plan = lander.file(good, b"GOOD\n")
    lander.editor.command("set fileformat=dos")
    assert "fileformat" in lander.refusal(plan)


def test_deleting_what_has_unwritten_changes(lander: Lander, files: tuple[Path, Path]) -> None:
    good, _ = files
    lander.open(good, "normal! Onew")
    assert "write or revert it first" in lander.refusal(lander.file(good, None))
    assert good.exists()


@pytest.mark.parametrize("kind", ["written", "modified", "new", "deleted"])
def test_a_failure_midway_takes_everything_back(
    lander: Lander, files: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    first, bad = files
    new: bytes | None = b"GOOD\r\n"
    if kind == "new":
        first = tmp_path / "new.txt"
    lander.open(first)
    if kind == "modified":
        lander.editor.command("normal! Omine")
    if kind == "deleted":
        new = None
    before = lander.bytes(first), lander.options(first), first.exists() and first.read_bytes()
    lander.open(bad)
    plan = [lander.file(first, new), lander.file(bad, b"BAD\n")]
    # The second file reads back wrong after it was written.
    lander.editor.lua(
        """
        local disk = require("kage.diff.text.disk")
        local read, path = disk.read, ...
        disk.read = function(name)
          if name == path and vim.fn.readfile(path)[1] == "BAD" then return "something else" end
          return read(name)
        end
        """,
        str(bad),
    )
    error, _ = lander.ask("land.apply", *plan)
    assert error["code"] == "land_failed", error
    assert "taken back" in error["message"]
    assert (lander.bytes(first), lander.options(first), first.exists() and first.read_bytes()) == before
    assert bad.read_text() == "bad\n"
    assert lander.bytes(bad) == b"bad\n"


def test_a_write_protected_file(lander: Lander, files: tuple[Path, Path]) -> None:
    good, _ = files
    lander.open(good)
    good.chmod(0o444)
    plan = lander.file(good, b"GOOD\n")
    if os.access(good, os.W_OK):
        lander.editor.lua("vim.uv.fs_access = function() return false end")
    assert "chmod u+w" in lander.refusal(plan)
