"""A CLI that hangs: what is made of one that says nothing, and of one whose provider is gone."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from pathlib import Path

import pytest

from kage_nvim.agent_runtime.clis import run, status
from kage_nvim.agent_runtime.clis.player import CliPlayer
from kage_nvim.agent_runtime.clis.usage import Sums
from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.link import Link
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.description import Description, EventRule
from kage_nvim.model import Limits, State, Task
from tests.unit.agent.world import World

STANDIN = (Path(__file__).parents[2] / "fixtures" / "standin.py").read_text("utf-8")
CLI = Description(
    name="standin",
    title="A stand-in",
    program="python3",
    install="",
    wire="chat",
    provider="openai",
    oneshot=["env", "PATH=/usr/bin:/bin", "python3", "-c", STANDIN, "{task}"],
    env={"STANDIN_BASE": "{base_url}", "STANDIN_TOKEN": "{token}"},
    events=[
        EventRule(kind="text", when={"type": "text"}, fields={"text": "text"}),
        EventRule(kind="done", when={"type": "done"}, fields={"text": "text"}),
    ],
)


CHANGES = ["working", "unknown", "working"]


async def played(
    world: World, task: str, limits: Limits | None = None, usage: dict[str, object] | None = None
) -> TurnEnd:
    """One turn of the stand-in, beside a gateway that answers no call and says this of its usage."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/v1/kage/usage" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps(usage or {}).encode())
        else:
            writer.write(b"HTTP/1.1 503 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    models = world.folder / "m.sock"
    (world.folder / "gateway.json").write_text(json.dumps({"models": str(models)}))
    spec = world.spec(cli=CLI, task=Task(task), limits=limits or Limits())
    inbox, log = Inbox(), Log(spec.log)
    progress = Progress(log, Link(spec, inbox), Past())
    player = CliPlayer(spec, Past(), log, Screen(os.open(os.devnull, os.O_WRONLY)), inbox, progress)
    async with await asyncio.start_unix_server(answer, str(models)):
        return await asyncio.wait_for(player.turn(again=False), 20)


def test_silence_is_unknown_until_it_speaks_again(sandboxed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "SILENCE", 0.7)
    end = asyncio.run(played(sandboxed, "nap"))
    seen = [(event["state"], event["reason"]) for event in sandboxed.events("state")]
    assert [state for state, _ in itertools.groupby(state for state, _ in seen)] == CHANGES, (seen, end)
    assert "silent for" in seen[1][1] and "no output and no work, after working" in seen[1][1]
    assert end.state is State.DONE


def test_one_that_asks_a_dead_provider_for_ever_has_failed(
    sandboxed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "FAILING", 1.0)
    usage = {"calls": 3, "failing": "the provider is not there; start it", "failing_for": 2.0}
    end = asyncio.run(played(sandboxed, "for_ever", usage=usage))
    assert (end.state, end.reason) == (State.FAILED, "the provider is not there; start it")


def test_the_clock_stops_it(sandboxed: World) -> None:
    end = asyncio.run(played(sandboxed, "later", Limits(seconds=1)))
    assert (end.state, end.reason) == (State.STOPPED, "limit: 1 seconds")


def test_what_the_gateway_says_is_said_once() -> None:
    down = (
        "player `claude` could not reach http://127.0.0.1:1/v1: connection refused. Start the server there."
    )
    sums = Sums(failing=down)
    assert sums.blamed(f"API Error: 400 {down[:60]}…") == down
    assert sums.blamed("it hung up") == f"it hung up; the gateway says: {down}"
    assert Sums().blamed("it hung up") == "it hung up"
