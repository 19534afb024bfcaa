"""Calls of one run that begin alike: the first goes ahead, the others find its bytes in the cache."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.prefix import Prefixes, prefix
from kage_nvim.gateway.provider import Answer
from kage_nvim.model import Player
from tests.fixtures import clock


def agent(model: str = "anthropic/claude-x", run: str = "r", **player: Any) -> Registration:
    return Registration(
        run=run, number=1, player_name="p", player=Player(model=model, **player), repository="/r"
    )


def body(*more: dict[str, Any], task: str = "do it") -> dict[str, Any]:
    first = [{"role": "system", "content": "You work."}, {"role": "user", "content": task}]
    return {"messages": [*first, *more], "tools": []}


def scenario(
    agents: list[Registration], *, longest: float, first_byte: float, held_up: float = 0.0
) -> list[float]:
    """When each call was let through, in seconds; each leaves ``held_up`` later and has its first byte then
    ``first_byte`` later."""

    async def answer() -> Answer:
        await asyncio.sleep(first_byte)
        yield {"content": "word"}
        await asyncio.sleep(first_byte)

    async def one(prefixes: Prefixes, who: Registration, number: int, began: float) -> float:
        async with prefixes.turn(who, body(task=f"do it {number}")) as turn:
            let = asyncio.get_running_loop().time() - began
            await asyncio.sleep(held_up)
            async for _ in turn.leaving(answer()):
                pass
        return let

    async def all_of_them() -> list[float]:
        prefixes, began = Prefixes(longest), asyncio.get_running_loop().time()
        return await asyncio.gather(*(one(prefixes, who, at, began) for at, who in enumerate(agents)))

    return clock.run(all_of_them())


def test_the_others_wait_for_the_first_byte_of_the_first() -> None:
    assert scenario([agent()] * 4, longest=9.0, first_byte=3.0) == pytest.approx([0, 3, 3, 3])


def test_and_no_longer_than_a_while() -> None:
    assert scenario([agent()] * 3, longest=9.0, first_byte=60.0) == pytest.approx([0, 9, 9])


def test_the_while_begins_when_the_first_leaves() -> None:
    """A fresh gateway imports its model library meanwhile; a provider may hold calls back at its door."""
    late = scenario([agent()] * 3, longest=9.0, first_byte=3.0, held_up=20.0)
    assert late == pytest.approx([0, 23, 23])


def test_who_comes_later_than_that_goes_at_once() -> None:
    async def late() -> float:
        prefixes, loop = Prefixes(9.0), asyncio.get_running_loop()

        async def silent() -> Answer:
            await asyncio.sleep(60)
            yield {}

        async def first() -> None:
            async with prefixes.turn(agent(), body()) as turn:
                async for _ in turn.leaving(silent()):
                    pass

        ahead = asyncio.create_task(first())
        await asyncio.sleep(10)
        came = loop.time()
        async with prefixes.turn(agent(), body()):
            waited = loop.time() - came
        ahead.cancel()
        return waited

    assert clock.run(late()) == 0


def test_other_runs_and_other_models_do_not_wait() -> None:
    others = [agent(), agent(run="s"), agent("anthropic/claude-y")]
    assert scenario(others, longest=9.0, first_byte=3.0) == [0, 0, 0]


def test_a_call_that_fails_holds_nobody_up() -> None:
    async def both() -> None:
        prefixes = Prefixes(9.0)
        with pytest.raises(OSError):
            async with prefixes.turn(agent(), body()):
                raise OSError
        async with prefixes.turn(agent(), body()):
            pass

    clock.run(asyncio.wait_for(both(), 2))


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (agent("ollama/qwen"), body()),
        (agent("openai/qwen", api_base="http://127.0.0.1:8080/v1"), body()),
        (agent(recorded="tape"), body()),
        (agent(), body({"role": "assistant", "content": "ok"})),
    ],
    ids=["local", "a server of one's own", "recorded", "not the first call"],
)
def test_who_has_nothing_to_gain(who: Registration, asked: dict[str, Any]) -> None:
    assert prefix(who, asked) is None
