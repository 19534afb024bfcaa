"""With how many values, and with which, a Python test is run. By the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kage_nvim.evaluate.guard.weakened.python_words import name_of, number

DEEP = 3
"""How far names are followed."""


class Around(NamedTuple):
    """What a test can use of its file: functions that are no tests, and values at the top, by their names."""

    functions: Mapping[str, ast.FunctionDef | ast.AsyncFunctionDef]
    values: Mapping[str, ast.expr]


def values_of(call: ast.Call) -> ast.expr | None:
    """What ``parametrize`` and its like are given."""
    if name_of(call) in ("expand", "data"):
        return call.args[0] if len(call.args) == 1 else None
    if len(call.args) > 1:
        return call.args[1]
    return next((word.value for word in call.keywords if word.arg == "argvalues"), None)


def elements(around: Around, values: ast.expr | None) -> Sequence[ast.expr]:
    """The values one by one, where they are written down."""
    if isinstance(values, ast.Name):
        values = around.values.get(values.id)
    return values.elts if isinstance(values, (ast.List, ast.Tuple)) else ()


def written(around: Around, values: ast.expr | None) -> Iterator[ast.AST]:
    """The nodes of values, those of a name at the top of the module too."""
    if isinstance(values, ast.Name):
        values = around.values.get(values.id)
    return ast.walk(values) if values is not None else iter(())


def how_many(around: Around, node: ast.expr, deep: int = 0) -> int | None:
    """How many values there are; -1 where some are left out by a condition."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        if any(isinstance(at, ast.Starred) for at in node.elts):
            return None
        return len(node.elts)
    if isinstance(node, ast.Dict):
        return len(node.keys)
    if isinstance(node, ast.Name) and node.id in around.values and deep < DEEP:
        return how_many(around, around.values[node.id], deep + 1)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return -1
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and any(part.ifs for part in node.generators):
        return -1
    if isinstance(node, ast.Call):
        name = name_of(node)
        if name in ("sample", "choice", "choices", "islice", "filter", "takewhile", "dropwhile", "compress"):
            return -1
        if name == "range" and all(number(at) is not None for at in node.args):
            return len(range(*(int(number(at) or 0) for at in node.args)))
        if name in (
            "enumerate",
            "sorted",
            "list",
            "tuple",
            "reversed",
            "iter",
            "items",
            "keys",
            "values",
        ):
            inside = node.args[0] if node.args else getattr(node.func, "value", None)
            return how_many(around, inside, deep + 1) if inside is not None and deep < DEEP else None
        if name == "zip":
            sizes = [how_many(around, at, deep + 1) for at in node.args]
            known = [size for size in sizes if size is not None]
            return min(known, default=None) if len(known) == len(sizes) else None
    return None
