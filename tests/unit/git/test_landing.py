"""Accept and undo with a real store: which base, which paths, several candidates, every step back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kage_nvim.errors import KageError
from tests.conftest import git
from tests.unit.git.desk import Desk, edit
from tests.unit.git.support import make, on_disk, put

TEXT = b"".join(b"line %d\n" % n for n in range(1, 31))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(make(tmp_path / "p", a=TEXT, b=TEXT, src__x=TEXT, src__y=b"y\n", **{"[id].ts": b"id\n"}))


def line(data: bytes, number: int, text: bytes) -> bytes:
    """The text with another line ``number``."""
    lines = data.split(b"\n")
    lines[number - 1] = text
    return b"\n".join(lines)


def landed(desk: Desk, *numbers: int, paths: list[str] | None = None, force: bool = False) -> set[str]:
    """The files that an accept changed."""
    return {file["path"] for file in desk.accept(*numbers, paths=paths, force=force)["files"]}


def refusal(desk: Desk, *numbers: int, paths: list[str] | None = None) -> KageError:
    """An accept that must refuse and change nothing."""
    before = on_disk(desk.root)
    with pytest.raises(KageError) as error:
        desk.accept(*numbers, paths=paths)
    assert on_disk(desk.root) == before
    return error.value


def test_paths_are_files_folders_and_patterns(desk: Desk) -> None:
    desk.candidate(
        1,
        {
            "a": None,
            "moved": TEXT,
            "src/x": b"x",
            "src/new.py": b"n",
            "src/deep/er.py": b"e",
            "[id].ts": b"1",
            "i": b"i",
        },
    )
    before = on_disk(desk.root)
    cases = {
        "moved": {"a", "moved"},
        "a": {"a", "moved"},
        "src": {"src/x", "src/new.py", "src/deep/er.py"},
        "src/": {"src/x", "src/new.py", "src/deep/er.py"},
        "src/*.py": {"src/new.py"},
        "**/*.py": {"src/new.py", "src/deep/er.py"},
        "src/*": {"src/x", "src/new.py", "src/deep/er.py"},
        "src/{x,new.py}": {"src/x", "src/new.py"},
        "[id].ts": {"[id].ts"},
        "[ij]": {"i"},
        str(desk.root / "src" / "x"): {"src/x"},
        str(desk.root): {"a", "moved", "src/x", "src/new.py", "src/deep/er.py", "[id].ts", "i"},
    }
    for path, files in cases.items():
        assert landed(desk, 1, paths=[path]) == files, path
        desk.undo()
        assert on_disk(desk.root) == before
    assert refusal(desk, 1, paths=["src/x", "src/y"]).code == "not_changed"
    assert refusal(desk, 1, paths=["/elsewhere"]).exit == 2


def test_a_candidate_lands_in_parts_with_commits_and_edits_between(desk: Desk) -> None:
    desk.candidate(1, {"a": line(TEXT, 3, b"agent"), "b": line(TEXT, 3, b"agent"), "src/x": b"agent\n"})
    assert landed(desk, 1, paths=["a"]) == {"a"}
    git(desk.root, "commit", "-qam", "a of the agent")
    mine = line(line(TEXT, 3, b"agent, then mine"), 20, b"mine")
    put(desk.root, {"a": mine, "b": line(TEXT, 25, b"mine")})
    # The rest comes; line 3 of a is the user's since it landed, and no conflict.
    assert landed(desk, 1) == {"b", "src/x"}
    assert (desk.root / "a").read_bytes() == mine
    assert (desk.root / "b").read_bytes() == line(line(TEXT, 3, b"agent"), 25, b"mine")
    assert refusal(desk, 1).exit == 3
    assert refusal(desk, 1, paths=["a"]).exit == 3
    # Taken back by hand, it lands again.
    put(desk.root, {"a": TEXT})
    assert landed(desk, 1) == {"a"}


def test_a_branch_that_never_had_the_landing_gets_it(desk: Desk) -> None:
    desk.candidate(1, {"a": line(TEXT, 3, b"agent")})
    git(desk.root, "switch", "-qc", "other")
    put(desk.root, {"a": line(TEXT, 20, b"other")})
    git(desk.root, "commit", "-qam", "other")
    git(desk.root, "switch", "-q", "main")
    landed(desk, 1)
    git(desk.root, "commit", "-qam", "landed")
    git(desk.root, "switch", "-q", "other")
    landed(desk, 1)
    assert (desk.root / "a").read_bytes() == line(line(TEXT, 3, b"agent"), 20, b"other")
    desk.undo()
    assert (desk.root / "a").read_bytes() == line(TEXT, 20, b"other")


def test_several_candidates_land_as_their_union(desk: Desk) -> None:
    desk.candidate(1, {"a": line(line(TEXT, 3, b"one"), 10, b"1"), "src/y": None})
    desk.candidate(2, {"b": b"two\n"})
    desk.candidate(3, {"a": line(line(TEXT, 3, b"three"), 20, b"3"), "new": b"3\n", "src/y": None})
    put(desk.root, {"a": line(TEXT, 30, b"mine")})
    before = on_disk(desk.root)
    answer = desk.accept(1, 3)
    assert (desk.root / "a").read_bytes() == line(line(line(TEXT, 30, b"mine"), 10, b"1"), 20, b"3")
    assert {file["path"] for file in answer["files"]} == {"a", "new", "src/y"}
    assert [(c["path"], c["line"], c["agents"], c["marked"]) for c in answer["conflicts"]] == [
        ("a", 3, [1, 3], False)
    ]
    assert answer["notes"] == ["1 place differs between 1 and 3 and was left as you have it: a:3"]
    entry = desk.history()[0]
    assert (entry.number, entry.numbers, entry.left) == (3, [1, 3], ["a"])
    assert desk.run.record.status.landed == 3
    # What was left is still there to be taken, from one of them.
    assert landed(desk, 3, paths=["a"]) == {"a"}
    assert (desk.root / "a").read_bytes().split(b"\n")[2] == b"three"
    desk.undo(2)
    assert on_disk(desk.root) == before
    assert desk.run.record.status.landed is None


def test_a_union_of_nothing_but_conflicts_changes_nothing(desk: Desk) -> None:
    desk.candidate(1, {"a": line(TEXT, 3, b"one"), "bin": b"\0one"})
    desk.candidate(2, {"a": line(TEXT, 3, b"two"), "bin": b"\0two", "b": b"two"})
    desk.candidate(3, {"a": TEXT})
    error = refusal(desk, 1, 2, paths=["a"])
    assert (error.code, error.exit, error.data["conflicts"][0]["agents"]) == ("conflict", 4, [1, 2])
    assert landed(desk, 1, 2) == {"b"}
    assert refusal(desk, 1, 2).exit == 4
    assert refusal(desk, 3).exit == 3


def test_conflicts_with_yours_refuse_or_are_marked(desk: Desk) -> None:
    desk.candidate(1, {"a": line(TEXT, 3, b"one"), "b": b"one"})
    put(desk.root, {"a": line(TEXT, 3, b"mine")})
    error = refusal(desk, 1)
    assert (error.code, error.exit) == ("conflict", 4)
    assert error.data["conflicts"] == [
        {"path": "a", "kind": "content", "line": 3, "agents": [1], "marked": False, "whole": False}
    ]
    assert landed(desk, 1, paths=["b"]) == {"b"}
    assert landed(desk, 1, force=True) == {"a"}
    put(desk.root, {"a": line(TEXT, 3, b"both")})
    assert refusal(desk, 1).exit == 3


def test_what_no_markers_can_say_is_left_and_said(desk: Desk) -> None:
    desk.candidate(1, {"a": None, "bin": b"\0one", "b": b"one"})
    put(desk.root, {"a": line(TEXT, 3, b"mine"), "bin": b"\0mine"})
    answer = desk.accept(1, force=True)
    assert [file["path"] for file in answer["files"]] == ["b"]
    assert [(c["path"], c["kind"], c["marked"]) for c in answer["conflicts"]] == [
        ("a", "modify/delete", False),
        ("bin", "binary", False),
    ]
    desk.undo()
    before = on_disk(desk.root)
    with pytest.raises(KageError) as error:
        desk.accept(1, paths=["a", "bin"], force=True)
    assert (error.value.exit, on_disk(desk.root)) == (4, before)


def test_what_lands_whole_in_spite_of_a_conflict_is_said_to(desk: Desk) -> None:
    put(desk.root, {"link": b"a file\n"})
    desk.begin()
    desk.candidate(1, {"a": line(TEXT, 3, b"one"), "link": "b", "new": b"\0one", "folder/x": b"x"})
    (desk.root / "a").unlink()
    put(desk.root, {"link": b"mine\n", "new": b"\0mine", "folder": b"mine"})
    answer = desk.accept(1, force=True)
    rows = {row["path"]: row["whole"] for row in answer["conflicts"]}
    assert rows == {"a": True, "link": True, "link~yours": True, "new": False, "folder~yours": True}
    assert (desk.root / "link~yours").read_bytes() == b"mine\n"
    assert (desk.root / "new").read_bytes() == b"\0mine"
    assert {path for path, whole in rows.items() if whole} <= {file["path"] for file in answer["files"]}


def test_empty_folders_outlive_a_landing(desk: Desk) -> None:
    for name in ("new", "some/where"):
        (desk.root / name).mkdir(parents=True)
    desk.candidate(1, {"new": b"a file", "some/where/deep/x": b"x"})
    desk.accept(1)
    desk.undo()
    assert not any((desk.root / "new").iterdir())
    assert not any((desk.root / "some/where").iterdir())


def test_an_agent_at_work_is_not_landed_unasked(desk: Desk) -> None:
    desk.candidate(1, {"a": b"half"}).live = True
    assert refusal(desk, 1).code == "working"
    assert landed(desk, 1, force=True) == {"a"}


def test_any_number_of_steps_back_all_or_none(desk: Desk) -> None:
    states = [on_disk(desk.root)]
    for number in (1, 2, 3):
        desk.candidate(number, {"a": line(TEXT, number * 5, b"%d" % number), f"n{number}": b"n"})
        desk.accept(number)
        states.append(on_disk(desk.root))
    changed = line((desk.root / "a").read_bytes(), 5, b"mine")
    put(desk.root, {"a": changed})
    with pytest.raises(KageError) as error:
        desk.undo(3)
    assert (error.value.exit, error.value.data["step"]) == (4, 3)
    assert "a:5" in error.value.message
    assert ":KageUndo 2" in error.value.fix
    assert (desk.root / "a").read_bytes() == changed
    desk.undo(2)
    assert (desk.root / "a").read_bytes() == line(line(TEXT, 5, b"1"), 5, b"mine")
    put(desk.root, {"a": line(TEXT, 5, b"1")})
    with pytest.raises(KageError) as error:
        desk.undo(2)
    assert error.value.exit == 3
    desk.undo()
    assert on_disk(desk.root) == states[0]
    assert [entry.state for entry in desk.history()] == ["undone"] * 5
    assert desk.history()[1].takes_back == [3, 2]
    desk.accept(1)
    assert on_disk(desk.root) == states[1]


def ignored_by_the_user(desk: Desk) -> None:
    excludes = desk.root.parent / "excludes"
    excludes.write_text("*.local\n")
    git(desk.root, "config", "core.excludesFile", str(excludes))


def ignored_by_info(desk: Desk) -> None:
    put(desk.root, {".git/info/exclude": b"*.local\n"})


@pytest.mark.parametrize("ignore", [ignored_by_the_user, ignored_by_info])
def test_ignored_files_are_neither_taken_nor_overwritten(desk: Desk, ignore: object) -> None:
    assert callable(ignore)
    desk.candidate(1, {"my.local": b"agent", "a": b"agent"})
    ignore(desk)
    put(desk.root, {"my.local": b"mine"})
    error = refusal(desk, 1)
    assert (error.code, "my.local: there is a file already, which git ignores" in error.message) == (
        "changed",
        True,
    )
    assert landed(desk, 1, paths=["a"]) == {"a"}
    desk.begin()
    desk.candidate(1, {"other.local": b"agent", "b": b"agent"})
    assert landed(desk, 1) == {"b"}
    assert (desk.root / "my.local").read_bytes() == b"mine"


class Window:
    """An editor that shows one file, unchanged; it may not be asked to land anything."""

    hello = None

    def __init__(self, path: Path) -> None:
        self.path = path

    def editors(self) -> list[Window]:
        return [self]

    clients = editors

    async def call(self, method: str, params: object, timeout: float = 30.0) -> object:
        assert method == "editor.buffers"
        return {"buffers": [{"path": str(self.path), "changedtick": 1, "modified": False}]}


def test_an_ignored_file_that_an_editor_shows_is_not_overwritten(desk: Desk) -> None:
    desk.candidate(1, {"my.local": b"agent"})
    ignored_by_info(desk)
    put(desk.root, {"my.local": b"mine"})
    desk.peers = Window(desk.root / "my.local")
    assert "which git ignores" in refusal(desk, 1).message


def test_a_file_system_without_file_mode(desk: Desk) -> None:
    git(desk.root, "config", "core.fileMode", "false")
    (desk.root / "a").chmod(0o755)
    desk.begin()
    desk.candidate(1, {"a": b"agent"})
    assert landed(desk, 1) == {"a"}


def test_names_in_no_encoding(desk: Desk) -> None:
    name = os.fsdecode(b"caf\xe9 \n*")
    desk.candidate(1, {name: b"\xe9", "a": None})
    before = on_disk(desk.root)
    assert landed(desk, 1, paths=[name]) == {name}
    desk.undo()
    assert on_disk(desk.root) == before
    edit(desk.root, {name: b"mine"})
    assert refusal(desk, 1).code == "conflict"
