"""Equality that came to hold of everything: an ``__eq__`` that does not look, or looks at less. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.shapes import weakening

_Method = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_METHODS = {
    "__eq__": True,
    "__ne__": False,
    "__contains__": True,
    "__bool__": True,
    "__le__": True,
    "__ge__": True,
    "__lt__": True,
    "__gt__": True,
}
_ORDERS = {"__le__", "__ge__", "__lt__", "__gt__"}


def equality_compared(path: str, old: ast.Module | None, new: ast.Module) -> Iterator[Weakening]:
    """What became of the comparisons that classes define."""
    before, after = _methods(old), _methods(new)
    for (name, method), node in after.items():
        known = before.get((name, method))
        if known is not None and ast.dump(known) == ast.dump(node):
            continue
        if _always(node, _METHODS[method]):
            if method in ("__eq__", "__ne__") or method in _ORDERS or known is not None:
                yield weakening(
                    "equality", path, node.lineno, f"{path}: {name}.{method} is the same for anything"
                )
        elif known is not None and not _always(known, _METHODS[method]):
            lost = _looked_at(known) - _looked_at(node)
            if method in ("__eq__", "__ne__") and lost and _looked_at(node) < _looked_at(known):
                text = f"{path}: {name}.{method} does not look at {', '.join(sorted(lost))} any more"
                yield weakening("equality", path, node.lineno, text)
        elif known is None and method == "__eq__":
            everything = {field for owner, field in _fields(old, all_of_them=True) if owner == name}
            lost = everything - _looked_at(node) - _uncompared(new, name)
            if lost and _looked_at(node) & everything:
                text = f"{path}: {name}.__eq__ does not look at {', '.join(sorted(lost))}"
                yield weakening("equality", path, node.lineno, text)
        elif known is None and method == "__ne__" and _always(node, True):
            yield weakening("equality", path, node.lineno, f"{path}: {name}.__ne__ is the same for anything")
    left = _fields(old)
    for field in _fields(new) - left:
        if old is not None and field[0] in {name for name, _ in _fields(old, all_of_them=True)}:
            yield weakening("equality", path, 0, f"{path}: {field[0]}.{field[1]} is not compared any more")


def _uncompared(tree: ast.Module, name: str) -> set[str]:
    return {field for owner, field in _fields(tree) if owner == name}


def _methods(tree: ast.Module | None) -> dict[tuple[str, str], _Method]:
    found: dict[tuple[str, str], _Method] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.ClassDef):
            continue
        for at in node.body:
            if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)) and at.name in _METHODS:
                found[node.name, at.name] = at
            elif isinstance(at, ast.Assign) and isinstance(at.value, ast.Lambda):
                for target in at.targets:
                    if isinstance(target, ast.Name) and target.id in _METHODS:
                        found[node.name, target.id] = at.value
    return found


def _always(node: _Method, value: bool) -> bool:
    """Whether a comparison says this without a look at the other side."""
    if isinstance(node, ast.Lambda):
        returned: list[ast.expr] = [node.body]
    else:
        returned = [at.value for at in ast.walk(node) if isinstance(at, ast.Return) and at.value is not None]
    if not any(_says(at, value) for at in returned):
        return False
    if isinstance(node, ast.Lambda) and _fixed(node.body, value):
        return True
    arguments = (
        node.args.args if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) else []
    )
    if len(arguments) < 2:
        return all(_says(at, value) for at in returned)
    if isinstance(node, ast.FunctionDef) and _says_first(node, value):
        return True
    return not _looks(node, arguments[1].arg)


def _fixed(node: ast.expr, value: bool) -> bool:
    """Whether a constant among its parts settles it."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or if value else ast.And):
        return any(_fixed(part, value) for part in node.values)
    return isinstance(node, ast.Constant) and bool(node.value) is value


def _says(node: ast.expr, value: bool) -> bool:
    if isinstance(node, ast.Constant):
        return bool(node.value) is value
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or if value else ast.And):
        return any(_says(part, value) for part in node.values)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
        return (
            getattr(node.comparators[0], "value", "") is None and isinstance(node.ops[0], ast.IsNot) is value
        )
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        return value
    return False


def _says_first(node: ast.FunctionDef, value: bool) -> bool:
    body = [at for at in node.body if not (isinstance(at, ast.Expr) and isinstance(at.value, ast.Constant))]
    first = body[0] if body else None
    return isinstance(first, ast.Return) and first.value is not None and _fixed(first.value, value)


def _looks(node: ast.AST, other: str) -> bool:
    """Whether more is asked of the other side than what it is."""
    kinds = {
        id(inner)
        for at in ast.walk(node)
        if (
            isinstance(at, ast.Call) and getattr(at.func, "id", "") in ("isinstance", "type", "hasattr", "id")
        )
        or (isinstance(at, ast.Compare) and all(isinstance(op, (ast.Is, ast.IsNot)) for op in at.ops))
        for inner in ast.walk(at)
    }
    names = [at for at in ast.walk(node) if isinstance(at, ast.Name) and at.id == other]
    return any(id(at) not in kinds for at in names)


def _looked_at(node: ast.AST) -> set[str]:
    return {
        at.attr for at in ast.walk(node) if isinstance(at, ast.Attribute) and not at.attr.startswith("__")
    }


def _fields(tree: ast.Module | None, *, all_of_them: bool = False) -> set[tuple[str, str]]:
    """Fields of classes that are not compared: ``field(compare=False)``, ``eq=False``."""
    found = set()
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.ClassDef):
            continue
        for at in node.body:
            if isinstance(at, ast.AnnAssign):
                words = at.value.keywords if isinstance(at.value, ast.Call) else []
                left = any(
                    w.arg in ("compare", "eq") and getattr(w.value, "value", True) is False for w in words
                )
                if left or all_of_them:
                    found.add((node.name, ast.unparse(at.target)))
    return found
