"""Panes that go out of sight, come back where they were, and are brought before the user."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import until
from tests.unit.panes.conftest import User, requests

MakeUser = Callable[..., User]


def test_hidden_panes_come_back_to_their_place_and_size(user: MakeUser) -> None:
    me = user()
    left = me.tmux(*("split-window", "-hb", "-l", "40", "-d", "-t", me.editor), "-PF#{pane_id}", "env", "cat")
    panes = me.panes()
    ids = [info.pane_id for info in panes.open(requests(1, 2, 3), "beside").values()]
    me.tmux("resize-pane", "-t", ids[0], "-y", "25")
    me.tmux("resize-pane", "-t", ids[0], "-x", "66")
    everything = [me.editor, left, *ids]
    before = me.places(everything)
    pids = {pane: state.pid for pane, state in panes.list_all().items()}
    panes.hide(ids)
    assert all(state.hidden for state in panes.list_all().values())
    assert me.tmux("list-panes", "-t", me.editor, "-F", "#{pane_id}").splitlines() == [left, me.editor]
    assert me.sizes()[me.editor] == (199, 50)
    panes.hide(ids)
    panes.show(ids)
    panes.show(ids)
    assert me.places(everything) == before
    assert {pane: state.pid for pane, state in panes.list_all().items()} == pids
    assert me.tmux("display-message", "-p", "-t", "work:", "#{pane_id}") == me.editor
    assert me.tmux("list-sessions", "-F", "#{session_name}") == "work"


def test_windows_of_agents_hide_and_come_back_whole(user: MakeUser) -> None:
    me = user((120, 40))
    panes = me.panes()
    ids = [info.pane_id for info in panes.open(requests(1, 2, 3), "window").values()]
    before = me.places(ids)
    panes.hide(ids)
    assert me.tmux("list-windows", "-t", "work", "-F", "#{window_id}").count("@") == 1
    panes.show(ids)
    assert me.places(ids) == before
    assert me.tmux("list-windows", "-t", "work", "-F", "#{window_id}").count("@") == 2


def test_one_of_several_can_hide(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    ids = [info.pane_id for info in panes.open(requests(*range(1, 9)), "beside").values()]
    panes.hide([ids[1], ids[6]])
    assert [p for p, state in panes.list_all().items() if state.hidden] == [ids[1], ids[6]]
    panes.show([ids[1], ids[6]])
    assert not any(state.hidden for state in panes.list_all().values())


def test_a_zoomed_editor_stays_zoomed_while_agents_hide_and_show(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    ids = [info.pane_id for info in panes.open(requests(1, 2), "beside").values()]
    me.tmux("split-window", "-v", "-l", "10", "-d", "-t", me.editor, "env", "cat")
    me.tmux("resize-pane", "-Z", "-t", me.editor)
    for act in (panes.hide, panes.show):
        act(ids)
        state = me.tmux("display-message", "-p", "-t", me.editor, "#{window_zoomed_flag} #{pane_width}")
        assert state == "1 240"


@pytest.fixture
def client(user: MakeUser) -> Iterator[User]:
    """A user whose client is attached, on a terminal of its own."""
    me = user((200, 50))
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    command = ["tmux", "-S", str(me.socket), "attach-session", "-t", "work"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    until(lambda: me.tmux("list-clients"), what="the client")
    yield me
    me.tmux("detach-client", "-a", check=False)
    process.kill()
    process.wait()
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("place", ["beside", "window", "hidden"])
def test_focus_shows_the_pane_in_the_users_client(client: User, place: str) -> None:
    client.tmux("resize-window", "-t", "work:", "-x", "200", "-y", "50")
    panes = client.panes()
    opened = panes.open(requests(1, 2, 3), place)  # type: ignore[arg-type]
    wanted = opened[2].pane_id
    panes.focus(wanted)
    assert client.tmux("list-clients", "-F", "#{pane_id}") == wanted
    assert client.tmux("display-message", "-p", "-t", wanted, "#{pane_active}#{window_active}") == "11"


def test_titles_are_taken_literally(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    pane = panes.open(requests(1), "beside")[1].pane_id
    panes.set_title(pane, "kage 1 · #S #{pane_id} ;")
    assert me.tmux("display-message", "-p", "-t", pane, "#{pane_title}") == "kage 1 · #S #{pane_id} ;"


def test_killing_what_is_gone_is_no_error(user: MakeUser) -> None:
    me = user()
    panes = me.panes()
    ids = [info.pane_id for info in panes.open(requests(1, 2), "beside").values()]
    panes.kill([ids[0]])
    panes.kill(ids)
    assert panes.list_all() == {}
    assert panes.alive(ids[0]) is None
