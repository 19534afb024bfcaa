"""What a planner meant to answer."""

from __future__ import annotations

import json

import pytest

from kage_nvim.evaluate.planning import read, sections, title, told

TWO = {1: "a\ndo a", 2: "b\ndo b"}
PARTS = [{"title": "a", "task": "do a"}, {"title": "b", "task": "do b"}]


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"parts": PARTS}),
        json.dumps(PARTS),
        f"<think>two? {{}}</think>Here:\n```json\n{json.dumps({'parts': PARTS}, indent=1)}\n```\nGood luck!",
        json.dumps({"parts": ["a\ndo a", "b\ndo b"]}),
        "Whole\n## 1. a\ndo a\n\n## Part 2: b\ndo b\n",
        json.dumps({"parts": [*PARTS, {"title": "", "task": " "}]}),
        '{"parts": [{"title": "a", "description": "do a"}, {"title": "b", "task": "do b"}], "why": "cut of',
    ],
)
def test_parts_are_found_in_what_models_write(answer: str) -> None:
    assert read(answer, None) == TWO


@pytest.mark.parametrize(
    "answer", ["", "no", "[]", '{"parts": 3}', '{"parts": [1, 2]}', '{"parts": ["one"]}', "[[[["]
)
def test_junk_holds_no_parts(answer: str) -> None:
    assert read(answer, None) == {}


def test_no_more_parts_than_asked_for_and_no_controls() -> None:
    assert list(read(json.dumps({"parts": ["a", "b\x1b[31m", "c"]}), 2).values()) == ["a", "b␛[31m"]
    assert len(read(json.dumps({"parts": [f"part {n}" for n in range(40)]}), None)) == 5


def test_sections_of_a_task_written_by_hand() -> None:
    assert sections("mend it\n\n## 1\nthe one\n### of it\n## 2 the other\nmore") == (
        "mend it",
        {1: "the one\n### of it", 2: "the other\nmore"},
    )
    assert sections("## Heading\n## 1st\ntext")[1] == {}


def test_an_agent_hears_of_its_part_and_of_the_others_titles() -> None:
    text = told(TWO, 2)
    assert "You do part 2" in text and "b\ndo b" in text and "- part 1: a\n" in text and "do a" not in text
    assert len(title("x" * 100)) == 60 and title("") == ""
