"""The examples that a docstring gives of its function: calls, and what should come of them. Pure.

Doctests are read, and the notations that people use instead: ``f(1) == 2``, ``f(1) => 2``, ``f(1) ➞ 2``,
``f(1) returns 2``, ``for n = 1 the output should be 2``, ``Input: n = 1`` above ``Output: 2``. What cannot be
read as a literal is no example.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence

import msgspec

from kage_nvim.evaluate.ranking.probes.subjects import parsed

_ARROW = re.compile(
    r"\s*(?:==>|=>|==|=|-+>|➞|→|⇒|↦"
    r"|(?:should|will|must|would)?\s*(?:returns?|gives?|yields?|outputs?|equals?|be|is)(?:\s+(?:be|to))?\b)"
    r"\s*:?\s*",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"\b(?:for|if|when|given|with)\b\s+(?=[\w\[\(\{'\"-])", re.IGNORECASE)
_OUTPUT = re.compile(
    r"(?:output|result|answer|function|it|value)\s+(?:should|must|will|would|is|has)"
    r"(?:\s+(?:to|be|return|equal|is))*\s*:?\s*|\breturns?\s+(?=[\[\(\{'\"\d-])",
    re.IGNORECASE,
)
_INPUT, _WANTED = re.compile(r"\s*inputs?\s*:", re.IGNORECASE), re.compile(r"\s*outputs?\s*:", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*)?\.?\d+(?:[eE][-+]?\d+)?|[-+]?\d+\.")
_WORD = re.compile(r"(true|false|none|null)\b", re.IGNORECASE)
_SUM = re.compile(r"[\d\s.()]*[-+*/%][-+*/%\d .()]*=[ \t]*(?=\S)")
_GOES_ON = re.compile(r"[\w'\"]|[ \t]*(?:[-+*/%][ \t]*[\w(]|==?[ \t]*\w)")
_NAMED = re.compile(r"\s*(\w+)\s*=(?!=)\s*")
_WORDS = {"true": "True", "false": "False", "none": "None", "null": "None"}
_CLOSES = {"(": ")", "[": "]", "{": "}"}
MOST = 40
"""Examples of one docstring that are used."""


class Example(msgspec.Struct, frozen=True):
    """A call as an expression, and the literal that should come of it (``None``: only that it can be
    called)."""

    call: str
    wanted: str | None = None


def read(docstring: str, name: str, parameters: Sequence[str] = ()) -> list[Example]:
    """The examples of function ``name`` in its docstring; ``parameters`` are its parameters' names."""
    lines = docstring.expandtabs().splitlines()
    found = _doctests(lines, name, parameters)
    plain = [line for line in lines if not line.lstrip().startswith((">>>", "..."))]
    found += _calls(plain, name, parameters)
    found += _sentences(plain, name, parameters)
    found += _blocks(plain, name, parameters)
    told = {example.call for example in found if example.wanted is not None}
    kept = [example for example in found if example.wanted is not None or example.call not in told]
    return list(dict.fromkeys(kept))[:MOST]


def _doctests(lines: list[str], name: str, parameters: Sequence[str]) -> list[Example]:
    found = []
    at = 0
    while at < len(lines):
        text = lines[at].strip()
        at += 1
        if not text.startswith(">>>"):
            continue
        source = text[3:].strip()
        while at < len(lines) and lines[at].strip().startswith("..."):
            source += "\n" + lines[at].strip()[3:]
            at += 1
        said = []
        while at < len(lines) and lines[at].strip() and not lines[at].strip().startswith(">>>"):
            said.append(lines[at].strip())
            at += 1
        found += _doctest(source, "\n".join(said), name, parameters)
    return found


def _doctest(source: str, said: str, name: str, parameters: Sequence[str]) -> list[Example]:
    tree = _expression(source)
    if tree is None:
        return _calls([source], name, parameters)  # people write f(1) => 2 behind the prompt, too
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
        wanted = ast.unparse(tree.comparators[0])
        if _is_literal(wanted) and said in ("", "True"):
            return [Example(ast.unparse(tree.left), wanted)]
    if not any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree)):
        return []
    if said.startswith("Traceback"):
        return [Example(ast.unparse(tree))]
    wanted = _literal(said) or ""
    return [Example(ast.unparse(tree), wanted if wanted and _is_literal(wanted) else None)]


def _calls(lines: list[str], name: str, parameters: Sequence[str]) -> list[Example]:
    """``name(…)`` followed by an arrow, or a word for one, and a literal."""
    found = []
    text = "\n".join(lines)
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)}\s*(?=\()", text):
        end = _closed(text, match.end())
        call = _call(f"{name}{text[match.end() : end]}", parameters) if end else None
        if call is None:
            continue
        rest = text[end:]
        arrow = _ARROW.match(rest)
        wanted = _result(rest[arrow.end() :]) if arrow and "\n" not in arrow[0].strip(" ") else None
        found.append(Example(call, wanted))
    return found


def _result(text: str) -> str | None:
    """The literal that a text begins with; of a sum that is worked out, ``5 - 2 = 3``, what it comes to."""
    worked_out = _SUM.match(text)
    return _literal(text[worked_out.end() :] if worked_out else text)


def _sentences(lines: list[str], name: str, parameters: Sequence[str]) -> list[Example]:
    """``For n = 1, m = 2 the output should be 3``."""
    found = []
    for line in lines:
        given, wanted = _GIVEN.search(line), None
        if given is None:
            continue
        for output in _OUTPUT.finditer(line, given.end()):
            wanted = _literal(line[output.end() :])
            if wanted is not None:
                call = _given(line[given.end() : output.start()], name, parameters)
                found += [Example(call, wanted)] if call else []
                break
    return found


def _blocks(lines: list[str], name: str, parameters: Sequence[str]) -> list[Example]:
    """``Input: n = 1`` with ``Output: 3`` below it."""
    found = []
    call = None
    for line in lines:
        if begun := _INPUT.match(line):
            call = _given(line[begun.end() :], name, parameters)
        elif (begun := _WANTED.match(line)) and call:
            wanted = _literal(line[begun.end() :])
            found += [Example(call, wanted)] if wanted else []
            call = None
    return found


def _given(text: str, name: str, parameters: Sequence[str]) -> str | None:
    """A call with the values that a text lists, by the parameters' names or in their order."""
    values: list[str] = []
    names: list[str] = []
    while text.strip():
        named = _NAMED.match(text)
        rest = text[named.end() :] if named else text.lstrip()
        value, end = _taken(rest)
        if value is None:
            break
        values.append(value)
        names += [named[1]] if named else []
        text = rest[end:].lstrip(" ,;")
        text = text.removeprefix("and ")
    if not values or (parameters and len(values) > len(parameters)):
        return None
    if len(names) == len(values) and set(names) <= set(parameters):
        return f"{name}({', '.join(f'{word}={value}' for word, value in zip(names, values, strict=True))})"
    return f"{name}({', '.join(values)})"


def _call(text: str, parameters: Sequence[str]) -> str | None:
    """A call whose arguments are literals; a bare word among them, no parameter's name, stands for itself."""
    tree = _expression(" ".join(text.split("\n")))
    if not isinstance(tree, ast.Call) or (parameters and not tree.args and not tree.keywords):
        return None
    if any(isinstance(node, ast.Name) and node.id in parameters for node in tree.args):
        return None  # a rule, not an example: f(n) = f(n - 1) + 1
    for node in [*tree.args, *(word.value for word in tree.keywords)]:
        if isinstance(node, ast.Starred):
            return None
    tree.args = [_quoted(node) for node in tree.args]
    arguments = [*tree.args, *(word.value for word in tree.keywords)]
    return ast.unparse(tree) if all(_is_literal(ast.unparse(node)) for node in arguments) else None


def _quoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name):
        known = _WORDS.get(node.id.lower())
        return ast.Constant(ast.literal_eval(known) if known else node.id)
    return node


def _expression(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _literal(text: str) -> str | None:
    """The literal that a text begins with, when it is not the beginning of more than a literal."""
    text = text.lstrip()
    value, end = _taken(text)
    return None if _GOES_ON.match(text, end) else value


def _taken(text: str) -> tuple[str | None, int]:
    """The literal that a text begins with, and where it ends."""
    if not text:
        return None, 0
    end: int | None = None
    if text[0] in _CLOSES:
        end = _closed(text, 0)
    elif text[0] in "'\"":
        end = _string_end(text, 0)
    elif number := _NUMBER.match(text):
        end = number.end()
    elif word := _WORD.match(text):
        return _WORDS[word[1].lower()], word.end()
    if end is None or not _is_literal(text[:end]):
        return None, 0
    return ast.unparse(ast.parse(text[:end].strip(), mode="eval").body), end


def _closed(text: str, start: int) -> int | None:
    """Where the bracket that opens at ``start`` is closed again, after it."""
    waiting: list[str] = []
    at = start
    while at < len(text):
        mark = text[at]
        if mark in _CLOSES:
            waiting.append(_CLOSES[mark])
        elif mark in ")]}":
            if not waiting or waiting.pop() != mark:
                return None
            if not waiting:
                return at + 1
        elif mark in "'\"":
            end = _string_end(text, at)
            if end is None:
                return None
            at = end
            continue
        at += 1
    return None


def _string_end(text: str, start: int) -> int | None:
    quote, at = text[start], start + 1
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\":
            at += 1
        elif text[at] == quote:
            return at + 1
        at += 1
    return None


def calls_in(source: bytes, names: Sequence[str]) -> dict[str, list[str]]:
    """Calls of functions with literal arguments in a Python file (a test, say), by the function's name."""
    tree = parsed(source)
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in names or not (node.args or node.keywords):
            continue
        arguments = [*node.args, *(word.value for word in node.keywords)]
        if all(_is_literal(ast.unparse(value)) for value in arguments) and all(w.arg for w in node.keywords):
            call = ast.Call(func=ast.Name(id=name), args=node.args, keywords=node.keywords)
            found.setdefault(name, []).append(ast.unparse(call))
    return {name: list(dict.fromkeys(calls))[:MOST] for name, calls in found.items()}
