"""Calls written as text, as small models write them."""

from __future__ import annotations

import pytest

from kage_nvim.agent_runtime.builtin.protocol_text import FormatError, TextCall, arguments, parse

LS = TextCall("shell", {"command": "ls"})
READ = TextCall("read", {"path": "a"})
A = '```json\n{"tool": "read", "args": {"path": "a"}}\n```'
B = A.replace('"a"', '"b"')
FENCE = TextCall("read", {"path": "\n```\n"})
READ_B = TextCall("read", {"path": "b"})
NONE = [TextCall("read", {"path": "a", "first": None})]


@pytest.mark.parametrize(
    ("name", "text", "calls"),
    [
        ("plain words", "I am done.", []),
        ("one block", 'ok\n```json\n{"tool": "shell", "args": {"command": "ls"}}\n```\n', [LS]),
        (
            "two blocks",
            '```json\n{"tool": "shell", "args": {"command": "ls"}}\n```\nthen\n'
            '```\n{"tool": "read", "args": {"path": "a"}}\n```',
            [LS, READ],
        ),
        ("name and arguments", '```json\n{"name": "read", "arguments": {"path": "a"}}\n```', [READ]),
        (
            "arguments as a string",
            '```json\n{"name": "read", "arguments": "{\\"path\\": \\"a\\"}"}\n```',
            [READ],
        ),
        ("parameters", '```json\n{"name": "read", "parameters": {"path": "a"}}\n```', [READ]),
        ("function", '```json\n{"function": {"name": "read", "arguments": {"path": "a"}}}\n```', [READ]),
        ("flat", '```json\n{"tool": "read", "path": "a"}\n```', [READ]),
        (
            "a list",
            '```json\n[{"tool": "read", "path": "a"}, {"tool": "shell", "command": "ls"}]\n```',
            [READ, LS],
        ),
        (
            "one a line",
            '```json\n{"tool": "read", "path": "a"}\n{"tool": "shell", "command": "ls"}\n```',
            [READ, LS],
        ),
        ("bare", '{"tool": "read", "args": {"path": "a"}}', [READ]),
        ("tags", '<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>', [READ]),
        ("tag without end", '<tool_call>{"name": "read", "arguments": {"path": "a"}}', [READ]),
        ("fence without end", '```json\n{"tool": "read", "path": "a"}', [READ]),
        ("json and bash", '```json\n{"tool": "read", "path": "a"}\n```\n```bash\nls\n```', [READ]),
        ("json that is no call", '```json\n{"version": 2}\n```', []),
        ("name that is no call", '```json\n{"name": "kage-nvim"}\n```', []),
        ("other languages", "```python\nprint(1)\n```", []),
        ("python dict", "```json\n{'tool': 'read', 'args': {'path': 'a'}}\n```", [READ]),
        ("python's None", "```\n{'tool': 'read', 'args': {'path': 'a', 'first': None}}\n```", NONE),
        ("commas too many", '```json\n{"tool": "read", "args": {"path": "a",},}\n```', [READ]),
        ("keys without quotes", '```json\n{tool: "read", args: {path: "a"}}\n```', [READ]),
        ("words, then bare", 'Let me look.\n\n{"name": "read", "arguments": {"path": "a"}}', [READ]),
        ("bare, then words", '{"tool": "read", "args": {"path": "a"}}\nThen I go on.', [READ]),
        ("a bare list", '[{"name": "read", "arguments": {"path": "a"}}]', [READ]),
        (
            "two bare, apart",
            '{"tool": "read", "path": "a"}\n\n{"tool": "shell", "command": "ls"}',
            [READ, LS],
        ),
        (
            "tool_calls",
            '{"tool_calls": [{"function": {"name": "read", "arguments": "{\\"path\\": \\"a\\"}"}}]}',
            [READ],
        ),
        ("function as a name", '```json\n{"function": "read", "arguments": {"path": "a"}}\n```', [READ]),
        ("action", '```json\n{"action": "read", "action_input": {"path": "a"}}\n```', [READ]),
        ("the tool as the key", '```json\n{"read": {"path": "a"}}\n```', [READ]),
        ("tool_code", '```tool_code\nread(path="a")\nshell("ls")\n```', [READ, LS]),
        ("tool_code with print", '```tool_code\nprint(default_api.read(path="a"))\n```', [READ]),
        ("tool_code of JSON", '```tool_code\n{"name": "read", "arguments": {"path": "a"}}\n```', [READ]),
        ("python calls", '```python\nread(path="a")\n```', []),
        ("python that is more", '```python\nx = 1\nread(path="a")\n```', []),
        (
            "two tags",
            "<tool_call>{'name': 'read', 'arguments': {'path': 'a'}}</tool_call>\n<tool_call>"
            '{"name": "shell", "arguments": {"command": "ls"}}</tool_call>',
            [READ, LS],
        ),
        ("a function tag", '<function=read>{"path": "a"}</function>', [READ]),
        (
            "parameters as tags",
            "<tool_call>\n<function=read>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>",
            [READ],
        ),
        ("Mistral's", '[TOOL_CALLS][{"name": "read", "arguments": {"path": "a"}}]', [READ]),
        ("a thought", f"<think>\n{B}\n</think>\n{A}", [READ]),
        ("a thought from the template", f"{B}\nno, better not\n</think>\n{A}", [READ]),
        ("a fence left open in a thought", f"```bash\nrm a\n</think>\n{A}", [READ]),
        ("a tag in words", f"I mend `</think>`.\n{A}", [READ]),
        ("a closing fence on the last line", A.replace("\n```", "```") + f"\nThen:\n{B}", [READ, READ_B]),
        ("a fence on one line", '```json {"tool": "read", "args": {"path": "a"}} ```', [READ]),
        ("lines of JSON", A.replace("json", "jsonl"), [READ]),
        ("invoke", '<invoke name="read"><parameter name="path">a</parameter></invoke>', [READ]),
        ("flat, by name", '```json\n{"name": "read", "path": "a"}\n```', [READ]),
        ("other names of a tool", '{"name": "functions.Read", "arguments": {"path": "a"}}', [READ]),
        ("a comment", '```json\n{"tool": "read", // this\n "path": "a"}\n```', [READ]),
        ("a transcript", "```console\n$ pytest\n3 passed\n```", []),
        ("a shell block", "```bash\npytest\n```", []),
        ("a configuration", '```json\n{"name": "x", "parameters": {"a": 1}}\n```', []),
        (
            "a fence within, as it is",
            '```json\n{"tool": "read", "path": "\n```\n"}\n```\n' + A,
            [FENCE, READ],
        ),
        ("tildes", '~~~json\n{"tool": "read", "path": "a"}\n~~~', [READ]),
        ("a Windows line end", '```json\r\n{"tool": "read", "path": "a"}\r\n```\r\n', [READ]),
        ("an indented block", '1. Look:\n   ```json\n   {"tool": "read", "path": "a"}\n   ```', [READ]),
        ("a package.json", '```json\n{"name": "x", "version": "1.0.0", "scripts": {"a": "b"}}\n```', []),
        ("a script", "Then `go.sh` is:\n```bash\n#!/bin/bash\nrm -rf build\n```", []),
        ("a named script", "Put this into `clean.sh`:\n```bash\nrm -rf build\n```", []),
        ("a README", "````markdown\n# Use\n```bash\nrm a\n```\n````", []),
        ("a README in three", "```markdown\n# Use\n```bash\nrm a\n```\n", []),
        (
            "newlines within a string",
            '```json\n{"tool": "write", "args": {"path": "a", "content": "x\ny\n"}}\n```',
            [TextCall("write", {"path": "a", "content": "x\ny\n"})],
        ),
        (
            "a fence within a string",
            '```json\n{"tool": "write", "args": {"path": "a", "content": "```py\\nx\\n```\\n"}}\n```',
            [TextCall("write", {"path": "a", "content": "```py\nx\n```\n"})],
        ),
    ],
)
def test_parse(name: str, text: str, calls: list[TextCall]) -> None:
    assert parse(text) == calls, name


def test_an_answer_that_ends_in_its_reasoning_says_so() -> None:
    with pytest.raises(FormatError, match="before your reasoning did"):
        parse(f"<think>I could\n{A}")


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"tool": "read", "args": {"path": a}}\n```',
        '{"tool": "read", "args": {',
        '{{"tool": "read", "args": {"path": "a"}}}',
    ],
)
def test_a_broken_call_says_so(text: str) -> None:
    with pytest.raises(FormatError, match="not valid JSON"):
        parse(text)


def test_native_arguments() -> None:
    assert arguments("") == {}
    assert arguments('{"a": "x\ny"}') == {"a": "x\ny"}
    with pytest.raises(FormatError, match="not valid JSON"):
        arguments('{"a": ')
