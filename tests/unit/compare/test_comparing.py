"""What kaged answers of candidates beside each other: files, one file's versions, places."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.orchestrator import comparing
from kage_nvim.protocol import unb64
from tests.conftest import git
from tests.unit.git.desk import Desk
from tests.unit.git.support import make

TEXT = b"".join(b"line %d\n" % n for n in range(1, 11))


def with_lines(**new: str) -> bytes:
    lines = TEXT.splitlines(keepends=True)
    for name, text in new.items():
        lines[int(name[1:]) - 1] = text.encode()
    return b"".join(lines)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(make(tmp_path / "p", t=TEXT, old=TEXT, bin=b"\0a", gone=b"a\n"))
    desk.candidate(1, {"t": with_lines(l2="two\n", l5="five\n"), "bin": b"\0b", "gone": None})
    desk.candidate(2, {"t": with_lines(l2="two\n", l5="5\n"), "old": None, "new": TEXT, "bin": b"text\n"})
    desk.candidate(3, {"t": with_lines(l2=" two \n"), "gone": b"", "n\new": b"n"})
    return desk


def file(desk: Desk, path: str, *numbers: int) -> dict[str, Any]:
    return asyncio.run(comparing.diff_file(desk.run, path, list(numbers), desk.base.commit))


def aligned(desk: Desk, *paths: str, numbers: tuple[int, ...] = ()) -> dict[str, Any]:
    return asyncio.run(comparing.aligned(desk.run, list(numbers), paths, desk.base.commit))


def agents(places: list[dict[str, Any]]) -> list[tuple[int, int, list[list[int]]]]:
    return [(p["first"], p["past"], [version["agents"] for version in p["versions"]]) for p in places]


def test_equal_files_are_known_by_their_blobs(desk: Desk) -> None:
    files = desk.diff()
    ids = {n: found["new_sha"] for n, found in files["t"]["agents"].items()}
    assert len(set(ids.values())) == 3
    assert ids["1"] == git(
        desk.root, "hash-object", "--stdin", input=with_lines(l2="two\n", l5="five\n").decode()
    )


def test_what_was_put_together_of_others_is_no_voice(desk: Desk) -> None:
    """The version that most agents made is first; of two candidates that somebody compares, both count."""
    desk.candidate(4, {"t": with_lines(l2=" two \n", l5="5\n")}).kind = "composed"
    desk.candidate(5, {"t": with_lines(l2=" two \n")}).kind = "synthesised"
    found = file(desk, "t")
    assert (found["of"], found["voices"]) == ([1, 2, 3, 4, 5], [1, 2, 3])
    assert agents(found["places"]) == [(2, 3, [[1, 2], [3, 4, 5]]), (5, 6, [[1], [2, 4]])]
    assert aligned(desk)["voices"] == desk.diffed()["voices"] == [1, 2, 3]
    assert file(desk, "t", 1, 4)["voices"] == [1, 4]


def test_a_file_comes_with_its_versions_and_places(desk: Desk) -> None:
    found = file(desk, "t")
    assert found["of"] == [1, 2, 3]
    assert agents(found["places"]) == [(2, 3, [[1, 2], [3]]), (5, 6, [[1], [2]])]
    assert found["versions"]["1"]["hunks"] == [[2, 3, 2, 3], [5, 6, 5, 6]]
    assert unb64(found["versions"]["3"]["b64"]) == with_lines(l2=" two \n")
    some = file(desk, "t", 3, 2)
    assert some["of"] == [3, 2] and agents(some["places"]) == [(2, 3, [[2], [3]]), (5, 6, [[2]])]


def test_renamed_deleted_emptied_and_untouched_files(desk: Desk) -> None:
    new = file(desk, "new")
    assert new["base_b64"] is None and new["base_mode"] is None
    assert agents(new["places"]) == [(1, 1, [[2]])]
    assert new["versions"]["1"] == {
        "b64": None,
        "mode": None,
        "commit": desk.run.candidate(1).commit,
        "hunks": [],
    }
    old = file(desk, "old")
    assert old["versions"]["2"]["b64"] is None and agents(old["places"]) == [(1, 11, [[2]])]
    gone = file(desk, "gone")
    assert gone["versions"]["1"]["mode"] is None and gone["versions"]["3"]["b64"] == ""
    assert agents(gone["places"]) == [(1, 2, [[1], [3]])]
    nobody = file(desk, "old", 3)
    assert unb64(nobody["base_b64"]) == TEXT and nobody["places"] == []
    assert file(desk, "nowhere")["base_b64"] is None


def test_what_is_no_text_has_no_places(desk: Desk) -> None:
    found = file(desk, "bin")
    assert found["places"] == [] and found["versions"]["2"]["hunks"] == []
    assert unb64(found["versions"]["1"]["b64"]) == b"\0b"


def test_all_files_at_once_say_what_each_says(desk: Desk) -> None:
    found = aligned(desk)
    assert found["of"] == [1, 2, 3]
    assert [entry["path"] for entry in found["files"]] == ["gone", "n\new", "new", "old", "t"]
    for entry in found["files"]:
        assert entry["places"] == file(desk, entry["path"])["places"]
    only = aligned(desk, "t", "bin", numbers=(1, 2))
    assert [(e["path"], agents(e["places"])) for e in only["files"]] == [
        ("t", [(2, 3, [[1, 2]]), (5, 6, [[1], [2]])])
    ]
