"""A model's window that fills up: what goes, what stays, against a gateway that counts and refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.log import recover
from kage_nvim.model import NEW_TASK, Limits, State, Task
from tests.unit.agent.conftest import Seat
from tests.unit.agent.world import Exchange, World, call, finish

WINDOW = 8_000


def tokens(body: dict[str, Any]) -> int:
    """What this server counts a request as."""
    return len(json.dumps([body["messages"], body.get("tools")])) // 4


class Model:
    """Answers from a list, but refuses what is over its window; asked for a summary, it gives one."""

    def __init__(self, world: World, steps: list[tuple[str, list[dict[str, Any]]]], *, counts: bool) -> None:
        self.steps, self.counts = steps, counts
        self.refused = self.summaries = 0
        self.largest = 0
        world.gateway.scripts = [self.answer] * 200

    def answer(self, exchange: Exchange) -> None:
        size = tokens(exchange.body)
        if size > WINDOW:
            self.refused += 1
            words = f"This model's maximum context length is {WINDOW} tokens, you sent {size}."
            return exchange.whole(400, {"error": {"type": "bad_request", "message": words}})
        paired(exchange.body["messages"])
        self.largest = max(self.largest, size)
        if "put aside for want of room" in str(exchange.body["messages"][-1]["content"])[:200]:
            self.summaries += 1
            return self.say(exchange, "SUMMARY: file f1 read; nothing changed.", [], size)
        return self.say(exchange, *self.steps.pop(0), size)

    def say(self, exchange: Exchange, text: str, calls: list[dict[str, Any]], size: int) -> None:
        kage = {"tokens_in": size if self.counts else 3, "tokens_out": 5, "cost_usd": 0.01}
        parts = [{"id": f"c{len(self.steps)}", "type": "function", "function": one} for one in calls]
        message = {"role": "assistant", "content": text, "tool_calls": parts}
        exchange.whole(200, {"choices": [{"message": message, "finish_reason": "stop"}], "kage": kage})


def paired(messages: list[dict[str, Any]]) -> None:
    """Every call has its result at once after it, and no result is without its call."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
        else:
            assert not waiting, "a call without a result"
            waiting = [one["id"] for one in message.get("tool_calls") or []]
    assert not waiting


def reads(count: int, lines: int = 60) -> list[tuple[str, list[dict[str, Any]]]]:
    """Steps that read so many files, each answer about 1,000 tokens."""
    command = "seq -f 'line %g of a file that is long, number {}' " + str(lines)
    return [(f"Reading {n}.", [call("shell", command=command.replace("{}", str(n)))]) for n in range(count)]


@pytest.mark.parametrize("counts", [True, False], ids=["counted", "not counted"])
@pytest.mark.parametrize("told", [WINDOW, 0], ids=["told", "not told"])
def test_a_long_task_never_dies_of_its_window(world: World, counts: bool, told: int) -> None:
    """Known beforehand, or learnt from a refusal: the work goes on, and what matters stays."""
    model = Model(world, [*reads(40), ("", [call("finish", summary="read all")])], counts=counts)
    seat = Seat(world, window=told, stream=False, task=Task(text="THE TASK"), limits=Limits(steps=90))
    seat.inbox.steer("KEEP THE NAMES")
    end = seat.turn()
    assert (end.state, end.reason) == (State.DONE, "read all"), end.reason
    assert model.refused == 0 if told and counts else model.refused <= 4
    assert model.summaries >= 1
    last = world.gateway.messages()
    assert last[0]["role"] == "system" and "THE TASK" in last[1]["content"]
    assert [m["content"] for m in last].count("KEEP THE NAMES") == 1
    assert "SUMMARY: file f1" in str(last[2:4])
    assert "number 39" in last[-1]["content"], "the last result is whole"
    made = world.events("compaction")
    assert made and all(event["after"] < event["before"] for event in made)
    calls = 41 + model.summaries
    assert seat.progress.cost_usd == pytest.approx(calls * 0.01), "summaries cost too"
    assert recover(str(world.log)).messages[: len(last)] == last, "a crash would go on from here"


def test_old_results_go_first_and_say_what_they_were(world: World) -> None:
    model = Model(world, [*reads(9), ("", [call("finish", summary="ok")])], counts=True)
    Seat(world, window=WINDOW, stream=False).turn()
    assert model.summaries == 0 and model.refused == 0
    results = [m["content"] for m in world.gateway.messages() if m["role"] == "tool"]
    assert results[0].startswith("[shell seq -f 'line %g") and "put aside" in results[0]
    assert "number 8" in results[-1] and len(results[-1]) > 1_000


def test_one_result_larger_than_the_window_is_cut(world: World) -> None:
    big = "python3 -c \"print('word ' * 40000)\""
    steps = [("", [call("shell", command=big)]) for _ in range(4)]
    model = Model(world, [*steps, ("", [call("finish", summary="ok")])], counts=True)
    assert Seat(world, window=WINDOW, stream=False).turn().state is State.DONE
    assert model.refused == 0


def test_a_task_that_alone_is_over_the_window_fails_with_the_provider_s_words(world: World) -> None:
    Model(world, reads(1), counts=True)
    end = Seat(world, stream=False, task=Task(text="word " * 20_000)).turn()
    assert end.state is State.FAILED and "maximum context length is 8000" in end.reason


def test_a_gateway_that_knows_the_window_says_it(world: World) -> None:
    def answer(exchange: Exchange) -> None:
        kage = {"tokens_in": 10, "tokens_out": 1, "cost_usd": None, "window": 4_000}
        message = {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c", "function": call("shell", command="seq 4000")}],
        }
        exchange.whole(200, {"choices": [{"message": message}], "kage": kage})

    world.gateway.scripts = [*[answer] * 9, finish(), finish()]
    Seat(world, stream=False).turn()
    assert world.events("compaction")[0]["window"] == 4_000


def test_a_changed_task_is_never_put_aside(world: World) -> None:
    """Not even after a turn on it was done; the tasks between are."""
    steps = [("", [call("finish", summary="done")]), *reads(30), ("", [call("finish", summary="ok")])]
    model = Model(world, steps, counts=True)
    seat = Seat(world, window=WINDOW, stream=False, limits=Limits(steps=90))
    for task in ("BETWEEN", "NEW"):
        seat.inbox.steer(f"{NEW_TASK}{task}")
    seat.turn()
    assert recover(str(world.log)).steers == [f"{NEW_TASK}NEW"]
    seat.inbox.steer("go on")
    seat.turn()
    assert model.summaries >= 1
    told = [m["content"] for m in world.gateway.messages()]
    assert f"{NEW_TASK}NEW" in told and f"{NEW_TASK}BETWEEN" not in told


def test_a_small_window_is_not_spent_on_summaries(world: World) -> None:
    model = Model(world, [*reads(30, lines=200), ("", [call("finish", summary="ok")])], counts=True)
    end = Seat(world, window=WINDOW, stream=False, limits=Limits(steps=90)).turn()
    assert end.state is State.DONE and model.refused == 0
    assert model.summaries <= 5


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9,001 tokens", 8192),
        ("request (9001 tokens) exceeds the available context size (4096 tokens)", 4096),
        ("prompt is too long: 210000 tokens > 200000 maximum", 0),
        ("The input token count exceeds the maximum number of tokens allowed (1,048,576).", 0),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 0),
    ],
)
def test_what_providers_say_of_their_windows(words: str, tokens: int) -> None:
    window = Window(0)
    messages = [{"role": "user", "content": "word " * 80_000}]
    assert window.refused(messages, words)
    assert tokens in (0, window.tokens)
    assert window.used(messages) > 1.0


def test_other_errors_are_not_about_the_window() -> None:
    assert not Window(0).refused([], "401 invalid api key")
    assert not Window(0).refused([], "max_tokens must be a number")
