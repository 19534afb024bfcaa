"""Many agents at one provider: all finish, and never more calls are under way than the limit."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest

from kage_nvim.gateway import doors, policy
from tests.conftest import until
from tests.fixtures.gateway import Client
from tests.fixtures.model_server import ModelServer, Reply, refusal

AGENTS = 8
TURNS = 4


def crowd(client: Client, urls: list[str], limits: dict[str, int], **player: Any) -> list[int]:
    """Eight agents, each with several turns, at these servers in turn; the statuses of their calls."""
    statuses: list[int] = []
    for number in range(AGENTS):
        client.register(
            f"T{number}",
            number=number,
            concurrency=limits,
            model="openai/any",
            api_base=urls[number % len(urls)],
            **player,
        )

    def work(token: str) -> None:
        for turn in range(TURNS):
            statuses.append(client.ask(token, turns=turn).status)

    threads = [threading.Thread(target=work, args=(f"T{number}",)) for number in range(AGENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("after", [None, 0.05])
def test_a_server_that_answers_429_half_of_the_time(client: Client, after: float | None) -> None:
    dice, lock = random.Random(7), threading.Lock()

    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with lock:
            unlucky = dice.random() < 0.5
        return refusal(429, "slow down", retry_after=after) if unlucky else Reply("well", delay=0.02)

    with ModelServer(script) as server:
        statuses = crowd(client, [server.url], {"openai": 3})
        refused = len(server.requests) - AGENTS * TURNS
    assert statuses == [200] * (AGENTS * TURNS)
    assert refused > 10
    assert server.most_in_flight <= 3


@pytest.mark.usefixtures("hurried")
def test_a_server_that_takes_two_at_once(client: Client) -> None:
    """429 to all over two at once, and no word of how long to wait: the door finds its width by itself."""
    inside, lock = 0, threading.Lock()

    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        nonlocal inside
        with lock:
            inside += 1
            over = inside > 2
        time.sleep(0.02)  # as long as an answer takes, so that others come meanwhile
        with lock:
            inside -= 1
        return refusal(429, "two at once") if over else Reply("well")

    with ModelServer(script) as server:
        assert crowd(client, [server.url], {}) == [200] * (AGENTS * TURNS)


def test_two_names_of_one_server_share_its_limit(client: Client) -> None:
    with ModelServer(Reply("well", delay=0.03)) as server:
        urls = [server.url, f"http://localhost:{server.port}/v1/"]
        statuses = crowd(client, urls, {f"127.0.0.1:{server.port}": 2})
    assert statuses == [200] * (AGENTS * TURNS)
    assert server.most_in_flight == 2


def test_a_provider_that_is_down_is_said_soon_and_to_all(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "FIRST_WAIT", 0.2)
    with ModelServer() as server:
        url = server.url
    client.register(model="openai/any", api_base=url)
    client.register("T2", player="my other", number=2, model="openai/any", api_base=url)
    first = client.ask()
    second = client.ask("T2")
    assert (first.status, second.status) == (424, 424)
    assert first.seconds > 0.5 and second.seconds < first.seconds, "the second was not tried again"
    said = (
        first.error["message"]
        .replace("`fast`", "`my other`")
        .replace("[players.fast]", '[players."my other"]')
    )
    assert said in second.error["message"]
    monkeypatch.setattr(doors, "DOWN", 0.0)
    usage = client.usage()
    assert "refused" in usage["failing"] and "Start the server there" in usage["failing"]
    assert usage["failing_for"] > 0
    assert (usage["calls"], usage["open"], usage["refused"]) == (0, 0, "")


def test_a_provider_that_is_back_is_asked_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(doors, "DOWN", 0.1)
    server = ModelServer(Reply("well"))
    server._server.server_close()
    client.register(model="openai/any", api_base=server.url)
    assert client.ask().status == 424
    with ModelServer(Reply("well"), port=server.port):
        time.sleep(0.15)  # until it is no longer taken to be down
        assert client.ask().status == 200
    assert client.usage()["failing"] == ""


def test_who_hangs_up_while_waiting_for_another_try_pays_nothing(client: Client) -> None:
    with ModelServer(refusal(429, "slow", retry_after=60)) as server:
        client.register(model="openai/any", api_base=server.url, price_in=1.0, price_out=1.0)
        connection = client.connect()
        body = '{"messages": [{"role": "user", "content": "x"}]}'
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": "Bearer T1"})
        until(lambda: server.requests and client.usage()["open"] == 1, 5, "the call")
        time.sleep(0.1)  # until the refusal has come back, which nothing shows
        connection.close()
        until(lambda: client.usage()["open"] == 0, 5, "the end of the call")
    assert client.usage()["calls"] == 0


def test_another_address_of_this_machine_is_not_down_for_it(client: Client) -> None:
    """``[::1]`` and ``127.0.0.1`` share a limit, since a server often has both, but not an outage."""
    with ModelServer(Reply("well")) as server:
        client.register(model="openai/any", api_base=f"http://[::1]:{server.port}/v1")
        client.register("T2", number=2, model="openai/any", api_base=server.url)
        assert client.ask().status == 424
        assert client.ask("T2").text == "well"
