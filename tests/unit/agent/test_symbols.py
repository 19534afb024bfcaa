"""The map of a tree's symbols: every language, the cache, what comes first, what is left out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kage_nvim import symbols
from kage_nvim.agent_runtime.context import Request, gather
from kage_nvim.model import Task
from kage_nvim.symbols import Cache, File, Parser, parsed
from tests.conftest import git

SOURCES = {
    "a.py": ("class Shop:\n    def sell(self):\n        pay()\n", ["Shop", "sell"]),
    "a.js": ("class Shop { sell() { pay() } }\nfunction open() {}\n", ["Shop", "sell", "open"]),
    "a.ts": ("interface Till { sum(): number }\nclass Shop { sell(): void {} }\n", ["Till", "Shop", "sell"]),
    "a.tsx": ("function Shop() { return <b/> }\n", ["Shop"]),
    "a.go": ("package a\n\ntype Shop struct{}\n\nfunc (s Shop) Sell() {}\n", ["Shop", "Sell"]),
    "a.rs": ("struct Shop;\nimpl Shop { fn sell(&self) {} }\n", ["Shop", "sell"]),
    "a.c": ("struct shop { int n; };\nint sell(int n) { return n; }\n", ["shop", "sell"]),
    "a.cpp": ("class Shop { public: int sell() { return 1; } };\n", ["Shop", "sell"]),
    "a.java": ("class Shop { void sell() {} }\n", ["Shop", "sell"]),
    "a.rb": ("class Shop\n  def sell\n  end\nend\n", ["Shop", "sell"]),
    "a.lua": ("local M = {}\nfunction M.sell() end\nlocal function open() end\n", ["sell", "open"]),
    "a.php": ("<?php\nclass Shop { function sell() {} }\n", ["Shop", "sell"]),
}


@pytest.mark.parametrize("name", SOURCES)
def test_each_language(name: str) -> None:
    text, wanted = SOURCES[name]
    tags = Parser().tags(File(name, "").language, text.encode())
    found = [symbol.rpartition(".")[2] for symbol, _ in tags.definitions]
    assert [symbol for symbol in wanted if symbol not in found] == []
    assert all(1 <= line <= text.count("\n") for _, line in tags.definitions)


@pytest.mark.parametrize("text", [b"", b"\0\0", b"def (((((", b"\xff\xfe", b"x" * (symbols.LARGEST + 1)])
def test_what_is_no_source_has_no_symbols(text: bytes) -> None:
    assert Parser().tags("python", text).definitions == []


def repository(root: Path, files: dict[str, str]) -> Path:
    root.mkdir()
    git(root, "init", "-q")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def drawn(root: Path, task: Task, seconds: float = 9.0) -> str:
    out, cache = root.parent / "context.md", root.parent / "symbols.db"
    tree = "HEAD"
    asked = Request(git_dir=str(root / ".git"), tree=tree, task=task, cache=str(cache), out=str(out))
    asked.seconds = seconds
    gather(asked)
    return out.read_text()


def test_what_the_task_is_about_comes_first_then_what_is_used_most(tmp_path: Path) -> None:

    files = {f"lib/use{n}.py": "from lib.core import heart\n\nheart()\n" for n in range(4)}
    files |= {"lib/core.py": "def heart():\n    pass\n", "lib/lone.py": "def lonely():\n    pass\n"}
    files |= {"near/a.py": "def named():\n    pass\n", "near/b.py": "def beside():\n    pass\n"}
    files |= {"words.py": "def spoken_of():\n    pass\n", "notes.xyz": "?\n"}
    root = repository(tmp_path / "r", files)
    lines = drawn(root, Task(text="mend spoken_of", files=["near/a.py"])).splitlines()[2:]
    order = [line.split(":")[0] for line in lines]
    assert order[0] == "near/a.py" and set(order[1:3]) == {"near/b.py", "words.py"}
    assert order.index("lib/core.py") < order.index("lib/lone.py") < order.index("notes.xyz")
    assert "lib/core.py: heart:1" in lines


def test_an_unchanged_file_is_not_parsed_again_and_a_late_one_the_next_time(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "symbols.db"))
    files = [File(f"m{n}.py", f"{n:040x}") for n in range(250)]
    asked: list[str] = []

    def read(blobs: list[str]) -> dict[str, bytes]:
        asked.extend(blobs)
        return {blob: f"def f{int(blob, 16)}():\n    pass\n".encode() for blob in blobs}

    rounds = parsed(files, read, cache, time.monotonic() - 1)
    assert next(rounds) == next(rounds) == {}
    assert not asked, "no time: nothing is parsed before the map is drawn"
    assert list(rounds) == [] and len(asked) == 250, "but all of it after"
    asked.clear()
    known = next(parsed(files, read, cache, 0.0))
    assert len(known) == 250 and not asked
    changed = [*files[1:], File("m0.py", "f" * 40)]
    kept, known = list(parsed(changed, read, cache, time.monotonic() + 9))
    assert asked == ["f" * 40] and (len(kept), len(known)) == (249, 250)


def test_a_file_that_takes_long_is_given_up(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"deep.js": "[" * 190_000, "a.py": "def heart():\n    pass\n"})
    assert "a.py: heart:1" in drawn(root, Task(text="x"))


def test_a_file_that_ends_the_process_is_passed_over_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "def killer():\n    pass\n" + "#" * symbols.RISKY
    root = repository(tmp_path / "r", {"AGENTS.md": "Use tabs.", "a.py": "def heart(): ...\n", "z.py": bad})
    find = Parser.tags

    def dies(self: Parser, language: str, source: bytes) -> symbols.Tags:
        if b"killer" in source:
            raise KeyboardInterrupt
        return find(self, language, source)

    monkeypatch.setattr(Parser, "tags", dies)
    with pytest.raises(KeyboardInterrupt):
        drawn(root, Task(text="x"))
    left = (tmp_path / "context.md").read_text()
    assert "Use tabs." in left and "z.py" in left, "the notes, and the files by their names"
    assert "a.py: heart:1" in drawn(root, Task(text="x"))


def test_a_large_tree_has_a_small_map(tmp_path: Path) -> None:
    files = {f"d{n}/m.py": "".join(f"def f{n}_{k}():\n    pass\n" for k in range(30)) for n in range(200)}
    text = drawn(repository(tmp_path / "r", files), Task(text="x"))
    assert len(text) < symbols.LIMIT + 100 and text.endswith("more files")
