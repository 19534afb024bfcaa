"""Contradictions that no line shows."""

from __future__ import annotations

from typing import Any

from kage_nvim.compare.clashes import Clash, Edited, contradictions, overlaps, shared


def edited(added: str = "", removed: str = "") -> Edited:
    """Lines as an agent's edits, from line 1 on."""
    return Edited(list(enumerate(added.splitlines(), 1)), list(enumerate(removed.splitlines(), 1)))


def file(name: str, hows: dict[str, str], groups: list[list[int]] | None = None) -> list[dict[str, Any]]:
    """A file of a contrast in which one definition was touched."""
    agents = {number: {"how": how, "line": 3} for number, how in hows.items()}
    symbol = {"name": name, "agents": agents, "groups": groups or [[int(n)] for n in hows]}
    return [{"path": "a.py", "symbols": [symbol]}]


def texts(*args: Any) -> list[str]:
    """What is said of the contradictions."""
    return [clash.text for clash in contradictions(*args)]


def test_a_name_that_goes_and_is_used() -> None:
    gone = {"a.py": edited("", "def old(): pass")}
    for line, is_used in (
        ("x = old()", True),
        ("    self.old(1)", True),
        ("older()", False),
        ("def old(): pass", False),
    ):
        found = texts(file("Box.old", {"1": "removed"}), {1: gone, 2: {"b.py": edited(line)}})
        assert bool(found) is is_used, line
    assert found == []
    moved = {"a.py": gone["a.py"], "c.py": edited("def old(): pass")}
    assert texts(file("old", {"1": "removed"}), {1: moved, 2: {"b.py": edited("old()")}}) == [], "only moved"
    assert texts(file("old", {"1": "removed"}), {1: gone, 2: {"b.py": edited("", "old()")}}) == []


def test_a_signature_that_changes_and_is_used() -> None:
    changed = file("fit", {"1": "changed"})
    user = {"b.py": edited("fit(1)")}
    for before, after, clashes in (
        ("def fit(a):", "def fit(a, b):", True),
        ("fn fit(a: u8) {", "fn fit(a: u16) {", True),
        ("    return 1", "    return 2", False),
    ):
        assert bool(texts(changed, {1: {"a.py": edited(after, before)}, 2: user})) is clashes, after


def test_the_same_name_added_twice() -> None:
    work = {1: {"a.py": edited("def new_one(): 1")}, 2: {"a.py": edited("def new_one(): 2")}}
    added = {"1": "added", "2": "added"}
    assert texts(file("new_one", added), work) == ["agents 1 and 2 each add `new_one`, differently"]
    assert texts(file("new_one", added, [[1, 2]]), work) == []


def test_what_several_did_alike_is_an_overlap() -> None:
    version = {"agents": [1, 3], "how": "same", "spans": {}}
    alone, apart = {"agents": [2], "how": "same", "spans": {}}, {"agents": [1], "how": "same", "spans": {}}
    places = [
        {"first": 4, "past": 5, "versions": [version]},
        {"first": 7, "past": 8, "versions": [alone]},
        {"first": 9, "past": 9, "versions": [alone, apart]},
    ]
    (found,) = overlaps([{"path": "a.py", "places": places}])
    assert (found.kind, found.line, found.agents) == ("overlap", 4, [1, 3])


def test_one_definition_changed_at_different_places() -> None:
    both = {"1": "changed", "2": "changed"}
    (found,) = shared(file("fit", both), [])
    assert (found.kind, found.path, found.line) == ("overlap", "a.py", 3)
    assert found.text == "agents 1 and 2 change `fit` at different places"
    assert shared(file("fit", both, [[1, 2]]), []) == [], "the same change is told by its lines"
    assert shared(file("fit", {"1": "changed", "2": "removed"}), []) == []
    for line, left in ((2, 1), (3, 0), (9, 0)):
        assert len(shared(file("fit", both), [Clash("contradiction", "a.py", line, [1, 2], "x")])) == left


def test_one_name_defined_in_two_files() -> None:
    def added(path: str, name: str, number: str) -> dict[str, Any]:
        one = {"name": name, "agents": {number: {"how": "added", "line": 7}}, "groups": [[int(number)]]}
        return {"path": path, "symbols": [one]}

    (found,) = shared([added("a.py", "helper", "2"), added("b.py", "helper", "1")], [])
    assert (found.path, found.line, found.agents) == ("b.py", 7, [1, 2])
    assert found.text == "agents 1 and 2 each define `helper` (b.py:7, a.py:7)"
    for name, path, number in (
        ("helper", "b.py", "2"),
        ("helper", "a.py", "1"),
        ("main", "b.py", "1"),
        ("Box.helper", "b.py", "1"),
        ("test_it", "b.py", "1"),
    ):
        assert shared([added("a.py", name, "2"), added(path, name, number)], []) == []
