"""Tool calls of models that have none: fenced blocks in their text, executed in order.

    ```json
    {"tool": "read", "args": {"path": "calc.py"}}
    ```

Only what says that it is a call is one: JSON that names a tool, or a tag that means a call. Small models vary
it, so these are taken too: several objects or a list in one block, ``name`` and ``arguments`` and their like,
arguments beside the name, Python's dicts, commas too many, ``<tool_call>``, ``<invoke>`` and their like,
``tool_code`` blocks of Python calls, an object on lines of its own, newlines inside strings. Never run: shell
blocks, which nobody asked for; blocks of another language; what stands in reasoning.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from kage_nvim.agent_runtime.builtin.schemas import PARAMETERS, known

_OPENING = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<kind>[\w+-]*)(?:[^\n{[]*$\n?|[^\n{[]*(?=[{[]))"
    r"|<(?P<tag>tool_call|function_call|tool)>\s*"
    r"|(?P<xml><function=|<invoke\s+name=)"
    r"|\[TOOL_CALLS\]\s*(?P<mistral>[\w.-]*)(?:\[ARGS\])?\s*"
    r"|^\s*(?P<think><think(?:ing)?>)|(?P<thought>(?<!`)</think(?:ing)?>)",
    re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<kind>[^\s`]*)[ \t]*$|^\s*</think", re.MULTILINE)
_XML = re.compile(
    r"<(?:function=|invoke\s+name=)[\"']?(?P<name>[\w.-]+)[\"']?\s*>(?P<body>.*?)(?:</(?:function|invoke)>|\Z)",
    re.DOTALL,
)
_PARAMETER = re.compile(r"<parameter(?:=|\s+name=)[\"']?(\w+)[\"']?\s*>\n?(.*?)\n?</parameter>", re.DOTALL)
_OBJECTS = ("", "json", "jsonl", "json5", "jsonc", "tool", "tool_call", "tool_code")
_WRITTEN = ("markdown", "md", "text", "txt")
"""Languages in which a fence may hold another one."""
_SHELL = re.compile(r"^[ \t]*```[ \t]*(?:bash|sh|shell|zsh)[ \t]*$", re.MULTILINE)
_MEANT = re.compile(r'["\']?\b(?:tool|name)["\']?\s*:(?:\s*["\'](?P<tool>[\w.-]+)["\'])?')
_LOOSE = re.compile(
    r'"(?:[^"\\]|\\.)*"|//[^\n]*|,(?=\s*[}\]])|(?<=[{,])(\s*)([A-Za-z_]\w*)(?=\s*:)', re.DOTALL
)
"""In JSON that nearly is: strings, to be passed over; comments; commas too many; keys without quotes."""
_BETWEEN = re.compile(r"[\s,;]*")
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


def parse(text: str) -> list[TextCall]:
    """The calls in an answer, in order.

    Raises:
        FormatError: a block means to be a call, but cannot be read; or the answer ended in its reasoning.
    """
    return _Reader(text.replace("\r\n", "\n")).calls()


def has_shell_block(text: str) -> bool:
    """Whether a shell block stands in it: an example, or what a model that knows no tools wants to be run."""
    return _SHELL.search(text) is not None


class _Reader:
    """One pass over a text. A value is read where it begins, so that a fence inside its strings, or one that
    closes on its last line, cannot end or join blocks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: list[TextCall] = []
        self._outside: list[str] = []
        self._wrong: FormatError | None = None

    def calls(self) -> list[TextCall]:
        while opening := _OPENING.search(self._text, self._at):
            self._outside.append(self._text[self._at : opening.start()])
            self._at = opening.end()
            if opening["think"]:
                self._thinking()
            elif opening["thought"]:  # it began in the model's template: all until here was reasoning
                self._found, self._outside, self._wrong = [], [], None
            elif opening["fence"]:
                self._fenced(opening["fence"], opening["kind"].lower())
            else:
                self._tagged(opening)
        self._outside.append(self._text[self._at :])
        if self._wrong is not None:
            raise self._wrong
        return self._found or _bare("\n".join(self._outside))

    def _thinking(self) -> None:
        closing = re.compile(r"</think(?:ing)?>").search(self._text, self._at)
        if closing is None and not self._found:
            text = "Your answer ended before your reasoning did."
            self._wrong = FormatError(text, "an answer that is all reasoning")
        self._at = closing.end() if closing else len(self._text)

    def _fenced(self, fence: str, kind: str) -> None:
        if kind in _OBJECTS and len(fence) == 3 and self._values(rf"{fence[0]}{{3,}}"):
            return
        end, after = self._closing(fence, nested=kind in _WRITTEN)
        body = self._text[self._at : end]
        self._at = after
        if kind == "tool_code":
            self._found += _python(body)

    def _tagged(self, opening: re.Match[str]) -> None:
        text = self._text
        if opening["xml"] or text.startswith(("<function=", "<invoke"), self._at):
            if call := _XML.match(text, opening.start() if opening["xml"] else self._at):
                self._at = call.end()
                arguments = dict(_PARAMETER.findall(call["body"]))
                self._found.append(
                    TextCall(known(call["name"]), arguments or _decoded(call["body"].strip() or "{}"))
                )
        elif opening["mistral"]:
            self._read_all(lambda value: [TextCall(known(opening["mistral"]), value)])
        else:
            self._values(f"</{opening['tag']}>" if opening["tag"] else r"\Z", tagged=True)

    def _values(self, closing: str, *, tagged: bool = False) -> bool:
        """Read the JSON that begins here, with what closes it; False if there is none to read."""
        start = _BETWEEN.match(self._text, self._at)
        assert start is not None
        if self._text[start.end() : start.end() + 1] not in ("{", "["):
            return False
        self._at = start.end()
        if self._read_all(lambda value: _calls(value, tagged)):
            rest = re.compile(rf"[^\n]*?{closing}|[^\n]*\n\s*{closing}").match(self._text, self._at)
            self._at = rest.end() if rest else self._at
            return True
        end = re.compile(rf"{closing}[ \t]*$|\Z", re.MULTILINE).search(self._text, self._at)
        assert end is not None
        body, self._at = self._text[self._at : end.start()], end.end()
        try:
            self._found += _objects(body, tagged)
        except FormatError as error:
            self._wrong = self._wrong or error
        return True

    def _read_all(self, made: Any) -> bool:
        """Take the proper JSON values that follow each other here; False if the first is none."""
        read = False
        while self._text[self._at : self._at + 1] in ("{", "["):
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                return read
            read = True
            self._found += made(value)
            between = _BETWEEN.match(self._text, end)
            self._at = between.end() if between else end
        return read

    def _closing(self, fence: str, *, nested: bool) -> tuple[int, int]:
        """Where the block ends that begins here, and where the text goes on."""
        depth = 1
        for line in _FENCE.finditer(self._text, self._at):
            if not line["fence"]:
                return line.start(), line.start()
            if line["fence"][0] != fence[0] or len(line["fence"]) < len(fence):
                continue
            if not line["kind"]:
                depth -= 1
            elif nested:
                depth += 1
            if not depth:
                return line.start(), line.end()
        return len(self._text), len(self._text)


def _bare(text: str) -> list[TextCall]:
    """Objects that begin a line without a fence around them."""
    for start in re.finditer(r"^[ \t]*(?=[{\[])", text, re.MULTILINE):
        if _MEANT.search(text, start.end()) or '"function"' in text:
            return _objects(text[start.end() :])
    return []


def _objects(body: str, tagged: bool = False) -> list[TextCall]:
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
        calls += _calls(value, tagged)
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
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise error from None


def _tightened(match: re.Match[str]) -> str:
    if match[2]:
        return f'{match[1]}"{match[2]}"'
    return "" if match[0].startswith((",", "//")) else match[0]


def _calls(item: Any, tagged: bool = False) -> list[TextCall]:
    """The calls in a value. A name alone makes none, unless a tag said that it is one or ``tool`` is its
    key: then a tool that is not there is told of."""
    if isinstance(item, list):
        return [call for one in item for call in _calls(one, tagged)]
    if not isinstance(item, dict):
        return []
    if isinstance(inner := item.get("tool_calls"), list):
        return _calls(inner, tagged)
    if isinstance(item.get("function"), dict):
        item = item["function"]
    key = next((key for key in _NAMES if isinstance(item.get(key), str)), None)
    if key is None:
        name = next(iter(item), "")
        one = len(item) == 1 and known(name) in PARAMETERS and isinstance(item[name], dict)
        return [TextCall(known(name), item[name])] if one else []
    name = known(item[key])
    for arguments_key in _ARGUMENTS:
        if arguments_key in item and (tagged or key == "tool" or name in PARAMETERS):
            args = item[arguments_key]
            return [TextCall(name, _decoded(args) if isinstance(args, str) else args)]
    flat = {one: value for one, value in item.items() if one != key}
    needed = PARAMETERS[name]["required"] if name in PARAMETERS else [""]
    return [TextCall(name, flat)] if key == "tool" or all(one in flat for one in needed) else []


def _python(body: str) -> list[TextCall]:
    """Calls written as Python: ``read(path="a")``."""
    import ast

    try:
        lines = ast.parse(body.strip()).body
        found = [_python_call(line.value) for line in lines if isinstance(line, ast.Expr)]
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return []
    return [call for call in found if call is not None]


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
