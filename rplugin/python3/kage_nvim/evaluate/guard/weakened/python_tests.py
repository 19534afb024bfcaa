"""The tests of a Python file: what is collected and run of them, and what they claim. By the syntax tree.

pytest and unittest count alike: functions ``test…`` in a module or in a class that is collected.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from kage_nvim.evaluate.guard.weakened.python_bodies import Body
from kage_nvim.evaluate.guard.weakened.python_claims import claims_of
from kage_nvim.evaluate.guard.weakened.python_marks import (
    SKIPS,
    Function,
    decorator_marks,
    fixed,
    parse,
)
from kage_nvim.evaluate.guard.weakened.python_values import Around
from kage_nvim.evaluate.guard.weakened.python_words import name_of
from kage_nvim.evaluate.guard.weakened.shapes import NOTHING, Case, Claim


def cases_of(path: str, source: bytes) -> list[Case]:
    """All tests of a file, those that are not run included, in the order of their lines."""
    tree = parse(source)
    return [] if tree is None else _Module(path, tree).cases()


def changed_cases(path: str, base: bytes, ours: bytes) -> tuple[list[Case], list[Case]]:
    """The tests of two versions of a file, without those that stand in both as they are and whose
    surroundings do, too."""
    old, new = parse(base), parse(ours)
    if old is None or new is None:
        return cases_of(path, base), cases_of(path, ours)
    before, after = _sources(old, base), _sources(new, ours)
    if [text for name, text in before if not name] != [text for name, text in after if not name]:
        return cases_of(path, base), cases_of(path, ours)
    same = {*before} & {*after}
    twice = {name for name, count in Counter(name for name, _ in after).items() if count > 1}
    made = []
    for tree, sources in ((old, before), (new, after)):
        body = [
            node
            for node, source in zip(tree.body, sources, strict=True)
            if not source[0] or source[0] in twice or source not in same
        ]
        made.append(_Module(path, ast.Module(body, [])).cases())
    return made[0], made[1]


def _sources(tree: ast.Module, source: bytes) -> list[tuple[str, bytes]]:
    """The statements at the top of a file as they are written, tests with their names."""
    lines = source.splitlines()
    found = []
    for node in tree.body:
        test = isinstance(node, (*Function, ast.ClassDef)) and node.name.lower().startswith("test")
        first = min([node.lineno, *(at.lineno for at in getattr(node, "decorator_list", ()))])
        text = b"\n".join(lines[first - 1 : node.end_lineno])
        found.append((node.name if test and isinstance(node, (*Function, ast.ClassDef)) else "", text))
    return found


def helpers_of(path: str, source: bytes) -> list[Case]:
    """The functions of a file that are no tests, read as tests are."""
    tree = parse(source)
    found = []
    for name, node in _Module(path, tree).functions.items() if tree is not None else ():
        case = Case(path, name, node.lineno)
        Body(Around({}, {}), case).read(node)
        if not case.claims:  # what it hands back is what a test claims
            for at in ast.walk(node):
                if isinstance(at, ast.Return) and isinstance(at.value, (ast.Compare, ast.BoolOp)):
                    case.claims += claims_of(at.value, at.lineno)
                elif isinstance(at, ast.Return) and fixed(at.value or ast.Constant(None)) is True:
                    case.claims.append(Claim(ast.unparse(at), at.lineno, NOTHING))
        found.append(case)
    return found


class _Module:
    """One file: what is defined at its top is looked up when a test uses it."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.values: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, Function) and not node.name.startswith("test"):
                self.functions.setdefault(node.name, node)
        for node in tree.body:
            if isinstance(node, ast.Assign):
                self.values |= {
                    target.id: node.value for target in node.targets if isinstance(target, ast.Name)
                }
            elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                self.values[node.target.id] = node.value
        self.around = Around(self.functions, self.values)
        self.found: list[Case] = []

    def cases(self) -> list[Case]:
        marks = dict(self._module_marks(self.tree.body))
        self._scope(self.tree.body, "", "", marks)
        self._dropped()
        return self.found

    def _module_marks(self, body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
        """What holds for a whole module or class."""
        for node in body:
            if isinstance(node, ast.Assign):
                names = {name_of(target) for target in node.targets}
                if "pytestmark" in names:
                    each = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
                    yield from decorator_marks(each)
                if names & {"__test__"} and fixed(node.value) is False:
                    yield "skipped", "__test__ = False"
                if names & {"__unittest_skip__"}:
                    yield "skipped", "__unittest_skip__"
            for at in _own(node):
                if (
                    (
                        isinstance(at, ast.Expr)
                        and isinstance(at.value, ast.Call)
                        and name_of(at.value) in SKIPS
                    )
                    or (isinstance(at, ast.Assign) and name_of(at.value) == "importorskip")
                    or (isinstance(at, ast.Raise) and at.exc is not None and name_of(at.exc) in SKIPS)
                ):
                    needs = "importorskip" in ast.unparse(at)
                    yield "needs" if needs else "skipped", ast.unparse(at)

    def _scope(self, body: Sequence[ast.stmt], prefix: str, idle: str, marks: dict[str, str]) -> None:
        last: dict[str, int] = {}
        for at, node in enumerate(body):
            if isinstance(node, (*Function, ast.ClassDef)):
                last[node.name] = at
        for at, node in enumerate(body):
            if isinstance(node, (*Function, ast.ClassDef)):
                hidden = "a later definition has its name" if last[node.name] != at else ""
                self._definition(node, prefix, idle or hidden, marks)
            elif isinstance(node, ast.If):
                known = fixed(node.test)
                never = f"it stands under `if {ast.unparse(node.test)}`"
                if known is None and "__name__" not in never:
                    marks = marks | {"conditional": f"if {ast.unparse(node.test)}"}
                self._scope(node.body, prefix, idle or (never if known is False else ""), marks)
                self._scope(node.orelse, prefix, idle or (never if known is True else ""), marks)
            elif isinstance(node, (ast.Try, ast.With)):
                self._scope(node.body, prefix, idle, marks)

    def _definition(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        prefix: str,
        idle: str,
        marks: dict[str, str],
    ) -> None:
        attached = [self.values.get(name_of(at), at) for at in node.decorator_list]
        own = marks | dict(decorator_marks(attached))
        if isinstance(node, ast.ClassDef):
            tests = any(
                "test" in name_of(base).lower() or "case" in name_of(base).lower() for base in node.bases
            )
            plain = all(name_of(base) in ("object", "ABC", "Generic") for base in node.bases)
            if not (node.name.startswith("Test") or tests) and plain:
                idle = idle or f"the class {node.name} is not collected"
            elif node.name.startswith("Test") and not node.bases and _has(node, "__init__"):
                idle = idle or f"the class {node.name} has an __init__ and is not collected"
            own |= dict(self._module_marks(node.body))
            if any("Async" in name_of(base) for base in node.bases):
                own["awaited"] = ""
            for method in node.body:
                before = getattr(method, "name", "") in ("setUp", "setup_method", "setUpClass")
                if before and any(map(_skips, ast.walk(method))):
                    own["skipped"] = ast.unparse(method)
            self._scope(node.body, f"{prefix}{node.name}.", idle, own)
            return
        if not node.name.startswith("test"):
            idle = idle or "its name does not begin with test"
        elif any(name_of(at) == "fixture" for at in node.decorator_list):
            idle = idle or "it is a fixture now"
        elif any(name_of(at) in ("staticmethod", "property") for at in node.decorator_list) and prefix:
            idle = idle or ("it is a property" if "property" in map(name_of, node.decorator_list) else "")
        case = Case(self.path, prefix + node.name, node.lineno, idle, own)
        Body(self.around, case).read(node)
        if "awaited" in case.marks:
            case.marks.pop("awaited")
            case.marks["async"] = ""
        self.found.append(case)
        for inner in ast.walk(node):  # a test that was moved into another function is never run
            if isinstance(inner, Function) and inner is not node and inner.name.startswith("test"):
                nested = Case(
                    self.path, f"{case.name}.{inner.name}", inner.lineno, f"it is defined within {node.name}"
                )
                Body(self.around, nested).read(inner)
                self.found.append(nested)

    def _dropped(self) -> None:
        """``del test_x``, ``test_x = None``, ``TestX.test_y = …``, ``test_x.__test__ = False``, another
        ``test_x`` that is imported below."""
        gone: dict[str, tuple[int, str]] = {}
        for node in self.tree.body:
            for name in _lost(node):
                gone[name] = (node.lineno, f"`{ast.unparse(node)[:60]}`")
        for case in self.found:
            for name in (case.name, case.name.partition(".")[0]):
                if name in gone and not case.idle and gone[name][0] > case.line:
                    case.idle = gone[name][1]


def _lost(node: ast.stmt) -> Iterator[str]:
    """Names that mean something else, or nothing, after a statement at the top of a module."""
    if isinstance(node, (ast.Delete, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and name_of(target.value) in ("globals", "vars"):
                yield str(getattr(target.slice, "value", ""))
            yield ast.unparse(target).removesuffix(".__test__").removesuffix(".__unittest_skip__")
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        told = [str(at.value) for at in call.args if isinstance(at, ast.Constant)]
        if name_of(call) in ("delattr", "setattr") and told:
            yield f"{ast.unparse(call.args[0])}.{told[0]}"
        elif name_of(getattr(call.func, "value", call)) in ("globals", "vars") and told:
            yield told[0]


def _own(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and those under its conditions, not those of definitions."""
    if isinstance(node, (*Function, ast.ClassDef)):
        return
    yield node
    for part in ("body", "orelse", "finalbody"):
        for inner in getattr(node, part, []):
            if isinstance(inner, ast.stmt):
                yield from _own(inner)
    for handler in getattr(node, "handlers", []):
        for inner in handler.body:
            yield from _own(inner)


def _has(node: ast.ClassDef, name: str) -> bool:
    return any(isinstance(at, Function) and at.name == name for at in node.body)


def _skips(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and name_of(node) in SKIPS
