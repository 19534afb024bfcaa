"""Files and what agents make of them, generated; and trees of hostile files, made by one git process."""

from __future__ import annotations

import difflib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from kage_nvim.compare.align import Side
from kage_nvim.compare.hunks import Hunk, split
from kage_nvim.git import RAW_ATTRIBUTES
from kage_nvim.trees import SUBMODULE, entries, read_blobs

LINES = (b"a\n", b"b\n", b"c\n", b"  a\n", b"d  e\n", b"d e\n", b"\n", b"a\r\n", b"\xe9\n", b"}\n")


def differences(base: Sequence[bytes], lines: Sequence[bytes]) -> list[Hunk]:
    """Hunks of another make than git's."""
    codes = difflib.SequenceMatcher(None, base, lines, autojunk=False).get_opcodes()
    return [Hunk(i1 + 1, i2 + 1, j1 + 1, j2 + 1) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def sides(least: int = 1, most: int = 4) -> st.SearchStrategy[tuple[list[bytes], dict[int, Side]]]:
    """A base, and some agents' files."""
    # Bytes are drawn at once and read as decisions: a draw for each would take most of the time.
    return st.binary(min_size=60, max_size=80).map(lambda data: _sides(iter(data), least, most))


def _sides(choices: Iterator[int], least: int, most: int) -> tuple[list[bytes], dict[int, Side]]:
    base = _ended([LINES[next(choices, 0) % len(LINES)] for _ in range(next(choices, 0) % 11)], choices)
    agents = least + next(choices, 0) % (most - least + 1)
    return base, {n: _edited(base, choices) for n in range(1, agents + 1)}


def _edited(base: list[bytes], choices: Iterator[int]) -> Side:
    """What one agent makes of a text: lines kept, dropped, replaced, and others between them."""
    made: list[bytes] = []
    for index in range(len(base) + 1):
        action = next(choices, 0) % 10
        if action in (7, 8):
            made.append(LINES[(action + index) % 3])
        if index < len(base) and action != 9:
            made.append(LINES[index % len(LINES)] if action == 6 else base[index])
    lines = _ended([line if line.endswith(b"\n") else line + b"\n" for line in made], choices)
    return lines, differences(base, lines)


def _ended(lines: list[bytes], choices: Iterator[int]) -> list[bytes]:
    data = b"".join(lines)
    return split(data[:-1] if next(choices, 0) % 4 == 1 else data)


Files = dict[str, tuple[str, bytes]]
"""A tree: path → (mode, bytes; of a submodule the commit's name)."""


@dataclass(frozen=True)
class Bare:
    """A store without a repository that it borrows from."""

    git_dir: Path

    @classmethod
    def make(cls, folder: Path) -> Bare:
        subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
        (folder / "info").mkdir(exist_ok=True)
        (folder / "info" / "attributes").write_text(RAW_ATTRIBUTES)
        (folder / "own").symlink_to(folder / "objects")
        return cls(folder)

    def commits(self, *trees: Files) -> list[str]:
        """A commit of each tree; the first is the parent of the others."""
        lines = []
        for number, files in enumerate(trees, 1):
            lines += [b"commit refs/heads/t%d" % number, b"mark :%d" % number]
            lines += [b"committer a <a> 0 +0000", b"data 0"]
            lines += [b"from :1", b"deleteall"] if number > 1 else [b"from " + b"0" * 40, b"deleteall"]
            for path, (mode, data) in files.items():
                name = "".join(f"\\{byte:03o}" for byte in os.fsencode(path)).encode()
                if mode == "160000":
                    lines.append(b'M 160000 %s "%s"' % (data, name))
                else:
                    lines += [b'M %s inline "%s"' % (mode.encode(), name), b"data %d" % len(data), data]
            lines.append(b"")
        lines += [b"get-mark :%d" % number for number in range(1, len(trees) + 1)]
        command = ["git", f"--git-dir={self.git_dir}", "fast-import", "--quiet", "--force"]
        done = subprocess.run(
            [*command, "--cat-blob-fd=1"], input=b"\n".join(lines) + b"\n", capture_output=True, check=True
        )
        return done.stdout.decode().split()


def content(store: Bare, tree: str) -> Files:
    """Everything in a tree."""
    found = entries(store, tree)
    blobs = read_blobs(store, (entry.sha for entry in found if entry.mode != SUBMODULE))
    return {entry.path: (entry.mode, blobs.get(entry.sha, entry.sha.encode())) for entry in found}


NAMES = ("a", "b", "c d", "\n", "\udcff", 'q"', "diff --git a", "@@ -1 +1 @@", "\\", "-", "x.py", "é")
HOSTILE = (
    b"@@ -1 +1 @@\n",
    b"diff --git a/x b/x\n",
    b"-- a/x\n",
    b"++ b/x\n",
    b"\\ No newline at end of file\n",
    b"Binary files a and b differ\n",
    b"\xff\xfe\n",
    b"def f():\n",
    b"one\n",
    b"two\n",
    b"three\n",
)


@st.composite
def tree(draw: st.DrawFn, near: Files | None = None) -> Files:
    """A tree of few files of every kind, or one that lies near another."""
    files = dict(near or {})
    for path in list(files):
        if draw(st.integers(0, 5)) == 0:
            moved = files.pop(path)
            if draw(st.booleans()):
                files[draw(name())] = moved
    for _ in range(draw(st.integers(0, 4 if near is None else 2))):
        known = [*files] if files and draw(st.booleans()) else None
        path = draw(st.sampled_from(known)) if known else draw(name())
        files[path] = draw(file(files.get(path)))
    return {p: found for p, found in files.items() if not any(other.startswith(p + "/") for other in files)}


def name() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(NAMES), min_size=1, max_size=2).map("/".join)


@st.composite
def file(draw: st.DrawFn, old: tuple[str, bytes] | None) -> tuple[str, bytes]:
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return "120000", draw(st.sampled_from((b"a", b"b")))
    if kind == 1:
        return "160000", draw(st.sampled_from((b"1" * 40, b"2" * 40)))
    if kind == 2:
        return "100644", b"\0" + draw(st.sampled_from(HOSTILE))
    lines = split(old[1]) if old else draw(st.lists(st.sampled_from(HOSTILE), max_size=8))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from(HOSTILE), max_size=2))
    data = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    return draw(st.sampled_from(("100644", "100644", "100755"))), data[:-1] if kind == 3 else data
