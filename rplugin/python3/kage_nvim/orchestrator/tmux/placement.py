"""Make room for agents in a tmux server: a column beside the editor, or tiled windows of their own.

Every pane is made empty and gets its child at the end: so its options are set before the child can end,
and a child that fails at once still leaves its last screen.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kage_nvim.orchestrator.tmux import layout
from kage_nvim.orchestrator.tmux.server import TmuxFailed, run_tmux

SESSION = "kage-agents"
"""The detached session of panes that stand in no window of the user's."""
SIZE = (200, 50)
HOLDER = ("env", "-i", "cat")
"""What stands in a window's first pane until its agent starts: it waits and says nothing."""
TAG = "@kage"
"""The option that marks a pane as ours; its value is the agent's number."""
RUN = "@kage_run"
"""The option that holds the name of the pane's run."""


class Home(NamedTuple):
    """The editor's pane and its window, as they are now. Sizes are in ``root`` and real even when zoomed."""

    pane: str
    window: str
    session: str
    zoomed: bool
    active: str
    least_rows: int
    root: layout.Cell
    ours: set[str]

    @property
    def cell(self) -> layout.Cell:
        """The editor's own pane."""
        return next(cell for cell in self.root.panes() if cell.pane == self.pane)

    def zoom_again(self) -> list[list[str]]:
        """What restores the zoom after a command that cannot keep it."""
        return [["resize-pane", "-Z", "-t", self.active]] if self.zoomed else []


def find_home(socket: Path, pane: str | None) -> Home | None:
    """Where the editor's pane is; None when the pane or the server is gone."""
    if pane is None:
        return None
    fields = ("pane_id", "window_id", "session_id", "window_zoomed_flag", "pane_active", TAG)
    form = "\t".join([*(f"#{{{f}}}" for f in fields), "#{pane-border-status}", "#{window_layout}"])
    try:
        lines = run_tmux(socket, [["list-panes", "-t", pane, "-F", form]])
    except TmuxFailed:
        return None
    rows = [line.split("\t") for line in lines]
    mine = next((row for row in rows if row[0] == pane), None)
    if mine is None:
        return None
    return Home(
        pane=pane,
        window=mine[1],
        session=mine[2],
        zoomed=mine[3] == "1",
        active=next((row[0] for row in rows if row[4] == "1"), pane),
        least_rows=_least_rows(mine[6]),
        root=layout.parse(mine[7]),
        ours={row[0] for row in rows if row[5]},
    )


def _least_rows(border_status: str) -> int:
    """Rows of a cell whose pane is readable: a border with titles takes one of them."""
    return layout.AGENT_ROWS + (border_status in ("top", "bottom"))


def find_session(socket: Path) -> str | None:
    """The id of the detached session, or None."""
    try:
        lines = run_tmux(socket, [["list-sessions", "-F", "#{session_id}\t#{session_name}"]])
    except TmuxFailed:
        return None
    return next((line.split("\t")[0] for line in lines if line.split("\t")[1] == SESSION), None)


class Maker:
    """Makes empty panes on one server; ``born`` has all of them, also when a later one failed."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.born: list[str] = []

    def make(self, commands: list[list[str]]) -> list[str]:
        """Run commands that print a pane's id first on their line; returns the lines."""
        try:
            lines = run_tmux(self.socket, commands)
        except TmuxFailed as error:
            self.born += [line.split()[0] for line in error.printed if line]
            raise
        self.born += [line.split()[0] for line in lines]
        return lines

    def below(self, pane: str, rows: list[int]) -> list[str]:
        """Split panes of those heights off below, the lowest first: each takes its rows from ``pane``."""
        return self.make([_split(pane, "-v", height) for height in reversed(rows)])[::-1]


def beside(maker: Maker, home: Home, count: int) -> list[str]:
    """Empty panes in our column of the editor's window, from the top; as many as fit, maybe none."""
    column = layout.column(home.root, home.ours)
    if column:
        return _extend(maker, home, column, count)
    plan = layout.beside(home.cell.width, home.cell.height, count, least_rows=home.least_rows)
    if plan is None:
        return []
    first = maker.make([_split(home.pane, "-h", plan.columns)])
    made = first + maker.below(first[0], plan.rows[1:])
    run_tmux(maker.socket, home.zoom_again())
    return made


def _extend(maker: Maker, home: Home, column: list[layout.Cell], count: int) -> list[str]:
    count = layout.extension(column, count, least_rows=home.least_rows)
    if not count:
        return []
    made = maker.below(column[-1].pane, [1] * count)
    run_tmux(maker.socket, [["select-layout", "-E", "-t", made[0]], *home.zoom_again()])
    return made


def _split(pane: str, way: str, size: int) -> list[str]:
    """One empty pane, without moving the focus. It ends a zoom: ``-Z`` would also begin one."""
    return ["split-window", way, "-d", "-t", pane, "-l", str(size), "-P", "-F", "#{pane_id}", ""]


def tiled(maker: Maker, session: str | None, count: int) -> list[str]:
    """Empty panes in one new window, as many as are readable there, at least one.

    Each is cut to its final size: laying the window out after every split would be quadratic.
    ``session`` None is the detached session, made when it is not there.
    """
    detached = session is None
    session = session or find_session(maker.socket)
    form = ["-P", "-F", "#{pane_id} #{window_id} #{window_width} #{window_height} #{pane-border-status}"]
    if session is None:
        size = ["-x", str(SIZE[0]), "-y", str(SIZE[1])]
        make = [["new-session", "-d", "-s", SESSION, "-n", "kage", *size, *form, *HOLDER]]
        make += [["set-option", "-t", f"={SESSION}:", "destroy-unattached", "off"]]
    else:
        make = [["new-window", "-d", "-t", f"{session}:", "-n", "kage", *form, *HOLDER]]
    first, window, width, height, borders = maker.make(make)[0].split()
    options = [["set-option", "-w", "-t", window, "automatic-rename", "off"]]
    options += [["set-option", "-w", "-t", window, "window-size", "latest"]] if detached else []
    rows = layout.grid(int(width), int(height), count, least_rows=_least_rows(borders))
    heights = layout.spread(int(height), len(rows))
    run_tmux(maker.socket, options)
    starts = [first, *maker.below(first, heights[1:])]
    cuts = [_split(start, "-h", w) for start, row in zip(starts, rows, strict=True) for w in row[:0:-1]]
    rest = iter(maker.make(cuts))
    made: list[str] = []
    for start, row in zip(starts, rows, strict=True):
        made += [start, *[next(rest) for _ in row[1:]][::-1]]
    return made
