"""The tools on real files, inside a real sandbox."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin.schemas import CallError, check, describe
from kage_nvim.agent_runtime.builtin.tools import Result, Toolbox
from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.context import FolderNotes
from kage_nvim.model import Limits
from tests.conftest import git
from tests.unit.agent.world import World


def use(world: World, name: str, *, seconds: float = 10.0, **args: Any) -> Result:
    notes = FolderNotes(world.profile, lambda heading: False)
    tools = Toolbox(world.spec(limits=Limits(command_seconds=5)), notes, Window(0))
    return asyncio.run(tools.call(name, check(name, args), seconds))


def put(world: World, path: str, data: bytes) -> Path:
    file = world.worktree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("name", "args", "says"),
    [
        ("look", {}, "there is no tool 'look'"),
        ("read", {}, "missing path"),
        ("read", [], "must be a JSON object"),
        ("read", {"path": 3}, "'path' must be a string, found int"),
        ("read", {"path": "a", "first": "x"}, "'first' must be a whole number"),
        ("read", {"file": "a", "lines": 3}, "missing path; read takes path, first, count, found file, lines"),
        ("edit", {"path": "a", "old": "b"}, "missing new; edit takes path, old, new"),
    ],
)
def test_wrong_calls_say_what_the_tool_takes(name: str, args: object, says: str) -> None:
    with pytest.raises(CallError) as caught:
        check(name, args)
    assert says in str(caught.value)


def test_numbers_may_come_as_text_and_null_means_left_out() -> None:
    assert check("read", {"path": "a", "first": "7", "count": None}) == {"path": "a", "first": 7}


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert check("read", {"path": "a\ud800"}) == {"path": "a\ufffd"}


def test_describe() -> None:
    assert describe("shell", {"command": "pytest -q\n\x1b]0;t\x07x"}) == "shell pytest -q x"
    assert describe("shell", None) == "shell"


@pytest.mark.parametrize(
    ("command", "ok", "text", "note"),
    [
        ("echo hi", True, "hi", "exit 0, 1 line"),
        ("echo out; echo err >&2; exit 3", False, "out\nerr", "exit 3, 2 lines"),
        ("true", True, "exit 0, no output", "exit 0, 0 lines"),
        ("cat", True, "no output", "exit 0, 0 lines"),
        ("printf '\\033[31mred\\033]52;c;eA==\\007'", True, "red", "exit 0, 1 line"),
        ("[[ a == a ]] && pwd -P", True, "worktree", "exit 0, 1 line"),
        ("cd /", True, "no output", "exit 0, 0 lines"),
        ("no-such-program", False, "not found", "exit 127, 1 line"),
    ],
)
def test_shell(sandboxed: World, command: str, ok: bool, text: str, note: str) -> None:
    result = use(sandboxed, "shell", command=command)
    assert (result.ok, result.note) == (ok, note)
    assert text in result.text
    assert "\x1b" not in result.text


@pytest.mark.parametrize("command", ["echo a\0b", "echo " + "x" * 200_000])
def test_a_command_that_cannot_be_passed_on(sandboxed: World, command: str) -> None:
    result = use(sandboxed, "shell", command=command)
    assert not result.ok and "could not be run" in result.text


def test_shell_cuts_the_middle_of_long_output(sandboxed: World) -> None:
    result = use(sandboxed, "shell", command="seq 100000; echo end")
    assert len(result.text) < 10_200
    assert "characters left out …]" in result.text and result.text.endswith("end")
    assert result.note == "exit 0, 100001 lines"


def test_shell_keeps_what_was_printed_before_the_timeout(sandboxed: World) -> None:
    result = use(sandboxed, "shell", command="echo before; sleep 60", timeout=1)
    assert not result.ok and "killed after 1 s" in result.text and "before" in result.text


def test_the_turns_deadline_shortens_commands(sandboxed: World) -> None:
    assert "killed after 0 s" in use(sandboxed, "shell", seconds=0.3, command="sleep 60").text


def test_read(sandboxed: World) -> None:
    put(sandboxed, "a b.py", b"".join(b"line %d\n" % n for n in range(1, 501)))
    result = use(sandboxed, "read", path="a b.py")
    assert result.text.startswith("a b.py, lines 1-200 of 500\n1\tline 1\n")
    assert result.text.endswith("200\tline 200")
    result = use(sandboxed, "read", path="a b.py", first=499, count=10)
    assert result.text == "a b.py, lines 499-500 of 500\n499\tline 499\n500\tline 500"
    assert "has 500 lines" in use(sandboxed, "read", path="a b.py", first=501).text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "has 0 lines"),
        (b"no newline", "1\tno newline"),
        (b"a\r\nb\r\n", "1\ta\n2\tb"),
        ("naïve\n".encode("latin-1"), "1\tnaïve"),
        (b"x" * 5000 + b"\n", "1\t" + "x" * 2000 + "…"),
        (b"\x1b]52;c;eA==\x07a\n", "1\ta"),
    ],
)
def test_read_shows(sandboxed: World, data: bytes, text: str) -> None:
    put(sandboxed, "f", data)
    assert text in use(sandboxed, "read", path="f").text


def test_read_of_what_is_no_text_file(sandboxed: World) -> None:
    put(sandboxed, "sub/bin", b"\0\1\2")
    os.mkfifo(sandboxed.worktree / "pipe")
    assert "is not text" in use(sandboxed, "read", path="sub/bin").text
    assert "no regular file" in use(sandboxed, "read", path="pipe").text
    assert "there is no file" in use(sandboxed, "read", path="nope").text
    assert use(sandboxed, "read", path="sub").text == "bin"
    assert "no path" in use(sandboxed, "read", path="a\0b").text
    assert not use(sandboxed, "read", path="--help").ok


def test_a_path_in_the_users_repository_means_the_worktree(sandboxed: World) -> None:
    put(sandboxed, "a", b"here\n")
    assert "here" in use(sandboxed, "read", path="/home/ada/project/a").text
    assert "here" in use(sandboxed, "read", path=f"{sandboxed.worktree}/a").text


def test_a_planted_symlink_leads_nowhere(sandboxed: World, home: Path) -> None:
    secret = home / "secret"
    secret.write_text("the key\n")
    (sandboxed.worktree / "link").symlink_to(secret)
    (sandboxed.worktree / "folder").symlink_to(home)
    assert "the key" not in use(sandboxed, "read", path="link").text
    assert "the key" not in use(sandboxed, "read", path="folder/secret").text
    assert "the key" not in use(sandboxed, "search", pattern="key", path="folder").text
    assert not use(sandboxed, "edit", path="link", old="key", new="lock").ok
    use(sandboxed, "write", path="folder/other", content="x")
    use(sandboxed, "write", path="link", content="x")
    assert secret.read_text() == "the key\n" and not (home / "other").exists()


def test_search(sandboxed: World) -> None:
    put(sandboxed, "src/a.py", b"def add():\n    pass\n")
    put(sandboxed, "src/b.bin", b"\0def add\n")
    found = use(sandboxed, "search", pattern=r"def \w+\(")
    assert found.text.endswith("src/a.py:1:def add():") and found.note == "1 found"
    assert use(sandboxed, "search", pattern="nowhere").text == "nothing found"
    assert use(sandboxed, "search", pattern="-v", path="src").text == "nothing found"
    assert "that very text" in use(sandboxed, "search", pattern="(").text


def test_search_in_a_git_worktree_passes_over_ignored_files(sandboxed: World) -> None:
    git(sandboxed.worktree, "init", "-q")
    put(sandboxed, ".gitignore", b"ignored\n")
    put(sandboxed, "ignored/a", b"needle\n")
    put(sandboxed, "kept/a", b"needle\n")
    assert use(sandboxed, "search", pattern="needle").text == "kept/a:1:needle"


def test_search_bounds_what_it_shows(sandboxed: World) -> None:
    put(sandboxed, "many", b"needle\n" * 300)
    put(sandboxed, "long", b"needle" + b"x" * 9000 + b"\n")
    result = use(sandboxed, "search", pattern="needle")
    assert "301 lines match" in result.text and len(result.text) < 10_200


def test_edit_keeps_every_other_byte(sandboxed: World) -> None:
    file = put(sandboxed, "f", "naïve\r\nb".encode("latin-1"))
    file.chmod(0o755)
    result = use(sandboxed, "edit", path="f", old="b", new="é")
    assert result.ok and result.note == "+1 -1"
    assert file.read_bytes() == "naïve\r\né".encode("latin-1")
    assert file.stat().st_mode & 0o777 == 0o755
    assert "cannot hold" in use(sandboxed, "edit", path="f", old="é", new="日").text


def test_edit_says_what_is_wrong(sandboxed: World) -> None:
    put(sandboxed, "f", b"a\na\n")
    assert "fits 2 places" in use(sandboxed, "edit", path="f", old="a", new="b").text
    assert "the nearest" in use(sandboxed, "edit", path="f", old="abc", new="b").text
    assert "there is no file nope" in use(sandboxed, "edit", path="nope", old="a", new="b").text
    assert "is a folder" in use(sandboxed, "edit", path=".", old="a", new="b").text


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (None, "a\nb", b"a\nb"),
        (b"x\r\ny\r\n", "a\nb\n", b"a\r\nb\r\n"),
        ("é\n".encode("latin-1"), "è\n", "è\n".encode("latin-1")),
        ("é\n".encode("latin-1"), "日\n", "日\n".encode()),
        (b"\0bin", "text\n", b"text\n"),
        (b"old\n", "", b""),
    ],
)
def test_write(sandboxed: World, before: bytes | None, content: str, after: bytes) -> None:
    if before is not None:
        put(sandboxed, "new folder/f", before)
    result = use(sandboxed, "write", path="new folder/f", content=content)
    assert result.ok and result.text.startswith("made" if before is None else "rewrote")
    assert (sandboxed.worktree / "new folder/f").read_bytes() == after
    assert not list((sandboxed.folder / "tmp").iterdir())


def test_write_refuses_a_folder(sandboxed: World) -> None:
    put(sandboxed, "d/f", b"x")
    assert "is a folder" in use(sandboxed, "write", path="d", content="x").text
    assert not use(sandboxed, "write", path="d/f/g", content="x").ok


def test_arguments_that_a_tool_does_not_know_are_left_out() -> None:
    assert check("shell", {"command": "ls", "description": "List"}) == {"command": "ls"}


def test_a_small_window_gets_less_of_a_long_output(world: World) -> None:
    (world.worktree / "long").write_text("a line of this file\n" * 2_000)
    tools = Toolbox(world.spec(), FolderNotes(world.profile, lambda heading: False), Window(8_000))
    for name, args in (("shell", {"command": "cat long"}), ("read", {"path": "long", "count": 900})):
        text = asyncio.run(tools.call(name, args, 10.0)).text
        assert len(text) < 8_000 * 3.5 / 3, name


def test_search_of_one_file_of_hidden_ones_and_of_what_is_no_expression(world: World) -> None:
    (world.worktree / "a.go").write_text("func f(x interface{}) {}\nfunc g(a (b\n")
    (world.worktree / ".hidden").write_text("func h()\n")
    assert use(world, "search", pattern="f\\(x", path="a.go").text.startswith("a.go:1:func")
    assert ".hidden:1:func h()" in use(world, "search", pattern="func h").text
    found = use(world, "search", pattern="g(a (b")
    assert found.ok and "that very text" in found.text and "a.go:2:func g" in found.text
    missing = use(world, "search", pattern="x", path="gone")
    assert not missing.ok and "no file or folder gone" in missing.text
