"""What can be seen in a candidate's text without running it: undefined names, bodies left empty. Pure."""

from __future__ import annotations

import ast
import re
from itertools import pairwise

from kage_nvim.evaluate.ranking.probes.subjects import parsed
from kage_nvim.evaluate.verdict import Point

_LEFT = re.compile(r"#\s*(TODO|FIXME|XXX)\b|\b(your code here|implement me|not implemented)\b", re.IGNORECASE)
MOST = 20
"""Points of one file."""


def of_file(path: str, base: bytes | None, data: bytes) -> list[Point]:
    """What is new in a Python file and odd, by line."""
    tree = parsed(data)
    if tree is None:
        return []
    before = {text for text, _ in _found(base)} if base is not None else set()
    fresh = [(text, line) for text, line in _found(data) if text not in before]
    return [Point(text, path, line) for text, line in sorted(fresh, key=lambda point: point[1])][:MOST]


def _found(data: bytes) -> list[tuple[str, int]]:
    tree = parsed(data)
    if tree is None:
        return []
    found = _named(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += _empty(node)
        found += _unreachable(node)
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if left := _LEFT.search(line):
            found.append((f"left to do: {left[0].lstrip('# ')}", number))
    return found


def _named(tree: ast.Module) -> list[tuple[str, int]]:
    """Names that nobody defines, and others of pyflakes' findings that are errors whenever they are met."""
    from pyflakes import checker, messages

    wrong = (
        messages.UndefinedName,
        messages.UndefinedLocal,
        messages.UndefinedExport,
        messages.DuplicateArgument,
        messages.ReturnOutsideFunction,
        messages.PercentFormatPositionalCountMismatch,
        messages.StringDotFormatMissingArgument,
        messages.RaiseNotImplemented,
        messages.IfTuple,
        messages.AssertTuple,
    )
    try:
        said = checker.Checker(tree).messages
    except (RecursionError, AttributeError, KeyError, IndexError, TypeError, ValueError):
        return []  # it knows the grammar of its own day
    return [(one.message % one.message_args, one.lineno) for one in said if isinstance(one, wrong)]


def _empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, int]]:
    body = [line for line in node.body if not _is_text(line)]
    decorated = {text for mark in node.decorator_list if (text := ast.unparse(mark).rpartition(".")[2])}
    if decorated & {"abstractmethod", "overload"}:
        return []
    if all(isinstance(line, ast.Pass) for line in body):
        return [(f"{node.name}() does nothing", node.lineno)]
    if len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplemented" in ast.dump(body[0]):
        return [(f"{node.name}() is not implemented", node.lineno)]
    wants = node.returns is not None and ast.unparse(node.returns) not in ("None", "NoReturn", "Never")
    ways_out = (ast.Return, ast.Yield, ast.YieldFrom, ast.Raise)
    if not wants or any(isinstance(part, ways_out) for part in ast.walk(node)):
        return []
    return [(f"{node.name}() returns nothing, though it is said to", node.lineno)]


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _unreachable(node: ast.AST) -> list[tuple[str, int]]:
    found = []
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        for line, after in pairwise(block) if isinstance(block, list) else ():
            if isinstance(line, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
                if not _is_text(after) and not isinstance(after, (ast.FunctionDef, ast.Pass)):
                    found.append(("what follows is never reached", after.lineno))
                break
    return found
