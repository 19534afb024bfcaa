"""What the function of a Python test does: its claims, and how they are made. By the syntax tree."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence

from kage_nvim.evaluate.guard.weakened.python_claims import RAISES, claims_of, claims_of_call, raising
from kage_nvim.evaluate.guard.weakened.python_marks import (
    SKIPS,
    XFAILS,
    Function,
    decorator_marks,
    fixed,
)
from kage_nvim.evaluate.guard.weakened.python_swallows import (
    EXITS,
    SWALLOWED,
    ends_badly,
    lost,
    runs,
    swallows,
)
from kage_nvim.evaluate.guard.weakened.python_values import (
    DEEP,
    Around,
    drawn,
    elements,
    how_many,
    times,
    values_of,
    written,
)
from kage_nvim.evaluate.guard.weakened.python_words import (
    called,
    constants,
    name_of,
    stands_in,
    within,
    words,
)
from kage_nvim.evaluate.guard.weakened.shapes import Case, Claim

_ENDS = {"_exit", "abort", "kill", "execv", "_Exit"}
_HARMLESS = {"setenv", "delenv", "chdir", "syspath_prepend", "setitem", "delitem"}


class Body:
    """Reads what a test's function does."""

    def __init__(self, module: Around, case: Case) -> None:
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
        for at in within(body):
            if isinstance(at, (ast.Yield, ast.YieldFrom)) and not case.idle and node.name.startswith("test"):
                case.idle = "it yields and is not run"
        marked = {name_of(at) for at in node.decorator_list}
        if isinstance(node, ast.AsyncFunctionDef):
            case.marks["async"] = "async def" if not marked & {"asyncio", "anyio", "trio"} else ""
        case.words = [word for statement in body for word in words(statement)]
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
                values = values_of(at)
                size = None if values is None else how_many(self.module, values)
                times(case, size)
                case.values += [ast.unparse(at) for at in elements(self.module, values)]
                for inner in written(self.module, values):
                    if isinstance(inner, ast.Call) and name_of(inner) == "param":
                        for word in inner.keywords:
                            marks = (
                                [word.value]
                                if not isinstance(word.value, (ast.List, ast.Tuple))
                                else word.value.elts
                            )
                            for kind, shown in decorator_marks(marks) if word.arg == "marks" else ():
                                case.marks[f"{kind} {ast.unparse(inner)[:40]}"] = shown
            elif name_of(at) == "given" and isinstance(at, ast.Call):
                drawn(case, at, node.decorator_list)
            elif name_of(at) == "patch" or "patch" in ast.unparse(at).partition("(")[0].split("."):
                self._patch(at)
            elif (made := self.module.functions.get(name_of(at))) is not None and not runs(made):
                case.marks["wrapped"] = f"@{ast.unparse(at)}"

    def _patch(self, node: ast.expr) -> None:
        call = node if isinstance(node, ast.Call) else None
        if call is None:
            return
        shown = " ".join(ast.unparse(at) for at in call.args[:2])
        for word in re.findall(r"[A-Za-z_]\w*", shown):
            self.case.patched.setdefault(word, node.lineno)

    def _statements(self, body: Sequence[ast.stmt], swallowed: bool, guarded: bool, deep: int) -> bool:
        """Read statements in turn; true when those after them are never come to."""
        return any(self._statement(node, swallowed, guarded, deep) for node in body)

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
            caught = swallowed or left or any(map(swallows, node.handlers))
            ended = self._statements(node.body, caught, guarded, deep)
            for handler in node.handlers:
                over = self._statements(handler.body, swallowed, True, deep)
                self.early = self.early or (over and swallows(handler))
            self._statements(node.orelse, swallowed, guarded, deep)
            return self._statements(node.finalbody, swallowed, guarded, deep) or (ended and not node.handlers)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._for(node, swallowed, guarded, deep)
        if isinstance(node, ast.While):
            if fixed(node.test) is not False:
                self._statements(node.body, swallowed, guarded, deep)
            return False
        if isinstance(node, (*Function, ast.ClassDef)):
            if not deep:
                self.case.patched.setdefault(node.name, node.lineno)
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
            self.case.marks["needs" if guarded else "skipped"] = ast.unparse(call)
            return True
        if name in XFAILS:
            self.case.marks["xfail"] = ast.unparse(call)
            return True
        if name in _ENDS or (name in EXITS and not ends_badly(call)):
            self.case.marks["exit"] = ast.unparse(call)
            return True
        return False

    def _raise(self, node: ast.Raise, swallowed: bool, guarded: bool) -> bool:
        name = name_of(node.exc) if node.exc is not None else ""
        if name in SKIPS:
            self.case.marks["needs" if guarded else "skipped"] = ast.unparse(node)
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
                swallowed = swallowed or any(name_of(at) in SWALLOWED for at in call.args)
            elif isinstance(call, ast.Call):
                if "patch" in ast.unparse(call.func).split("."):
                    self._patch(call)
                self._calls(call, swallowed, guarded, deep)
        return self._statements(node.body, swallowed, guarded, deep) and not raised

    def _for(self, node: ast.For | ast.AsyncFor, swallowed: bool, guarded: bool, deep: int) -> bool:
        size = how_many(self.module, node.iter)
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
            if (
                isinstance(target, ast.Name)
                and isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Lambda)
            ):
                self.case.patched.setdefault(target.id, node.lineno)
            if isinstance(target, ast.Attribute) and isinstance(node, ast.Assign):
                words = re.findall(r"[A-Za-z_]\w*", ast.unparse(target))
                for word in words if stands_in(node.value) else words[-1:]:
                    self.case.patched.setdefault(word, node.lineno)

    def _calls(self, node: ast.AST, swallowed: bool, guarded: bool, deep: int) -> None:
        """Claims that are made by calls within, in helpers of the same file too."""
        apart: set[int] = set()
        for call in (at for at in ast.walk(node) if isinstance(at, ast.Call)):
            name = name_of(call)
            if lost(call):
                apart |= {id(at) for at in ast.walk(call)}
            if name == "importorskip":
                self.case.marks["needs"] = ast.unparse(call)
            func = ast.unparse(call.func)
            if re.search(r"\b(patch(\.object|\.dict)?|monkeypatch\.setattr|setattr)$", func):
                if name not in _HARMLESS:
                    self._patch(call)
                continue
            if name == "setitem" and re.search(r"^(globals|vars)\(|__dict__$", ast.unparse(call.args[0])):
                self._patch(call)
                continue
            helper = self.module.functions.get(name)
            if helper is not None and deep < DEEP:
                before = self.case.marks.copy()
                self._statements(helper.body, swallowed or id(call) in apart, guarded, deep + 1)
                self.case.marks = before | {
                    k: v for k, v in self.case.marks.items() if k in ("skipped", "needs", "exit")
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
