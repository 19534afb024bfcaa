"""How approaches differ: files, definitions, tests and imports, by agent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kage_nvim import symbols
from kage_nvim.compare.contrast import Request, contrast, counted, rows
from kage_nvim.outline import imports, outline
from kage_nvim.protocol import dumps, loads
from kage_nvim.symbols import File, Parser
from tests.conftest import git

BASE = """import os


class Shop:
    size = 1

    def sell(self, n):
        return n

    def close(self):
        return os.name


def helper():
    return 1
"""
ONE = BASE.replace("return n\n", "return n - 1\n") + "\n\ndef fresh():\n    return 2\n"
TWO = ONE.replace("import os\n", "import os\nimport json\n").replace("size = 1", "size = 2")
THREE = BASE.replace("\n\ndef helper():\n    return 1\n", "").replace("return n\n", "return n + 1\n")


def commit(root: Path, **files: bytes | str | None) -> str:
    """Commit the base with these files in it and go back to the base."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text.encode() if isinstance(text, str) else text)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x", "--allow-empty")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def request_of_three(tmp_path: Path) -> Request:
    root = tmp_path / "r"
    root.mkdir()
    git(root, "init", "-q")
    base = commit(root, shop_py=BASE, notes="a\n", data=b"\0\1", requirements_txt="aiohttp\n")
    agents = {}
    for number, files in {
        1: {"shop_py": ONE, "notes": "b\n"},
        2: {"shop_py": TWO, "tests__test_shop_py": "def test_it():\n    pass\n", "notes": "b\n"},
        3: {"shop_py": THREE, "data": b"\0\2", "requirements_txt": "aiohttp\nyarl\n"},
    }.items():
        git(root, "checkout", "-q", base)
        agents[number] = commit(root, **files)
    return Request(str(root / ".git"), base, agents)


def symbol(answer: dict[str, Any], name: str) -> dict[str, Any]:
    shop = next(file for file in answer["files"] if file["path"] == "shop.py")
    return next(one for one in shop["symbols"] if one["name"] == name)


def test_what_each_did(request_of_three: Request) -> None:
    answer = contrast(request_of_three)
    assert [file["path"] for file in answer["files"]] == [
        *("data", "notes", "requirements.txt", "shop.py", "tests/test_shop.py")
    ]
    sell = symbol(answer, "Shop.sell")
    assert sell["groups"] == [[1, 2], [3]]
    assert sell["agents"]["3"] == {"how": "changed", "added": 1, "removed": 1, "line": 7}
    assert symbol(answer, "Shop")["agents"].keys() == {"2"}, "its methods are things of their own"
    assert symbol(answer, "fresh")["groups"] == [[1, 2]]
    assert symbol(answer, "helper")["agents"] == {
        "3": {"how": "removed", "added": 0, "removed": 2, "line": 14}
    }
    shop = next(file for file in answer["files"] if file["path"] == "shop.py")
    assert "Shop.close" not in [one["name"] for one in shop["symbols"]]
    one, two, three = answer["agents"]
    assert (one["imports"], two["imports"]) == ([], ["json"])
    assert two["tests"] == ["tests/test_shop.py"] and not one["tests"]
    assert three["manifests"] == {"requirements.txt": ["yarl"]}
    notes = {file["path"]: file["note"] for file in answer["files"]}
    assert notes["notes"] == "no grammar for it" and notes["data"] == "binary" and not notes["shop.py"]


def test_the_table_says_who_agrees(request_of_three: Request) -> None:
    table = rows(contrast(request_of_three), {1: "fast", 2: "mini", 3: "slow"})
    found = {(row["path"], row["text"]): row for row in table}
    assert table[0]["cells"] == ["1 fast", "2 mini", "3 slow"]
    assert found["shop.py", "Shop.sell"]["how"] == "1 2 | 3"
    assert found["shop.py", "fresh"]["cells"] == ["new +2", "new +2", ""]
    assert found["shop.py", "fresh"]["how"] == "1 2"
    assert found["shop.py", "fresh"]["lines"] == {"1": 18, "2": 19}
    assert found["shop.py", "helper"]["how"] == "only 3" and not found["shop.py", "helper"]["lines"]
    assert found["", "import json"]["how"] == "only 2"
    two = Request(request_of_three.git_dir, request_of_three.base, {})
    two.agents = {number: request_of_three.agents[number] for number in (1, 2)}
    found = {(row["path"], row["text"]): row["how"] for row in rows(contrast(two), {})}
    assert found["notes", "notes"] == "same" and found["shop.py", "shop.py"] == "differ"


def test_the_process_answers_the_same_and_without_time_names_the_files(request_of_three: Request) -> None:
    argv = [sys.executable, "-I", "-m", "kage_nvim.compare.contrast"]
    done = subprocess.run(argv, input=dumps(request_of_three), capture_output=True, check=True, timeout=30)
    assert loads(done.stdout, dict) == contrast(request_of_three)
    request_of_three.seconds = 0
    answer = contrast(request_of_three)
    shop = next(file for file in answer["files"] if file["path"] == "shop.py")
    assert shop["symbols"] == [] and shop["note"] == "not looked into: no time was left"


def test_what_cannot_be_parsed_is_said(tmp_path: Path) -> None:
    root = tmp_path / "r"
    root.mkdir()
    git(root, "init", "-q")
    base = commit(root, big_py="x = 1\n")
    big = commit(root, big_py="x = 1\n" * symbols.LARGEST)
    (file,) = contrast(Request(str(root / ".git"), base, {1: big}))["files"]
    assert (file["symbols"], file["note"]) == ([], "not looked into: too large")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.go", "package a\n\ntype Shop struct{}\n\nfunc (s *Shop) Sell() {}\n", ["Shop", "Shop.Sell"]),
        ("a.rs", "struct Shop;\nimpl Shop { fn sell(&self) {} }\n", ["Shop", "Shop.sell"]),
        ("a.ts", "export class A { b(): void {} }\nexport function c() {}\n", ["A", "A.b", "c"]),
        ("a.py", "@x\ndef f(): pass\n\n@x\ndef f(): pass\n", ["f", "f (2)"]),
        ("a.lua", "local M = {}\nfunction M.a() end\nfunction M:b() end\n", ["a", "b"]),
    ],
)
def test_names_say_where_a_thing_stands(name: str, text: str, wanted: list[str]) -> None:
    found = outline(Parser(), File(name, "").language, text.encode())
    assert [thing.name for thing in found] == wanted
    assert found[0].first == (3 if name == "a.go" else 2 if name == "a.lua" else 1)


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("python", "import a.b, c\nfrom d import e\nx = 'import f'\n", {"a.b", "c", "d"}),
        ("tsx", "import {a} from 'b'\nconst c = require(\"d\")\nimport 'e'\n", {"b", "d", "e"}),
        ("go", 'import "fmt"\nimport (\n\tx "net/http"\n)\n', {"fmt", "net/http"}),
        ("rust", "use std::io;\n", {"std::io"}),
        ("cpp", '#include <vector>\n# include "a.h"\n', {"vector", "a.h"}),
        ("lua", 'local a = require("b.c")\n', {"b.c"}),
        ("unknown", "import a\n", set()),
    ],
)
def test_imports(language: str, text: str, wanted: set[str]) -> None:
    assert imports(language, text.encode()) == wanted


def test_lines_are_counted_whatever_their_number() -> None:
    assert counted(b"a\nb\nc\n", b"a\nc\nd\n") == (1, 1)
    many = b"".join(b"%d\n" % n for n in range(3000))
    assert counted(many, many + b"new\n") == (1, 0)
