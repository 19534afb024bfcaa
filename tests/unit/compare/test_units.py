"""Candidates taken apart into units, and trees made of them: law and cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.compare.combine import field_of
from kage_nvim.compare.units import Builder, Parts, Unit, parts
from kage_nvim.trees import entries, read_blobs, trees_of
from tests.unit.compare.support import Bare, Files

PLAIN, RUNS, LINK = "100644", "100755", "120000"


class Ground:
    """A base and what candidates, numbered from 1, make of it."""

    def __init__(self, folder: Path, base: Files, *candidates: Files) -> None:
        self.store = Bare.make(folder / "store.git")
        first, *self.commits = self.store.commits(base, *candidates)
        self.parts: Parts = parts(self.store, first, dict(enumerate(self.commits, 1)))
        self.field = field_of(self.parts)
        self.builder = Builder(self.store, self.parts)

    def of(self, *agents: int) -> list[Unit]:
        """The units that these did."""
        return [unit for unit in self.parts.units if set(agents) & set(unit.agents)]

    def files(self, units: list[Unit]) -> Files:
        """The tree of units, read."""
        found = list(entries(self.store, self.builder.tree(units)))
        blobs = read_blobs(self.store, [entry.sha for entry in found])
        return {entry.path: (entry.mode, blobs[entry.sha]) for entry in found}

    def union(self) -> Files:
        """All that goes together, the first candidate's first."""
        order = sorted(range(len(self.parts.units)), key=lambda at: (self.parts.units[at].agents, at))
        return self.files([self.parts.units[at] for at in sorted(self.field.settled(order))])


BASE: Files = {
    "a.py": (PLAIN, b"".join(b"line %d\n" % number for number in range(9))),
    "crlf.txt": (PLAIN, b"one\r\ntwo\r\nthree"),
    "bin": (PLAIN, bytes(range(256))),
    "old.py": (PLAIN, b"VALUE = 1\nOTHER = 2\nTHIRD = 3\nFOURTH = 4\n"),
    "tool": (PLAIN, b"#!/bin/sh\n"),
    "gone": (PLAIN, b"x\n"),
}


def without(*paths: str, **more: tuple[str, bytes]) -> Files:
    return {path: file for path, file in BASE.items() if path not in paths} | more


@pytest.mark.parametrize(
    "made",
    [
        without("gone"),
        without("old.py") | {"new.py": (PLAIN, BASE["old.py"][1].replace(b"1", b"5"))},
        without(tool=(RUNS, b"#!/bin/sh\necho\n")),
        without(bin=(PLAIN, b"\0other"), more=(PLAIN, b"\0new")),
        without(gone=(LINK, b"tool")),
        without("gone") | {"gone/inside": (PLAIN, b"y\n")},
        without("a.py") | {"a.py": (PLAIN, b""), "empty": (PLAIN, b"")},
        without("crlf.txt") | {"crlf.txt": (PLAIN, b"one\r\n2\r\nthree\r\nfour")},
    ],
)
def test_all_units_of_a_candidate_give_its_tree_and_none_gives_the_base(tmp_path: Path, made: Files) -> None:
    ground = Ground(tmp_path, BASE, made, BASE)
    assert ground.files(ground.of(1)) == made
    assert ground.builder.tree([]) == ground.parts.base == trees_of(ground.store, ground.commits[1:])[0]


def test_what_several_do_alike_is_one_unit_of_theirs(tmp_path: Path) -> None:
    made = without("gone", tool=(RUNS, BASE["tool"][1]))
    ground = Ground(tmp_path, BASE, made, made)
    assert [(unit.kind, unit.path, unit.agents) for unit in ground.parts.units] == [
        ("delete", "gone", (1, 2)),
        ("mode", "tool", (1, 2)),
    ]
    assert ground.field.clashes == [frozenset(), frozenset()]


def test_what_is_done_to_a_file_goes_with_the_lines_of_another(tmp_path: Path) -> None:
    """A rename, a mode and a change of lines by three; a deletion excludes all of them."""
    changed = BASE["old.py"][1].replace(b"4", b"44")
    ground = Ground(
        tmp_path,
        BASE,
        without("old.py") | {"new.py": BASE["old.py"]},
        without("old.py") | {"old.py": (RUNS, BASE["old.py"][1])},
        without("old.py") | {"old.py": (PLAIN, changed)},
        without("old.py"),
    )
    assert ground.files(ground.of(1, 2, 3))["new.py"] == (RUNS, changed)
    assert "old.py" not in ground.files(ground.of(1, 2, 3))
    deletion = next(at for at, unit in enumerate(ground.parts.units) if unit.kind == "delete")
    assert len(ground.field.clashes[deletion]) == 3


@pytest.mark.parametrize("end", [b"\n", b""])
def test_insertions_at_one_place_stand_together_unless_they_are_versions_of_the_same(
    tmp_path: Path, end: bytes
) -> None:
    def adds(*names: str, body: bytes = b"1") -> Files:
        text = b"".join(b"\n\ndef %s():\n    return %s\n" % (name.encode(), body) for name in names)
        return {"m.py": (PLAIN, b"X = 1\n" + text)}

    ground = Ground(
        tmp_path, {"m.py": (PLAIN, b"X = 1" + end)}, adds("first", "both"), adds("both", "last", body=b"2")
    )
    text = ground.union()["m.py"][1]
    assert text.startswith(b"X = 1\n\n\ndef ")
    assert [text.count(b"def %s():" % name) for name in (b"first", b"both", b"last")] == [1, 1, 1]
    compile(text, "m.py", "exec")


def test_neighbouring_lines_are_chosen_one_by_one(tmp_path: Path) -> None:
    lines = BASE["a.py"][1]
    ground = Ground(
        tmp_path,
        BASE,
        without("a.py") | {"a.py": (PLAIN, lines.replace(b"line 3\nline 4", b"LINE 3\nwrong"))},
        without("a.py") | {"a.py": (PLAIN, lines.replace(b"line 4\nline 5", b"LINE 4\nLINE 5"))},
    )
    right = [unit for unit in ground.parts.units if unit.lines[0].startswith(b"LINE")]
    assert ground.files(right)["a.py"][1] == lines.replace(
        b"line 3\nline 4\nline 5", b"LINE 3\nLINE 4\nLINE 5"
    )


def test_a_file_where_another_puts_a_folder_is_one_or_the_other(tmp_path: Path) -> None:
    ground = Ground(
        tmp_path, BASE, without(lib=(PLAIN, b"text\n")), without() | {"lib/a.py": (PLAIN, b"A = 1\n")}
    )
    assert ground.field.clashes == [frozenset({1}), frozenset({0})]
    assert ("lib" in ground.union()) != ("lib/a.py" in ground.union())
