"""A task as a checklist, and what models and checks say of it."""

from __future__ import annotations

import pytest

from kage_nvim.evaluate.judging import checklist


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("- [ ] add adds\n- [x] sub subtracts\n- a bullet", ["add adds", "sub subtracts"]),
        ("Do:\n1. add adds\n2) sub\n   subtracts\n\nThanks", ["add adds", "sub subtracts"]),
        ("* one\n* two\n+ one", ["one", "two"]),
        ("- only one bullet", []),
        ("- [ ] only one box", ["only one box"]),
        ("```\n- code\n- more\n```\njust text", []),
        ("make it faster - and better", []),
        ("- evil \x1b[31m\n- two", ["evil ␛[31m", "two"]),
    ],
)
def test_a_task_that_is_a_list_is_its_own_checklist(task: str, found: list[str]) -> None:
    assert checklist.own(task) == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('```json\n["a", "b"]\n```', ["a", "b"]),
        ('{"requirements": [{"text": "a"}, {"requirement": "b"}]}', ["a", "b"]),
        ('["a", "b", "it breaks o', ["a", "b", "it breaks o"]),
        ("1. a\n2. b", ["a", "b"]),
        ("no idea", []),
        ('{"a": 1}', []),
        ("[1, 2, null]", []),
    ],
)
def test_a_drawn_one_is_read_as_it_comes(answer: str, found: list[str]) -> None:
    assert checklist.drawn(answer) == found


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        (
            '{"1": {"state": "met", "evidence": "a.py:3"}, "2": {"state": "unmet", "evidence": "b"}}',
            "met unmet",
        ),
        ('[{"state": "met", "evidence": "x"}, {"met": false, "evidence": "y"}]', "met unmet"),
        ('{"items": [{"number": 2, "state": "met", "evidence": "x"}]}', "unknown met"),
        ('{"result": {"1": {"status": "Not met", "why": "z"}}}', "unmet unknown"),
        ('{"1": "met: a.py:3", "2": "perhaps"}', "met unknown"),
        (
            '{"1": {"state": "met", "evidence": ""}, "2": {"state": "great", "evidence": "x"}}',
            "unknown unknown",
        ),
        ('{"1": {"state": "met", "evidence": "a.py:3"}, "2": {"sta', "met unknown"),
        ("junk", "unknown unknown"),
        ("", "unknown unknown"),
    ],
)
def test_what_nobody_showed_is_unknown(answer: str, states: str) -> None:
    assert [state for state, _ in checklist.examined(answer, 2)] == states.split()


def test_checks_decide_what_asks_for_them() -> None:
    checks = {"unit": ("test", "pass"), "style": ("lint", "fail"), "slow": ("custom", "running")}
    assert checklist.by_checks("all tests pass", checks) == ("met", "check unit")
    assert checklist.by_checks("the linter is clean", checks) == ("unmet", "check style")
    assert checklist.by_checks("`slow` passes", checks) is None
    assert checklist.by_checks("add a test for zero", checks) is None
    assert checklist.by_checks("types are green", checks) is None
