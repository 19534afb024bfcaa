"""Where agents' panes open, on a real tmux: their sizes, their places, and what stays as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from kage_nvim.orchestrator.tmux.panes import PaneRequest, Panes
from tests.conftest import until
from tests.unit.panes.conftest import User, requests

MakeUser = Callable[..., User]
ODD = """
set -g base-index 1
set -g pane-base-index 1
set -g mouse on
set -g default-shell /bin/false
set -g default-command "exit 7"
set -g remain-on-exit off
set -g renumber-windows on
set -g destroy-unattached off
set -g pane-border-status top
set -g allow-rename on
set -g default-terminal screen
"""


def alive(panes: Panes, ids: list[str]) -> bool:
    states = panes.list_all()
    return all(p in states and not states[p].dead for p in ids)


@pytest.mark.parametrize(
    ("size", "count", "beside"),
    [((240, 50), 3, 3), ((240, 50), 10, 5), ((160, 45), 3, 3), ((120, 40), 3, 0), ((81, 24), 3, 0)],
)
def test_every_screen_keeps_its_least_sizes(
    user: MakeUser, size: tuple[int, int], count: int, beside: int
) -> None:
    me = user(size)
    panes = me.panes()
    opened = panes.open(requests(*range(1, count + 1)), "beside")
    assert sorted(opened) == list(range(1, count + 1))
    sizes = me.sizes()
    assert sizes[me.editor][0] >= 80
    assert all(sizes[info.pane_id][0] >= 60 and sizes[info.pane_id][1] >= 8 for info in opened.values())
    window = me.tmux("display-message", "-p", "-t", me.editor, "#{window_id}")
    assert sum(info.window_id == window for info in opened.values()) == beside
    assert alive(panes, [info.pane_id for info in opened.values()])
    assert me.tmux("list-sessions", "-F", "#{session_name}") == "work"


def test_the_focus_and_the_users_panes_stay(user: MakeUser) -> None:
    me = user()
    left = me.tmux(
        "split-window", "-hb", "-l", "40", "-d", "-t", me.editor, "-P", "-F", "#{pane_id}", "env", "cat"
    )
    below = me.tmux(
        "split-window", "-v", "-l", "10", "-d", "-t", me.editor, "-P", "-F", "#{pane_id}", "env", "cat"
    )
    under = me.tmux(
        "split-window", "-v", "-l", "15", "-d", "-t", left, "-P", "-F", "#{pane_id}", "env", "cat"
    )
    mine = [left, below, under]
    before = me.places(mine)
    panes = me.panes()
    first = panes.open(requests(1, 2), "beside")
    second = panes.open(requests(3, 4), "beside")
    assert me.places(mine) == before
    assert me.tmux("display-message", "-p", "#{pane_id}") == me.editor
    panes.kill([info.pane_id for info in [*first.values(), *second.values()]])
    assert me.places(mine) == before
    assert set(me.sizes()) == {me.editor, *mine}


def test_a_window_that_was_not_zoomed_shows_its_new_panes(user: MakeUser) -> None:
    me = user()
    me.panes().open(requests(1, 2), "beside")
    assert me.tmux("display-message", "-p", "-t", me.editor, "#{window_zoomed_flag}") == "0"


@pytest.mark.parametrize("rows", [1, 2])
def test_a_zoomed_window_stays_zoomed(user: MakeUser, rows: int) -> None:
    me = user()
    me.tmux("split-window", "-v", "-l", "10", "-d", "-t", me.editor, "env", "cat")
    me.tmux("resize-pane", "-Z", "-t", me.editor)
    panes = me.panes()
    one = panes.open(requests(*range(1, rows + 1)), "beside")
    panes.open(requests(3), "beside")
    state = "#{window_zoomed_flag} #{pane_id} #{pane_width}"
    assert me.tmux("display-message", "-p", "-t", "work:", state) == f"1 {me.editor} 240"
    panes.kill([one[1].pane_id])
    assert me.tmux("display-message", "-p", "-t", "work:", state) == f"1 {me.editor} 240"
    me.tmux("resize-pane", "-Z", "-t", me.editor)
    assert me.sizes()[me.editor] == (143, 39)


def test_a_second_run_extends_the_column_evenly(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    one = panes.open(requests(1, 2), "beside")
    editor = me.sizes()[me.editor]
    two = panes.open(requests(3, 4, 5, 6), "beside")
    sizes = me.sizes()
    column = [info for info in [*one.values(), *two.values()] if info.window_id == one[1].window_id]
    assert len(column) == 5
    assert sizes[me.editor] == editor
    assert {sizes[info.pane_id][0] for info in column} == {96}
    assert all(sizes[info.pane_id][1] >= 8 for info in column)
    tops = me.tmux("list-panes", "-t", me.editor, "-F", "#{@kage} #{pane_top}").splitlines()
    order = [line.split()[0] for line in sorted(tops[1:], key=lambda line: int(line.split()[1]))]
    assert order == ["1", "2", "3", "4", "5"]


def test_an_odd_configuration_changes_nothing(user: MakeUser) -> None:
    me = user((200, 50), ODD)
    panes = me.panes()
    opened = panes.open(requests(*range(1, 21)), "beside")
    ids = [info.pane_id for info in opened.values()]
    until(lambda: all("agent" in me.tmux("capture-pane", "-p", "-t", p) for p in ids), what="agents' words")
    sizes = me.sizes()
    assert sizes[me.editor][0] >= 80
    assert all(sizes[p][0] >= 60 and sizes[p][1] >= 8 for p in ids)
    assert alive(panes, ids)


@pytest.mark.parametrize("place", ["beside", "window", "hidden"])
def test_children_get_their_arguments_and_environment_alone(
    user: MakeUser, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = user()
    me.tmux("set-environment", "-g", "OPENAI_API_KEY", "sk-planted")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    out = tmp_path / "o #{pane_id} #(touch pwned);"
    code = "import json,os,sys; json.dump([sys.argv[2:], dict(os.environ)], open(sys.argv[1], 'w'))"
    words = ["a;", "#(touch pwned)", "two\nlines", "", "$HOME", "é", ";"]
    argv = [sys.executable, "-c", code, str(out), *words]
    env = {"KAGE_X": "#{pane_id};"}
    request = PaneRequest(1, "kage 1 · #(touch pwned) x;", argv, env)
    panes = me.panes()
    info = panes.open([request], place)[1]  # type: ignore[arg-type]
    until(lambda: (state := panes.alive(info.pane_id)) is not None and state.dead, what="the child's end")
    arguments, environment = json.loads(out.read_text())
    assert arguments == words
    assert environment.keys() - {"LC_CTYPE"} == {"KAGE_X", "TERM"}
    assert environment["KAGE_X"] == "#{pane_id};"
    title = me.tmux("display-message", "-p", "-t", info.pane_id, "#{pane_title}")
    assert title == "kage 1 · #(touch pwned) x;"


def test_an_agent_that_fails_at_once_keeps_its_pane(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    opened = panes.open(requests(1, 2, argv=["/no/such/program"]), "beside")
    until(lambda: all((s := panes.alive(i.pane_id)) and s.dead for i in opened.values()), what="both dead")
    state = panes.alive(opened[1].pane_id)
    assert state is not None
    assert (state.status in (127, None), state.number) == (True, 1)
    panes.respawn(opened[1].pane_id, ["cat"])
    assert alive(panes, [opened[1].pane_id])


def test_the_last_screen_of_a_dead_agent_can_still_be_read(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    pane = panes.open(requests(1, argv=["sh", "-c", "echo its last words; exec cat"]), "beside")[1].pane_id

    def screen() -> str:
        return me.tmux("capture-pane", "-p", "-S", "-", "-t", pane)

    # Killed only once tmux has read it: the end of what a child writes as it dies may be lost in tmux itself.
    until(lambda: "its last words" in screen(), what="the words on the screen")
    state = panes.alive(pane)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    until(lambda: (found := panes.alive(pane)) and found.dead, what="dead")
    assert "its last words" in screen()


def test_outside_tmux_a_detached_session_is_made(user: MakeUser) -> None:
    me = user()
    panes = Panes(None, None, own_socket=me.own)
    opened = panes.open(requests(1, 2, 3), "beside")
    assert {info.socket for info in opened.values()} == {str(me.own)}
    sizes = me.sizes(socket=me.own)
    assert all(sizes[i.pane_id][0] >= 60 and sizes[i.pane_id][1] >= 8 for i in opened.values())
    assert panes.attach_argv()[-4:] == [str(me.own), "attach-session", "-t", "=kage-agents"]
    assert me.tmux("show-environment", "-g", socket=me.own).count("KEY") == 0
    again = Panes(None, None, own_socket=me.own)
    more = again.open(requests(4), "window")
    assert alive(again, [i.pane_id for i in [*opened.values(), *more.values()]])
    again.kill([i.pane_id for i in [*opened.values(), *more.values()]])
    assert again.list_all() == {}


@pytest.mark.parametrize("gone", ["pane", "server"])
def test_a_pane_or_server_that_is_gone_leads_to_the_detached_session(user: MakeUser, gone: str) -> None:
    me = user()
    panes = me.panes()
    if gone == "pane":
        me.tmux("new-window", "-d", "env", "cat")
        me.tmux("kill-pane", "-t", me.editor)
    else:
        me.tmux("kill-server")
    opened = panes.open(requests(1, 2), "beside")
    assert {info.socket for info in opened.values()} == {str(me.own)}
    assert alive(panes, [info.pane_id for info in opened.values()])


def test_fifty_agents_open_readable(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    opened = panes.open(requests(*range(1, 51)), "beside")
    sizes = me.sizes()
    assert len(opened) == 50
    assert all(sizes[i.pane_id][0] >= 60 and sizes[i.pane_id][1] >= 8 for i in opened.values())


def test_ten_panes_take_a_few_calls_of_tmux(user: MakeUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs to start are what opening costs; benchmarks/panes.py has the seconds."""
    panes = user().panes()
    panes.kill([info.pane_id for info in panes.open(requests(1), "window").values()])
    calls: list[list[str]] = []
    real = subprocess.run

    def counted(argv: list[str], **how: Any) -> Any:
        calls.append(argv)
        return real(argv, **how)

    monkeypatch.setattr(subprocess, "run", counted)
    assert len(panes.open(requests(*range(1, 11)), "window")) == 10
    assert 0 < len(calls) < 10, calls


def test_no_tmux_is_named_with_its_fix(
    user: MakeUser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    me = user()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KageError, match=r"not found(.|\n)*Install tmux 3\.2") as caught:
        me.panes().open(requests(1), "beside")
    assert caught.value.code == "tmux"
    old = tmp_path / "tmux"
    old.write_text("#!/bin/sh\necho tmux 2.9a\n")
    old.chmod(0o755)
    with pytest.raises(KageError, match=r"tmux 2\.9a; Kage needs tmux 3\.2"):
        me.panes().open(requests(1), "beside")
    monkeypatch.undo()
