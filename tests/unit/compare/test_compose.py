"""Candidates composed on real trees: every kind of file, hostile names and contents, and git's own merge."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kage_nvim.compare.compose import Conflict, union
from kage_nvim.compare.hunks import of_patches, split
from kage_nvim.compare.picks import take
from kage_nvim.git import git_result
from kage_nvim.trees import changes, changes_with_patches, trees_of
from tests.unit.compare.support import Bare, Files, content, tree

TEXT = b"".join(b"line %d\n" % n for n in range(1, 21))
OTHER = TEXT.replace(b"line 2\n", b"two\n")
THIRD = TEXT.replace(b"line 15\n", b"fifteen\n")
BOTH = OTHER.replace(b"line 15\n", b"fifteen\n")
PLAIN, RUN, LINK, SUB = "100644", "100755", "120000", "160000"
BASE: Files = {
    "t": (PLAIN, TEXT),
    "u": (PLAIN, b"u\n"),
    "bin": (PLAIN, b"\0one"),
    "link": (LINK, b"t"),
    "sub": (SUB, b"1" * 40),
    "d/x": (PLAIN, b"x\n"),
}


@pytest.fixture(scope="module")
def store() -> Iterator[Bare]:
    with tempfile.TemporaryDirectory() as folder:
        yield Bare.make(Path(folder) / "store")


def composed(store: Bare, *edits: dict[str, tuple[str, bytes] | None]) -> tuple[Files, list[Conflict]]:
    """The union of agents 1, 2, … which edit files of the base; ``None`` deletes one."""
    made = [{**BASE, **edit} for edit in edits]
    trees = [{path: file for path, file in files.items() if file} for files in made]
    base, *commits = store.commits(BASE, *trees)
    found = union(store, base, dict(enumerate(commits, 1)))
    files = {path: file for path, file in content(store, found.tree).items() if BASE.get(path) != file}
    gone = {path: None for path in BASE if path not in content(store, found.tree)}
    return {**files, **gone}, found.conflicts


CLEAN = {
    "different lines": (
        {"t": (PLAIN, OTHER)},
        {"t": (PLAIN, THIRD)},
        {"t": (PLAIN, BOTH)},
    ),
    "different files": ({"t": (PLAIN, OTHER)}, {"u": None}, {"t": (PLAIN, OTHER), "u": None}),
    "both the same": ({"new": (PLAIN, b"n")}, {"new": (PLAIN, b"n")}, {"new": (PLAIN, b"n")}),
    "a mode and a text": ({"t": (RUN, TEXT)}, {"t": (PLAIN, OTHER)}, {"t": (RUN, OTHER)}),
    "a mode and bytes": ({"bin": (RUN, b"\0one")}, {"bin": (PLAIN, b"\0")}, {"bin": (RUN, b"\0")}),
    "a new name and a text": (
        {"t": None, "v/t": (PLAIN, OTHER)},
        {"t": (PLAIN, THIRD)},
        {"t": None, "v/t": (PLAIN, BOTH)},
    ),
    "the same new name, two texts": (
        {"t": None, "v": (PLAIN, OTHER)},
        {"t": None, "v": (PLAIN, THIRD)},
        {"t": None, "v": (PLAIN, BOTH)},
    ),
    "a binary file and a link": (
        {"bin": (PLAIN, b"\0two")},
        {"link": (LINK, b"u"), "sub": (SUB, b"2" * 40)},
        {"bin": (PLAIN, b"\0two"), "link": (LINK, b"u"), "sub": (SUB, b"2" * 40)},
    ),
    "a file in place of a folder": (
        {"d/x": None, "d": (PLAIN, b"d")},
        {"t": (PLAIN, OTHER)},
        {"d/x": None, "d": (PLAIN, b"d"), "t": (PLAIN, OTHER)},
    ),
    "another kind of file": ({"u": (LINK, b"t")}, {"u": (LINK, b"t")}, {"u": (LINK, b"t")}),
}


@pytest.mark.parametrize("case", CLEAN)
def test_what_does_not_conflict_is_taken(store: Bare, case: str) -> None:
    one, other, expected = CLEAN[case]
    assert composed(store, one, other) == (expected, [])
    assert composed(store, other, one) == (expected, [])


TOP, BOTTOM = TEXT.replace(b"line 2\n", b"zwei\n"), THIRD.replace(b"line 2\n", b"deux\n")
CONFLICTS = {
    "lines": ({"t": (PLAIN, OTHER)}, {"t": (PLAIN, BOTTOM)}, {"t": (PLAIN, THIRD)}, "t", 2, "content"),
    "deleted": ({"t": None}, {"t": (PLAIN, OTHER)}, {}, "t", None, "modify/delete"),
    "deleted and renamed": ({"t": None}, {"t": None, "v": (PLAIN, TEXT)}, {}, "t", None, "modify/delete"),
    "binary": ({"bin": (PLAIN, b"\0a")}, {"bin": (PLAIN, b"\0b")}, {}, "bin", None, "binary"),
    "binary to text": ({"bin": (PLAIN, b"a")}, {"bin": (PLAIN, b"\0b")}, {}, "bin", None, "binary"),
    "link": ({"link": (LINK, b"u")}, {"link": (LINK, b"bin")}, {}, "link", None, "symlink"),
    "submodule": ({"sub": (SUB, b"2" * 40)}, {"sub": (SUB, b"3" * 40)}, {}, "sub", None, "submodule"),
    "type": ({"t": (LINK, b"u")}, {"t": (PLAIN, OTHER)}, {}, "t", None, "type"),
    "added": ({"n": (PLAIN, b"a\n")}, {"n": (PLAIN, b"b\n")}, {}, "n", None, "add/add"),
    "added, mode": ({"n": (PLAIN, b"a\n")}, {"n": (RUN, b"a\n")}, {}, "n", None, "mode"),
    "two names": (
        {"t": None, "v": (PLAIN, TEXT)},
        {"t": None, "w": (PLAIN, TEXT)},
        {},
        "t",
        None,
        "rename/rename",
    ),
    "renamed to what was added": (
        {"t": None, "v": (PLAIN, TEXT)},
        {"v": (PLAIN, b"v\n")},
        {},
        "v",
        None,
        "rename/add",
    ),
    "file and folder": (
        {"n": (PLAIN, b"n")},
        {"n/x": (PLAIN, b"x"), "u": (PLAIN, b"v\n")},
        {"u": (PLAIN, b"v\n")},
        "n",
        None,
        "file/directory",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_what_conflicts_stays_as_in_the_base(store: Bare, case: str) -> None:
    one, other, expected, path, line, kind = CONFLICTS[case]
    assert composed(store, one, other) == (expected, [Conflict(path, line, [1, 2], kind)])
    assert composed(store, other, one) == (expected, [Conflict(path, line, [1, 2], kind)])


def test_a_conflict_may_leave_another_in_the_way(store: Bare) -> None:
    files, conflicts = composed(store, {"d/x": None, "d": (PLAIN, b"d")}, {"d/x": (PLAIN, b"y\n")})
    assert files == {}
    assert [(c.path, c.agents, c.kind) for c in conflicts] == [
        ("d", [1], "file/directory"),
        ("d/x", [1, 2], "modify/delete"),
    ]


REAL = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def world(draw: st.DrawFn) -> list[Files]:
    """A base and what three agents make of it."""
    base = draw(tree())
    return [base, *(draw(tree(base)) for _ in range(3))]


@REAL
@given(world())
def test_hostile_trees(store: Bare, files: list[Files]) -> None:
    base, *commits = store.commits(*files)
    agents = dict(enumerate(commits, 1))
    for number, commit in agents.items():
        rebuilt_from_hunks(store, files[0], files[number], base, commit)
    alone = union(store, base, {1: commits[0], 8: base, 9: commits[0]})
    assert (alone.tree, alone.conflicts) == (trees_of(store, commits[:1])[0], [])
    merged = git_result(
        ["merge-tree", "--write-tree", "--name-only", "-z", *commits[:2]],
        git_dir=store.git_dir,
        config=["merge.directoryRenames=false"],
    )
    if merged.code == 0:
        # What git merges cleanly comes out the same here, where neighbouring lines do not conflict either.
        both = union(store, base, {1: commits[0], 2: commits[1]})
        assert (both.tree, both.conflicts) == (merged.out.decode().split("\0")[0], [])
    found = union(store, base, agents)
    assert union(store, base, dict(reversed(agents.items()))) == found
    made = content(store, found.tree)
    touched = {c.path for c in found.conflicts}
    for path in set().union(*files):
        was = files[0].get(path)
        news = {file.get(path) for file in files[1:] if file.get(path) != was}
        clear = path not in touched and not any(path.startswith(f"{other}/") for other in touched)
        if clear and not news:
            assert made.get(path) == was


def rebuilt_from_hunks(store: Bare, old: Files, new: Files, base: str, commit: str) -> None:
    """Each text comes out of the base's lines and the hunks that were read from git."""
    found, patches = changes_with_patches(store, base, commit)
    kinds = {change.path: change.kind for change in changes(store, base, commit, renames=False)}
    assert {change.path for change in found} == set(kinds)
    for change, hunks in zip(found, of_patches(found, patches), strict=True):
        if change.old_sha != change.new_sha:
            assert (hunks is not None) == (kinds[change.path] == "text" and change.status != "T")
        if hunks:
            before = split(old[change.path][1]) if change.path in old else []
            lines = split(new[change.path][1]) if change.path in new else []
            assert take(before, [(hunk, lines[hunk.b0 - 1 : hunk.b1 - 1]) for hunk in hunks]) == lines


def test_patches_of_other_changes_are_refused(store: Bare) -> None:
    base, one, other = store.commits(BASE, {**BASE, "t": (PLAIN, OTHER)}, {"t": (PLAIN, OTHER)})
    few, _ = changes_with_patches(store, base, one)
    many, patches = changes_with_patches(store, base, other)
    with pytest.raises(ValueError):
        of_patches(few, patches)
    with pytest.raises(ValueError):
        of_patches([*many, *few], patches)
