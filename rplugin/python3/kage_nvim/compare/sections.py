"""Markdown documents side by side: their sections, aligned by what their headings say. Pure.

# Plan A         # The second plan        a document's title says nothing of its sections
## 1. Summary    ## Summary               the same section: numbers, marks and case do not count
## Risks         ## Risks & costs         nearly the same words: the same section
                 ### Costs                below another one: a section of its own
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_NUMBER = re.compile(
    r"^(?:(?:section|part|step|chapter)\s+)?(?:\d+(?:\.\d+)*[.):]?|[ivx]+[.)]|[a-z][.)])\s+", re.IGNORECASE
)
_ARTICLES = frozenset({"the", "a", "an", "our", "your", "of", "and", "for", "to", "in"})
LIKE = 0.84
"""From this ratio of equal letters on, two headings say the same."""
INTRODUCTION = "(introduction)"
"""What stands above the first section is called so."""


class Heading(NamedTuple):
    """A heading: its line and the one after it (1-based), its level and its words."""

    line: int
    after: int
    level: int
    words: str


@dataclass(frozen=True)
class Section:
    """A heading with its own text, up to the next heading: lines ``[first, past)``, 1-based.

    ``trail`` are the normalised titles that lead to it, the document's own title not among them.
    """

    title: str
    level: int
    first: int
    past: int
    text: str
    trail: tuple[str, ...]


@dataclass(eq=False)
class Row:
    """One section as the documents have it, by number."""

    title: str
    level: int
    trail: tuple[str, ...]
    of: dict[int, Section] = field(default_factory=dict)

    @property
    def groups(self) -> list[list[int]]:
        """The documents that say the same there, the largest group first."""
        groups: dict[str, list[int]] = {}
        for number, section in sorted(self.of.items()):
            groups.setdefault(" ".join(section.text.split()), []).append(number)
        return sorted(groups.values(), key=lambda group: (-len(group), group))

    def json(self) -> dict[str, Any]:
        """As it is sent."""
        agents = {
            str(number): {
                "title": one.title,
                "first": one.first,
                "past": one.past,
                "lines": _lines(one),
                "text": one.text,
            }
            for number, one in sorted(self.of.items())
        }
        return {"title": self.title, "level": self.level, "groups": self.groups, "agents": agents}


def read(text: str) -> list[Section]:
    """The sections of a document in their order; headings in code are none."""
    lines = text.splitlines()
    heads = _headings(lines)
    ends = [*(head.line for head in heads[1:]), len(lines) + 1]
    top = min((head.level for head in heads), default=1)
    is_first = bool(heads) and heads[0].level == top and sum(head.level == top for head in heads) == 1
    is_titled = is_first and (top == 1 or len(heads) > 1)
    found = []
    past = ends[0] if is_titled else heads[0].line if heads else len(lines) + 1
    skipped = range(heads[0].line, heads[0].after) if is_titled else ()
    above = "\n".join(line for at, line in enumerate(lines[: past - 1], 1) if at not in skipped).strip()
    if above:
        found.append(Section(INTRODUCTION, top + is_titled, 1, past, above, (INTRODUCTION,)))
    trail: list[tuple[int, str]] = []
    for head, end in list(zip(heads, ends, strict=False))[is_titled:]:
        trail = [(level, name) for level, name in trail if level < head.level]
        trail.append((head.level, normal(head.words)))
        body = "\n".join(lines[head.after - 1 : end - 1]).strip()
        names = tuple(name for _, name in trail)
        found.append(Section(head.words or "(untitled)", head.level, head.line, end, body, names))
    return found


def _headings(lines: Sequence[str]) -> list[Heading]:
    found: list[Heading] = []
    fence = ""
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not line.strip(" `~") else fence
        elif mark:
            fence = mark[1]
        elif atx := _ATX.match(line):
            found.append(Heading(index + 1, index + 2, len(atx[1]), _plain(atx[2] or "")))
        elif _is_underline(lines, index, found):
            level = 1 if line.strip().startswith("=") else 2
            found.append(Heading(index, index + 2, level, _plain(lines[index - 1])))
    return found


def _is_underline(lines: Sequence[str], index: int, found: Sequence[Heading]) -> bool:
    """Whether a line of ``=`` or ``-`` makes the paragraph of one line above it a heading."""
    if not index or not _SETEXT.match(lines[index]):
        return False
    above = lines[index - 1].strip()
    is_text = bool(above) and not re.match(r"[-*+>|]|\d+[.)]\s|#{1,6}\s|-{3,}", above)
    return is_text and (index < 2 or not lines[index - 2].strip() or bool(found and found[-1].after == index))


def _plain(words: str) -> str:
    """A heading's words without the marks of Markdown."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", words)
    return re.sub(r"[*_`]+", "", words).strip()


def normal(title: str) -> str:
    """What of a heading counts when two are compared."""
    words = _NUMBER.sub("", _plain(title).casefold()).replace("&", " and ")
    kept = [word for word in re.findall(r"\w+", words) if word not in _ARTICLES]
    return " ".join(kept) or words.strip()


def aligned(documents: Mapping[int, str]) -> list[Row]:
    """The sections of all documents, each in one row with those of others that say the same, in an order in
    which every document's own is kept as far as it can be."""
    rows: list[Row] = []
    for number in sorted(documents):
        before = -1
        for section in read(documents[number]):
            row = _row_of(rows, section, number)
            if row is None:
                row = Row(section.title, section.level, section.trail)
                is_below = bool(rows) and rows[0].title == INTRODUCTION != row.title
                rows.insert(max(before, is_below - 1) + 1, row)
            row.of[number] = section
            before = rows.index(row)
    return rows


def _row_of(rows: Sequence[Row], section: Section, number: int) -> Row | None:
    """The row that a section belongs to: of the same trail, else of the same words wherever they stand, else
    of nearly the same words at the same place of the tree."""
    free = [row for row in rows if number not in row.of]
    exact = [row for row in free if row.trail == section.trail]
    if exact:
        return exact[0]
    name = section.trail[-1]
    same = [row for row in free if row.trail[-1] == name]
    if len(same) == 1:
        return same[0]
    beside = [row for row in free if len(row.trail) == len(section.trail)]
    like = [(_likeness(row.trail[-1], name), -at) for at, row in enumerate(beside)]
    best = max(like, default=(0.0, 0))
    return beside[-best[1]] if best[0] >= LIKE else None


def _likeness(one: str, other: str) -> float:
    """1.0 for the same words; a heading whose words are all in the other's is like it, too."""
    if INTRODUCTION in (one, other):
        return float(one == other)
    words, others = ({word.rstrip("s") for word in title.split()} for title in (one, other))
    if any(word.isdigit() for word in words ^ others):
        return 0.0  # phase 1, phase 2
    if words & others and words & others in (words, others) and len(words ^ others) <= 1:
        return 0.9
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _lines(section: Section) -> int:
    return sum(bool(line.strip()) for line in section.text.splitlines())


def table(
    rows: Sequence[Row], agents: Sequence[Mapping[str, Any]], players: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The rows as ``compare.contrast.rows`` makes a table: which document has which section, in how many
    lines, who says the same."""
    numbers = [agent["number"] for agent in agents]
    made = [
        _told("head", "", [f"{n} {players.get(n, '')}".strip() for n in numbers]),
        _told("total", "lines", [str(agent["lines"] or "none") for agent in agents]),
    ]
    if any(agent["others"] for agent in agents):
        made.append(_told("total", "other files changed", [str(len(a["others"]) or "") for a in agents]))
    paths = {agent["number"]: agent["path"] for agent in agents}
    base = min((row.level for row in rows), default=1)
    for row in rows:
        cells = [_cell(row.of.get(number)) for number in numbers]
        how = _how(row.groups, [number for number in numbers if paths[number]])
        one = _told("file" if row.level <= base else "symbol", row.title, cells, how)
        one["path"] = paths[min(row.of)]
        one["lines"] = {str(number): section.first for number, section in row.of.items()}
        made.append(one)
    return made


def _told(level: str, text: str, cells: list[str], how: str = "") -> dict[str, Any]:
    return {"level": level, "text": text, "cells": cells, "how": how, "path": "", "lines": {}}


def _cell(section: Section | None) -> str:
    if section is None:
        return ""
    return str(_lines(section) or "empty")


def _how(groups: list[list[int]], numbers: Sequence[int]) -> str:
    """As in the contrast of code."""
    have = [number for group in groups for number in group]
    if len(numbers) == 1:
        return ""
    if len(have) == 1:
        return f"only {have[0]}"
    if len(groups) == 1:
        return "same" if len(have) == len(numbers) else " ".join(map(str, sorted(have)))
    if len(have) < len(numbers):
        return f"differ, not in {' '.join(str(n) for n in numbers if n not in have)}"
    return "differ"
