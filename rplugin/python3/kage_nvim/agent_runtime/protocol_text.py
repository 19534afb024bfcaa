"""Tool calls of models that have none: fenced blocks in their text, executed in order.

    ```json
    {"tool": "read", "args": {"path": "calc.py"}}
    ```

Small models vary it, so these are taken too: several objects or a list in one block, ``name`` and
``arguments``, arguments beside ``tool``, ``<tool_call>`` tags, a bare object as the whole answer, newlines
inside strings, and ```` ```bash ```` blocks as ``shell``.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_BLOCK = re.compile(
    r"^[ \t]*```[ \t]*(?P<kind>[\w+-]*)[^\n]*\n(?P<body>.*?)(?:\n[ \t]*```[ \t]*$|\Z)"
    r"|<tool_call>(?P<tag>.*?)(?:</tool_call>|\Z)",
    re.MULTILINE | re.DOTALL,
)
_SHELLS = ("bash", "sh", "shell", "zsh", "console")
_MEANT = re.compile(r'"(?:tool|name)"\s*:(?:\s*"(?P<tool>[\w-]+)")?')
_DECODER = json.JSONDecoder(strict=False)


class TextCall(msgspec.Struct):
    """One call found in a text."""

    name: str
    args: object


class FormatError(Exception):
    """An answer that is no call and no end; the message tells the model what to write instead, and ``found``
    the user what it was."""

    def __init__(self, message: str, found: str = "no tool call in that answer") -> None:
        super().__init__(message)
        self.found = found


def parse(text: str, *, shell_blocks: bool = True) -> list[TextCall]:
    """The calls in an answer, in order. ``shell_blocks`` says whether a ``bash`` block is one.

    Raises:
        FormatError: a block means to be a call, but is no JSON.
    """
    calls: list[TextCall] = []
    for block in _BLOCK.finditer(text):
        kind = (block["kind"] or "").lower()
        body = block["tag"] if block["tag"] is not None else block["body"]
        if kind in _SHELLS:
            if shell_blocks and body.strip():
                calls.append(TextCall("shell", {"command": _without_prompt(body)}))
        elif kind in ("", "json", "jsonc", "tool", "tool_call", "tool_code"):
            calls += _objects(body)
    if not calls and text.strip().startswith("{"):
        calls = _objects(text)
    return calls


def _objects(body: str) -> list[TextCall]:
    calls: list[TextCall] = []
    at = 0
    body = body.strip()
    while at < len(body) and body[at] in "{[":
        try:
            value, end = _DECODER.raw_decode(body, at)
        except (ValueError, RecursionError) as error:
            if meant := _MEANT.search(body):
                found = f"a call of {meant['tool'] or 'some tool'} that is not valid JSON"
                text = f"A block looks like a tool call but is not valid JSON: {error}."
                raise FormatError(text, found) from None
            return calls
        for item in value if isinstance(value, list) else [value]:
            if (call := _call(item)) is not None:
                calls.append(call)
        at = end + len(body[end:]) - len(body[end:].lstrip(" \t\r\n,;"))
    return calls


def _call(item: Any) -> TextCall | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("function"), dict):
        item = item["function"]
    name = item.get("tool") or item.get("name")
    if not isinstance(name, str):
        return None
    for key in ("args", "arguments", "parameters", "input"):
        if key in item:
            args = item[key]
            return TextCall(name, _decoded(args) if isinstance(args, str) else args)
    if "tool" not in item:
        return None
    return TextCall(name, {key: value for key, value in item.items() if key != "tool"})


def _decoded(args: str) -> object:
    try:
        return _DECODER.decode(args)
    except (ValueError, RecursionError):
        return args


def arguments(text: str) -> object:
    """The arguments of a native call.

    Raises:
        FormatError: they are not JSON.
    """
    try:
        return _DECODER.decode(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the arguments are not valid JSON: {error}; they were: {text[:200]}") from None


def _without_prompt(body: str) -> str:
    lines = body.strip("\n").split("\n")
    if all(line.startswith("$ ") for line in lines if line.strip()):
        lines = [line.removeprefix("$ ") for line in lines]
    return "\n".join(lines)
