"""What stands at the top of a Python file of tests, and changes what its tests say. By the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from kage_nvim.evaluate.guard.weakened.python_foul import Foul
from kage_nvim.evaluate.guard.weakened.python_words import name_of, number
from kage_nvim.evaluate.guard.weakened.shapes import short

_BUILTINS = {"all", "any", "len", "sorted", "isinstance", "set", "round", "abs", "sum", "list", "dict", "str", "repr", "type",
             "min", "max", "bool", "int", "float", "range", "enumerate", "zip", "hasattr", "getattr", "AssertionError"}  # fmt: skip
_RUNS = {"run", "debug", "__call__", "_callTestMethod", "_callSetUp", "failureException"}
_NAMES = re.compile(r"\b(globals|vars)\(\)")
_MUTATES = {"clear", "pop", "remove", "popitem"}
_SLACK = re.compile(r"tol|eps|delta|slack|margin|precision|thresh", re.I)
_AGAIN = re.compile(r"retr(y|ies)|rerun|attempt", re.I)


def tops(tree: ast.Module) -> Iterator[Foul]:
    """Names of the language taken for something else, tests that are taken out, values that are emptied."""
    made = {name_of(at) for node in tree.body if isinstance(node, ast.Assign) for at in node.targets}
    for node in tree.body:
        for name in set(_binds(node)) & _BUILTINS:
            yield Foul("patched", f"builtin {name}", node.lineno, f"has a {name} of its own")
        if isinstance(node, ast.ClassDef) and any(re.search("Test|Case", name_of(at)) for at in node.bases):
            for name in {name for at in node.body for name in _binds(at)} & _RUNS:
                yield Foul("patched", f"{node.name}.{name}", node.lineno, f"rewrites {node.name}.{name}")
        if isinstance(node, (ast.For, ast.While)) and _NAMES.search(shown := ast.unparse(node)):
            yield Foul(
                "not collected", shown, node.lineno, f"takes out tests by their names: `{short(shown)}`"
            )
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            on = name_of(call.func.value)
            if isinstance(call.func.value, ast.Name) and on in made and call.func.attr in _MUTATES:
                yield Foul(
                    "fewer cases", ast.unparse(call), node.lineno, f"takes from {on}: `{ast.unparse(call)}`"
                )
            elif call.func.attr == "register_profile":
                few = [number(word.value) for word in call.keywords if word.arg == "max_examples"]
                if few and (few[0] or 0) < 100:
                    yield Foul(
                        "fewer cases",
                        "profile",
                        node.lineno,
                        f"has fewer examples tried: {short(ast.unparse(call))}",
                    )


def _binds(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (at.id for at in node.targets if isinstance(at, ast.Name))
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name for alias in node.names)


def grown(old: ast.Module, new: ast.Module) -> Iterator[Foul]:
    """Numbers with a name that allow more now: ``TOLERANCE = 10``."""
    before, after = _numbers(old), _numbers(new)
    for name, (was, _) in before.items():
        if name not in after:
            continue
        now, line = after[name]
        kind = "tolerance" if _SLACK.search(name) else "retries" if _AGAIN.search(name) else ""
        if kind and was is not None and (now is None or now > was):
            yield Foul(kind, name, line, f"{name} allows more than {was:g}")


def _numbers(tree: ast.Module) -> dict[str, tuple[float | None, int]]:
    return {
        at.id: (number(node.value), node.lineno)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for at in node.targets
        if isinstance(at, ast.Name)
    }
