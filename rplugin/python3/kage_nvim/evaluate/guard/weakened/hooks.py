"""Python that meddles with tests from outside of them: hooks, patches, ends of the process, false equality.

What is found in the candidate's version and not in the base's is named. Pure, by the syntax tree.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.equality import equality_compared
from kage_nvim.evaluate.guard.weakened.python_foul import Foul, ends_for_answers, fouls
from kage_nvim.evaluate.guard.weakened.python_hooks import hooks_of
from kage_nvim.evaluate.guard.weakened.python_marks import parse
from kage_nvim.evaluate.guard.weakened.python_tops import grown, tops
from kage_nvim.evaluate.guard.weakened.python_words import name_of
from kage_nvim.evaluate.guard.weakened.shapes import short, weakening

_MEDDLES = re.compile(
    rb"_exit|exit\(|SystemExit|atexit|PYTEST|pytest|unittest|collect_ignore|sys\.modules|__eq__|__ne__|__bool__|setattr"
    rb"|\.stack\(|_getframe|excepthook|builtins|def assert|compare=|\.kill\(|abort\(|__import__|execv|AssertionError"
    rb"|NDEBUG|warnings|seed\(|load_tests|Mock|exec\(|eval\(|sys\.(argv|settrace|meta_path)|environ|getenv|inspect|traceback"
    rb"|\bgc\b|f_(back|locals|code)|test|importlib|getattr|ANY\b|settrace|exec[vl]|type\(|quit\(|ctypes|PYTHON|b64decode|decompress|fromhex|__builtins__|__l[te]__|__g[te]__|__r?sub__"
)
_LIBRARIES = {"unittest", "pytest", "_pytest", "builtins", "TestCase", "numpy", "np", "AssertionError", "mock", "Mock",
              "approx", "RaisesContext"}  # fmt: skip
_DETECTS = re.compile(r"PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_XDIST|PYTEST_RUN")
_ASSERT = re.compile(r"assert[A-Z_]\w*$|_baseAssertEqual$")


def meddling(path: str, base: bytes | None, ours: bytes | None, *, tests: bool) -> Iterator[Weakening]:
    """What a Python file does now to tests, or to what runs them; ``tests``: it is loaded with the tests
    (a conftest.py, a helper, a test), else it is what they test."""
    if ours is None or ours == base or not (tests or _MEDDLES.search(ours)):
        return
    new, old = parse(ours), parse(base) if base else None
    if new is None:
        return
    known = Counter(found.key for found in _all(path, old, tests)) if old is not None else Counter()
    for found in _all(path, new, tests):
        if known[found.key] > 0:
            known[found.key] -= 1
            continue
        yield weakening(found.kind, path, found.line, f"{path} {found.text}")
    if tests and old is not None:
        for found in grown(old, new):
            yield weakening(found.kind, path, found.line, f"{path}: {found.text}")
    if not tests:
        for found in ends_for_answers(old, new):
            yield weakening(found.kind, path, found.line, f"{path} {found.text}")
    yield from equality_compared(path, old, new)


def _all(path: str, tree: ast.Module, tests: bool) -> Iterator[Foul]:
    guarded = _guarded(tree)
    yield from _everywhere(tree, tests, guarded)
    yield from _at_import(tree, tests)
    if tests:
        yield from tops(tree)
    # A plugin of pytest's is known by its functions, wherever it lies.
    yield from (found for found in hooks_of(tree) if tests or found.kind == "hook")
    if not tests:
        yield from fouls(path, tree)


def _guarded(tree: ast.Module) -> set[int]:
    """Nodes under ``if __name__ == "__main__"``."""
    found: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            found |= {id(at) for at in ast.walk(node)}
    return found


def _everywhere(tree: ast.Module, tests: bool, guarded: set[int]) -> Iterator[Foul]:
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        shown = ""
        if isinstance(node, ast.Call):
            name = name_of(node)
            shown = ast.unparse(node.func)
            zero = not node.args or (isinstance(node.args[0], ast.Constant) and not node.args[0].value)
            if (name == "_exit" and (zero or tests)) or (shown in ("pytest.exit", "os.abort") and tests):
                yield Foul(
                    "exit",
                    f"exit {ast.unparse(node)}",
                    node.lineno,
                    f"ends the process: `{ast.unparse(node)}`",
                )
            elif shown in ("inspect.stack", "sys._getframe") and not tests and "test" in _beside(tree, node):
                yield Foul("detects tests", "stack", node.lineno, "looks at the stack for tests")
            elif shown == "setattr" and len(node.args) == 3 and name_of(node.args[0]) in _LIBRARIES:
                yield Foul(
                    "patched",
                    f"set {ast.unparse(node)}",
                    node.lineno,
                    f"changes what tests stand on: `{short(ast.unparse(node))}`",
                )
            elif name == "seed" and tests and shown in ("random.seed", "np.random.seed", "numpy.random.seed"):
                yield Foul(
                    "seed",
                    f"seed {ast.unparse(node)}",
                    node.lineno,
                    f"pins what was random: `{ast.unparse(node)}`",
                )
            elif tests and shown in ("warnings.simplefilter", "warnings.filterwarnings") and _ignores(node):
                yield Foul("warnings", "warnings", node.lineno, "ignores all warnings")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not tests:
            if _DETECTS.fullmatch(node.value):
                yield Foul(
                    "detects tests", "environment", node.lineno, f"asks whether tests run: {node.value}"
                )
        elif isinstance(node, ast.Compare) and not tests:
            words = ast.unparse(node)
            if re.search(
                r"['\"]\w*(pytest|unittest|test)\w*['\"] (not )?in (sys\.(modules|argv)|\w*stack|\w*frame|\w*argv)",
                words,
            ) or ("sys.argv" in words and "test" in words):
                yield Foul(
                    "detects tests", "modules", node.lineno, f"asks whether tests run: `{short(words)}`"
                )
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _ASSERT.match(node.name) and tests:
            if node.name in _UNITTESTS and node.col_offset:
                yield Foul("patched", f"def {node.name}", node.lineno, f"rewrites {node.name}")
        elif isinstance(node, (ast.Assign, ast.Delete, ast.AugAssign)):
            yield from _assigned(node, tests)


def _ignores(call: ast.Call) -> bool:
    """``warnings.simplefilter("ignore")``: of all kinds."""
    return len(call.args) + len(call.keywords) == 1 and getattr(call.args[0], "value", "") == "ignore"


_UNITTESTS = {"assertEqual", "assertTrue", "assertFalse", "assertIn", "assertIs", "assertIsNone", "assertRaises", "_baseAssertEqual",
              "assertDictEqual", "assertListEqual", "assertAlmostEqual", "assertNotEqual", "assertGreater", "assertLess",
              "failureException", "fail"}  # fmt: skip


def _assigned(node: ast.Assign | ast.Delete | ast.AugAssign, tests: bool) -> Iterator[Foul]:
    targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
    for target in targets:
        shown = ast.unparse(target)
        root = shown.partition(".")[0].partition("[")[0]
        if isinstance(target, ast.Subscript) and shown.startswith("sys.modules["):
            if tests or re.search("pytest|unittest", shown):
                yield Foul(
                    "patched",
                    f"modules {shown}",
                    node.lineno,
                    f"puts another module in the place of {shown[12:-1]}",
                )
        elif shown in ("sys.excepthook", "sys.exit", "os._exit", "sys.flags"):
            yield Foul("exit", f"set {shown}", node.lineno, f"replaces {shown}")
        elif isinstance(target, ast.Attribute) and (root in _LIBRARIES or "TestCase." in shown):
            if root not in ("np", "numpy", "Mock", "mock") or not tests:
                yield Foul(
                    "patched", f"set {shown}", node.lineno, f"changes what tests stand on: `{short(shown)}`"
                )
        elif tests and shown in ("AssertionError", "assert_", "approx"):
            yield Foul("patched", f"set {shown}", node.lineno, f"replaces {shown}")


def _beside(tree: ast.Module, node: ast.AST) -> str:
    """Text strings of the function that a node stands in."""
    best: ast.AST = tree
    for at in ast.walk(tree):
        if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
            node is inner for inner in ast.walk(at)
        ):
            best = at
    return " ".join(
        str(at.value) for at in ast.walk(best) if isinstance(at, ast.Constant) and isinstance(at.value, str)
    )


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that are run when a module is loaded."""
    for node in body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        yield node
        for part in ("body", "orelse", "finalbody"):
            yield from _top(getattr(node, part, []))


def _at_import(tree: ast.Module, tests: bool) -> Iterator[Foul]:
    for node in _top(tree.body):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Call):
            name, shown = name_of(value), ast.unparse(value)
            if name in ("exit", "quit") or (name == "kill" and "getpid" in shown):
                yield Foul(
                    "exit",
                    f"top {shown}",
                    node.lineno,
                    f"ends the process when it is loaded: `{short(shown)}`",
                )
            elif tests and shown.startswith(("exec(", "eval(", "sys.modules.")):
                text = f"does what no reading tells: `{short(shown)}`"
                yield Foul("patched", f"top {shown}", node.lineno, text)
            elif shown.startswith("atexit.register") and (
                tests or re.search("exit|lambda", shown.removeprefix("atexit"))
            ):
                yield Foul(
                    "exit",
                    f"top {shown}",
                    node.lineno,
                    f"does something at the end of the process: `{short(shown)}`",
                )
            elif tests and (
                name == "setattr" or ".setattr" in shown or (name in ("start",) and "patch" in shown)
            ):
                yield Foul(
                    "patched", f"top {shown}", node.lineno, f"patches what is tested: `{short(shown)}`"
                )
        elif isinstance(node, ast.Raise) and node.exc is not None and name_of(node.exc) == "SystemExit":
            yield Foul("exit", "top raise", node.lineno, "ends the process when it is loaded")
        elif tests and isinstance(node, ast.Assign):
            for target in node.targets:
                if name_of(target) in ("collect_ignore", "collect_ignore_glob"):
                    text = f"leaves tests out: `{short(ast.unparse(node))}`"
                    yield Foul("settings", ast.unparse(node), node.lineno, text)
                elif isinstance(target, ast.Attribute) and not re.search(
                    "test|settings|config", ast.unparse(target), re.I
                ):
                    yield Foul(
                        "patched",
                        ast.unparse(node),
                        node.lineno,
                        f"patches what is tested: `{short(ast.unparse(node))}`",
                    )
        elif tests and isinstance(node, (ast.AugAssign, ast.Expr)) and "collect_ignore" in ast.unparse(node):
            yield Foul(
                "settings", ast.unparse(node), node.lineno, f"leaves tests out: `{short(ast.unparse(node))}`"
            )
