"""The limiter and the waits between tries."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from kage_nvim.gateway import policy
from kage_nvim.gateway.policy import Limiter, backoff
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal


def test_waits_grow_and_obey_the_provider() -> None:
    assert 0.5 <= backoff(1, None) <= 0.625
    assert 1.0 <= backoff(2, None) <= 1.25
    assert backoff(1, 7.0) >= 7.0
    assert backoff(30, None) <= policy.LONGEST_WAIT * 1.25
    assert len({backoff(1, None) for _ in range(20)}) > 10


def test_a_full_door_waits_and_a_429_narrows_it() -> None:
    async def scenario() -> None:
        limiter = Limiter()
        limiter._width = 2
        inside = most = 0

        async def call() -> None:
            nonlocal inside, most
            async with limiter.slot():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.02)
                inside -= 1

        await asyncio.gather(*(call() for _ in range(6)))
        assert most == 2
        async with limiter.slot(), limiter.slot():
            limiter.too_many(0.2)
        most, began = 0, time.monotonic()
        await asyncio.gather(*(call() for _ in range(3)))
        assert most == 1
        assert time.monotonic() - began >= 0.2
        await limiter.fine()
        most = 0
        await asyncio.gather(*(call() for _ in range(4)))
        assert most == 2

    asyncio.run(scenario())


def test_a_cancelled_caller_leaves_the_door() -> None:
    async def scenario() -> None:
        limiter = Limiter()
        limiter._width = 1

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(10)

        tasks = [asyncio.ensure_future(call()) for _ in range(3)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter._busy == 0
        async with limiter.slot():
            assert limiter._busy == 1

    asyncio.run(scenario())


@pytest.mark.usefixtures("hurried")
def test_eight_agents_and_a_server_that_refuses_a_crowd(client: Client) -> None:
    """429 to whoever is the fourth or later at once: all get through, since the door narrows."""
    inside = 0
    lock = threading.Lock()

    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        nonlocal inside
        with lock:
            inside += 1
            crowd = inside > 3
        time.sleep(0.05)
        with lock:
            inside -= 1
        return refusal(429, "one at a time", retry_after=0.1) if crowd else Reply("well")

    texts = []
    with ModelServer(script) as server:
        for number in range(8):
            client.register(f"T{number}", number=number, model="openai/any", api_base=server.url)

        def work(token: str) -> None:
            texts.append(client.ask(token).text)

        threads = [threading.Thread(target=work, args=(f"T{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == ["well"] * 8
