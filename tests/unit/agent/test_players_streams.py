"""What the real CLIs printed, recorded once, and the states that it must lead to.

``tests/fixtures/clis/NAME/CASE.jsonl`` is what CLI NAME printed, paths and lengthy lists shortened;
``expected.json`` beside it says for each case with which code it ended (negative: by that signal),
the states in their order, a part of the last one's reason, and the tools that were called.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.clis.events import Event, read
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.players import describe

CLIS = Path(__file__).parents[2] / "fixtures" / "clis"
NAMES = ("claude", "codex", "opencode", "gemini", "qwen", "aider", "goose")
CASES = [
    (name, case, expected)
    for name in NAMES
    for case, expected in json.loads((CLIS / name / "expected.json").read_text("utf-8")).items()
]


def played(name: str, case: str, code: int | None) -> tuple[list[str], str, list[Event]]:
    """The states that a recording leads to, the last one's reason, and all events."""
    description = describe(name, {})
    reader, authority = read(description), Authority(description, clock=lambda: 0.0)
    states, events = [], []
    authority.begin()
    authority.process(True)
    for line in (CLIS / name / f"{case}.jsonl").read_bytes().splitlines(keepends=True):
        for event in reader.feed(line):
            authority.event(event)
            events.append(event)
        states.append(authority.finding.state.value)
    authority.process(False, code)
    states.append(authority.finding.state.value)
    changes = [state for i, state in enumerate(states) if i == 0 or state != states[i - 1]]
    return changes, authority.finding.reason, events


@pytest.mark.parametrize(("name", "case", "expected"), CASES, ids=[f"{n}-{c}" for n, c, _ in CASES])
def test_a_recorded_stream_leads_to_the_states_that_happened(
    name: str, case: str, expected: dict[str, Any]
) -> None:
    states, reason, events = played(name, case, expected["exit"])
    assert states == expected["states"]
    assert expected["reason"] in reason
    assert [e.fields["name"] for e in events if e.kind == "tool"] == expected.get("tools", [])
    assert [e.fields["ok"] for e in events if e.kind == "result" and "ok" in e.fields] == expected.get(
        "results", []
    )
    assert all(isinstance(e.fields["ok"], bool) for e in events if "ok" in e.fields)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("aider", "claude")])
def test_a_turn_tells_its_session_its_words_and_its_tokens(name: str) -> None:
    _, _, events = played(name, "edit", 0)
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(event.kind, []).append(event)
    if name != "goose":  # its session has the name that it was given
        assert by_kind["session"][0].fields["id"]
    assert "Fixed add" in "".join(event.text for event in by_kind["text"])
    assert sum(event.fields.get("tokens_in", 0) for event in by_kind["usage"]) == 300
    assert sum(event.fields.get("tokens_out", 0) for event in by_kind["usage"]) == 60


def test_what_a_model_says_is_not_taken_for_what_the_tool_says() -> None:
    reader = read(describe("qwen", {}))
    result = {"type": "result", "subtype": "success", "is_error": False}
    quoted = {**result, "result": 'The log says "[API Error: 401]", so I renewed the key.'}
    assert [e.kind for e in reader.feed(json.dumps(quoted).encode()) if e.kind != "usage"] == ["done"]
    failed = {**result, "result": "I begin.\n[API Error: 502 nobody there]"}
    assert [e.kind for e in reader.feed(json.dumps(failed).encode()) if e.kind != "usage"] == ["failed"]
    aider = read(describe("aider", {}))
    assert [e.kind for e in aider.feed(b"The call raises litellm errors when the key is bad.")] == []
