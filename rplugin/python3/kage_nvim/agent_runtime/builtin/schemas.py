"""The tools as a model is told of them, and the check of a call before it runs.

Every call of a turn sends these words again, so each says what cannot be guessed and nothing else.
"""

from __future__ import annotations

from typing import Any

from kage_nvim.agent_runtime.text import joined, one_line

WINDOW = 200
"""Lines that ``read`` shows when the model does not say."""
LARGEST = 1 << 53
"""Whole numbers above this are a mistake."""


class CallError(Exception):
    """The call itself is wrong: no such tool, or arguments that it does not take."""


def _tool(name: str, description: str, required: list[str], **properties: str) -> dict[str, Any]:
    """A tool's schema."""
    shapes = {}
    for key, words in properties.items():
        shape = {"type": "integer" if key in ("timeout", "first", "count") else "string"}
        shapes[key] = shape | ({"description": words} if words else {})
    parameters = {"type": "object", "properties": shapes, "required": required}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


SCHEMAS = [
    _tool(
        "shell",
        "Run a bash command in the repository's root. Each is a fresh shell without input.",
        ["command"],
        command="",
        timeout="seconds",
    ),
    _tool(
        "read",
        "Show a file's lines with their numbers, or a folder's names.",
        ["path"],
        path="",
        first="first line, from 1",
        count=f"lines, {WINDOW} if left out",
    ),
    _tool(
        "search",
        "Find an extended regular expression in all files; gives path:line:text.",
        ["pattern"],
        pattern="",
        path="where to look, if not everywhere",
    ),
    _tool(
        "edit",
        "Replace text that occurs once in a file.",
        ["path", "old", "new"],
        path="",
        old="the text as it stands there, without line numbers",
        new="",
    ),
    _tool("write", "Write a whole file.", ["path", "content"], path="", content=""),
    _tool(
        "finish",
        "End your work, when it is done or cannot be done.",
        ["summary"],
        summary="one sentence on what was done; then why, and what is left or unsure",
    ),
]
PARAMETERS: dict[str, dict[str, Any]] = {
    schema["function"]["name"]: schema["function"]["parameters"] for schema in SCHEMAS
}
"""What each tool takes, by its name."""


def known(name: str) -> str:
    """A tool's name as Kage knows it: models write ``functions.read`` and ``Read``, too."""
    plain = name.strip().rpartition(".")[2].lower()
    return plain if plain in PARAMETERS else name


def check(name: str, args: object) -> dict[str, Any]:
    """The arguments as the tool takes them; numbers given as text are read as numbers, and what the tool does
    not know is left out.

    Raises:
        CallError: no such tool, or wrong arguments.
    """
    if name not in PARAMETERS:
        raise CallError(f"there is no tool {name!r}; the tools are {', '.join(PARAMETERS)}")
    parameters = PARAMETERS[name]
    takes = f"{name} takes {', '.join(parameters['properties'])}"
    if not isinstance(args, dict):
        raise CallError(f"the arguments must be a JSON object; {takes}")
    checked: dict[str, Any] = {}
    for key, value in args.items():
        if value is None:
            continue
        if key not in parameters["properties"]:
            continue
        if parameters["properties"][key]["type"] == "integer":
            checked[key] = _number(key, value)
        elif isinstance(value, str):
            checked[key] = joined(value)
        else:
            raise CallError(f"{key!r} must be a string, found {type(value).__name__}")
    missing = [key for key in parameters["required"] if key not in checked]
    if missing:
        found = f", found {', '.join(map(str, args))}" if args else ""
        raise CallError(f"missing {', '.join(missing)}; {takes}{found}")
    return checked


def _number(key: str, value: Any) -> int:
    try:
        number = int(value)
        if abs(number) <= LARGEST:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise CallError(f"{key!r} must be a whole number, found {one_line(repr(value), 80)}")


def describe(name: str, args: object, width: int = 160) -> str:
    """The call on one line: the tool and the argument that tells it from others."""
    if not isinstance(args, dict):
        return name
    for key in ("command", "pattern", "path", "summary"):
        if key in args:
            return one_line(f"{name} {args[key]}", width)
    return name
