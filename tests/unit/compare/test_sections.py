"""Documents side by side: which section of one is which of the other."""

from __future__ import annotations

import pytest

from kage_nvim.compare.sections import INTRODUCTION, aligned, normal, read, table

ONE = """# A small server

It is small.

## 1. Summary

One process.

## 2. Risks & costs

- it may be slow

```sh
# not a heading
```

### Costs
Two days.
"""
TWO = """The second plan
===============

Summary
-------
One   process.

## The migration
Move it.

## Risks and Costs:
none
"""
THREE = "## Open questions\nmany\n\n## *Summary*\nThree.\n\n## Risk\nhigh\n"


def shape(*documents: str) -> list[tuple[str, list[int]]]:
    """The rows' titles, and who has them."""
    rows = aligned(dict(enumerate(documents, 1)))
    return [(row.title, sorted(row.of)) for row in rows]


def test_sections_are_aligned_by_what_their_headings_say() -> None:
    assert shape(ONE, TWO) == [
        (INTRODUCTION, [1]),
        ("1. Summary", [1, 2]),
        ("The migration", [2]),
        ("2. Risks & costs", [1, 2]),
        ("Costs", [1]),
    ]
    assert shape(ONE, TWO, THREE) == [
        (INTRODUCTION, [1]),
        ("Open questions", [3]),
        ("1. Summary", [1, 2, 3]),
        ("The migration", [2]),
        ("2. Risks & costs", [1, 2, 3]),
        ("Costs", [1]),
    ]


def test_a_section_has_its_own_lines() -> None:
    lines = ONE.splitlines()
    found = {section.title: section for section in read(ONE)}
    assert "not a heading" not in found and "# not a heading" in found["2. Risks & costs"].text
    for title in ("1. Summary", "2. Risks & costs", "Costs"):
        assert title in lines[found[title].first - 1]
    assert found["Costs"].trail == ("risks costs", "costs") and found["Costs"].past == len(lines) + 1
    assert read(TWO)[0].first == 4 and read(TWO)[0].text == "One   process."


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a title\n", "no heading at all", "---\n", "#\n##\n", "```\n# a\n"]
)
def test_odd_documents_have_sections_or_none(text: str) -> None:
    assert "Costs" in [row.title for row in aligned({1: text, 2: ONE})]
    assert all(section.first < section.past for section in read(text))


def test_duplicate_titles_stay_apart_and_keep_their_order() -> None:
    text = "## Phase 1\n### Risks\na\n## Phase 2\n### Risks\nb\n"
    rows = aligned({1: text, 2: text.replace("a\n", "c\n")})
    assert [(row.title, [one.text for one in row.of.values()]) for row in rows if row.title == "Risks"] == [
        ("Risks", ["a", "c"]),
        ("Risks", ["b", "b"]),
    ]
    twice = "## Risks\na\n## Risks\nb\n"
    assert shape(twice, twice) == [("Risks", [1, 2])] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1. Summary", "Summary", True),
        ("## b) The *Costs*:", "Costs", True),
        ("IV. Risks", "risks", True),
        ("Step 2: Move", "Move", True),
        ("Costs & risks", "Costs and Risks", True),
        ("[Plan](x.md)", "Plan", True),
        ("Übersicht", "ÜBERSICHT", True),
        ("Phase 1", "Phase 2", False),
        ("I think so", "think so", False),
    ],
)
def test_what_of_a_heading_counts(one: str, other: str, same: bool) -> None:
    assert (normal(one.lstrip("# ")) == normal(other)) is same


def test_the_table_says_who_has_what_and_who_says_the_same() -> None:
    agents = [{"number": n, "path": "P.md", "lines": 9, "others": ["x"] * (n - 1)} for n in (1, 2)]
    rows = table(aligned({1: ONE, 2: TWO}), agents, {1: "fast"})
    assert [(row["text"], row["cells"], row["how"]) for row in rows] == [
        ("", ["1 fast", "2"], ""),
        ("lines", ["9", "9"], ""),
        ("other files changed", ["", "1"], ""),
        (INTRODUCTION, ["1", ""], "only 1"),
        ("1. Summary", ["1", "1"], "same"),
        ("The migration", ["", "1"], "only 2"),
        ("2. Risks & costs", ["4", "1"], "differ"),
        ("Costs", ["1", ""], "only 1"),
    ]
    assert rows[4]["lines"] == {"1": 5, "2": 4} and rows[4]["path"] == "P.md"
    agents.append({"number": 3, "path": "", "lines": 0, "others": []})
    third = table(aligned({1: ONE, 2: TWO}), agents, {})
    assert [row["how"] for row in third] == [row["how"] for row in rows], "one without a document has no part"


def test_headings_that_differ_in_a_number_are_different_sections() -> None:
    assert shape("## Phase one 1\na\n", "## Phase one 2\nb\n") == [("Phase one 2", [2]), ("Phase one 1", [1])]
    assert shape("## Open question\n", "## Open questions\n") == [("Open question", [1, 2])]
