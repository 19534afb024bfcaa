"""The door and the waits between tries."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from kage_nvim.gateway import doors, policy
from kage_nvim.gateway.doors import Door, Doors, Shut, Told
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal


def crowded(after: float | None = None) -> Problem:
    return Problem("rate_limit", "429", retry="crowded", after=after)


def test_waits_grow_and_obey_the_provider() -> None:
    def wait(tries: int, after: float | None = None) -> float:
        found = policy.next_try(crowded(after), tries, 0.0)
        assert found is not None
        return found

    assert 0.5 <= wait(1) <= 0.625
    assert 1.0 <= wait(2) <= 1.25
    assert wait(1, 30.0) >= 30.0
    assert wait(30) <= policy.LONGEST_WAIT * 1.25
    assert len({wait(1) for _ in range(20)}) > 10


def test_each_kind_of_failure_has_its_patience() -> None:
    refused = Problem("network", "nobody", retry="unreached")
    broken = Problem("provider", "500", retry="passing")
    assert policy.next_try(Problem("bad_request", "400"), 1, 0.0) is None
    assert policy.next_try(broken, 2, 1.0) is not None
    assert policy.next_try(broken, 3, 1.0) is None
    assert sum(policy.next_try(refused, tries, 0.0) or 0.0 for tries in (1, 2, 3, 4)) < 8.0
    assert policy.next_try(refused, 1, 10.0) is None
    assert policy.next_try(crowded(), 50, 500.0) is not None
    assert policy.next_try(crowded(), 50, 600.0) is None
    assert policy.next_try(crowded(3600.0), 1, 0.0) is None
    assert policy.next_try(crowded(60.0), 1, 0.0) is not None
    assert policy.next_try(crowded(60.0), 1, 0.0, standby=True) is None
    assert policy.next_try(crowded(10.0), 1, 0.0, standby=True) is not None


def test_a_full_door_waits_and_a_429_narrows_it() -> None:
    async def scenario() -> None:
        door = Door()
        door.widest = 2
        inside = most = 0

        async def call() -> None:
            nonlocal inside, most
            async with door.slot():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.02)  # the others come meanwhile
                inside -= 1

        await asyncio.gather(*(call() for _ in range(6)))
        assert most == 2
        asked_at = time.monotonic()
        async with door.slot(), door.slot():
            door.too_many(asked_at, Told(crowded(0.5), "a"))
            door.too_many(asked_at, Told(crowded(), "a"))
        with pytest.raises(Shut) as shut:
            await call()
        assert 0 < shut.value.seconds <= 0.5
        await asyncio.sleep(shut.value.seconds)  # as its caller does
        most = 0
        await asyncio.gather(*(call() for _ in range(3)))
        assert most == 1
        await door.fine(time.monotonic())
        most = 0
        await asyncio.gather(*(call() for _ in range(4)))
        assert most == 2

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("openai", True),
        ("127.0.0.1", False),
        ("http://localhost:8080/v1", False),
        ("localhost:8080", False),
        ("anthropic", None),
    ],
)
def test_whose_limit_a_name_is(name: str, together: bool | None) -> None:
    """Of two servers of one provider: the provider's name limits both together, an address itself."""
    found = Doors()
    one = found.of(Player(model="openai/a", api_base="http://localhost:8080/v1"), {name: 3})
    same = found.of(Player(model="openai/b", api_base="http://127.0.0.1:8080/other"), {name: 3})
    other = found.of(Player(model="openai/a", api_base="http://127.0.0.1:9090/v1"), {name: 3})
    assert one == same and one[0] is not other[0]
    assert (3 in [door.widest for door in one]) is (together is not None)
    assert (one[-1] is other[-1]) is (together is True)


def test_a_door_shut_for_hours_is_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cannot wait that long is told so; now and then one asks, and opens it for all if that is well."""

    async def scenario() -> None:
        door = Door()

        async def passes(longest: float) -> bool:
            try:
                async with door.slot(longest):
                    return True
            except Shut:
                return False

        monkeypatch.setattr(doors, "PROBE", 0.1)
        door.too_many(time.monotonic(), Told(crowded(3600.0), "a"))
        assert not await passes(600.0)
        await asyncio.sleep(0.1)  # PROBE
        assert not await passes(4000.0)
        assert [await passes(600.0), await passes(600.0)] == [True, False]
        await door.fine(time.monotonic())
        assert await passes(600.0)

    asyncio.run(scenario())


def test_a_cancelled_caller_leaves_the_door() -> None:
    async def scenario() -> None:
        door = Door()
        door.widest = 1

        async def call() -> None:
            async with door.slot():
                await asyncio.sleep(10)  # until it is cancelled

        tasks = [asyncio.ensure_future(call()) for _ in range(3)]
        await asyncio.sleep(0.01)  # one is in, two wait
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert door._busy == 0
        async with door.slot():
            assert door._busy == 1

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
        time.sleep(0.05)  # as long as an answer takes, so that others come meanwhile
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
