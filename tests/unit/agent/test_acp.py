"""What an ACP agent says, as far as it is no matter of processes."""

from __future__ import annotations

import pytest
from acp import schema

from kage_nvim.agent_runtime.acp.permissions import ALLOW, Option, chosen, picked
from kage_nvim.agent_runtime.acp.updates import Calls, edited, outcome, plan, words
from kage_nvim.agent_runtime.acp.wire import decoded


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"7",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": [], "result": 1}',
        b'{"id": {}, "method": "x"}',
        b'{"id": 1, "error": "x"}',
        b'{"method": 7}',
    ],
)
def test_what_is_no_message_is_none(line: bytes) -> None:
    assert decoded(line) is None


def test_messages_are_whole_characters() -> None:
    assert decoded(b'{"id": 1, "error": null, "result": null}') == {"id": 1, "error": None, "result": None}
    half = decoded(b'{"method": "m", "params": {"a": "x \\ud83d", "b": "\\ud83d\\ude00"}}')
    assert half is not None and half["params"] == {"a": "x \ufffd", "b": "\U0001f600"}


OPTIONS = [
    Option("a", "Always allow", "allow_always"),
    Option("o", "Proceed", "allow_once"),
    Option("n", "No, tell it what to do", "reject_once"),
]


@pytest.mark.parametrize(
    ("said", "id"),
    [
        ("1", "a"),
        (" 3\n", "n"),
        ("yes", "o"),
        ("Yes.", "o"),
        ("always", "a"),
        ("no", "n"),
        ("proceed", "o"),
        ("no, tell it what to do", "n"),
        ("0", None),
        ("4", None),
        ("²", None),
        ("yes, but look first", None),
        ("", None),
    ],
)
def test_an_answer_is_a_number_a_name_or_a_word(said: str, id: str | None) -> None:
    given = chosen(OPTIONS, said)
    assert (given.id if given else None) == id


def test_leave_is_given_once_where_that_is_offered() -> None:
    assert picked(OPTIONS, ALLOW) is OPTIONS[1]
    assert picked(OPTIONS[:1], ALLOW) is OPTIONS[0]
    assert picked(OPTIONS[2:], ALLOW) is None
    assert chosen(OPTIONS[:2], "no") is None


def test_a_call_is_told_once_it_is_known_and_once_it_has_ended() -> None:
    calls = Calls()

    def kinds(**fields: object) -> list[str]:
        update = schema.ToolCallProgress(session_update="tool_call_update", tool_call_id="1", **fields)
        return [event.kind for event in calls.take(update)]

    start = schema.ToolCallStart(session_update="tool_call", tool_call_id="1", title="bash", status="pending")
    assert [event.kind for event in calls.take(start)] == ["working"]
    update = schema.ToolCallProgress(
        session_update="tool_call_update", tool_call_id="1", kind="execute", raw_input={"command": "ls"}
    )
    (event,) = calls.take(update)
    assert event.fields == {"id": "1", "name": "execute", "args": {"description": "bash", "command": "ls"}}
    assert kinds(status="in_progress") == ["working"]
    assert kinds(status="failed", raw_output={"error": "no"}) == ["result"]
    assert kinds(status="completed") == ["working"]
    assert calls.title("1") == "bash"

    lone = schema.ToolCallProgress(session_update="tool_call_update", tool_call_id="2", status="completed")
    assert [event.kind for event in calls.take(lone)] == ["tool", "result"]


def test_what_came_of_a_call_in_words() -> None:
    diff = schema.FileEditToolCallContent(
        type="diff", path="/w/a.py", old_text="a\nb\n", new_text="a\nc\nd\n"
    )
    text = schema.ContentToolCallContent(
        type="content", content=schema.TextContentBlock(type="text", text="\x1b[31mred")
    )
    done = schema.ToolCallUpdate(tool_call_id="1", content=[diff, text], raw_output={"output": "unused"})
    assert outcome(done) == "a.py +2 -1\nred"
    assert outcome(schema.ToolCallUpdate(tool_call_id="1", raw_output={"output": "raw"})) == "raw"
    assert outcome(schema.ToolCallUpdate(tool_call_id="1", raw_output=[1])) == "[1]"
    assert outcome(schema.ToolCallUpdate(tool_call_id="1")) == ""
    assert edited("b/new.py", "", "x\n" * 3) == "new.py +3 -0"
    assert edited("b/big.py", "", "x\n" * 2_000_000) == "big.py edited"
    link = schema.ResourceContentBlock(type="resource_link", uri="file:///x", name="x")
    assert words(link) == "[file:///x]"


def test_a_plan_is_lines_and_where_it_stands() -> None:
    entries = [
        schema.PlanEntry(content="look\nagain", priority="high", status="completed"),
        schema.PlanEntry(content="mend", priority="low", status="in_progress"),
    ]
    assert plan(entries) == (["  ✓ look again", "  ▸ mend"], "plan 1/2: mend")
    assert plan([]) == ([], "plan 0/0")
