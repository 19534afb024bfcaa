"""Hide agents' panes and bring them back where they were; what runs in them notices nothing but a size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kage_nvim.orchestrator.tmux import layout, placement
from kage_nvim.orchestrator.tmux.placement import SESSION, SIZE, TAG, Home
from kage_nvim.orchestrator.tmux.server import run_tmux

SEAT = "@kage_seat"
"""Where a hidden pane was: ``column ORDER WIDTH HEIGHT`` of our column, or ``window``."""


class _Pane(NamedTuple):
    id: str
    window: str
    hidden: bool
    seat: list[str]


def hide(socket: Path, home: Home | None, pane_ids: Sequence[str]) -> None:
    """Move the panes that stand in a window of the user's session to the detached session."""
    panes = [pane for pane in _panes(socket) if pane.id in pane_ids and not pane.hidden]
    if not panes:
        return
    session, spare = _detached(socket, home)
    commands: list[list[str]] = []
    column = layout.column(home.root, home.ours) if home is not None else []
    order = [cell.pane for cell in column]
    in_column = sorted((p for p in panes if p.id in order), key=lambda pane: order.index(pane.id))
    for pane in in_column:
        cell = column[order.index(pane.id)]
        seat = f"column {order.index(pane.id)} {cell.width} {cell.height}"
        commands.append(["set-option", "-p", "-t", pane.id, SEAT, seat])
    # From the bottom, so that each gives its rows to the one above and the last its columns to the editor.
    commands += [_break(pane.id, session) for pane in reversed(in_column)]
    if in_column and home is not None and home.active not in {pane.id for pane in in_column}:
        commands += home.zoom_again()
    commands += _windows(socket, [pane for pane in panes if pane not in in_column], session)
    commands += [["kill-window", "-t", spare]] if spare else []
    run_tmux(socket, commands)


def _windows(socket: Path, panes: list[_Pane], session: str) -> list[list[str]]:
    """Move whole windows where all of their panes go; pick the panes out of the others."""
    commands: list[list[str]] = []
    ids = {pane.id for pane in panes}
    for window in dict.fromkeys(pane.window for pane in panes):
        members = run_tmux(socket, [["list-panes", "-t", window, "-F", "#{pane_id}"]])
        commands += [["set-option", "-p", "-t", m, SEAT, "window"] for m in members if m in ids]
        if ids.issuperset(members):
            commands.append(["move-window", "-d", "-s", window, "-t", f"{session}:"])
        else:
            commands += [_break(m, session) for m in members if m in ids]
    return commands


def show(socket: Path, home: Home, pane_ids: Sequence[str]) -> None:
    """Bring hidden panes into the editor's session: the column to its place and sizes, windows as windows."""
    panes = [pane for pane in _panes(socket) if pane.id in pane_ids and pane.hidden]
    column = [pane for pane in panes if pane.seat[:1] == ["column"]]
    column.sort(key=lambda pane: int(pane.seat[1]))
    seated = _join(socket, home, column) if column and not layout.column(home.root, home.ours) else []
    rest = dict.fromkeys(pane.window for pane in panes if pane not in seated)
    run_tmux(socket, [["move-window", "-d", "-s", window, "-t", f"{home.session}:"] for window in rest])


def _join(socket: Path, home: Home, panes: list[_Pane]) -> list[_Pane]:
    """Seat the panes beside the editor, from the top, and return those that found room."""
    cell = home.cell
    plan = layout.beside(cell.width, cell.height, len(panes), least_rows=home.least_rows)
    if plan is None:
        return []
    seated = panes[: len(plan.rows)]
    columns, rows = plan
    wanted = [int(pane.seat[3]) for pane in seated]
    if sum(wanted) + len(wanted) - 1 == cell.height:
        rows = wanted
    if cell.width - 1 - int(seated[0].seat[2]) >= layout.EDITOR_COLUMNS:
        columns = max(int(seated[0].seat[2]), layout.AGENT_COLUMNS)
    first = seated[0].id
    commands = [["join-pane", "-h", "-d", "-l", str(columns), "-s", first, "-t", home.pane]]
    for pane, height in reversed(list(zip(seated[1:], rows[1:], strict=True))):
        commands.append(["join-pane", "-v", "-d", "-l", str(height), "-s", pane.id, "-t", first])
    run_tmux(socket, [*commands, *home.zoom_again()])
    return seated


def _break(pane: str, session: str) -> list[str]:
    return ["break-pane", "-d", "-n", "kage", "-s", pane, "-t", f"{session}:"]


def _panes(socket: Path) -> list[_Pane]:
    form = f"#{{pane_id}}\t#{{window_id}}\t#{{session_name}}\t#{{{TAG}}}\t#{{{SEAT}}}"
    rows = [line.split("\t") for line in run_tmux(socket, [["list-panes", "-a", "-F", form]])]
    return [_Pane(row[0], row[1], row[2] == SESSION, row[4].split()) for row in rows if row[3]]


def _detached(socket: Path, home: Home | None) -> tuple[str, str | None]:
    """The detached session, and the spare window to remove when it had to be made first."""
    session = placement.find_session(socket)
    if session is not None:
        return session, None
    width, height = (home.root.width, home.root.height) if home is not None else SIZE
    make = ["new-session", "-d", "-s", SESSION, "-x", str(width), "-y", str(height)]
    keep = ["set-option", "-t", f"={SESSION}:", "destroy-unattached", "off"]
    made = run_tmux(socket, [[*make, "-P", "-F", "#{session_id} #{window_id}", *placement.HOLDER], keep])
    session, spare = made[0].split()
    return session, spare
