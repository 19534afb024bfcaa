"""Where agents' panes stand: beside the editor, never in the way of what else the user has open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage, tape


@pytest.fixture
def fixing(stage: Stage, tmp_path: Path) -> Stage:
    """A stage whose player mends the repository, slowly enough to be seen at work."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX, delay=0.3))
    return stage


def layout(desk: Desk) -> str:
    """The window's layout without its checksum and without pane ids, which count up."""
    return desk.ask("#{window_layout}").split(",", 1)[1]


@pytest.mark.parametrize(("columns", "rows", "agents"), [(240, 50, 3), (160, 45, 2)])
def test_a_column_beside_the_editor_and_the_users_panes_as_they_were(
    fixing: Stage, columns: int, rows: int, agents: int
) -> None:
    with Desk(fixing, columns=columns, rows=rows) as desk:
        desk.tmux("split-window", "-d", "-v", "-l", "12", "-t", desk.editor, "cat")
        before, mine = layout(desk), desk.panes()
        desk.command(f"KageSpawn {agents} make add() add")
        desk.until_screen(f"{agents}●")
        now = desk.panes()
        added = {pane: place for pane, place in now.items() if pane not in mine}
        assert added, desk.picture()
        assert len({(left, width) for left, _, width, _ in added.values()}) == 1
        assert all(width >= 60 and height >= 8 for _, _, width, height in added.values())
        assert now[desk.editor][2] >= 80
        users = next(pane for pane in mine if pane != desk.editor)
        assert now[users] == mine[users]
        assert desk.ask("#{pane_active}") == "1"
        assert len(added) == agents or "kage" in desk.windows()
        desk.command("Kage clean")
        desk.until_screen("still works: agent")
        desk.command("Kage stop all")
        desk.until_screen("1[■✓].*2[■✓]")
        desk.command("Kage clean")
        desk.until_lua("return #require('kage.state').runs() == 0")
        assert layout(desk) == before
        assert desk.windows() == ["code"]


def test_what_is_too_narrow_gets_a_window_of_its_own(fixing: Stage) -> None:
    with Desk(fixing, columns=100, rows=30) as desk:
        before = layout(desk)
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("2●")
        assert layout(desk) == before
        assert desk.windows() == ["code", "kage"]
        assert desk.ask("#{window_active}#{pane_active}") == "11"
        desk.command("Kage focus 2")
        until(lambda: desk.active() != desk.editor, 5, "the focus in agent 2's pane")
        assert desk.active() in desk.panes("work:kage")
        desk.command("Kage stop all")
        desk.until_screen("1[■✓] 2[■✓]")


def test_a_zoomed_window_stays_zoomed_and_focus_and_hide_find_the_panes(fixing: Stage) -> None:
    with Desk(fixing, columns=200, rows=40) as desk:
        desk.tmux("split-window", "-d", "-v", "-l", "10", "-t", desk.editor, "cat")
        before, mine = layout(desk), desk.panes()
        desk.tmux("resize-pane", "-Z", "-t", desk.editor)
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1✓ 2✓")
        assert desk.ask("#{window_zoomed_flag}") == "1"
        desk.tmux("resize-pane", "-Z", "-t", desk.editor)
        agents = [pane for pane in desk.panes() if pane not in mine]
        assert len(agents) == 2
        assert "add() adds now." in desk.screen(agents[0])
        desk.command("Kage hide")
        desk.until_screen("panes are hidden")
        assert layout(desk) == before
        desk.command("Kage hide")
        desk.until_screen("panes are back")
        assert set(desk.panes()) == {*mine, *agents}
        desk.command("Kage focus 2")
        until(lambda: desk.active() == agents[1], 5, "the focus in agent 2's pane")


@pytest.mark.parametrize("place", ["window", "hidden"])
def test_the_option_puts_panes_elsewhere(fixing: Stage, place: str) -> None:
    with Desk(fixing, init=f"require('kage').setup({{ panes = '{place}' }})") as desk:
        before = layout(desk)
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1✓ 2✓")
        assert layout(desk) == before
        sessions = desk.tmux("list-sessions", "-F", "#{session_name}").split()
        if place == "window":
            assert desk.windows() == ["code", "kage"]
            assert sessions == ["work"]
        else:
            assert desk.windows() == ["code"]
        desk.command("Kage clean")
        desk.until_screen("2✓", gone=True)
        assert desk.windows() == ["code"]
        assert desk.tmux("list-sessions", "-F", "#{session_name}").split() == ["work"]


def test_outside_tmux_a_terminal_split_shows_the_agents(fixing: Stage) -> None:
    with Desk(fixing, columns=160, rows=40, outside=True) as desk:
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1✓ 2✓")
        assert list(desk.panes()) == [desk.editor]
        desk.command("Kage attach")
        shown = desk.until_screen(r"add\(\) adds now(.|\n)*add\(\) adds now")
        assert re.search(r"kage [12] · fix", shown)
        desk.keys("C-\\", "C-n")
        desk.command("quit")
        desk.until_screen("adds now", gone=True)
        desk.command("Kage hide")
        desk.until_screen("Kage:")
        desk.command("Kage focus 1")
        desk.until_screen(r"add\(\) adds now")


def test_a_users_own_settings_of_tmux_do_not_matter(fixing: Stage) -> None:
    conf = (
        "set -g base-index 1\nset -g pane-base-index 1\nset -g mouse on\nset -g default-command 'cat'\n"
        "set -g default-shell /bin/false\nset -g remain-on-exit on\nset -g pane-border-status top\n"
    )
    with Desk(fixing, conf=conf) as desk:
        desk.command("KageSpawn 2 make add() add")
        desk.until_screen("1✓ 2✓")
        assert len(desk.panes()) == 3
        desk.command("Kage clean")
        desk.until_screen("2✓", gone=True)
        assert list(desk.panes()) == [desk.editor]
