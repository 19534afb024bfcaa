"""Players that are commands: run whole in the sandbox, judged by their exit code."""

from __future__ import annotations

import asyncio
import os

import pytest

from kage_nvim.agent_runtime.command import CommandPlayer
from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.link import Link
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.model import Limits, State
from tests.unit.agent.conftest import eventually
from tests.unit.agent.world import World


class Seat:
    """A command player in the test's own process."""

    def __init__(self, world: World, command: str | list[str], limits: Limits | None = None) -> None:
        spec = world.spec(command=command, limits=limits or Limits())
        self.inbox = Inbox()
        self.link = Link(spec, self.inbox)
        log = Log(spec.log)
        self._shown = world.folder / "screen.txt"
        screen = Screen(os.open(self._shown, os.O_WRONLY | os.O_CREAT))
        self.player = CommandPlayer(spec, log, screen, self.inbox, Progress(log, self.link, Past()))

    def turn(self) -> TurnEnd:
        self.inbox.begin()
        return asyncio.run(self.player.turn(again=False))

    @property
    def shown(self) -> str:
        return self._shown.read_text()


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'cat "$1" > got; pwd > at', "x", "{task_file}"],
        "cat {task_file} > got; cd {worktree} && pwd > at",
        ["sh", "-c", "cat > got; pwd > at"],
        "cat > got; pwd > at",
    ],
)
def test_the_task_comes_by_file_or_on_stdin(sandboxed: World, command: str | list[str]) -> None:
    end = Seat(sandboxed, command).turn()
    assert (end.state, end.reason) == (State.DONE, "exit 0")
    got = (sandboxed.worktree / "got").read_text()
    assert got == "# Task\n\nMake it faster\nand keep it right\n"
    assert (sandboxed.worktree / "at").read_text().strip() == str(sandboxed.worktree)


def test_output_is_shown_and_logged_as_plain_text(sandboxed: World) -> None:
    seat = Seat(sandboxed, "printf 'one\\n\\033]52;c;eA==\\007two\\n'; exit 3")
    end = seat.turn()
    assert (end.state, end.reason) == (State.FAILED, "exit 3: two")
    assert seat.shown == "one\ntwo\n"
    assert sandboxed.events("text")[0]["text"] == "one\ntwo"


def test_what_it_costs_is_not_known(sandboxed: World) -> None:
    seat = Seat(sandboxed, "true")
    seat.turn()
    seat.inbox.steer("and again")
    seat.turn()
    assert sandboxed.events("task")[1]["text"].endswith("# Said later\n\nand again\n")


def test_the_clock_stops_it(sandboxed: World) -> None:
    end = Seat(sandboxed, "echo x; sleep 60", Limits(seconds=0.3)).turn()
    assert (end.state, end.reason) == (State.STOPPED, "limit: 0.3 seconds")


def test_an_interrupt_kills_it(sandboxed: World) -> None:
    seat = Seat(sandboxed, "touch started; sleep 60")

    async def scenario() -> TurnEnd:
        turn = asyncio.create_task(seat.player.turn(again=False))
        await eventually((sandboxed.worktree / "started").exists)
        seat.inbox.interrupt("interrupted by the user")
        return await asyncio.wait_for(turn, 1)

    assert asyncio.run(scenario()).state is State.INTERRUPTED


def test_a_task_file_cannot_be_made_to_lead_out(sandboxed: World) -> None:
    outside = sandboxed.folder / "outside"
    (sandboxed.folder / "tmp" / "kage-task.md").symlink_to(outside)
    Seat(sandboxed, "true").turn()
    assert not outside.exists()
