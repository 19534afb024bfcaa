"""What lands is on disk byte for byte, and taking it back restores bytes and options."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nvim.land.conftest import Lander

TEXT = "one\ntwo\nthree\n"

CASES = {
    "plain": (b"one\ntwo\n", b"one\nTWO\n"),
    "crlf": (b"one\r\ntwo\r\n", b"one\r\nTWO\r\nthree\r\n"),
    "crlf becomes lf": (b"one\r\ntwo\r\n", b"one\ntwo\n"),
    "lf becomes crlf": (b"one\ntwo\n", b"one\r\nTWO\r\n"),
    "mixed": (b"one\r\ntwo\nthree\r\n", b"one\r\n2\nthree\r\nfour\n"),
    "mixed becomes crlf": (b"one\r\ntwo\n", b"one\r\ntwo\r\n"),
    "crlf becomes mixed": (b"one\r\ntwo\r\n", b"one\r\ntwo\n"),
    "noeol": (b"one\ntwo", b"one\n2"),
    "eol lost": (b"one\ntwo\n", b"one\ntwo"),
    "eol gained": (b"one\ntwo", b"one\ntwo\n"),
    "crlf noeol": (b"one\r\ntwo", b"1\r\ntwo"),
    "latin-1": ("café\nnaïve\n".encode("latin-1"), "café\nnaïf\n".encode("latin-1")),
    "latin-1 becomes utf-8": ("café\n".encode("latin-1"), "café\n".encode()),
    "utf-8 becomes latin-1": ("café\n".encode(), "café\nüber\n".encode("latin-1")),
    "bom": (b"\xef\xbb\xbfone\n", b"\xef\xbb\xbfone\ntwo\n"),
    "bom lost": (b"\xef\xbb\xbfone\n", b"one\n"),
    "bom gained": (b"one\n", b"\xef\xbb\xbfone\n"),
    "utf-16le": ("\ufeffone\r\nzwölf\r\n".encode("utf-16-le"), "\ufeffone\r\n12 𝄞\r\n".encode("utf-16-le")),
    "utf-16be": ("\ufeffone\n".encode("utf-16-be"), "\ufeffzwei\n".encode("utf-16-be")),
    "nul": (b"a\0b\nc\n", b"a\0B\n\0\n"),
    "nul at the end": (b"one\n", b"one\ntwo\0"),
    "newlines only": (b"\n", b"\n\n"),
    "emptied": (b"one\n", b""),
    "filled": (b"", b"one\ntwo\n"),
    "filled with an empty line": (b"", b"\n"),
    "control-z": (b"one\r\n\x1a", b"one\r\ntwo\r\n\x1a"),
    "invalid utf-8": (b"one\xff\xfe\ntwo\n", b"one\xff\xfe\ntwo\xc3\n"),
    "form feeds and escapes": (b"a\x0c\x1b[31m\nb\n", b"a\x0c\x1b[31m\nb\x85\n"),
}


@pytest.mark.parametrize("write", [True, False], ids=["written", "modified"])
def test_there_and_back(lander: Lander, tmp_path: Path, write: bool) -> None:
    for name, (old, new) in CASES.items():
        path = tmp_path / f"{name}.txt"
        path.write_bytes(old)
        lander.open(path)
        if not write:
            lander.editor.command("setlocal modified")
        before = lander.options(path)

        lander.land(lander.file(path, new))

        assert path.read_bytes() == (new if write else old), name
        assert lander.bytes(path) == new, name
        assert lander.options(path)["modified"] is not write, name
        assert lander.options(path)["fixendofline"] is False  # by lander.bytes; set back below
        lander.editor.command("setlocal fixendofline")

        lander.land(lander.file(path, old))

        assert path.read_bytes() == old, name
        assert lander.bytes(path) == old, name
        lander.editor.command("setlocal fixendofline")
        assert lander.options(path) == before, name


def test_a_reader_with_unusual_options_gets_them_back(lander: Lander, tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes(b"one\r\ntwo\r\n")
    lander.open(path, "edit ++ff=unix ++enc=cp1252")
    before = lander.options(path)

    lander.land(lander.file(path, "zwölf €\n".encode()))
    assert path.read_bytes() == "zwölf €\n".encode()
    lander.land(lander.file(path, b"one\r\ntwo\r\n"))

    assert path.read_bytes() == b"one\r\ntwo\r\n"
    assert lander.options(path) == before


def test_executable_bit(lander: Lander, tmp_path: Path) -> None:
    path = tmp_path / "tool.sh"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o640)
    lander.open(path)

    lander.land(lander.file(path, b"#!/bin/sh\ntrue\n", mode="100755"))
    assert path.stat().st_mode & 0o777 == 0o750
    lander.land(lander.file(path, b"#!/bin/sh\n", mode="100644"))
    assert path.stat().st_mode & 0o777 == 0o640

    lander.editor.command("setlocal modified")
    lander.land(lander.file(path, b"#!/bin/sh\n", mode="100755"))
    assert path.stat().st_mode & 0o777 == 0o750
    lander.editor.command("checktime")
    assert "W1" not in lander.editor.messages()


def test_a_new_file_in_a_new_folder(lander: Lander, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "made.py"
    lander.open(path)

    lander.land(lander.file(path, b"print(1)\n", mode="100755"))

    assert path.read_bytes() == b"print(1)\n"
    assert path.stat().st_mode & 0o100
    assert lander.options(path)["modified"] is False
    lander.editor.command("checktime")
    assert lander.editor.messages() == ""


def test_a_deleted_file_keeps_its_text_in_the_buffer(lander: Lander, tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text(TEXT)
    lander.open(path)

    lander.land(lander.file(path, None))

    assert not path.exists()
    assert lander.editor.lines() == TEXT.splitlines()
    assert lander.editor.lua("return vim.b.kage_deleted") is True
    said = " ".join(lander.editor.messages().split())  # long paths wrap it
    assert "its text is still in its buffer" in said
    lander.editor.command("checktime")
    assert "E211" not in lander.editor.messages()

    lander.land(lander.file(path, TEXT.encode()))

    assert path.read_text() == TEXT
    assert lander.editor.lua("return vim.b.kage_deleted") is None
    assert lander.options(path)["modified"] is False
