"""The tests of a Python file: what is collected and run of them, and what they claim. By the syntax tree.

pytest and unittest count alike: functions ``test…`` in a module or in a class that is collected.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from typing import Any

from kage_nvim.evaluate.weakened.python_claims import (
    RAISES,
    called,
    claims_of,
    claims_of_call,
    constants,
    name_of,
    number,
    raising,
)
from kage_nvim.evaluate.weakened.shapes import Case, Claim

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
SKIPS = {"skip", "skipif", "skipIf", "skipUnless", "importorskip", "skipTest", "SkipTest", "Skipped"}
XFAILS = {"xfail", "expectedFailure"}
RETRIES = {"flaky", "retry", "repeat_until", "rerun", "retries", "retrying"}
TIMEOUTS = {"timeout"}
_ENDS = {"_exit", "abort", "kill", "execv", "_Exit"}
_EXITS = {"exit", "quit"}
_SWALLOWS = {"AssertionError", "Exception", "BaseException", "Failed", "OutcomeException", ""}
_HARMLESS = {"setenv", "delenv", "chdir", "syspath_prepend", "setitem", "delitem"}
_DEEP = 3


def parse(source: bytes) -> ast.Module | None:
    """The syntax tree; ``None`` for what is no Python of ours."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def cases_of(path: str, source: bytes) -> list[Case]:
    """All tests of a file, those that are not run included, in the order of their lines."""
    tree = parse(source)
    return [] if tree is None else _Module(path, tree).cases()


def helpers_of(path: str, source: bytes) -> list[Case]:
    """The functions of a file that are no tests, read as tests are."""
    tree = parse(source)
    found = []
    for name, node in _Module(path, tree).functions.items() if tree is not None else ():
        case = Case(path, name, node.lineno)
        _Body(_Module(path, ast.Module([], [])), case).read(node)
        found.append(case)
    return found


def _words(node: ast.AST) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", ast.unparse(node))


def decorator_marks(nodes: Sequence[ast.expr]) -> Iterator[tuple[str, str]]:
    """What decorators, or a ``pytestmark``, do to a test: kind and words."""
    for node in nodes:
        name = name_of(node)
        shown = ast.unparse(node)
        if name in SKIPS:
            if not _never(node, name):
                yield "skipped", shown
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
                    yield "skipped", ast.unparse(at)

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
        own = marks | dict(decorator_marks(node.decorator_list))
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
        _Body(self, case).read(node)
        self.found.append(case)
        for inner in ast.walk(node):  # a test that was moved into another function is never run
            if isinstance(inner, Function) and inner is not node and inner.name.startswith("test"):
                nested = Case(
                    self.path, f"{case.name}.{inner.name}", inner.lineno, f"it is defined within {node.name}"
                )
                _Body(self, nested).read(inner)
                self.found.append(nested)

    def _dropped(self) -> None:
        """``del test_x``, ``test_x = None``, ``TestX.test_y = …``, ``test_x.__test__ = False``."""
        gone: dict[str, str] = {}
        for node in self.tree.body:
            targets: Sequence[ast.expr] = ()
            if isinstance(node, ast.Delete) or isinstance(node, ast.Assign):
                targets = node.targets
            for target in targets:
                shown = ast.unparse(target).removesuffix(".__test__").removesuffix(".__unittest_skip__")
                gone[shown] = f"`{ast.unparse(node)[:60]}`"
        for case in self.found:
            for name in (case.name, case.name.partition(".")[0]):
                if name in gone and not case.idle:
                    case.idle = gone[name]


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


class _Body:
    """Reads what a test's function does."""

    def __init__(self, module: _Module, case: Case) -> None:
        self.module = module
        self.case = case
        self.dead = False
        self.loops = 0
        self.known = True
        self.early = False
        self.made: dict[str, frozenset[str]] = {}

    def read(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        case = self.case
        self._decorators(node)
        body = node.body
        for at in _within(body):
            if isinstance(at, (ast.Yield, ast.YieldFrom)) and not case.idle and node.name.startswith("test"):
                case.idle = "it yields and is not run"
        marked = {name_of(at) for at in node.decorator_list}
        if isinstance(node, ast.AsyncFunctionDef):
            case.marks["async"] = "async def" if not marked & {"asyncio", "anyio", "trio"} else ""
        case.words = [word for statement in body for word in _words(statement)]
        case.names = {at.id for s in body for at in ast.walk(s) if isinstance(at, ast.Name)}
        case.names |= {at.attr for s in body for at in ast.walk(s) if isinstance(at, ast.Attribute)}
        case.calls = {name for s in body for name in called(s)}
        case.constants = set(constants(*body, *node.decorator_list))
        self._statements(body, False, False, 0)
        if not self.known:
            case.rounds = None
        elif case.rounds is not None and case.rounds >= 0 and self.loops:
            case.rounds *= self.loops

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        case = self.case
        for at in node.decorator_list:
            if name_of(at) in ("parametrize", "expand", "data") and isinstance(at, ast.Call):
                values = _values(at)
                size = None if values is None else self.size(values)
                self._times(size)
                case.values += [ast.unparse(at) for at in self._elements(values)]
                for inner in self._written(values):
                    if isinstance(inner, ast.Call) and name_of(inner) == "param":
                        for word in inner.keywords:
                            marks = (
                                [word.value]
                                if not isinstance(word.value, (ast.List, ast.Tuple))
                                else word.value.elts
                            )
                            for kind, shown in decorator_marks(marks) if word.arg == "marks" else ():
                                case.marks[f"{kind} {ast.unparse(inner)[:40]}"] = shown
            elif name_of(at) == "settings" and isinstance(at, ast.Call):
                for word in at.keywords:
                    if word.arg == "max_examples":
                        self._times(int(number(word.value) or 0) or None)
            elif name_of(at) == "patch" or "patch" in ast.unparse(at).partition("(")[0].split("."):
                self._patch(at)
            elif (made := self.module.functions.get(name_of(at))) is not None and not _runs(made):
                case.marks["wrapped"] = f"@{ast.unparse(at)}"

    def _elements(self, values: ast.expr | None) -> Sequence[ast.expr]:
        if isinstance(values, ast.Name):
            values = self.module.values.get(values.id)
        return values.elts if isinstance(values, (ast.List, ast.Tuple)) else ()

    def _written(self, values: ast.expr | None) -> Iterator[ast.AST]:
        """The nodes of values, those of a name at the top of the module too."""
        if isinstance(values, ast.Name):
            values = self.module.values.get(values.id)
        return ast.walk(values) if values is not None else iter(())

    def _times(self, size: int | None) -> None:
        rounds = self.case.rounds
        if size is None or rounds is None:
            self.case.rounds = None if size != -1 and rounds != -1 else -1
        else:
            self.case.rounds = -1 if -1 in (size, rounds) else rounds * size

    def size(self, node: ast.expr, deep: int = 0) -> int | None:
        """How many values there are; -1 where some are left out by a condition."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            if any(isinstance(at, ast.Starred) for at in node.elts):
                return None
            return len(node.elts)
        if isinstance(node, ast.Dict):
            return len(node.keys)
        if isinstance(node, ast.Name) and node.id in self.module.values and deep < _DEEP:
            return self.size(self.module.values[node.id], deep + 1)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return -1
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and any(part.ifs for part in node.generators):
            return -1
        if isinstance(node, ast.Call):
            name = name_of(node)
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
                return self.size(inside, deep + 1) if inside is not None and deep < _DEEP else None
            if name == "zip":
                sizes = [self.size(at, deep + 1) for at in node.args]
                known = [size for size in sizes if size is not None]
                return min(known, default=None) if len(known) == len(sizes) else None
        return None

    def _patch(self, node: ast.expr) -> None:
        call = node if isinstance(node, ast.Call) else None
        if call is None:
            return
        shown = " ".join(ast.unparse(at) for at in call.args[:2])
        for word in re.findall(r"[A-Za-z_]\w*", shown):
            self.case.patched.setdefault(word, node.lineno)

    def _statements(self, body: Sequence[ast.stmt], swallowed: bool, guarded: bool, deep: int) -> bool:
        """Read statements in turn; true when those after them are never come to."""
        for node in body:
            if self._statement(node, swallowed, guarded, deep):
                return True
        return False

    def _statement(self, node: ast.stmt, swallowed: bool, guarded: bool, deep: int) -> bool:
        if isinstance(node, ast.Assert):
            self._claims(claims_of(node.test, node.lineno), swallowed, guarded)
            return isinstance(node.test, ast.Constant) and not node.test.value
        if isinstance(node, (ast.Return, ast.Continue, ast.Break)):
            if isinstance(node, ast.Return) and node.value is not None:
                self._calls(node.value, swallowed, guarded, deep)
            return True
        if isinstance(node, ast.Raise):
            return self._raise(node, swallowed, guarded)
        if isinstance(node, ast.If):
            return self._if(node, swallowed, guarded, deep)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self._with(node, swallowed, guarded, deep)
        if isinstance(node, ast.Try):
            left = any(isinstance(at, ast.Return) for at in node.finalbody)
            caught = swallowed or left or any(map(_swallows, node.handlers))
            ended = self._statements(node.body, caught, guarded, deep)
            for handler in node.handlers:
                over = self._statements(handler.body, swallowed, True, deep)
                self.early = self.early or (over and _swallows(handler))
            self._statements(node.orelse, swallowed, guarded, deep)
            return self._statements(node.finalbody, swallowed, guarded, deep) or (ended and not node.handlers)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._for(node, swallowed, guarded, deep)
        if isinstance(node, ast.While):
            if fixed(node.test) is not False:
                self._statements(node.body, swallowed, guarded, deep)
            return False
        if isinstance(node, (*Function, ast.ClassDef)):
            return False
        if isinstance(node, ast.Expr):
            value = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(value, ast.Call) and self._ends(value, guarded):
                return not guarded
        self._assigned(node)
        self._calls(node, swallowed, guarded, deep)
        return False

    def _ends(self, call: ast.Call, guarded: bool) -> bool:
        name = name_of(call)
        if name in SKIPS and name != "importorskip":
            self.case.marks["skipped"] = ast.unparse(call)
            return True
        if name in XFAILS:
            self.case.marks["xfail"] = ast.unparse(call)
            return True
        if name in _ENDS or (name in _EXITS and not _code(call)):
            self.case.marks["exit"] = ast.unparse(call)
            return True
        return False

    def _raise(self, node: ast.Raise, swallowed: bool, guarded: bool) -> bool:
        name = name_of(node.exc) if node.exc is not None else ""
        if name in SKIPS:
            self.case.marks["skipped"] = ast.unparse(node)
        elif name in ("AssertionError", "Failed", "failureException"):
            said = Claim(ast.unparse(node), node.lineno, 4.0, ast.unparse(node))
            self._claims(iter([said]), swallowed, guarded)
        elif name == "SystemExit":
            self.case.marks["exit"] = ast.unparse(node)
        return True

    def _if(self, node: ast.If, swallowed: bool, guarded: bool, deep: int) -> bool:
        known = fixed(node.test)
        if known is not None:
            return self._statements(node.body if known else node.orelse, swallowed, guarded, deep)
        before = len(self.case.claims)
        fails = [
            at for at in node.body if isinstance(at, ast.Raise) or name_of(getattr(at, "value", at)) == "fail"
        ]
        first = self._statements(node.body, swallowed, guarded or not fails, deep)
        middle = len(self.case.claims)
        second = self._statements(node.orelse, swallowed, not fails or guarded, deep)
        both = middle > before and len(self.case.claims) > middle
        if both:  # one of two claims is always made
            self.case.claims[before:] = [
                claim._replace(guarded=guarded) for claim in self.case.claims[before:]
            ]
        if first and not node.orelse and not fails and not guarded and not deep:
            self.case.marks["guarded"] = f"if {ast.unparse(node.test)}"
        return first and second and bool(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith, swallowed: bool, guarded: bool, deep: int) -> bool:
        raised = False
        for item in node.items:
            call = item.context_expr
            name = name_of(call)
            if name in RAISES and isinstance(call, ast.Call):
                claim = raising(call, node.lineno)
                if any(isinstance(at, ast.Raise) for at in node.body):
                    claim = claim._replace(text=f"{claim.text}: raise", strength=0.0)
                self._claims(iter([claim]), swallowed, guarded)
                swallowed = swallowed or bool(claim.calls & {"AssertionError", "Exception", "BaseException"})
                raised = True
            elif name == "suppress" and isinstance(call, ast.Call):
                swallowed = swallowed or any(name_of(at) in _SWALLOWS for at in call.args)
            elif isinstance(call, ast.Call):
                if "patch" in ast.unparse(call.func).split("."):
                    self._patch(call)
                self._calls(call, swallowed, guarded, deep)
        return self._statements(node.body, swallowed, guarded, deep) and not raised

    def _for(self, node: ast.For | ast.AsyncFor, swallowed: bool, guarded: bool, deep: int) -> bool:
        size = self.size(node.iter)
        if size == 0:
            return False
        before = len(self.case.claims)
        self._statements(node.body, swallowed, guarded, deep)
        if len(self.case.claims) > before and not deep:
            if size == -1:
                self.case.rounds = -1
            elif size is None:
                self.known = False
            else:
                self.loops += size
        self._statements(node.orelse, swallowed, guarded, deep)
        return False

    def _assigned(self, node: ast.stmt) -> None:
        """``cart.total = lambda: 3``: what is tested is replaced."""
        if isinstance(node, ast.Assign):
            self.made |= {at.id: called(node.value) for at in node.targets if isinstance(at, ast.Name)}
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if (
                isinstance(target, ast.Name)
                and isinstance(node, ast.Assign)
                and "Mock" in name_of(node.value)
            ):
                self.case.mocked[target.id] = node.lineno
            if isinstance(target, ast.Attribute) and isinstance(node, ast.Assign):
                words = re.findall(r"[A-Za-z_]\w*", ast.unparse(target))
                for word in words if _stands_in(node.value) else words[-1:]:
                    self.case.patched.setdefault(word, node.lineno)

    def _calls(self, node: ast.AST, swallowed: bool, guarded: bool, deep: int) -> None:
        """Claims that are made by calls within, in helpers of the same file too."""
        for call in (at for at in ast.walk(node) if isinstance(at, ast.Call)):
            name = name_of(call)
            if name == "importorskip":
                self.case.marks["skipped"] = ast.unparse(call)
            func = ast.unparse(call.func)
            if re.search(r"\b(patch(\.object|\.dict)?|monkeypatch\.setattr|setattr)$", func):
                if name not in _HARMLESS:
                    self._patch(call)
                continue
            helper = self.module.functions.get(name)
            if helper is not None and deep < _DEEP:
                before = self.case.marks.copy()
                self._statements(helper.body, swallowed, guarded, deep + 1)
                self.case.marks = before | {
                    k: v for k, v in self.case.marks.items() if k in ("skipped", "exit")
                }
            else:
                found = claims_of_call(call, call.lineno)
                self._claims(found, swallowed, guarded)

    def _claims(self, found: Iterator[Claim], swallowed: bool, guarded: bool) -> None:
        for claim in found:
            sides = [claim.subject, claim.expected.removeprefix("Eq ")]
            told = [self.made.get(side, frozenset()) - set(dir(builtins)) for side in sides]
            plain = [set(re.findall(r"(\w+)\(", side)) for side in sides]
            again = told[0] & (told[1] | plain[1]) or told[1] & plain[0]
            if claim.expected.startswith("Eq ") and again:
                claim = claim._replace(strength=0.0)  # what came out is what was expected
            self.case.claims.append(claim._replace(swallowed=swallowed, guarded=guarded or self.early))


def _within(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of statements, not those of functions defined there."""
    left: list[ast.AST] = list(body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, (*Function, ast.Lambda, ast.ClassDef)):
            left += ast.iter_child_nodes(node)


def _values(call: ast.Call) -> ast.expr | None:
    if name_of(call) in ("expand", "data"):
        return call.args[0] if len(call.args) == 1 else None
    if len(call.args) > 1:
        return call.args[1]
    return next((word.value for word in call.keywords if word.arg == "argvalues"), None)


def _stands_in(value: ast.expr) -> bool:
    return isinstance(value, ast.Lambda) or "Mock" in name_of(value) or name_of(value).startswith("fake")


def _code(call: ast.Call) -> bool:
    """Whether a process is ended with a code that says that something is wrong."""
    return bool(call.args) and not (isinstance(call.args[0], ast.Constant) and not call.args[0].value)


def _swallows(handler: ast.ExceptHandler) -> bool:
    kinds: Sequence[Any] = [None] if handler.type is None else getattr(handler.type, "elts", [handler.type])
    if not any(kind is None or name_of(kind) in _SWALLOWS for kind in kinds):
        return False
    for node in ast.walk(handler):
        if isinstance(node, (ast.Raise, ast.Assert)):
            return False
        if isinstance(node, ast.Call) and (
            name_of(node) == "fail" or (name_of(node) in _EXITS and _code(node))
        ):
            return False
    return True


def _runs(decorator: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator of the tests' own runs, or hands back, what it decorates."""
    if not decorator.args.args:
        return True
    given = decorator.args.args[0].arg
    inner = [at for at in ast.walk(decorator) if isinstance(at, Function) and at is not decorator]
    for made in inner:  # one with arguments of its own has a decorator within
        if made.args.args and any(isinstance(at, Function) for at in ast.walk(made) if at is not made):
            return _runs(made)
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
    tries = [at for at in ast.walk(decorator) if isinstance(at, ast.Try) and any(map(_swallows, at.handlers))]
    return any(call is inner for at in tries for part in at.body for inner in ast.walk(part))
