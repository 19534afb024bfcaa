"""The wires as pure translators: what the real CLIs sent, and any sequence of deltas, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kage_nvim.gateway.pieces import Bill, Delta, Usage
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires import messages
from kage_nvim.gateway.wires.chat import Chat
from kage_nvim.gateway.wires.gemini import Gemini
from kage_nvim.gateway.wires.gemini_request import schema
from kage_nvim.gateway.wires.messages import Messages
from kage_nvim.gateway.wires.reading import plain
from kage_nvim.gateway.wires.responses import Responses
from kage_nvim.gateway.wires.wire import Wire

RECORDED = Path(__file__).parents[2] / "fixtures" / "wires"
BILL = Bill("stop", Usage(tokens_in=100, tokens_cached=80, tokens_written=5, tokens_out=20), None)
ASKED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "x"}]},
    "responses": {"input": "x"},
    "messages": {"messages": [{"role": "user", "content": "x"}]},
    "gemini": {"contents": [{"parts": [{"text": "x"}]}]},
}


def wire(name: str, asked: dict[str, Any]) -> Wire:
    if name == "gemini":
        return Gemini(asked, "gemini-x", stream=True, sse=True)
    return {"chat": Chat, "responses": Responses, "messages": Messages}[name](asked)


def recorded(cli: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((RECORDED / f"{cli}.json").read_text())["body"]
    name = {"claude": "messages", "codex": "responses", "gemini": "gemini"}.get(cli, "chat")
    return wire(name, body).body


ROLES = {
    "claude": ["system", "user", "system", "assistant", "tool", "tool"],
    "codex": ["system", "system", "user", "user", "assistant", "tool"],
    "gemini": ["system", "user", "assistant", "tool", "tool"],
    "qwen": ["system", "user", "assistant", "user", "assistant", "tool", "tool"],
    "opencode": ["system", "user", "assistant", "tool", "tool"],
}
TOOLS = {
    "claude": ["Bash", "WebSearch", "Write"],
    "codex": ["exec_command", "multi_agent_v1__close_agent", "multi_agent_v1__resume_agent"],
    "gemini": ["write_file", "run_shell_command"],
    "qwen": ["run_shell_command", "write_file"],
    "opencode": ["bash", "write"],
}


@pytest.mark.parametrize("cli", ROLES)
def test_what_the_real_clis_send(cli: str) -> None:
    body = recorded(cli)
    assert [m["role"] for m in body["messages"]] == ROLES[cli]
    assert sorted(t["function"]["name"] for t in body["tools"]) == sorted(TOOLS[cli])
    assert all(t["function"]["parameters"]["type"] == "object" for t in body["tools"])
    assert body["stream"] is True
    said = plain(body["messages"])
    answer = next(m for m in said if m.get("tool_calls"))
    results = [m for m in said if m["role"] == "tool"]
    assert [call["id"] for call in answer["tool_calls"]] == [m["tool_call_id"] for m in results]
    assert answer["content"] == "I do."
    assert all(isinstance(m["content"], str) and m["content"] for m in results)


def test_cache_markers_stay_where_litellm_looks_for_them() -> None:
    body = recorded("claude")
    assert body["messages"][0]["content"][-1]["cache_control"]["type"] == "ephemeral"
    assert body["messages"][-1]["cache_control"] == {"type": "ephemeral"}
    assert body["thinking"] == {"type": "adaptive"}


def read_back(name: str, stream: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    """Thoughts, text and calls of a stream, by each protocol's own rules."""
    events = [json.loads(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: {")]
    return {"chat": _chat, "responses": _responses, "messages": _messages, "gemini": _gemini}[name](events)


Found = tuple[str, str, list[tuple[str, str]]]


def _chat(events: list[dict[str, Any]]) -> Found:
    calls: dict[int, list[str]] = {}
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    for part in (part for delta in deltas for part in delta.get("tool_calls", [])):
        call = calls.setdefault(part["index"], ["", ""])
        call[0] += part["function"].get("name", "")
        call[1] += part["function"].get("arguments", "")
    thought, text = ("".join(d.get(n, "") for d in deltas) for n in ("reasoning_content", "content"))
    return thought, text, [(name, given) for _, (name, given) in sorted(calls.items())]


def _responses(events: list[dict[str, Any]]) -> Found:
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    text = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    pieces: dict[str, str] = {}
    for event in events:
        if event["type"] == "response.function_call_arguments.delta":
            pieces[event["item_id"]] = pieces.get(event["item_id"], "") + event["delta"]
    done = [e["item"] for e in events if e["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]
    assert [e["output_index"] for e in events if e["type"].endswith("item.done")] == list(range(len(done)))
    calls = [item for item in done if item["type"] == "function_call"]
    assert all(pieces.get(item["id"], "{}") == item["arguments"] for item in calls)
    said = "".join(part["text"] for item in done if item["type"] == "message" for part in item["content"])
    assert said == text
    thoughts = [p["text"] for i in done if i["type"] == "reasoning" for p in i["summary"]]
    return "".join(thoughts), text, [(item["name"], item["arguments"]) for item in calls]


def _messages(events: list[dict[str, Any]]) -> Found:
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    blocks: list[list[str]] = []
    is_open = False
    for event in events[1:-2]:
        assert event["index"] == len(blocks) - (event["type"] != "content_block_start")
        if event["type"] == "content_block_start":
            assert not is_open, "one block at a time"
            block = event["content_block"]
            blocks.append([block["type"], block.get("name", ""), ""])
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            blocks[-1][2] += delta.get("text", delta.get("thinking", delta.get("partial_json", "")))
        is_open = event["type"] != "content_block_stop"
    assert not is_open
    thought, text = ("".join(b[2] for b in blocks if b[0] == kind) for kind in ("thinking", "text"))
    return thought, text, [(b[1], b[2]) for b in blocks if b[0] == "tool_use"]


def _gemini(events: list[dict[str, Any]]) -> Found:
    parts = [part for event in events for part in event["candidates"][0]["content"]["parts"]]
    calls = [p["functionCall"] for p in parts if "functionCall" in p]
    thought, text = (
        "".join(p["text"] for p in parts if "text" in p and bool(p.get("thought")) is is_thought)
        for is_thought in (True, False)
    )
    return thought, text, [(call["name"], json.dumps(call["args"])) for call in calls]


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Delta], Found]:
    """An answer in pieces that interleave in any way, and what it says."""
    words = st.text(st.characters(codec="utf-8"), max_size=12)
    thought, text = draw(words), draw(words)
    values = st.dictionaries(words, st.one_of(st.integers(), words, st.lists(words, max_size=2)), max_size=3)
    calls = draw(st.lists(st.tuples(st.sampled_from(["shell", "read"]), values), max_size=3))
    lanes: list[list[Delta]] = [_cut(draw, thought, "reasoning_content"), _cut(draw, text, "content")]
    for index, (name, arguments) in enumerate(calls):
        head = {"index": index, "id": f"id{index}", "type": "function"}
        pieces = _cut(draw, json.dumps(arguments), "arguments")
        first = {**head, "function": {"name": name, **pieces[0]}}
        rest = [{"index": index, "function": piece} for piece in pieces[1:]]
        lanes.append([{"tool_calls": [part]} for part in (first, *rest)])
    order = draw(st.permutations([n for n, lane in enumerate(lanes) for _ in lane]))
    queues: list[Iterator[Delta]] = [iter(lane) for lane in lanes]
    return [next(queues[n]) for n in order], (thought, text, [(n, json.dumps(a)) for n, a in calls])


def _cut(draw: st.DrawFn, text: str, field: str) -> list[dict[str, str]]:
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    return [{field: piece} for piece in pieces if piece]


@pytest.mark.parametrize("name", ASKED)
@given(answer=answers())
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_deltas_reads_back_the_same(name: str, answer: tuple[list[Delta], Found]) -> None:
    deltas, (thought, text, calls) = answer
    asked = wire(name, ASKED[name])
    stream = b"".join(part for piece in [*deltas, BILL] for part in asked.events(piece))
    found = read_back(name, stream)
    assert found[:2] == (thought, text)
    assert sorted(map(str, _parsed(found[2]))) == sorted(map(str, _parsed(calls)))
    assert json.loads(json.dumps(wire(name, ASKED[name]).whole(deltas, BILL)))


def _parsed(calls: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    return [(name, json.loads(given or "{}")) for name, given in calls]


def test_usage_in_each_protocols_own_way() -> None:
    said = {name: wire(name, asked).whole([{"content": "x"}], BILL) for name, asked in ASKED.items()}
    assert said["messages"]["usage"] == {
        "input_tokens": 15,
        "cache_read_input_tokens": 80,
        "cache_creation_input_tokens": 5,
        "output_tokens": 20,
    }
    assert said["responses"]["usage"]["input_tokens_details"] == {"cached_tokens": 80}
    assert said["responses"]["usage"]["total_tokens"] == 120
    assert said["gemini"]["usageMetadata"]["cachedContentTokenCount"] == 80
    assert said["chat"]["usage"]["prompt_tokens_details"] == {"cached_tokens": 80}


@pytest.mark.parametrize(
    ("finish", "chat", "responses", "anthropic", "google"),
    [
        ("stop", "stop", "completed", "end_turn", "STOP"),
        ("length", "length", "incomplete", "max_tokens", "MAX_TOKENS"),
        ("content_filter", "content_filter", "incomplete", "refusal", "SAFETY"),
    ],
)
def test_ends(finish: str, chat: str, responses: str, anthropic: str, google: str) -> None:
    bill = Bill(finish, Usage(), None)
    said = {name: wire(name, asked).whole([], bill) for name, asked in ASKED.items()}
    assert said["chat"]["choices"][0]["finish_reason"] == chat
    assert said["responses"]["status"] == responses
    assert said["messages"]["stop_reason"] == anthropic
    assert said["gemini"]["candidates"][0]["finishReason"] == google


def test_free_form_tools_and_shells_of_responses() -> None:
    tools = [
        {"type": "custom", "name": "apply_patch", "format": {"syntax": "lark", "definition": "start: PATCH"}},
        {"type": "local_shell"},
        {"type": "namespace", "name": "jira", "tools": [{"type": "function", "name": "find"}]},
        {"type": "web_search"},
    ]
    items = [
        {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:x"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "…"},
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** Begin"},
        {"type": "local_shell_call", "call_id": "b", "action": {"command": ["ls"]}},
        {"type": "function_call", "call_id": "c", "namespace": "jira", "name": "find", "arguments": ""},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
        {"type": "local_shell_call_output", "call_id": "b", "output": "calc.py"},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_image", "image_url": "data:y"}],
        },
    ]
    asked = Responses(
        {"input": items, "tools": tools, "tool_choice": {"type": "custom", "name": "apply_patch"}}
    )
    names = [t["function"]["name"] for t in asked.body["tools"]]
    assert names == ["apply_patch", "local_shell", "jira__find"]
    assert "start: PATCH" in asked.body["tools"][0]["function"]["description"]
    said = asked.body["messages"]
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "tool", "tool", "user"]
    assert said[1]["tool_calls"][0]["function"]["arguments"] == '{"input": "*** Begin"}'
    assert said[-1]["content"][0]["image_url"]["url"] == "data:y"
    given = [
        ("apply_patch", '{"input": "*** End"}'),
        ("local_shell", '{"command": ["ls"]}'),
        ("jira__find", ""),
    ]
    parts = [
        {"index": n, "id": f"i{n}", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(given)
    ]
    made = asked.whole([{"tool_calls": parts}], BILL)["output"]
    assert [(item["type"], item["call_id"]) for item in made] == [
        ("custom_tool_call", "i0"),
        ("local_shell_call", "i1"),
        ("function_call", "i2"),
    ]
    assert made[0]["input"] == "*** End"
    assert made[1]["action"]["command"] == ["ls"]
    assert (made[2]["name"], made[2]["namespace"], made[2]["arguments"]) == ("find", "jira", "{}")


def test_failed_tools_images_and_thoughts_of_messages() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    failed = {
        "type": "tool_result",
        "tool_use_id": "t",
        "is_error": True,
        "content": [{"type": "text", "text": "no such file"}, {"type": "image", "source": source}],
    }
    body = messages.read(
        {
            "system": "be brief",
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "thinking", "thinking": "unsigned", "signature": ""},
                        {"type": "tool_use", "id": "t", "name": "Read", "input": {"a": 1}},
                    ],
                },
                {"role": "user", "content": [failed, {"type": "text", "text": "go on"}]},
            ],
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "stop_sequences": ["END"],
        }
    )
    said = body["messages"]
    assert [m["role"] for m in said] == ["system", "assistant", "tool", "user", "user"]
    assert [t["thinking"] for t in said[1]["thinking_blocks"]] == ["hm"]
    assert said[2]["content"] == "The tool failed:\nno such file"
    assert said[3]["content"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"
    assert (body["tools"], body["tool_choice"], body["stop"]) == (None, "required", ["END"])
    assert body["parallel_tool_calls"] is False


def test_signed_thoughts_go_back_to_messages() -> None:
    deltas = [
        {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "sig"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "xx"}]},
        {"content": "well"},
    ]
    made = wire("messages", ASKED["messages"]).whole(deltas, BILL)["content"]
    assert made == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xx"},
        {"type": "text", "text": "well"},
    ]


def test_gemini_calls_without_ids_find_their_results() -> None:
    call, result = (
        {"functionCall": {"name": "f"}},
        {"function_response": {"name": "f", "response": {"output": "1"}}},
    )
    asked = {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [{"text": "hm", "thought": True}, call, call]},
            {"role": "user", "parts": [result, result]},
        ],
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "generationConfig": {
            "maxOutputTokens": 5,
            "responseMimeType": "application/json",
            "responseSchema": {"type": "STRING"},
        },
    }
    body = wire("gemini", asked).body
    calls = [c["id"] for c in body["messages"][2]["tool_calls"]]
    assert len(set(calls)) == 2
    assert [m["tool_call_id"] for m in body["messages"][3:]] == calls
    assert (body["max_tokens"], body["messages"][2]["content"]) == (5, None)
    assert body["response_format"]["json_schema"]["schema"] == {"type": "string"}


def test_googles_schemas() -> None:
    google = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "enum": ["A"]},
            "nullable": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1"},
            "maybe": {"type": "STRING", "nullable": True},
        },
    }
    assert schema(google) == {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["A"]},
            "nullable": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "maybe": {"type": ["string", "null"]},
        },
    }


WORDS = ["", "x", "user", "assistant", "tool_result", "tool_use", "image", "message", "function_call"]
NAMES = [
    "role",
    "content",
    "type",
    "parts",
    "text",
    "source",
    "functionCall",
    "functionResponse",
    "name",
    "input",
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "messages",
    "input",
    "contents",
    "tools",
    "system",
    "text",
    "max_tokens",
    "tool_choice",
    "toolConfig",
]
FIELDS += ["generationConfig", "reasoning", "output_config"]


@pytest.mark.parametrize("name", ASKED)
@given(field=st.sampled_from(FIELDS), junk=JUNK, inside=st.booleans())
@settings(max_examples=150, deadline=None)
def test_rubbish_is_refused_in_words_or_let_be(name: str, field: str, junk: Any, inside: bool) -> None:
    try:
        body = wire(name, ASKED[name] | {field: [junk] if inside else junk}).body
    except Problem as problem:
        assert problem.type == "bad_request"
    else:
        assert body["messages"]
