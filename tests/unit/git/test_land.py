"""Landing plans: three-way, byte-exact, and undone by the same means."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.compare import disk, land
from kage_nvim.errors import KageError
from kage_nvim.orchestrator import folders
from kage_nvim.orchestrator.shadow import Store
from tests.unit.git.support import content, fingerprint, make, on_disk, put, store_of

BASE = {
    "text": b"".join(b"line %d\n" % n for n in range(1, 21)),
    "crlf": b"".join(b"line %d\r\n" % n for n in range(1, 21)),
    "noeol": b"one\ntwo\nthree\nfour\nfive\nsix\nseven",
    "latin": b"caf\xe9\n" * 8 + b"end\n",
    "bin": bytes(range(256)),
    "run": b"#!/bin/sh\necho\n",
    "old/name": b"".join(b"named %d\n" % n for n in range(20)),
    "gone": b"gone\n",
}


class World:
    """A repository of which trees are made by writing files and taking a snapshot."""

    def __init__(self, root: Path, files: dict[str, bytes] | None = None) -> None:
        self.root = make(root)
        put(self.root, BASE if files is None else files)
        self.store: Store = store_of(self.root)
        self.base = self.now()

    def now(self) -> str:
        return self.store.snapshot({}).tree

    def tree(self, files: dict[str, bytes | None], **modes: int) -> str:
        """The base with these files (``None``: deleted); the folder is as before afterwards."""
        kept = on_disk(self.root)
        self.edit(files, **modes)
        tree = self.now()
        wipe(self.root)
        for name, (mode, data) in kept.items():
            put(self.root, {name: data})
            (self.root / name).chmod(int(mode[3:], 8))
        return tree

    def edit(self, files: dict[str, bytes | None], **modes: int) -> None:
        for name, data in files.items():
            if data is None:
                folders.remove(self.root / name)
            else:
                put(self.root, {name: data})
        for name, mode in modes.items():
            (self.root / name).chmod(mode)


def wipe(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name != ".git":
            folders.remove(entry)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "p")


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


CLEAN = {
    "two hunks": (
        {"text": changed(BASE["text"], b"line 2\n", b"mine\n")},
        {"text": changed(BASE["text"], b"line 18\n", b"theirs\n")},
        {"text": changed(changed(BASE["text"], b"line 2\n", b"mine\n"), b"line 18\n", b"theirs\n")},
    ),
    "crlf": (
        {"crlf": changed(BASE["crlf"], b"line 2\r", b"mine\r")},
        {"crlf": changed(BASE["crlf"], b"line 18\r", b"theirs\r")},
        {"crlf": changed(changed(BASE["crlf"], b"line 2\r", b"mine\r"), b"line 18\r", b"theirs\r")},
    ),
    "no newline at the end": (
        {"noeol": changed(BASE["noeol"], b"one", b"1")},
        {"noeol": changed(BASE["noeol"], b"seven", b"7")},
        {"noeol": b"1\ntwo\nthree\nfour\nfive\nsix\n7"},
    ),
    "latin-1": (
        {"latin": b"\xe0\n" + BASE["latin"][5:]},
        {"latin": changed(BASE["latin"], b"end", b"\xff")},
        {"latin": b"\xe0\n" + changed(BASE["latin"][5:], b"end", b"\xff")},
    ),
    "renamed by the agent": (
        {"old/name": changed(BASE["old/name"], b"named 3\n", b"mine\n")},
        {"old/name": None, "new": BASE["old/name"]},
        {"old/name": None, "new": changed(BASE["old/name"], b"named 3\n", b"mine\n")},
    ),
    "deleted and binary": ({}, {"gone": None, "bin": b"\0new"}, {"gone": None, "bin": b"\0new"}),
    "same on both sides": ({"gone": b"same\n"}, {"gone": b"same\n"}, {"gone": b"same\n"}),
    "file becomes a folder": ({}, {"gone": None, "gone/in": b"x"}, {"gone": None, "gone/in": b"x"}),
    "folder becomes a file": ({}, {"old/name": None, "old": b"x"}, {"old/name": None, "old": b"x"}),
}


def order(files: dict[str, bytes | None]) -> dict[str, bytes | None]:
    """Deletions first, so that a folder can take a file's place."""
    return dict(sorted(files.items(), key=lambda item: item[1] is not None))


@pytest.mark.parametrize("name", CLEAN)
def test_clean_merges_land_and_come_back(world: World, name: str) -> None:
    mine, theirs, wanted = (order(files) for files in CLEAN[name])
    if "old" in theirs:
        folders.remove(world.root / "old")
    candidate = world.tree(theirs)
    put(world.root, {path: data for path, data in BASE.items() if path == "old/name"})
    world.edit(mine)
    yours = world.now()
    before = on_disk(world.root)
    merged = land.merge(world.store, world.base, yours, candidate)
    assert merged.conflicts == []
    assert disk.verify(world.root, merged.files) == []
    disk.write(world.root, merged.files)
    expected = {path: data for path, data in (BASE | wanted).items() if data is not None}
    assert {path: data for path, (_, data) in on_disk(world.root).items()} == expected
    assert on_disk(world.root) == content(world.store, merged.tree)
    undo = land.undo_plan(world.store, yours, merged.tree, world.now())
    assert disk.verify(world.root, undo.files) == []
    disk.write(world.root, undo.files)
    assert on_disk(world.root) == before


CONFLICTS = {
    "content": ({"text": b"mine\n"}, {"text": b"theirs\n"}, "text", "content", 1),
    "binary": ({"bin": b"\0mine"}, {"bin": b"\0theirs"}, "bin", "binary", None),
    "modify/delete": ({"gone": b"kept\n"}, {"gone": None}, "gone", "modify/delete", None),
    "delete/modify": ({"gone": None}, {"gone": b"kept\n"}, "gone", "modify/delete", None),
    "add/add": ({"n": b"1\n2\n"}, {"n": b"1\n3\n"}, "n", "content", 2),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_conflicts_are_listed(world: World, name: str) -> None:
    mine, theirs, path, kind, line = CONFLICTS[name]
    merged = land.merge(world.store, world.base, world.tree(mine), world.tree(theirs), label="agent 2")
    assert merged.conflicts == [land.Conflict(path, kind, line)]


def test_markers_name_the_sides(world: World) -> None:
    mine = changed(changed(BASE["crlf"], b"line 2\r", b"mine\r"), b"line 18\r", b"mine\r")
    theirs = changed(changed(BASE["crlf"], b"line 2\r", b"theirs\r"), b"line 18\r", b"theirs\r")
    merged = land.merge(
        world.store, world.base, world.tree({"crlf": mine}), world.tree({"crlf": theirs}), label="agent 2"
    )
    [plan] = merged.files
    assert plan.new and plan.conflict_ranges == [(2, 6), (22, 26)]
    assert plan.new.data.split(b"\r\n")[1:6] == [
        b"<<<<<<< yours",
        b"mine",
        b"=======",
        b"theirs",
        b">>>>>>> agent 2",
    ]
    assert content(world.store, merged.tree)["crlf"][1] == plan.new.data
    assert [conflict.line for conflict in merged.conflicts] == [2, 22]


def test_a_renamed_file_in_conflict(world: World) -> None:
    mine = {"old/name": changed(BASE["old/name"], b"named 3\n", b"mine\n")}
    theirs = {"old/name": None, "new": changed(BASE["old/name"], b"named 3\n", b"theirs\n")}
    merged = land.merge(world.store, world.base, world.tree(mine), world.tree(theirs), label="agent 2")
    assert [(conflict.path, conflict.kind) for conflict in merged.conflicts] == [("new", "content")]
    [plan] = [plan for plan in merged.files if plan.path == "new"]
    assert plan.new and b"<<<<<<< yours:old/name\n" in plan.new.data
    assert plan.conflict_ranges


def test_a_file_against_a_folder(world: World) -> None:
    merged = land.merge(
        world.store, world.base, world.tree({"n": b"file"}), world.tree({"n/in": b"in"}), label="agent 2"
    )
    assert [conflict.kind for conflict in merged.conflicts] == ["file/directory"]
    assert set(content(world.store, merged.tree)) == {*BASE, "n/in", "n~yours"}


def test_modes_and_links(world: World) -> None:
    candidate = world.tree({}, run=0o755)
    world.edit({"run": BASE["run"] + b"more\n"})
    merged = land.merge(world.store, world.base, world.now(), candidate)
    assert [plan.action for plan in merged.files] == ["mode"]
    (world.root / "run").chmod(0o640)
    disk.write(world.root, merged.files)
    assert (world.root / "run").stat().st_mode & 0o777 == 0o750
    assert (world.root / "run").read_bytes() == BASE["run"] + b"more\n"
    (world.root / "gone").unlink()
    (world.root / "gone").symlink_to("../away")
    linked = world.now()
    (world.root / "gone").unlink()
    put(world.root, {"gone": BASE["gone"]})
    merged = land.merge(world.store, world.base, world.base, linked, ["gone"])
    assert disk.write(world.root, merged.files) == [("gone", "symlink")]
    assert (world.root / "gone").readlink() == Path("../away")


def test_only_some_paths(world: World) -> None:
    candidate = world.tree(
        {"text": b"new\n", "a/b": b"1", "a/c": b"2", "old/name": None, "moved": BASE["old/name"]}
    )

    def take(*paths: str) -> set[str]:
        merged = land.merge(world.store, world.base, world.base, candidate, list(paths))
        return {plan.path for plan in merged.files}

    assert take("text") == {"text"}
    assert take("a/") == {"a/b", "a/c"}
    assert take("moved") == take("old/name") == {"moved", "old/name"}
    with pytest.raises(KageError) as error:
        take("text", "crlf")
    assert error.value.code == "not_changed"


def test_undo_refuses_what_was_changed_since(world: World) -> None:
    after = world.tree({"text": changed(BASE["text"], b"line 2\n", b"landed\n")})
    far = world.tree({"text": changed(BASE["text"], b"line 2\n", b"landed\n").replace(b"line 18", b"mine")})
    near = world.tree({"text": changed(BASE["text"], b"line 2\n", b"landed, then mine\n")})
    undo = land.undo_plan(world.store, world.base, after, far)
    assert undo.files[0].new and undo.files[0].new.data == BASE["text"].replace(b"line 18", b"mine")
    with pytest.raises(KageError) as error:
        land.undo_plan(world.store, world.base, after, near)
    assert (error.value.code, error.value.exit) == ("conflict", 4)
    assert error.value.data["conflicts"][0]["path"] == "text"


def test_merging_leaves_no_trace(world: World) -> None:
    candidate = world.tree({"text": b"new\n"})
    before = fingerprint(world.root)
    land.merge(world.store, world.base, world.base, candidate)
    land.merge(world.store, world.base, candidate, world.base)
    assert fingerprint(world.root) == before
