"""Comparing without the editor: pages, patches, difftools, tables."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.stage import Stage, tape
from tests.fixtures.model_server import Reply

EVIL = '"></script><img src=x onerror=alert(1)>\x1b[31m\u202e.txt'
VOID = {"meta", "br", "img", "link"}

ONE = r"""
printf '\000\001\377' > logo.png; chmod +x run.sh; git mv -f old.txt new.txt; ln -s calc.py link
printf 'no end' > noeol.txt; printf 'a\r\nB\r\n' > crlf.txt; rm gone.txt; printf 'sp\n' > 'sp ace "q".txt'
sed -i 's/a - b/a + b/' calc.py; printf 'z\374wei\n' > latin.txt
printf 'x\n' > "$(printf 'n\377.txt')"
"""


class Page(HTMLParser):
    """What a page consists of; tags must close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture
def three(stage: Stage, tmp_path: Path) -> Stage:
    """Candidate 1 does one of each kind, 2 and 3 mend the same line otherwise."""
    root = stage.repository
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "old.txt").write_text("".join(f"{n}\n" for n in range(40)))
    (root / "noeol.txt").write_text("end\n")
    (root / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    (root / "gone.txt").write_text("g\n")
    (root / "latin.txt").write_bytes(b"z\xfcge\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "more")
    edit = {"path": "calc.py", "old": "return a - b", "new": "return b + a  # </script>"}
    evil = {"path": EVIL, "content": "<b>\x1b[31m\u202e&amp;\n"}
    tapes = {
        "one": [Reply(tool_calls=[("shell", {"command": ONE})])],
        "two": [Reply(tool_calls=[("edit", edit), ("write", evil)])],
        "tri": [Reply(tool_calls=[("edit", edit)])],
    }
    end = Reply(tool_calls=[("finish", {"summary": "done"})])
    stage.recorded(**{name: tape(tmp_path / name, [*replies, end]) for name, replies in tapes.items()})
    stage.shell("spawn", "-n", "3", "mend <it> & more")
    stage.shell("wait", "--timeout", "40")
    return stage


def commit(stage: Stage, number: int) -> str:
    run = stage.json("status")["runs"][0]
    (found,) = [one for one in run["candidates"] if one["number"] == number]
    return str(found["commit"])


def store(stage: Stage, *words: str) -> str:
    run = stage.json("status")["runs"][0]
    return git(stage.repository, "--git-dir", run["store"], *words)


def test_everything_outside_the_editor(three: Stage, tmp_path: Path) -> None:
    stage = three
    page(stage, tmp_path)
    patches(stage, tmp_path)
    between(stage)
    tools(stage, tmp_path)


def page(stage: Stage, tmp_path: Path) -> None:
    out = tmp_path / "diff.html"
    assert stage.shell("diff", "--html", str(out)).strip() == f"written: {out}"
    text = out.read_text("utf-8")
    found = Page(text)
    assert not {"script", "img", "link", "iframe"} & set(found.tags)
    assert not any(name.startswith("on") for name, _ in found.attributes)
    links = [value or "" for name, value in found.attributes if name in ("href", "src")]
    assert links and all(link.startswith("#f") for link in links)
    assert "\x1b" not in text and "\u202e" not in text
    for said in (
        "mend <it> & more",
        "No verdict yet.",
        "not checked",
        "choice of 2: 2 3 | 1",
        r"n\xff.txt",
        "binary, not compared line by line",
        "mode 100644 → 100755",
        "renamed from old.txt",
        "deleted",
        "symlink, not compared",
        "no newline at the end",
        "CRLF",
        "not UTF-8, read as Latin-1",
        "return b + a  # </script>",
        '"></script><img src=x onerror=alert(1)>',
    ):
        assert said in found.text, said
    assert 'class="k"' in text, "keywords are coloured"
    assert stage.shell("diff", "--html", "-", "2", "3").startswith("<!DOCTYPE html>")
    stage.shell("diff", "--html", str(out), "2")
    assert "renamed from" not in out.read_text("utf-8"), "a page of ours is written over"
    stage.shell("diff", "--html", "calc.py", code=4)
    stage.shell("diff", "--html", str(tmp_path), code=1)
    assert (stage.repository / "calc.py").read_text().startswith("def add")


def patches(stage: Stage, tmp_path: Path) -> None:
    for text in ("[diff]\n\tnoprefix = true\n\texternal = false\n[color]\n\tdiff = always\n", ""):
        config = Path(os.environ["HOME"]) / ".gitconfig"
        before = config.read_text()
        config.write_text(before + text)
        for number in (1, 2):
            done = subprocess.run(
                [*stage_argv(), "diff", "--patch", str(number)],
                cwd=stage.repository,
                env=stage.environment,
                capture_output=True,
                check=True,
            )
            other = tmp_path / f"apply-{number}-{bool(text)}"
            git(tmp_path, "clone", "-q", str(stage.repository), str(other))
            subprocess.run(
                ["git", "-c", "core.autocrlf=false", "apply", "--index"],
                cwd=other,
                input=done.stdout,
                check=True,
            )
            assert git(other, "write-tree") == store(stage, "rev-parse", f"{commit(stage, number)}^{{tree}}")
        config.write_text(before)


def stage_argv() -> list[str]:
    return [sys.executable, "-I", "-m", "kage_nvim.cli"]


def between(stage: Stage) -> None:
    said = stage.shell("diff", "2", "3")
    assert said.startswith("candidate 2 → candidate 3\n") and "calc.py" not in said
    assert "candidate 1\n" in stage.shell("diff", "1", "2", "3")
    answer: Any = json.loads(stage.shell("contrast", "2", "3", "--json"))
    (calc,) = [file for file in answer["files"] if file["path"] == "calc.py"]
    assert calc["groups"] == [[2, 3]] and calc["symbols"][0]["name"] == "add"
    table = stage.shell("contrast", "1", "2", "3")
    assert all(len(line) <= 80 for line in table.splitlines()), table
    assert "2 3 | 1" in table


def tools(stage: Stage, tmp_path: Path) -> None:
    root = stage.repository
    said = stage.run("diff", "--tool", "--", "2")
    assert said.returncode == 1 and "no difftool is configured" in said.stderr and "diff.tool" in said.stderr
    script, log = tmp_path / "tool.sh", tmp_path / "log"
    script.write_text(
        f'#!/bin/sh\necho "$1 $2" >> {log}\n[ -w "$1" ] && [ "$(id -u)" != 0 ] && exit 9\ncp "$1" "$2"\n'
    )
    script.chmod(0o755)
    git(root, "config", "difftool.mine.cmd", f'{script} "$LOCAL" "$REMOTE"')
    (root / "calc.py").write_text("# mine\n" + (root / "calc.py").read_text())
    stage.shell("diff", "--tool", "mine", "3")
    left, right = log.read_text().split()
    assert right == str(root / "calc.py") and not Path(left).exists(), "copies are removed"
    assert "return b + a" in (root / "calc.py").read_text(), "what the tool wrote is in the real file"
    assert stage.run("diff", "--tool", "mine", "3").returncode == 3, "nothing differs any more"
    git(root, "checkout", "-q", "calc.py")
    git(root, "config", "diff.tool", "mine")
    log.unlink()
    stage.shell("diff", "--tool", "1")
    assert (root / "noeol.txt").read_bytes() == b"no end" and (root / "new.txt").read_text().startswith("0\n")
    assert (root / "crlf.txt").read_bytes() == b"a\r\nB\r\n" and (root / "gone.txt").read_bytes() == b""
    git(root, "checkout", "-q", ".")
    git(root, "clean", "-qfd")
    tree = tmp_path / "tree.sh"
    tree.write_text(
        '#!/bin/sh\nfor f in calc.py "sp ace \\"q\\".txt"; do cp --remove-destination "$1/$f" "$2/$f"; done\n'
    )
    tree.chmod(0o755)
    git(root, "config", "difftool.mine.cmd", f'{tree} "$LOCAL" "$REMOTE"')
    (root / "calc.py").chmod(0o600)
    said = stage.run("diff", "--tool", "mine", "--dir-diff", "1", TMPDIR=str(tmp_path))
    assert said.returncode == 0 and "link is no plain file" in said.stderr, said.stderr
    assert "a + b" in (root / "calc.py").read_text() and not (root / "calc.py").is_symlink()
    assert (root / 'sp ace "q".txt').read_text() == "sp\n"
    assert stat.S_IMODE((root / "calc.py").stat().st_mode) == 0o600
    assert not list(tmp_path.glob("kage-diff-*")), "no copy is left"
    git(root, "checkout", "-q", ".")
    git(root, "clean", "-qfd")
    words = f'rm "$REMOTE/calc.py"; echo tool > "$REMOTE/calc.py"; echo mine > {root}/calc.py'
    git(root, "config", "difftool.mine.cmd", words)
    said = stage.run("diff", "--tool", "mine", "--dir-diff", "3", TMPDIR=str(tmp_path))
    assert (root / "calc.py").read_text() == "mine\n", "a file that changed meanwhile is left alone"
    (kept,) = tmp_path.glob("kage-diff-*")
    assert f"kept in {kept}/yours/calc.py" in said.stdout
    assert (kept / "yours" / "calc.py").read_text() == "tool\n"
