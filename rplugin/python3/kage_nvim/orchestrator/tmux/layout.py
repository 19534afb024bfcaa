"""Where agents' panes go: pure arithmetic over tmux's description of a window.

::

    ┌────────────┬───────┐   beside: only the editor's pane is split,
    │            │ kage 1│   and only our column is split further
    │   editor   ├───────┤
    │   ≥ 80     │ kage 2│   what does not fit at 60 by 8
    ├────────────┤  ≥ 60 │   goes to windows of its own
    │ the user's │       │
    └────────────┴───────┘
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

EDITOR_COLUMNS = 80
AGENT_COLUMNS = 60
AGENT_ROWS = 8


class Cell(NamedTuple):
    """One cell of a window's layout: a pane, a row of cells side by side, or a column of stacked ones."""

    width: int
    height: int
    x: int
    y: int
    kind: str
    pane: str = ""
    children: tuple[Cell, ...] = ()

    def panes(self) -> Iterator[Cell]:
        """The cells that are panes, from the top left."""
        if self.kind == "pane":
            yield self
        for child in self.children:
            yield from child.panes()

    def cells(self) -> Iterator[Cell]:
        """This cell and all within it, outer ones first."""
        yield self
        for child in self.children:
            yield from child.cells()


class Beside(NamedTuple):
    """A column of agents: its width and the height of each pane from the top, in character cells."""

    columns: int
    rows: list[int]


_CELL = re.compile(r"(\d+)x(\d+),(\d+),(\d+)(?:,(\d+))?([\[{]?)")


def parse(layout: str) -> Cell:
    """Read ``#{window_layout}``, which tells the real sizes even while the window is zoomed."""
    return _parse(layout, layout.index(",") + 1)[0]


def _parse(text: str, at: int) -> tuple[Cell, int]:
    found = _CELL.match(text, at)
    if found is None:
        raise ValueError(f"not a tmux layout: {text!r}")
    width, height, x, y = (int(found[n]) for n in range(1, 5))
    at = found.end()
    if not found[6]:
        return Cell(width, height, x, y, "pane", f"%{found[5]}"), at
    children: list[Cell] = []
    while True:
        child, at = _parse(text, at)
        children.append(child)
        at += 1
        if text[at - 1] != ",":
            break
    kind = "row" if found[6] == "{" else "column"
    return Cell(width, height, x, y, kind, "", tuple(children)), at


def spread(length: int, count: int) -> list[int]:
    """Cut a length into ``count`` parts with a line between each two; the first ones get what is over."""
    part, over = divmod(length - (count - 1), count)
    return [part + (1 if index < over else 0) for index in range(count)]


def capacity(length: int, least: int) -> int:
    """How many parts of at least that size a length holds, with a line between each two."""
    return (length + 1) // (least + 1)


def beside(width: int, height: int, count: int, *, least_rows: int = AGENT_ROWS) -> Beside | None:
    """The column next to an editor's pane of that size for as many of the agents as fit, or None."""
    fit = min(count, capacity(height, least_rows))
    if width < EDITOR_COLUMNS + 1 + AGENT_COLUMNS or fit < 1:
        return None
    columns = max(AGENT_COLUMNS, min(width - EDITOR_COLUMNS - 1, width * 2 // 5))
    return Beside(columns, spread(height, fit))


def column(root: Cell, ours: set[str]) -> list[Cell]:
    """The panes of a column of ours in this window from the top, or none when there is none to extend.

    A column counts only when all of it is ours: extending or evening out another would move the user's.
    """
    for cell in root.cells():
        if cell.kind == "column" and all(c.kind == "pane" and c.pane in ours for c in cell.children):
            return list(cell.children)
    for cell in root.cells():
        if cell.kind == "row":
            for child in cell.children:
                if child.kind == "pane" and child.pane in ours:
                    return [child]
    return []


def extension(panes: list[Cell], count: int, *, least_rows: int = AGENT_ROWS) -> int:
    """How many more panes fit below the last of a column, each at its least height after evening out."""
    height = panes[-1].y + panes[-1].height - panes[0].y
    free = capacity(height, least_rows) - len(panes)
    # Each split of the last pane takes two of its rows until the column is evened out.
    room = (panes[-1].height - 2) // 2
    return max(0, min(count, free, room))


def grid(width: int, height: int, count: int, *, least_rows: int = AGENT_ROWS) -> list[list[int]]:
    """Rows of a tiled window as lists of pane widths, for as many of the agents as fit; at least one."""
    most_columns = max(1, capacity(width, AGENT_COLUMNS))
    most_rows = max(1, capacity(height, least_rows))
    count = min(count, most_columns * most_rows)

    def narrowest(columns: int) -> float:
        rows = -(-count // columns)
        return min(spread(width, columns)[-1] / AGENT_COLUMNS, spread(height, rows)[-1] / least_rows)

    choices = [c for c in range(1, most_columns + 1) if -(-count // c) <= most_rows]
    columns = max(choices, key=narrowest)
    rows = -(-count // columns)
    each, over = divmod(count, rows)
    return [spread(width, each + (1 if row < over else 0)) for row in range(rows)]
