"""Calls written as text, as small models write them."""

from __future__ import annotations

import pytest

from kage_nvim.agent_runtime.protocol_text import FormatError, TextCall, arguments, parse

LS = TextCall("shell", {"command": "ls"})
READ = TextCall("read", {"path": "a"})


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
        ("bash", "```bash\nls\n```", [LS]),
        ("bash with prompts", "```console\n$ ls\n```", [LS]),
        ("bash, several lines", "```sh\ncd a\nls\n```", [TextCall("shell", {"command": "cd a\nls"})]),
        ("json and bash", '```json\n{"tool": "read", "path": "a"}\n```\n```bash\nls\n```', [READ, LS]),
        ("json that is no call", '```json\n{"version": 2}\n```', []),
        ("name that is no call", '```json\n{"name": "kage-nvim"}\n```', []),
        ("other languages", "```python\nprint(1)\n```", []),
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


def test_a_shell_block_of_a_model_with_native_calls_is_only_an_example() -> None:
    assert parse("Run it with\n```bash\npytest\n```", shell_blocks=False) == []


@pytest.mark.parametrize(
    "text", ['```json\n{"tool": "read", "args": {"path": a}}\n```', '{"tool": "read", "args": {']
)
def test_a_broken_call_says_so(text: str) -> None:
    with pytest.raises(FormatError, match="not valid JSON"):
        parse(text)


def test_native_arguments() -> None:
    assert arguments("") == {}
    assert arguments('{"a": "x\ny"}') == {"a": "x\ny"}
    with pytest.raises(FormatError, match="not valid JSON"):
        arguments('{"a": ')
