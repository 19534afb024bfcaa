"""With how many values, and with which, a Python test is run. By the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kage_nvim.evaluate.guard.weakened.python_words import name_of, number
from kage_nvim.evaluate.guard.weakened.shapes import Case

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


def drawn(case: Case, given: ast.Call, beside: Sequence[ast.expr]) -> None:
    """``@given(…)`` with its ``@settings(…)``: a hundred examples are tried when nothing else is said."""
    case.drawn = [ast.unparse(at) for at in (*given.args, *(word.value for word in given.keywords))]
    said = [
        word
        for at in beside
        if isinstance(at, ast.Call) and name_of(at) == "settings"
        for word in at.keywords
    ]
    examples = next((number(word.value) for word in said if word.arg == "max_examples"), 100.0)
    none = any(word.arg == "phases" and "generate" not in ast.unparse(word.value) for word in said)
    times(case, -1 if none else None if examples is None else int(examples))


def times(case: Case, size: int | None) -> None:
    """A test is run once more for each of so many values (``None``: not known, -1: some are left out)."""
    rounds = case.rounds
    if size is None or rounds is None:
        case.rounds = None if size != -1 and rounds != -1 else -1
    else:
        case.rounds = -1 if -1 in (size, rounds) else rounds * size
