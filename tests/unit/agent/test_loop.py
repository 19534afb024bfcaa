"""Turns of conversation against a scripted gateway: what ends them, what the model is told."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from kage_nvim.agent_runtime.builtin import patience
from kage_nvim.agent_runtime.log import recover
from kage_nvim.model import Limits, Selection, State, Task
from tests.conftest import until
from tests.unit.agent.conftest import Seat, eventually
from tests.unit.agent.world import Exchange, World, also, call, cut, fail, finish, hang, raw_call, say

READ = call("shell", command="echo looked")


def test_a_turn(world: World) -> None:
    (world.worktree / "a").write_text("hello\n")
    world.gateway.scripts = [
        say("Let me look.", call("read", path="a")),
        say("", call("edit", path="a", old="hello", new="bye"), call("shell", command="cat a")),
        finish("Said bye\n\nIt was asked for."),
    ]
    seat = Seat(world)
    end = seat.turn()
    assert (end.state, end.reason) == (State.DONE, "Said bye")
    assert (world.worktree / "a").read_text() == "bye\n"
    roles = [message["role"] for message in world.gateway.messages()]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "tool"]
    assert "bye" in world.gateway.messages()[-1]["content"]
    assert world.events("summary")[0]["text"] == "Said bye\n\nIt was asked for."
    assert [event["tokens_in"] for event in world.events("usage")] == [100, 100, 100]
    assert seat.progress.cost_usd == pytest.approx(0.03)
    assert "● read a → lines 1-1 of 1\n● edit a → +1 -1\n● shell cat a → exit 0, 1 line\n" in seat.shown


def test_whole_answers_do_as_well(world: World) -> None:
    world.gateway.scripts = [say("", READ), finish()]
    assert Seat(world, stream=False).turn().state is State.DONE
    assert "stream_options" not in world.gateway.bodies[0]


def test_the_agents_of_a_run_share_their_beginning(world: World) -> None:
    context = world.folder / "context.md"
    context.write_text("# Notes of this repository\n\n## AGENTS.md\n\nUse tabs.")
    task = Task(
        text="Faster",
        selection=Selection(path="a.py", first=3, last=4, text="x = 1\ny = ```\n"),
        files=["b.py"],
        diagnostics=["a.py:3: slow"],
        variants={2: "With numpy."},
    )
    prompts = []
    for number, angle in ((1, ""), (2, "Be bold.")):
        world.gateway.scripts = [say("", READ), finish()]
        world.log.unlink(missing_ok=True)
        Seat(world, number=number, angle=angle, task=task, context=str(context)).turn()
        prompts.append(world.gateway.messages()[:2])
    assert prompts[0][0] == prompts[1][0]
    first, second = prompts[0][1]["content"], prompts[1][1]["content"]
    assert second.startswith(first)
    assert second.endswith("With numpy.\n\n# Your angle\n\nBe bold.")
    for text in ("Use tabs.", "Faster", "a.py, lines 3 to 4", "````\nx = 1", "- b.py", "- a.py:3: slow"):
        assert first.count(text) == 1, text


def test_notes_in_a_folder_come_with_its_first_file_and_from_inside_the_sandbox(sandboxed: World) -> None:
    secret = sandboxed.folder / "secret"
    secret.write_text("the key\n")
    deep = sandboxed.worktree / "src/deep"
    deep.mkdir(parents=True)
    (sandboxed.worktree / "AGENTS.md").write_text("Root.\n")
    (sandboxed.worktree / "CLAUDE.md").write_text("Root.\n")
    (sandboxed.worktree / "src/AGENTS.md").symlink_to(secret)
    (deep / "CLAUDE.md").write_text("Deep.\n")
    (deep / "a").write_text("one\n")
    context = sandboxed.folder / "context.md"
    context.write_text("# Notes of this repository\n\n## AGENTS.md\n\nRoot.")
    sandboxed.gateway.scripts = [
        say("", call("edit", path="src/deep/a", old="one", new="two")),
        say("", call("read", path="src/deep/a"), call("read", path="../../../etc/hostname")),
        finish(),
    ]
    Seat(sandboxed, context=str(context)).turn()
    results = [m["content"] for m in sandboxed.gateway.messages() if m["role"] == "tool"]
    assert "## src/deep/CLAUDE.md\n\nDeep." in results[0] and "Deep." not in results[1]
    assert "the key" not in str(sandboxed.gateway.bodies)
    assert str(sandboxed.gateway.messages()).count("Root.") == 1


def test_only_what_caches_by_marker_is_sent_markers(world: World) -> None:
    def marked(model: str) -> list[int]:
        world.log.unlink(missing_ok=True)
        world.gateway.scripts = [say("", READ), say("", READ), finish()]
        Seat(world, model=model, angle="Be bold.").turn()
        messages = world.gateway.messages()
        return [at for at, message in enumerate(messages) if "cache_control" in str(message["content"])]

    assert marked("openai/gpt-5") == marked("openrouter/openai/gpt-5") == []
    for model in ("anthropic/claude-x", "openrouter/anthropic/claude-x", "bedrock/us.anthropic.claude-x"):
        assert marked(model) == [0, 1, 5], model
    shared, own = world.gateway.messages()[1]["content"]
    assert "cache_control" in shared and "keep it right" in shared["text"]
    assert own == {"type": "text", "text": "\n\n# Your angle\n\nBe bold."}
    told = [message["content"] for message in recover(str(world.log)).messages]
    assert all(isinstance(content, str) for content in told), "markers are no part of the conversation"


def test_calls_written_as_text(world: World) -> None:
    block = '```json\n{"tool": "write", "args": {"path": "a", "content": "x"}}\n```\n'
    block += '```json\n{"tool": "shell", "command": "cat a"}\n```'
    world.gateway.scripts = [say(block), say('{"tool": "finish", "args": {"summary": "ok"}}')]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (State.DONE, "ok")
    last = world.gateway.messages()[-1]
    assert last["role"] == "user"
    assert last["content"].startswith("Result of write:\nmade a, 1 lines\n\nResult of shell:\nexit 0")


def test_a_chatty_answer_after_work_ends_the_turn(world: World) -> None:
    world.gateway.scripts = [say("", READ), say("All done.\nRun it:\n```bash\nrm a\n```")]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (State.DONE, "All done.")


def test_a_shell_block_of_a_model_without_native_calls_is_asked_about(world: World) -> None:
    world.gateway.scripts = [
        say('{"tool": "shell", "args": {"command": "ls"}}'),
        say("Next:\n```bash\ntouch made\n```"),
        finish(),
    ]
    assert Seat(world).turn().state is State.DONE
    assert not (world.worktree / "made").exists()
    assert "A shell block is not run" in world.gateway.messages()[-1]["content"]


def test_finish_beside_a_failure_is_not_taken(world: World) -> None:
    world.gateway.scripts = [
        say("", call("shell", command="exit 1"), call("finish", summary="all good")),
        finish("it cannot be done"),
    ]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (State.DONE, "it cannot be done")
    assert world.gateway.messages()[-1]["content"].startswith("not finished: ")
    assert world.gateway.messages()[2]["content"] is None, "no words, no text"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (say("I would change a."), "That was no tool call"),
        (say(""), "That was no tool call"),
        (say("I will now", finish="length"), "cut off at the token limit"),
        (say('```json\n{"tool": read}\n```'), "not valid JSON"),
        (say("", raw_call("read", '{"path": ')), "not valid JSON"),
        (say("", raw_call("read", '{"path": "a", "first": Infinity}')), "must be a whole number, found inf"),
        (say("", raw_call("shell", '{"command": "ls", "timeout": 1e400}')), "must be a whole number"),
        (say("", raw_call("read", '{"path": "a", "count": 99999999999999999999}')), "must be a whole number"),
        (say("", raw_call("shell", "[" * 200_000)), "not valid JSON"),
        (say('```json\n{"tool": "read", "args": ' + "[" * 50_000), "not valid JSON"),
        (say('```json\n{"tool": "read", "args": {"path": "a", "first": 1e400}}\n```'), "whole number"),
        (say('```json\n{"tool": "\\ud800"}\n```'), "there is no tool"),
        (say("", call("look")), "there is no tool 'look'"),
        (say("", call("read")), "missing path"),
    ],
)
def test_a_mistake_of_form_is_told_and_the_third_ends_the_turn(world: World, bad: Any, told: str) -> None:
    world.gateway.scripts = [bad, bad, finish()]
    assert Seat(world).turn().state is State.DONE
    assert told in world.gateway.messages(1)[-1]["content"]
    for message in world.gateway.messages():
        for made in message.get("tool_calls", []):
            json.loads(made["function"]["arguments"])
    world.log.unlink()
    world.gateway.scripts = [bad, bad, bad, finish()]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (State.STOPPED, "limit: 3 answers in no known format in a row")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(steps=2), "limit: 2 steps"),
        (Limits(usd=0.015), "limit: $0.015 (spent $0.0200)"),
        (Limits(tokens=200), "limit: 200 tokens (used 214)"),
        (Limits(seconds=0.4), "limit: 0.4 seconds"),
    ],
)
def test_limits(world: World, limits: Limits, reason: str) -> None:
    world.gateway.scripts = [say("", call("shell", command="sleep 0.25")) for _ in range(5)]
    end = Seat(world, limits=limits).turn()
    assert (end.state, end.reason) == (State.STOPPED, reason)


def test_a_model_that_hangs_is_ended_by_the_clock(world: World) -> None:
    world.gateway.scripts = [hang()]
    assert Seat(world, limits=Limits(seconds=0.3)).turn().state is State.STOPPED


def test_calls_after_finish_are_not_run(world: World) -> None:
    world.gateway.scripts = [
        say("", call("finish", summary="ok"), call("write", path="a", content="x")),
    ]
    assert Seat(world).turn().state is State.DONE
    assert not (world.worktree / "a").exists()


def test_steering_reaches_the_next_call(world: World) -> None:
    seat = Seat(world)
    world.gateway.scripts = [also(lambda: seat.inbox.steer("also handle None"), say("", READ)), finish()]
    seat.turn()
    last = world.gateway.messages()[-2:]
    assert last[0]["role"] == "tool" and last[1] == {"role": "user", "content": "also handle None"}
    assert world.events("steer")[0]["text"] == "also handle None"


def test_steering_that_arrives_with_the_last_answer_keeps_the_turn_going(world: World) -> None:
    seat = Seat(world)
    world.gateway.scripts = [also(lambda: seat.inbox.steer("wait"), finish("first")), finish("second")]
    assert seat.turn().reason == "second"
    assert world.gateway.messages()[-1]["content"] == "wait"


def test_an_idle_agent_takes_a_message_as_a_new_turn(world: World) -> None:
    seat = Seat(world)
    world.gateway.scripts = [finish("one"), say("Because it was slow.")]
    seat.turn()
    seat.inbox.steer("why?")
    end = seat.turn()
    assert (end.state, end.reason) == (State.DONE, "Because it was slow.")
    assert world.gateway.messages()[-1]["content"] == "why?"
    assert [event["turn"] for event in world.events("state")] == [1, 2]


@pytest.mark.parametrize("mode", ["off", "on"])
def test_an_interrupt_kills_the_command_and_tells_the_model(tmp_path: Any, mode: str) -> None:
    world = World(tmp_path, mode)
    seat = Seat(world)
    command = "echo started; (while :; do echo x >> beat; sleep 0.02; done) & sleep 60"
    world.gateway.scripts = [say("", call("shell", command=command), call("write", path="b", content="x"))]

    async def interrupt() -> None:
        await eventually((world.worktree / "beat").exists)
        seat.inbox.interrupt("interrupted by the user")

    end = seat.turn(interrupt)

    def quiet() -> bool:
        size = (world.worktree / "beat").stat().st_size
        time.sleep(0.1)  # five beats of a child that lives on
        return (world.worktree / "beat").stat().st_size == size

    until(quiet, 5, "the end of the command's child")
    assert (end.state, end.reason) == (State.INTERRUPTED, "interrupted by the user")
    assert not (world.worktree / "b").exists()
    world.gateway.scripts = [finish()]
    seat.inbox.steer("go on")
    seat.turn()
    told = [message["content"] for message in world.gateway.messages()[-4:]]
    assert told[0].startswith("killed: interrupted by the user") and "started" in told[0]
    assert told[1] == "not run: interrupted by the user"
    assert "The user interrupted you" in told[2] and told[3] == "go on"
    world.close()


def test_an_interrupt_drops_the_model_call(world: World) -> None:
    seat = Seat(world)
    world.gateway.scripts = [hang()]

    async def interrupt() -> None:
        await eventually(lambda: "Let me think" in seat.shown)
        seat.inbox.interrupt("interrupted by the user")

    assert seat.turn(interrupt).state is State.INTERRUPTED
    assert world.gateway.hung_up.wait(2), "the gateway was left waiting"
    world.gateway.scripts = [finish()]
    seat.inbox.steer("go on")
    seat.turn()
    assert world.gateway.messages()[2] == {"role": "assistant", "content": "Let me think"}


def test_missing_keys_are_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "KEYS_EVERY", 0.02)
    missing = fail(428, "keys_missing", names=["OPENAI_API_KEY"])
    world.gateway.scripts = [missing, missing, missing, finish()]
    assert Seat(world, limits=Limits(steps=1)).turn().state is State.DONE
    states = [(event["state"], event["reason"]) for event in world.events("state")]
    assert states == [("working", ""), ("waiting", "keys: OPENAI_API_KEY"), ("working", "")]


def test_waiting_for_keys_can_be_interrupted(world: World) -> None:
    world.gateway.scripts = [fail(428, "keys_missing", names=["OPENAI_API_KEY"])]
    seat = Seat(world)

    async def interrupt() -> None:
        await eventually(lambda: seat.progress.state is State.WAITING)
        seat.inbox.stop("stopped by the user")

    assert seat.turn(interrupt).state is State.STOPPED


def test_a_gateway_that_was_restarted_is_waited_for(world: World) -> None:
    world.gateway.scripts = [cut("half a w"), finish()]
    world.gateway.stop()
    seat = Seat(world)

    async def restart() -> None:
        await eventually(lambda: seat.progress.reason == "the gateway to come back")
        world.gateway.start()

    assert seat.turn(restart).state is State.DONE


def test_a_gateway_that_stays_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "GONE_FOR", 0.2)
    world.gateway.stop()
    end = Seat(world).turn()
    assert end.state is State.FAILED and "the gateway did not come back" in end.reason


@pytest.mark.parametrize(
    ("script", "state", "reason"),
    [
        (fail(502, "provider", "401 from api.openai.com"), State.FAILED, "401 from api.openai.com"),
        (fail(401, "unauthorized", "unknown token"), State.FAILED, "unknown token"),
        (fail(429, "rate_limit", "still limited"), State.FAILED, "still limited"),
        (fail(402, "budget", "the run's $1.00 is spent"), State.STOPPED, "the run's $1.00 is spent"),
    ],
)
def test_what_the_gateway_refuses(world: World, script: Any, state: State, reason: str) -> None:
    world.gateway.scripts = [script, finish()]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (state, reason)
    assert len(world.gateway.bodies) == 1


def test_a_stream_that_breaks_off_is_asked_for_again_twice(world: World) -> None:
    broken = cut("half", {"type": "network", "message": "reset by peer"})
    world.gateway.scripts = [broken, finish()]
    seat = Seat(world)
    assert seat.turn().state is State.DONE
    assert "no whole answer (reset by peer); asking again" in seat.shown
    world.log.unlink()
    world.gateway.scripts = [broken, broken, broken, finish()]
    end = Seat(world).turn()
    assert (end.state, end.reason) == (State.FAILED, "reset by peer")


@pytest.mark.parametrize(
    "script",
    [
        fail(500, "gateway", "the gateway failed: KeyError"),
        cut("half", {"type": "gateway", "message": "the gateway failed: KeyError"}),
        lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nKeyError"),
    ],
)
def test_a_gateway_that_is_there_and_fails_is_not_waited_for(world: World, script: Any) -> None:
    world.gateway.scripts = [script] * 9
    end = Seat(world).turn()
    assert end.state is State.FAILED and "gateway" in end.reason
    assert len(world.gateway.bodies) == 3
    assert {event["state"] for event in world.events("state")} == {"working"}


def test_calls_that_the_gateway_swallows_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HANGUPS", 2)
    world.gateway.scripts = [lambda exchange: None] * 9
    end = Seat(world).turn()
    assert end.state is State.FAILED and "hung up on 3 calls" in end.reason
    assert len(world.gateway.bodies) == 3


def test_what_a_broken_call_cost_is_counted(world: World) -> None:
    def script(exchange: Exchange) -> None:
        sums = {"tokens_in": 9, "tokens_cached": 0, "tokens_out": 2, "cost_usd": 0.5}
        exchange.begin_stream()
        exchange.event({"error": {"type": "provider", "message": "cut"}, "kage": sums})

    world.gateway.scripts = [script, finish()]
    seat = Seat(world)
    seat.turn()
    assert seat.link.latest is not None
    assert (seat.link.latest.cost_usd, seat.link.latest.tokens_in) == (0.51, 109)


def test_the_line_of_a_malformed_call_names_the_tool(world: World) -> None:
    world.gateway.scripts = [
        say("", raw_call("read", '{"path": ')),
        say('```json\n{"tool": "edit", "args": {]\n```'),
        finish(),
    ]
    seat = Seat(world)
    seat.turn()
    assert "● read → not understood\n" in seat.shown
    assert "a call of edit that is not valid JSON; told the model" in seat.shown


def test_halves_of_characters_reach_neither_log_nor_conversation(world: World) -> None:
    world.gateway.scripts = [
        say("lone \ud800", raw_call("write", '{"path": "a", "content": "\\ud800 \\ud83d\\ude00"}')),
        say("", raw_call("write", '{"path": "b", "content": "\ud83d\ude00\ud800"}')),
        finish("\udc00 done"),
    ]
    seat = Seat(world)
    end = seat.turn()
    assert (end.state, end.reason) == (State.DONE, "\ufffd done")
    assert (world.worktree / "a").read_text("utf-8") == "\ufffd \U0001f600"
    assert (world.worktree / "b").read_text("utf-8") == "\U0001f600\ufffd"
    assert world.gateway.messages()[2]["content"] == world.events("text")[0]["text"] == "lone \ufffd"
    assert "lone \ufffd" in seat.shown


def test_a_server_without_tools_is_asked_in_text(world: World) -> None:
    world.gateway.scripts = [
        fail(400, "bad_request", "this model does not support tools"),
        say('```json\n{"tool": "shell", "args": {"command": "echo hi"}}\n```'),
        say('```json\n{"tool": "finish", "args": {"summary": "ok"}}\n```'),
    ]
    assert Seat(world).turn().state is State.DONE
    assert ["tools" in body for body in world.gateway.bodies] == [True, False, False]


def test_a_conversation_with_native_calls_goes_on_in_text(world: World) -> None:
    world.gateway.scripts = [say("", READ), fail(400, "bad_request", "no tools here"), finish()]
    assert Seat(world).turn().state is State.DONE
    assert {message["role"] for message in world.gateway.messages()} == {"system", "user", "assistant"}
    assert '"tool": "shell"' in world.gateway.messages()[2]["content"]


def test_an_unpriced_model_costs_none_and_not_zero(world: World) -> None:
    world.gateway.scripts = [say("", READ, cost=None), say("", call("finish", summary="x"), cost=None)]
    for priced in (True, False):
        seat = Seat(world, priced=priced)
        seat.progress.begin_turn()
        assert seat.link.latest is not None and seat.link.latest.cost_usd == (0.0 if priced else None)
    seat = Seat(world)
    seat.turn()
    assert seat.link.latest is not None and seat.link.latest.cost_usd is None


def test_a_conversation_goes_on_after_a_crash(world: World) -> None:
    world.gateway.scripts = [say("", READ), fail(500, "provider", "down")]
    Seat(world).turn()
    lines = world.log.read_bytes().splitlines(keepends=True)
    result = next(at for at, line in enumerate(lines) if b'"kind":"result"' in line)
    world.log.write_bytes(b"".join(lines[:result]))
    world.gateway.scripts = [finish()]
    seat = Seat(world, resume=True)
    assert seat.turn().state is State.DONE
    told = world.gateway.messages()
    assert [message["role"] for message in told] == ["system", "user", "assistant", "tool", "user"]
    assert "may or may not have run" in told[3]["content"] and "restarted" in told[4]["content"]
    assert world.events("state")[-1]["turn"] == 1


def test_escape_sequences_of_a_model_do_not_reach_the_pane(world: World) -> None:
    evil = "\x1b]52;c;aGFoYQ==\x07\x9b31m\x1b]0;title\x07fine\x08"
    world.gateway.scripts = [say(evil, call("shell", command=f"printf '{evil}'")), finish(evil)]
    seat = Seat(world)
    end = seat.turn()
    assert not [c for c in seat.shown + end.reason if (c < " " and c != "\n") or "\x7f" <= c <= "\x9f"]
    assert "fine" in seat.shown


def test_a_sandbox_that_is_gone_fails_the_turn_and_keeps_the_conversation_whole(
    sandboxed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kage_nvim.errors import KageError
    from kage_nvim.sandbox import bwrap

    seat = Seat(sandboxed)
    missing = lambda: monkeypatch.setattr(bwrap, "find_bwrap", lambda: None)  # noqa: E731
    sandboxed.gateway.scripts = [also(missing, say("", READ, READ))]
    with pytest.raises(KageError, match="bubblewrap"):
        seat.turn()
    monkeypatch.undo()
    sandboxed.gateway.scripts = [finish()]
    seat.inbox.steer("mended")
    assert seat.turn().state is State.DONE
    assert [m["role"] for m in sandboxed.gateway.messages()[2:]] == ["assistant", "tool", "tool", "user"]
