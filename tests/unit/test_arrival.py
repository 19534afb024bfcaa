"""An agent's process that connects when nobody counts on it any more."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.model import AgentStatus, RunStatus, State, Task
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.protocol import PROTOCOL, Hello
from kage_nvim.records import AgentRecord, RunRecord
from kage_nvim.store import Database


class Process:
    """An agent's connection: what it is told."""

    hello: Hello

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def push(self, name: str, params: object) -> None:
        self.told.append((name, params))

    async def call(self, method: str, params: object, timeout: float = 30.0) -> Any:
        raise AssertionError(method)


@pytest.mark.parametrize(
    ("state", "captured", "told", "read"),
    [
        (State.STARTING, 0, [], 0),
        (State.STOPPED, 1, [("stop", {"reason": "stopped by the user"})], 1),
        (State.FAILED, 1, [], 0),  # it did not start in time: its first turn is read all the same
    ],
)
def test_one_that_was_ended_before_it_connected(
    state: State, captured: int, told: list[Any], read: int, tmp_path: Path
) -> None:
    async def arrive() -> tuple[list[Any], int]:
        database = Database(tmp_path / "kage.db")
        conductor = Conductor(database, None, 1)  # type: ignore[arg-type]
        status = RunStatus(id="r", task="t", repository="/p", store="s", base="b", created=1.0)
        run = conductor.runs["r"] = Run(RunRecord(status=status, task=Task("t")), None, None)  # type: ignore[arg-type]
        one = AgentStatus(number=1, player="p", state=state, reason="stopped by the user")
        record = AgentRecord(run="r", status=one, slot=1, token="t", captured=captured)
        run.agents[1] = Agent(record, Slot(1, tmp_path))
        hello = Hello(PROTOCOL, "0", "agent", os.getpid(), "/p", run="r", number=1, token="t")
        process = Process()
        answer = conductor.agent_arrived(process, hello)
        database.close()
        return process.told, answer

    assert asyncio.run(arrive()) == (told, read)
