"""The exact bytes of unsaved buffers, without a trace in the editor."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon

TRACES = """
  local cursor = vim.api.nvim_win_get_cursor(0)
  return {
    modified = vim.bo.modified, tick = vim.b.changedtick, name = vim.api.nvim_buf_get_name(0),
    fixeol = vim.bo.fixendofline, marks = { vim.fn.getpos("'["), vim.fn.getpos("']") },
    alternate = vim.fn.bufname("#"), view = vim.fn.winsaveview(), cpo = vim.o.cpoptions,
    buffers = #vim.api.nvim_list_bufs(), mode = vim.api.nvim_get_mode().mode,
    undo = vim.fn.undotree().seq_last,
    jumps = #vim.fn.getjumplist()[1], ignored = vim.o.eventignore, windows = #vim.api.nvim_list_wins(),
    options = { vim.o.patchmode, vim.o.fsync, vim.bo.fileencoding, vim.bo.bomb, vim.bo.fileformat },
  }
"""
EVENTS = """
  _G.events = {}
  vim.api.nvim_create_autocmd(
    { "BufWritePre", "BufWritePost", "BufWriteCmd", "FileWritePre", "FileWritePost", "BufEnter", "BufLeave",
      "WinEnter", "WinLeave", "OptionSet", "BufNew", "BufAdd", "BufFilePre", "BufFilePost", "ModeChanged" },
    { callback = function(e) table.insert(_G.events, e.event) end })
"""


def buffers(nvim: Editor, folder: Path) -> dict[str, dict[str, Any]]:
    """What the editor answers kaged, by path relative to the folder, with bytes decoded."""
    found = nvim.lua("return require('kage.context').buffers(...)", str(folder))
    for entry in found:
        if "b64" in entry:
            entry["bytes"] = base64.b64decode(entry["b64"])
    return {str(Path(entry["path"]).relative_to(folder)): entry for entry in found}


BYTES = {
    "unix": b"one\ntwo\n",
    "crlf": b"one\r\ntwo\r\n",
    "no end": b"one\ntwo",
    "crlf, no end": b"one\r\ntwo",
    "mixed ends": b"one\r\ntwo\nthree\r\n",
    "latin1": "na\xefve\ncaf\xe9\n".encode("latin-1"),
    "utf-8": "naïve — 読む\n".encode(),
    "bom": b"\xef\xbb\xbfone\n",
    "utf-16": "one\ntwo\n".encode("utf-16"),
    "nul": b"a\0b\nc\0\n",
    "empty": b"",
    "long": b"x" * 200_000 + b"\n",
}


@pytest.mark.parametrize("name", BYTES)
def test_unsaved_bytes_are_what_write_would_write(nvim: Editor, repository: Path, name: str) -> None:
    path = repository / "it's 100% #odd [x].txt"
    path.write_bytes(BYTES[name])
    nvim.lua("vim.o.fileencodings = 'ucs-bom,utf-8,latin1'")
    nvim.lua("vim.cmd.edit({ args = { ... }, magic = { file = false } })", str(path))
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, { 'new line' })")
    if name in ("no end", "crlf, no end"):
        nvim.lua("vim.bo.fixendofline = true")
    entry = buffers(nvim, repository)[path.name]
    assert entry["modified"] is True
    found = entry["bytes"]
    nvim.lua("vim.bo.fixendofline = false vim.cmd('silent noautocmd write')")
    assert found == path.read_bytes()
    assert b"new line" in found.replace(b"\0", b"")


def test_it_leaves_no_trace(nvim: Editor, repository: Path) -> None:
    nvim.command("edit README.md")
    nvim.command("edit calc.py")
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'def add(a, b, c):' }) vim.cmd('normal! 3Gyy')")
    nvim.lua("vim.o.patchmode = '.orig' vim.o.cpoptions = vim.o.cpoptions .. '+W' vim.o.undofile = true")
    before = nvim.lua(TRACES)
    files = sorted(path.name for path in repository.iterdir())
    nvim.lua(EVENTS)
    entry = buffers(nvim, repository)["calc.py"]
    assert entry["bytes"].startswith(b"def add(a, b, c):\n")
    assert entry["changedtick"] == before["tick"]
    assert set(nvim.lua("return _G.events")) <= {"OptionSet"}
    assert nvim.lua(TRACES) == before
    assert sorted(path.name for path in repository.iterdir()) == files
    assert nvim.lua("return vim.fn.glob(vim.fn.fnamemodify(vim.fn.tempname(), ':h') .. '/*')") == ""
    assert nvim.messages() == ""


def test_hidden_buffers_and_insert_mode(nvim: Editor, repository: Path) -> None:
    nvim.command("edit calc.py")
    nvim.command("normal! Ohidden")
    nvim.command("edit README.md")
    nvim.keys("Otyping")
    nvim.until("return vim.api.nvim_get_mode().mode == 'i' and vim.fn.getline(1) == 'typing'")
    found = buffers(nvim, repository)
    assert nvim.lua("return vim.api.nvim_get_mode().mode") == "i"
    assert found["calc.py"]["bytes"].startswith(b"hidden\n")
    assert found["README.md"]["bytes"] == b"typing\n# project\n"
    nvim.keys(" on<Esc>")
    nvim.until("return vim.fn.getline(1) == 'typing on'")
    nvim.keys("u")
    nvim.until("return vim.fn.getline(1) == '# project'")


def test_only_file_buffers_of_the_repository_count(nvim: Editor, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x\n")
    (tmp_path / "project2").mkdir()
    nvim.command(f"edit {tmp_path}/outside.txt")
    nvim.command(f"edit {tmp_path}/project2/near.txt")
    nvim.command("edit calc.py")
    nvim.command("edit sub/new.py")
    nvim.command("normal! Onew")
    nvim.command("enew")
    nvim.command("normal! Ounnamed")
    nvim.lua("vim.api.nvim_buf_set_name(vim.api.nvim_create_buf(true, true), 'scratch')")
    nvim.command("help help")
    found = buffers(nvim, repository)
    assert set(found) == {"calc.py", "sub/new.py"}
    assert found["calc.py"]["modified"] is False
    assert "b64" not in found["calc.py"]
    assert found["calc.py"]["exists"] is True
    assert found["sub/new.py"]["exists"] is False
    assert found["sub/new.py"]["bytes"] == b"new\n\n"


def test_a_link_names_the_file_it_leads_to(nvim: Editor, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(repository)
    (repository / "link.py").symlink_to("calc.py")
    nvim.command(f"edit {tmp_path}/elsewhere/link.py")
    nvim.command("normal! Olinked")
    assert set(buffers(nvim, repository)) == {"calc.py"}


def test_kaged_gets_the_answer(nvim: Editor, kaged: FakeDaemon, repository: Path) -> None:
    nvim.command("edit calc.py")
    nvim.command("normal! Ofor agents")
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.host').status().link == 'up'")
    answer = kaged.call("editor.buffers", {"repository": str(repository)})
    assert [Path(b["path"]).name for b in answer["buffers"]] == ["calc.py"]
    assert base64.b64decode(answer["buffers"][0]["b64"]).startswith(b"for agents\n")
    assert kaged.call("editor.buffers", {"repository": "/nowhere"}) in ({"buffers": []}, {})


def test_text_that_its_encoding_cannot_hold_is_an_error(
    nvim: Editor, kaged: FakeDaemon, repository: Path
) -> None:
    nvim.command("edit calc.py")
    nvim.lua("vim.bo.fileencoding = 'latin1' vim.api.nvim_buf_set_lines(0, 0, 0, false, { '読む' })")
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.host').status().link == 'up'")
    with pytest.raises(KageError) as error:
        kaged.call("editor.buffers", {"repository": str(repository)})
    assert "calc.py" in error.value.message
    assert "latin1" in error.value.message
    assert "fileencoding" in error.value.fix
    assert nvim.lua("return vim.o.eventignore") == ""


def test_what_changed_on_disk_is_found_without_a_prompt(nvim: Editor, repository: Path) -> None:
    nvim.command("edit calc.py")
    nvim.command("normal! Omine")
    nvim.command("edit README.md")
    changed = "return require('kage.context').changed_on_disk(...)"
    assert nvim.lua(changed, str(repository)) == []
    (repository / "calc.py").write_text("somebody else's\n")
    (repository / "README.md").write_text("# reloaded, as autoread says\n")
    assert nvim.lua(changed, str(repository)) == ["calc.py"]
    assert nvim.lua("return vim.api.nvim_get_mode().blocking") is False
    assert nvim.lua("return vim.fn.getbufline('calc.py', 1)[1]") == "mine"
    assert nvim.lines() == ["# reloaded, as autoread says"]


def place(nvim: Editor, *selected: int) -> Any:
    return nvim.lua("return require('kage.context').place(...)", *selected)


def test_a_place_names_file_and_lines_from_the_root(
    start_nvim: Callable[..., Editor], repository: Path, tmp_path: Path
) -> None:
    nvim = start_nvim(cwd=tmp_path)
    (repository / "src").mkdir()
    (repository / "src" / "a b.py").write_text("1\n2\n3\n")
    nvim.lua("vim.cmd.edit({ args = { ... }, magic = { file = false } })", str(repository / "src" / "a b.py"))
    assert place(nvim, 2, 3) == {
        "cwd": str(repository),
        "path": "src/a b.py",
        "selection": {"path": "src/a b.py", "first": 2, "last": 3, "text": "2\n3"},
    }
    nvim.command("enew")
    found = place(nvim, 1, 1)
    assert found["cwd"] == str(tmp_path)
    assert "selection" not in found
    assert "left out" in found["note"]
