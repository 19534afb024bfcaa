"""What a review compares, and what reviewers can read of it: real repositories, no model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from kage_nvim.evaluate.reviewing.reported import read
from kage_nvim.orchestrator.consult import _sendable
from kage_nvim.orchestrator.reviewing import kept
from kage_nvim.orchestrator.reviewing.reader import FIRST, Reader, _fitting
from kage_nvim.orchestrator.reviewing.scope import Asked, Scope, _base, _commit, _empty, _scope, _words
from kage_nvim.orchestrator.shadow import Store, discover
from tests.conftest import git


def commit(root: Path, name: str, text: str) -> str:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-qm", name)
    return git(root, "rev-parse", "HEAD")


def test_the_base_is_where_the_branch_left_the_default_one(repository: Path, tmp_path: Path) -> None:
    root = repository
    first = git(root, "rev-parse", "HEAD")
    assert _base(root, "", first, False) == (first, "main")
    git(root, "clone", "-q", ".", str(tmp_path / "clone"))
    clone = tmp_path / "clone"
    git(clone, "checkout", "-qb", "feature")
    tip = commit(clone, "a.txt", "a\n")
    assert _base(clone, "", tip, False) == (first, "origin/main")
    # The default branch went on: the change is still what the branch did.
    newer = commit(root, "b.txt", "b\n")
    git(clone, "fetch", "-q")
    assert _base(clone, "", tip, False) == (first, "origin/main")
    assert _base(clone, "origin/main", tip, True) == (newer, "origin/main")
    git(root, "checkout", "-q", "--orphan", "other")
    alone = commit(root, "c.txt", "c\n")
    assert _base(root, "main", alone, False) == (newer, "main (they share no history)")
    assert _base(root, "", None, False)[0] == ""
    git(root, "branch", "-qD", "main")
    with pytest.raises(KageError, match="no base is known"):
        _base(root, "", alone, False)


def test_names_of_pull_requests_are_found_where_they_were_fetched_to(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    git(repository, "update-ref", "refs/pull/7/head", head)
    git(repository, "update-ref", "refs/remotes/origin/pr/8", head)
    for name in ("pull/7/head", "pull/7", "pr/8", "origin/pr/8", "main", head[:8]):
        assert _commit(repository, name) == head
    with pytest.raises(KageError, match="no revision") as failed:
        _commit(repository, "pull/9")
    assert "git fetch origin pull/NUMBER/head" in failed.value.fix


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("main"), ("main", "", False)),
        (Asked("a..b"), ("a", "b", True)),
        (Asked("a...b"), ("a", "b", False)),
        (Asked("..b"), ("HEAD", "b", True)),
        (Asked("FETCH_HEAD"), ("", "FETCH_HEAD", False)),
        (Asked("main", "pull/7"), ("main", "pull/7", False)),
    ],
)
def test_words_are_bases_ranges_and_heads(asked: Asked, words: tuple[str, str, bool]) -> None:
    assert _words(asked) == words


@pytest.mark.parametrize("asked", [Asked("--upload-pack=x"), Asked("a b"), Asked("", "-x")])
def test_options_are_no_revisions(asked: Asked) -> None:
    with pytest.raises(KageError, match="no revision"):
        _words(asked)


@pytest.fixture
def change(repository: Path) -> Scope:
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "rm", "-q", "calc_spec.py")
    (repository / "secret.txt").write_text("hunter2\n")
    (repository / "bin").write_bytes(b"\0\1")
    (repository / "link").symlink_to("/etc/passwd")
    (repository / "latin.txt").write_bytes("größe\r\nzwei".encode("latin-1"))
    (repository / "mark.txt").write_bytes(b"\xef\xbb\xbfone\n")
    (repository / ".kageignore").write_text("secret.txt\n")
    head = commit(repository, "src/a ü.py", "def one():\n    return 1\n" * 3000)
    store = Store.open(discover(repository))
    return _scope(store, "revision", "it", base, head)


def test_reviewers_read_the_tree_and_nothing_else(change: Scope) -> None:
    reader = Reader(change)
    assert any("secret.txt" in note and "reviewers" in note for note in change.notes)
    assert reader.paths == [
        ".kageignore",
        "bin",
        "calc_spec.py",
        "latin.txt",
        "link",
        "mark.txt",
        "src/a ü.py",
    ]
    assert "which the change deletes, lines 1 to" in reader.call("read_file", {"path": "calc_spec.py"})
    assert "calc_spec.py" not in reader.call("list_files", {})
    assert reader.lines("latin.txt") == ["größe", "zwei"] and reader.lines("mark.txt") == ["one"]
    assert reader.lines("calc.py")
    for path in ("secret.txt", "bin", "link", "../x", "/etc/passwd", ".git/config", "src", ""):
        assert reader.lines(path) is None
        assert "no text file" in reader.call("read_file", {"path": path})
    some = reader.call("read_file", {"path": "src/a ü.py", "first": "2", "last": 3.0})
    assert "    2      return 1\n    3  def one():" in some
    assert reader.call("read_file", {"path": "calc.py", "first": 99}) == "calc.py has 6 lines."
    whole = reader.call("read_file", {"path": "src/a ü.py"})
    assert len(whole) < 13_000 and "cut here" in whole
    assert reader.call("search", {"pattern": r"a [-*] b"}).split("\n") == [
        "calc.py:2:     return a - b",
        "calc.py:6:     return a * b",
    ]
    assert reader.call("search", {"pattern": "hunter2"}) == "Nothing matches."
    assert "a ü.py:1: def one():" in reader.call("search", {"pattern": "^def one", "glob": "*.py"})
    assert "does not take this pattern" in reader.call("search", {"pattern": "("})
    assert "regular expression" in reader.call("search", {})
    assert reader.call("list_files", {"glob": "src/*"}) == "src/a ü.py"
    assert "secret" not in reader.call("list_files", {})
    assert "is not changed" in reader.call("show_diff", {"path": "calc.py"})
    part = reader.call("show_diff", {"path": "src/a ü.py"})
    assert part.startswith("diff --git") and "go on with from=" in part
    assert reader.call("show_diff", {"path": "src/a ü.py", "from": 20_000}).count("one") > 10
    assert "There is no tool" in reader.call("shell", {"command": "ls"})
    assert "hunter2" not in reader.diff()


def test_no_large_file_hides_the_others(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    (repository / "a.min.js").write_text("x" * 500_000)
    (repository / "b.txt").write_text("a line of a long file\n" * 20_000)
    for at in range(600):
        (repository / f"d{at:03}_{'n' * 12}.py").write_text(f"x = {at}\n")
    (repository / "caf\udce9.py").write_text("z = 1\n")
    head = commit(repository, "e.py", "last = 1\n")
    store = Store.open(discover(repository))
    scope = _scope(store, "revision", "it", base, head)
    reader = Reader(scope)
    given = reader.opening()
    assert 0.8 * FIRST < len(given) < 1.1 * FIRST and given.count("+x = ") > 200
    assert "more characters in this line" in reader.call("show_diff", {"path": "a.min.js"})
    short, long, longer = _fitting(["a\n", "b\n" * 1000, "c\n" * 2000], 1000)
    assert short == "a\n" and "b\n" * 200 in long and "c\n" * 200 in longer and "cut here: " in long
    assert Reader(scope).opening() == given and "… cut here" not in Reader(scope).call(
        "show_diff", {"path": "e.py"}
    )
    # All names can be had, page by page.
    names, at = "", 0
    while "go on with from=" in (page := reader.call("show_diff", {"from": at})) or not at:
        names += page.partition("\n… cut")[0]
        at = int(re.search(r"from=(\d+)", page)[1])  # type: ignore[index]
    assert all(f" d{number:03}_" in names + page for number in range(600))
    # A name that is no UTF-8 is told, found and kept.
    assert "caf\udce9.py" in reader.paths
    assert reader.call("read_file", {"path": "caf\ufffd.py"}).endswith("z = 1")
    asked = {"path": "caf\ufffd.py", "first": 1, "last": 1, "claim": "z is one"}
    found, _ = read(asked, "style", reader.paths, reader.lines)
    assert found.path == "caf\udce9.py"
    more: dict[str, Any] = {"repository": "r", "created": 1.0, "kind": "yours", "title": "t", "base": "b"}
    review = kept.Review(id="r260101-000001-abcd", head="h", new="n", findings=[found], **more)
    kept.write(store, review)
    assert kept.read(store).findings == [found]
    assert json.dumps(_sendable([{"content": reader.summary()}]), ensure_ascii=False).encode()


def test_a_first_commit_is_compared_with_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("a\n")
    store = Store.open(discover(tmp_path))
    taken = store.snapshot({})
    reader = Reader(_scope(store, "yours", "it", "", taken.commit))
    assert reader.paths == ["a"] and "+a" in reader.diff()
    assert _empty(store) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_reviews_are_kept_and_the_oldest_go(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(discover(repository))
    monkeypatch.setattr(kept, "KEPT", 2)
    with pytest.raises(KageError, match="nothing was reviewed"):
        kept.read(store)
    more: dict[str, Any] = {"repository": "r", "created": 1.0, "kind": "yours", "title": "t", "base": "b"}
    for second in (1, 2, 3):
        review = kept.Review(id=f"r260101-00000{second}-abcd", head="h", new="n", **more)
        kept.write(store, review)
    assert kept.read(store).id.endswith("3-abcd")
    assert kept.read(store, "r260101-000002-abcd").title == "t"
    for name in ("r260101-000001-abcd", "../../../etc/passwd"):
        with pytest.raises(KageError, match="no review"):
            kept.read(store, name)
