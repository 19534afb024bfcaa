"""Proposals as text: each section of all documents beside each other. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from kage_nvim.cli.render import clean

NARROWEST = 36
"""Columns that a document needs beside another; with less, they stand below each other."""
GAP = " │ "


def told(answer: dict[str, Any], width: int) -> Iterator[str]:
    """The lines of ``kage diff`` of proposals (as ``contrast`` answers), for so many columns."""
    players = dict(zip((a["number"] for a in answer["agents"]), answer["table"][0]["cells"], strict=True))
    for agent in answer["agents"]:
        also = f", changes {len(agent['others'])} other files, too" if agent["others"] else ""
        where = f"{agent['path']}, {agent['lines']} lines{also}" if agent["path"] else "no document"
        yield clean(f"candidate {players[agent['number']]}: {where}")
    numbers = [agent["number"] for agent in answer["agents"] if agent["path"]]
    for section in answer["sections"]:
        yield ""
        yield clean(f"{'#' * section['level']} {section['title']}")
        yield from _section(section, numbers, players, width)


def _section(
    section: dict[str, Any], numbers: Sequence[int], players: dict[int, str], width: int
) -> Iterator[str]:
    groups = section["groups"]
    missing = [str(number) for number in numbers if str(number) not in section["agents"]]
    if missing:
        yield f"(not in {', '.join(missing)})"
    titles = [
        f"{' and '.join(map(str, group))} say the same" if len(group) > 1 else players[group[0]]
        for group in groups
    ]
    texts = [section["agents"][str(group[0])]["text"] or "(empty)" for group in groups]
    columns = (width - len(GAP) * (len(groups) - 1)) // len(groups)
    if len(groups) > 1 and columns >= NARROWEST:
        cells = [
            [*_wrapped(f"── {title}", columns), *_wrapped(text, columns)]
            for title, text in zip(titles, texts, strict=True)
        ]
        for row in zip_longest(*cells, fillvalue=""):
            yield GAP.join(cell.ljust(columns) for cell in row).rstrip()
        return
    for title, text in zip(titles, texts, strict=True):
        if len(numbers) > 1:
            yield clean(f"── {title}")
        yield from map(clean, text.splitlines())


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most that many columns, their indent kept."""
    lines = []
    for line in text.splitlines():
        shown = clean(line.expandtabs(4))
        indent = shown[: len(shown) - len(shown.lstrip())][: width // 2]
        lines += textwrap.wrap(shown, width, subsequent_indent=indent, drop_whitespace=False) or [""]
    return [line.rstrip() for line in lines]
