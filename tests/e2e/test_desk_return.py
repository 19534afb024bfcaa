"""Leaving with agents at work and coming back; and every process killed while the user goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage, tape
from tests.nvim.editor import alive


@pytest.fixture
def slow(stage: Stage, tmp_path: Path) -> Stage:
    """Two agents that work for some seconds."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX, delay=0.6))
    return stage


def start(desk: Desk) -> None:
    """Two agents at work."""
    desk.command("KageSpawn 2 make add() add")
    desk.until_screen("1● .*2● ")


def whole(desk: Desk) -> None:
    """Everything of a finished run works from this editor, and nothing complained."""
    desk.until_screen("1✓ 2✓", 30)
    desk.command("KageDiff 2")
    desk.until_screen(r"return a - b +│ +return a \+ b")
    desk.command("tabclose")
    desk.command("Kage")
    desk.until_screen(r"2 ✓ done .*add\(\) adds now")
    desk.type("q")
    desk.command("KageAccept 1")
    desk.until_screen("candidate 1 landed")
    for word in ("Error", "traceback", "E5108", "stack"):
        assert word not in desk.messages()


def test_quit_at_work_and_come_back(slow: Stage) -> None:
    with Desk(slow, columns=80, rows=26) as desk:
        start(desk)
        desk.leave()
        desk.open("calc.py")
        desk.until_screen("1[●✓]", 5)
        whole(desk)


@pytest.mark.parametrize("process", ["kaged", "gateway"])
def test_a_killed_daemon_does_not_end_the_work(slow: Stage, process: str) -> None:
    with Desk(slow) as desk:
        start(desk)
        slow.kill(process)
        desk.command("Kage status")
        whole(desk)


def test_a_killed_host_is_started_again_by_itself(slow: Stage) -> None:
    with Desk(slow) as desk:
        start(desk)
        host = desk.host()
        assert host is not None
        desk.kill(host.pid)
        whole(desk)


def test_a_killed_editor_finds_its_agents_again(slow: Stage) -> None:
    with Desk(slow) as desk:
        start(desk)
        host = desk.host()
        assert host is not None
        desk.kill(desk.pid())
        until(lambda: not alive(host.pid), 10, "the host ended with its editor")
        desk.open("calc.py")
        whole(desk)


def test_kaged_killed_while_nobody_looked(slow: Stage) -> None:
    with Desk(slow) as desk:
        start(desk)
        desk.leave()
        slow.kill()
        desk.open("calc.py")
        whole(desk)


def test_a_shells_run_shows_in_an_editor_that_was_open_before(slow: Stage) -> None:
    with Desk(slow) as desk:
        assert desk.host() is None
        slow.shell("spawn", "-n", "2", "make add() add")
        desk.until_screen("1[●✓].*2[●✓]")
        whole(desk)
