"""What nodes of Python name, call and hold. By the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence


def name_of(node: ast.AST) -> str:
    """The last name of what is called or meant: ``raises`` of ``pytest.raises(…)``."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST) -> frozenset[str]:
    """Names that are called within."""
    return frozenset(name_of(at) for at in ast.walk(node) if isinstance(at, ast.Call)) - {""}


def constants(*nodes: ast.AST) -> frozenset[str]:
    """Literal values within, as they are written."""
    return frozenset(repr(at.value) for n in nodes for at in ast.walk(n) if isinstance(at, ast.Constant))


def number(node: ast.AST | None) -> float | None:
    """A literal number."""
    try:
        value = ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def words(node: ast.AST) -> list[str]:
    """The words and signs of it, as a formatter would write them."""
    return re.findall(r"\w+|[^\w\s]", ast.unparse(node))


def within(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of statements, not those of functions defined there."""
    left: list[ast.AST] = list(body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            left += ast.iter_child_nodes(node)


def stands_in(value: ast.expr) -> bool:
    """Whether a value is made to be put in another's place."""
    return isinstance(value, ast.Lambda) or "Mock" in name_of(value) or name_of(value).startswith("fake")
