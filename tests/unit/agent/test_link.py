"""The line to kaged: told at once, told again, never buffered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import groupby

from kage_nvim.agent_runtime.inbox import Inbox
from kage_nvim.agent_runtime.link import Link, Report
from tests.unit.agent.conftest import eventually
from tests.unit.agent.world import World


def run(world: World, scenario: Callable[[Link, Inbox], Awaitable[None]]) -> None:
    async def main() -> None:
        inbox = Inbox()
        link = Link(world.spec(), inbox)
        link.start()
        await scenario(link, inbox)
        await link.close()

    asyncio.run(main())


def test_hello_and_the_whole_state(world: World) -> None:
    async def scenario(link: Link, inbox: Inbox) -> None:
        link.report(Report(state="working", activity="thinking", turn=1, cost_usd=None))
        await eventually(lambda: world.daemon.state == "working")

    run(world, scenario)
    hello = world.daemon.hellos[0]
    assert (hello["kind"], hello["run"], hello["number"], hello["token"]) == ("agent", "r1", 1, "agent-token")
    assert world.daemon.reports == [
        {
            "state": "working",
            "reason": "",
            "activity": "thinking",
            "turn": 1,
            "tokens_in": 0,
            "tokens_cached": 0,
            "tokens_out": 0,
            "cost_usd": None,
            "rule": "",
            "evidence": "",
            "warning": "",
        }
    ]


def test_numbers_are_coalesced_and_states_are_not(world: World) -> None:
    async def scenario(link: Link, inbox: Inbox) -> None:
        link.report(Report(state="working", turn=1))
        await eventually(lambda: world.daemon.reports)
        for tokens in range(1, 301):
            link.report(Report(state="working", turn=1, tokens_in=tokens))
            await asyncio.sleep(0.001)  # as they come while a model answers
        for state in states[1:]:
            link.report(Report(state=state, turn=1, tokens_in=300))
        await eventually(lambda: world.daemon.state == "done")

    states = ["working", "checking", "waiting", "done"]
    began = time.monotonic()
    run(world, scenario)
    assert len(world.daemon.reports) <= (time.monotonic() - began) * 20 + len(states) + 2
    assert [state for state, _ in groupby(report["state"] for report in world.daemon.reports)] == states
    assert world.daemon.reports[-1]["tokens_in"] == 300


def test_the_last_numbers_arrive_without_another_change(world: World) -> None:
    async def scenario(link: Link, inbox: Inbox) -> None:
        link.report(Report(state="working", turn=1))
        await eventually(lambda: world.daemon.reports)
        link.report(Report(state="working", turn=1, tokens_in=5))
        await eventually(lambda: world.daemon.reports[-1]["tokens_in"] == 5)

    run(world, scenario)


def test_a_daemon_that_comes_back_hears_the_latest_state_only(world: World) -> None:
    async def scenario(link: Link, inbox: Inbox) -> None:
        link.report(Report(state="working", turn=1))
        await eventually(lambda: world.daemon.reports)
        await asyncio.to_thread(world.daemon.stop)
        world.daemon.reports.clear()
        link.report(Report(state="waiting", turn=1))
        link.report(Report(state="done", turn=1))
        world.daemon.path = world.folder / "other.sock"
        world.daemon.start()
        await eventually(lambda: world.daemon.reports)

    run(world, scenario)
    assert [report["state"] for report in world.daemon.reports] == ["done"]
    assert len(world.daemon.hellos) == 2


def test_a_link_without_a_daemon_closes_at_once(world: World) -> None:
    world.daemon.stop()
    world.daemon.file.write_text("nonsense")

    async def scenario(link: Link, inbox: Inbox) -> None:
        link.report(Report(state="working"))
        await asyncio.sleep(0)  # its task has begun to look for kaged
        await asyncio.wait_for(link.close(60), 10)

    run(world, scenario)


def test_pushes_fill_the_inbox(world: World) -> None:
    async def scenario(link: Link, inbox: Inbox) -> None:
        await eventually(lambda: world.daemon.hellos)
        await asyncio.to_thread(world.daemon.push, "steer", text="also None")
        await asyncio.to_thread(world.daemon.push, "unheard_of")
        await asyncio.to_thread(world.daemon.push, "stop")
        await eventually(lambda: inbox.stopping)
        assert inbox.take() == ["also None"]

    run(world, scenario)
