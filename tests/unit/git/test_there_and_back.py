"""Properties: what lands and is undone leaves no trace, whatever its kind; paths pick what they name.

KAGE_TEST_EXAMPLES multiplies the examples that go through git.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kage_nvim.compare import compose, disk, land
from kage_nvim.compare.choose import choose
from kage_nvim.errors import KageError
from kage_nvim.orchestrator.shadow import Store
from tests.unit.git.desk import edit
from tests.unit.git.support import content, make, on_disk, store_of

MORE = int(os.environ.get("KAGE_TEST_EXAMPLES", "1"))
Tree = dict[str, tuple[str, bytes]]

NAMES = st.sampled_from(
    ["a", "A", "b", "d", "d/x", "d/x/z", "d/y", "h\ni", os.fsdecode(b"\xe9"), '"q\\', "-r", ".h"]
)
LONG = [b"line %d\n" % n for n in range(12)]


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A long text with some lines changed (so that renames are found and merges succeed), or a short one."""
    if draw(st.booleans()):
        lines = list(LONG)
        for at in draw(st.lists(st.integers(0, 11), max_size=2)):
            lines[at] = draw(st.sampled_from([b"", b"x\n", b"y\r\n", b"\xe9\n", b"x\nz\n"]))
        return b"".join(lines)[: draw(st.sampled_from([None, -1]))]
    return draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"", b"\n", b"x", b"<<<<<<< yours\n"])))


FILE = st.one_of(
    st.tuples(st.sampled_from(["100644", "100755"]), texts()),
    st.tuples(st.just("120000"), st.sampled_from([b"a", b"d", b"../gone", b"d/x", b"\xe9"])),
)


@st.composite
def trees(draw: st.DrawFn, before: Tree | None = None) -> Tree:
    """Files, or what becomes of those before; none lies below another."""
    tree = dict(before or {})
    for path in draw(st.lists(st.sampled_from(sorted(tree)), max_size=2)) if tree else ():
        gone = tree.pop(path, None)
        if gone and draw(st.booleans()):
            tree[draw(NAMES)] = gone
    tree |= draw(st.dictionaries(NAMES, FILE, max_size=4))
    return {
        path: file
        for path, file in tree.items()
        if not any(parent.as_posix() in tree for parent in PurePosixPath(path).parents)
    }


WORLDS = trees().flatmap(lambda base: st.tuples(st.just(base), trees(base), trees(base), trees(base)))


class World:
    """One store, and a folder that is the user's working tree."""

    def __init__(self, root: Path) -> None:
        self.store: Store = store_of(make(root / "p"))
        self.root = root / "files"

    def commits(self, *found: Tree) -> list[str]:
        """The trees as commits of the store."""
        text = b""
        for number, tree in enumerate(found):
            text += b"commit refs/t/%d\ncommitter A <a@b> 0 +0000\ndata 0\ndeleteall\n" % number
            for path, (mode, data) in tree.items():
                name = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
                text += b'M %s inline "%s"\ndata %d\n%s\n' % (mode.encode(), name, len(data), data)
        names = [f"refs/t/{number}" for number in range(len(found))]
        git = ["git", f"--git-dir={self.store.git_dir}"]
        subprocess.run([*git, "fast-import", "--quiet", "--force"], input=text, check=True)
        return subprocess.check_output([*git, "rev-parse", *names], text=True).split()

    def fill(self, tree: Tree) -> None:
        """The user's files are these."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        for path, (mode, data) in tree.items():
            if mode == "120000":
                edit(self.root, {path: os.fsdecode(data)})
            else:
                edit(self.root, {path: data})
                (self.root / path).chmod(int(mode[3:], 8))
        assert on_disk(self.root) == tree

    def go(self, files: list[land.FilePlan]) -> None:
        """As accept and undo do it on disk."""
        assert disk.verify(self.root, files) == []
        disk.write(self.root, files)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("there")
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        return World(folder)


@settings(max_examples=20 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORLDS)
def test_landing_then_undoing_is_the_identity(world: World, found: tuple[Tree, Tree, Tree, Tree]) -> None:
    base, mine, one, two = found
    started, yours, *candidates = world.commits(base, mine, one, two)
    # Onto the base, a candidate is itself.
    taken = land.merge(world.store, started, started, candidates[0])
    assert (content(world.store, taken.tree), taken.conflicts) == (one, [])
    world.fill(mine)
    way = [yours]
    for candidate in candidates:
        merge = land.merge(world.store, started, way[-1], candidate)
        if not merge.conflicts:
            world.go(merge.files)
            way.append(merge.tree)
            assert on_disk(world.root) == content(world.store, merge.tree)
    for before, after in zip(way[-2::-1], way[:0:-1], strict=True):
        undo = land.undo_plan(world.store, before, after, after)
        world.go(undo.files)
        assert on_disk(world.root) == content(world.store, before)
    assert on_disk(world.root) == mine


@settings(max_examples=12 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORLDS)
def test_a_union_lands_whole_and_goes_whole(world: World, found: tuple[Tree, Tree, Tree, Tree]) -> None:
    base, mine, one, two = found
    started, yours, first, second = world.commits(base, mine, one, two)
    union = compose.union(world.store, land.trees_of(world.store, [started])[0], {1: first, 2: second})
    if not union.conflicts:
        merged = land.merge(world.store, started, first, second)
        assume(not merged.conflicts)
    world.fill(mine)
    merge = land.merge(world.store, started, yours, union.tree)
    if merge.conflicts:
        return
    world.go(merge.files)
    try:
        undo = land.undo_plan(world.store, yours, merge.tree, merge.tree)
    except KageError as error:
        raise AssertionError(error.data) from error
    world.go(undo.files)
    assert on_disk(world.root) == mine


PATHS = st.lists(st.sampled_from(["a", "b", ".", "*", "[", "]", "é", "d", "\n"]), min_size=1, max_size=4).map(
    "".join
)
PATHS = st.lists(PATHS.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3).map("/".join)


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.tuples(PATHS, st.one_of(st.none(), PATHS)), min_size=1, max_size=4), PATHS)
def test_paths_pick_what_they_name(changes: list[tuple[str, str | None]], name: str) -> None:
    known = {path for pair in changes for path in pair if path}
    for path, old in changes:
        picked, missed = choose(changes, [path])
        assert path in picked
        assert old is None or old in picked
        assert missed == []
        folder = str(PurePosixPath(path).parent)
        assert picked <= choose(changes, [folder])[0]
    picked, missed = choose(changes, [name])
    assert picked <= known
    assert bool(picked) != bool(missed)
    assert choose(changes, ["."])[0] == known


NAME = st.text("ab.", min_size=1, max_size=4).filter(lambda name: name.strip("."))


@settings(max_examples=1000, deadline=None)
@given(
    st.sets(NAME, min_size=1, max_size=5),
    st.text("ab.*?[]!-", min_size=1, max_size=5).filter(lambda glob: glob.strip("./")),
)
def test_a_pattern_is_read_as_shells_do(names: set[str], glob: str) -> None:
    assume(glob not in names and any(magic in glob for magic in "*?["))
    hidden = {name for name in names if name.startswith(".") and not glob.startswith(".")}
    wanted = {name for name in names - hidden if fnmatch.fnmatchcase(name, glob)}
    assert choose([(name, None) for name in names], [glob])[0] == wanted
