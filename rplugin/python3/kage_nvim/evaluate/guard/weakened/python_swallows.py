"""What keeps a failure of a Python test from being one: a handler, a decorator. By the syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from kage_nvim.evaluate.guard.weakened.python_marks import Function
from kage_nvim.evaluate.guard.weakened.python_words import name_of

EXITS = {"exit", "quit"}
SWALLOWED = {"AssertionError", "Exception", "BaseException", "Failed", "OutcomeException", ""}


def ends_badly(call: ast.Call) -> bool:
    """Whether a process is ended with a code that says that something is wrong."""
    return bool(call.args) and not (isinstance(call.args[0], ast.Constant) and not call.args[0].value)


def swallows(handler: ast.ExceptHandler) -> bool:
    """Whether a handler passes over the failure of an assertion."""
    kinds: Sequence[Any] = [None] if handler.type is None else getattr(handler.type, "elts", [handler.type])
    if not any(kind is None or name_of(kind) in SWALLOWED for kind in kinds):
        return False
    for node in ast.walk(handler):
        if isinstance(node, (ast.Raise, ast.Assert)):
            return False
        if isinstance(node, ast.Call) and (
            name_of(node) == "fail" or (name_of(node) in EXITS and ends_badly(node))
        ):
            return False
    return True


def runs(decorator: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator of the tests' own runs, or hands back, what it decorates."""
    if not decorator.args.args:
        return True
    given = decorator.args.args[0].arg
    inner = [at for at in ast.walk(decorator) if isinstance(at, Function) and at is not decorator]
    for made in inner:  # one with arguments of its own has a decorator within
        if made.args.args and any(isinstance(at, Function) for at in ast.walk(made) if at is not made):
            return runs(made)
    for node in ast.walk(decorator):
        if isinstance(node, ast.Return) and given in {
            n.id for n in ast.walk(node) if isinstance(n, ast.Name)
        }:
            return True
        if isinstance(node, ast.Call) and given in {name_of(node), *(name_of(a) for a in node.args)}:
            if name_of(node) in ("wraps", "update_wrapper"):
                continue
            return not _caught(decorator, node)
    return False


def _caught(decorator: ast.AST, call: ast.Call) -> bool:
    tries = [at for at in ast.walk(decorator) if isinstance(at, ast.Try) and any(map(swallows, at.handlers))]
    return any(call is inner for at in tries for part in at.body for inner in ast.walk(part))


def lost(call: ast.Call) -> bool:
    """Whether what fails within a call is never heard of: it is gathered, or left running."""
    words = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
    return bool(words.get("return_exceptions")) or name_of(call) in ("create_task", "ensure_future")
