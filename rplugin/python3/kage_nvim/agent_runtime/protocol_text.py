"""Tool calls of models that have none: fenced blocks in their text, executed in order.

    ```json
    {"tool": "read", "args": {"path": "calc.py"}}
    ```

Small models vary it, so these are taken too: several objects or a list in one block, ``name`` and
``arguments`` and their like, arguments beside ``tool``, Python's dicts, commas too many, ``<tool_call>`` and
its like, ``tool_code`` blocks of Python calls, an object on lines of its own, newlines inside strings, and
```` ```bash ```` blocks as ``shell``. What stands in a longer fence, in a fence of another language, or in a
script with its ``#!`` line is an example of a file, and is not run.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from kage_nvim.agent_runtime.schemas import PARAMETERS

_BLOCK = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<kind>[\w+-]*)[^\n]*\n"
    r"(?P<body>.*?)(?:\n?^[ \t]*(?P=fence)[ \t]*$|\Z)"
    r"|<(?P<tag>tool_call|function_call|tool)>(?P<inner>.*?)(?:</(?P=tag)>|\Z)"
    r"|(?P<xml><function=.*?(?:</function>|\Z))"
    r"|^\[TOOL_CALLS\](?P<mistral>.*)",
    re.MULTILINE | re.DOTALL,
)
_XML = re.compile(r"<function=(?P<name>[\w.-]+)>(?P<body>.*?)(?:</function>|\Z)", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=(\w+)>\n?(.*?)\n?</parameter>", re.DOTALL)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_SHELLS = ("bash", "sh", "shell", "zsh", "console")
_OBJECTS = ("", "json", "json5", "jsonc", "tool", "tool_call", "tool_code", "python")
_MEANT = re.compile(r'["\']?\b(?:tool|name)["\']?\s*:(?:\s*["\'](?P<tool>[\w-]+)["\'])?')
_LOOSE = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])|(?<=[{,])(\s*)([A-Za-z_]\w*)(?=\s*:)', re.DOTALL)
"""In JSON that nearly is: strings, to be passed over; commas too many; keys without quotes."""
_NAMED = re.compile(r"([\w.-]+\.(?:sh|bash|zsh))\W*$")
_DECODER = json.JSONDecoder(strict=False)
_NAMES = ("tool", "name", "tool_name", "action", "function")
_ARGUMENTS = ("args", "arguments", "parameters", "input", "params", "tool_args", "tool_input", "action_input")


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
        FormatError: a block means to be a call, but cannot be read.
    """
    text = _THOUGHT.sub("", text.replace("\r\n", "\n"))
    calls: list[TextCall] = []
    for block in _BLOCK.finditer(text):
        kind = (block["kind"] or "").lower()
        body = block["body"]
        if body is None:
            inner = block["inner"] or block["xml"] or block["mistral"] or ""
            calls += _xml(inner) or _objects(inner)
        elif kind in _SHELLS and len(block["fence"]) == 3:
            if shell_blocks and body.strip() and not _example(body, text[: block.start()]):
                calls.append(TextCall("shell", {"command": _without_prompt(body)}))
        elif kind in _OBJECTS and len(block["fence"]) == 3:
            calls += _python(body, kind) or ([] if kind == "python" else _objects(body))
    return calls or _bare(_BLOCK.sub("", text))


def _bare(text: str) -> list[TextCall]:
    """Objects that begin a line without a fence around them."""
    for start in re.finditer(r"^[ \t]*(?=[{\[])", text, re.MULTILINE):
        if _MEANT.search(text, start.end()) or '"function"' in text:
            return _objects(text[start.end() :])
    return []


def _example(body: str, before: str) -> bool:
    """Whether a shell block shows a file: a script, or what a line above it names and it does not use."""
    named = _NAMED.search(before.rstrip())
    return body.lstrip().startswith("#!") or (named is not None and named[1] not in body)


def _objects(body: str) -> list[TextCall]:
    calls: list[TextCall] = []
    at = 0
    body = body.strip()
    while at < len(body) and body[at] in "{[":
        try:
            value, end = _decode(body, at)
        except (ValueError, RecursionError) as error:
            if meant := _MEANT.search(body):
                found = f"a call of {meant['tool'] or 'some tool'} that is not valid JSON"
                text = f"A block looks like a tool call but is not valid JSON: {error}."
                raise FormatError(text, found) from None
            return calls
        for item in value if isinstance(value, list) else [value]:
            calls += _calls(item)
        at = end + len(body[end:]) - len(body[end:].lstrip(" \t\r\n,;"))
    return calls


def _decode(body: str, at: int) -> tuple[Any, int]:
    """The value that begins there and where it ends: JSON, JSON that nearly is, or a Python literal.

    Raises:
        ValueError: none of them.
    """
    try:
        return _DECODER.raw_decode(body, at)
    except ValueError as error:
        rest = body[at:]
        try:
            return _DECODER.decode(_LOOSE.sub(_tightened, rest)), len(body)
        except ValueError:
            pass
        import ast

        try:
            return ast.literal_eval(rest), len(body)
        except (ValueError, SyntaxError, MemoryError):
            raise error from None


def _tightened(match: re.Match[str]) -> str:
    if match[2]:
        return f'{match[1]}"{match[2]}"'
    return "" if match[0] == "," else match[0]


def _calls(item: Any) -> list[TextCall]:
    if not isinstance(item, dict):
        return []
    if isinstance(inner := item.get("tool_calls"), list):
        return [call for one in inner for call in _calls(one)]
    if isinstance(item.get("function"), dict):
        item = item["function"]
    key = next((key for key in _NAMES if isinstance(item.get(key), str)), None)
    if key is None:
        name = next(iter(item), None)
        one = len(item) == 1 and name in PARAMETERS and isinstance(item[name], dict)
        return [TextCall(str(name), item[name])] if one else []
    for arguments_key in _ARGUMENTS:
        if arguments_key in item:
            args = item[arguments_key]
            return [TextCall(item[key], _decoded(args) if isinstance(args, str) else args)]
    if key != "tool":
        return []
    return [TextCall(item[key], {name: value for name, value in item.items() if name != "tool"})]


def _python(body: str, kind: str) -> list[TextCall]:
    """Calls written as Python, ``read(path="a")``; in a ``python`` block, only if it holds nothing else."""
    if not re.search(rf"\b(?:{'|'.join(PARAMETERS)})\(", body):
        return []
    import ast

    try:
        lines = ast.parse(body.strip()).body
        calls = [_python_call(line.value) for line in lines if isinstance(line, ast.Expr)]
    except (SyntaxError, ValueError, RecursionError):
        return []
    if len(calls) < len(lines) and kind == "python":
        return []
    found = [call for call in calls if call is not None]
    return found if len(found) == len(calls) or kind != "python" else []


def _python_call(node: Any) -> TextCall | None:
    import ast

    if not isinstance(node, ast.Call):
        return None
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "print" and len(node.args) == 1:
        return _python_call(node.args[0])
    if name not in PARAMETERS:
        return None
    args = dict(zip(PARAMETERS[name]["properties"], map(ast.literal_eval, node.args), strict=False))
    return TextCall(name, args | {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg})


def _xml(body: str) -> list[TextCall]:
    """Calls written as ``<function=read>`` with ``<parameter=path>``, or with JSON inside."""
    calls = []
    for call in _XML.finditer(body):
        parameters = dict(_PARAMETER.findall(call["body"]))
        calls.append(TextCall(call["name"], parameters or _decoded(call["body"].strip() or "{}")))
    return calls


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
