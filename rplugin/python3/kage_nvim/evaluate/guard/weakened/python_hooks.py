"""Hooks and fixtures of pytest that change what tests say. By the syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence

from kage_nvim.evaluate.guard.weakened.python_foul import Foul
from kage_nvim.evaluate.guard.weakened.python_marks import SKIPS, XFAILS
from kage_nvim.evaluate.guard.weakened.python_words import name_of
from kage_nvim.evaluate.guard.weakened.shapes import short

_TAKES_OVER = {"pytest_runtest_protocol", "pytest_pyfunc_call", "pytest_runtest_call", "pytest_cmdline_main",
               "pytest_runtestloop", "pytest_make_collect_report", "pytest_ignore_collect",
               "pytest_report_teststatus", "pytest_pycollect_makeitem", "pytest_load_initial_conftests"}  # fmt: skip
_TOUCHES = {"skip", "skipif", "xfail", "exitstatus", "outcome", "_exit", "deselect", "deselected", "remove", "clear",
            "pytest_deselected", "force_result", "testsfailed", "rep_call", "wasxfail", "exit", "unregister", "passed",
            "filter", "setattr", "excinfo", "longrepr", "reruns", "flaky", "pop", "SkipTest"}  # fmt: skip


def hooks_of(tree: ast.Module) -> Iterator[Foul]:
    """Functions that pytest calls for their names, and fixtures, that change what tests say."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        names = {name_of(at) for at in ast.walk(node) if isinstance(at, (ast.Attribute, ast.Name))}
        if node.name == "load_tests":
            text = f"load_tests {_body(node)}"
            yield Foul("hook", text, node.lineno, "says itself which tests there are: load_tests")
        elif node.name.startswith("pytest_"):
            if _meddles(node, names):
                said = f"meddles with what runs the tests: {node.name}"
                yield Foul("hook", f"{node.name} {_body(node)}", node.lineno, said)
        elif marks := [at for at in node.decorator_list if name_of(at) == "fixture"]:
            yield from _fixture(node, names, marks)


def _meddles(node: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> bool:
    """Whether a hook changes which tests there are, what they run or what is said of them."""
    sliced = any(
        isinstance(at, ast.Subscript) and isinstance(at.ctx, (ast.Store, ast.Del)) for at in ast.walk(node)
    )
    return bool(
        node.name in _TAKES_OVER
        or names & _TOUCHES
        or _stores(node, {"runtest", "obj", "items", "own_markers", "__eq__"})
        or (sliced and "items" in names)
        or ("option" in names and _stores(node))
    )


def _fixture(
    node: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str], marks: Sequence[ast.expr]
) -> Iterator[Foul]:
    """What a fixture puts in the place of what is tested, or keeps from being tested."""
    which = f"the fixture {node.name}"
    automatic = any(
        word.arg == "autouse" and getattr(word.value, "value", True)
        for at in marks
        if isinstance(at, ast.Call)
        for word in at.keywords
    )
    if what := _stands_in(node):
        said = f"puts something in the place of what is tested in {which}: `{short(what)}`"
        yield Foul("patched", f"fixture {node.name} {what}", node.lineno, said)
    if any("Mock" in name for name in names):
        yield Foul("patched", f"fixture {node.name} mocks", node.lineno, f"has a mock in {which}")
    if names & (SKIPS | XFAILS):
        yield Foul("skipped", f"fixture {node.name} skips", node.lineno, f"skips tests in {which}")
    elif automatic and _patches(node):
        said = f"patches what is tested in {which}, which all tests use"
        yield Foul("patched", f"fixture {node.name} patches {_body(node)}", node.lineno, said)


def _stores(node: ast.AST, names: Collection[str] = ()) -> bool:
    """Whether attributes, of these names, are set."""
    stored = [
        at.attr for at in ast.walk(node) if isinstance(at, ast.Attribute) and isinstance(at.ctx, ast.Store)
    ]
    return any(not names or name in names for name in stored)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return "\n".join(ast.unparse(at) for at in node.body)


def _stands_in(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """``made.total = lambda: 3``; a class within that inherits, and is handed out."""
    for at in ast.walk(node):
        if isinstance(at, ast.Assign) and isinstance(at.targets[0], ast.Attribute):
            if isinstance(at.value, ast.Lambda):
                return ast.unparse(at)
        elif isinstance(at, ast.ClassDef) and at.bases:
            return f"class {at.name}({ast.unparse(at.bases[0])})"
    return ""


_SURROUNDINGS = re.compile(
    r"environ|time|sleep|socket|home|cwd|path|logging|random|uuid|settings|config|cache|stdout|stderr|locale",
    re.I,
)


def _patches(node: ast.AST) -> bool:
    """Whether a fixture changes something that is not the tests' surroundings."""
    for at in ast.walk(node):
        shown = ""
        if isinstance(at, ast.Call) and (
            name_of(at) == "setattr" or re.search(r"\bpatch\b", ast.unparse(at.func))
        ):
            shown = ast.unparse(at)
        elif isinstance(at, ast.Assign) and isinstance(at.targets[0], ast.Attribute):
            shown = ast.unparse(at.targets[0])
        if shown and not shown.startswith(("self.", "request.")) and not _SURROUNDINGS.search(shown):
            return True
    return False
