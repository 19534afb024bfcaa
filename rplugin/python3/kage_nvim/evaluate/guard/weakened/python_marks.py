"""What is attached to Python tests, and conditions that are always the same. By the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache

from kage_nvim.evaluate.guard.weakened.python_words import name_of

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
SKIPS = {"skip", "skipif", "skipIf", "skipUnless", "importorskip", "skipTest", "SkipTest", "Skipped"}
XFAILS = {"xfail", "expectedFailure"}
RETRIES = {"flaky", "retry", "repeat_until", "rerun", "retries", "retrying"}
TIMEOUTS = {"timeout"}


@lru_cache(maxsize=8)
def parse(source: bytes) -> ast.Module | None:
    """The syntax tree; ``None`` for what is no Python of ours."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def decorator_marks(nodes: Sequence[ast.expr]) -> Iterator[tuple[str, str]]:
    """What decorators, or a ``pytestmark``, do to a test: kind and words."""
    for node in nodes:
        name = name_of(node)
        shown = ast.unparse(node)
        if name in SKIPS:
            if not _never(node, name):
                yield "needs" if _depends(node, name) else "skipped", shown
        elif name == "dependency" and "depends" in shown:
            yield "needs", shown
        elif name in XFAILS:
            yield "xfail", shown
        elif name in RETRIES:
            yield "retries", shown
        elif name in TIMEOUTS:
            yield "timeout", shown


def _never(node: ast.expr, name: str) -> bool:
    """``skipif(False)``: no skip at all."""
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if not isinstance(first, ast.Constant):
        return False
    return (name in ("skipif", "skipIf") and not first.value) or (name == "skipUnless" and bool(first.value))


def _depends(node: ast.expr, name: str) -> bool:
    """``skipif(os.name == "nt")``: skipped here and there; a test without these words is run nowhere."""
    first = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if isinstance(node, ast.Call) and first is None:
        first = next((word.value for word in node.keywords if word.arg == "condition"), None)
    return name in ("skipif", "skipIf", "skipUnless") and first is not None and fixed(first) is None


def fixed(node: ast.expr) -> bool | None:
    """What a condition always is, where that is plain."""
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = fixed(node.operand)
        return None if inner is None else not inner
    if isinstance(node, (ast.List, ast.Tuple, ast.Dict, ast.Set)):
        return bool(getattr(node, "elts", None) or getattr(node, "keys", None))
    if name_of(node) in ("TYPE_CHECKING", "__debug__") and not isinstance(node, ast.Call):
        return name_of(node) == "__debug__"
    if isinstance(node, ast.BoolOp):
        known = [fixed(value) for value in node.values]
        if isinstance(node.op, ast.And):
            return False if False in known else None
        return True if True in known else None
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant):
        right = node.comparators[0]
        if (
            len(node.ops) == 1
            and isinstance(right, ast.Constant)
            and isinstance(node.ops[0], (ast.Eq, ast.NotEq))
        ):
            return (node.left.value == right.value) == isinstance(node.ops[0], ast.Eq)
    return None
