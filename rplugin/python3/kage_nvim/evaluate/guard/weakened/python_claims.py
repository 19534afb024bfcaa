"""What one assertion of a Python test claims, and how much that is. Pure, by the syntax tree."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Sequence

from kage_nvim.evaluate.guard.weakened.python_words import called, constants, name_of, number
from kage_nvim.evaluate.guard.weakened.shapes import EQUAL, NEAR, NOTHING, SOME, TRUTH, Claim

_UNITTEST: dict[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertEquals": ast.Eq,
    "assertListEqual": ast.Eq,
    "assertDictEqual": ast.Eq,
    "assertTupleEqual": ast.Eq,
    "assertSetEqual": ast.Eq,
    "assertSequenceEqual": ast.Eq,
    "assertMultiLineEqual": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIs": ast.Is,
    "assertIsNot": ast.IsNot,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
}
_OPERATORS: dict[type[ast.cmpop], float] = {
    ast.Eq: EQUAL,
    ast.Is: EQUAL,
    ast.NotEq: TRUTH,
    ast.IsNot: TRUTH - 0.5,
    ast.In: SOME,
    ast.NotIn: SOME - 0.5,
}
_SIGNS = {ast.NotEq: "!=", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
"""As claims are shown; ``is`` is told as ``==``."""
_CALLS = {
    "isinstance": TRUTH,
    "assertIsInstance": TRUTH,
    "hasattr": 1.0,
    "callable": 1.0,
    "any": TRUTH,
    "all": NEAR,
    "bool": TRUTH,
    "assertIsNotNone": TRUTH - 0.5,
    "assertRegex": SOME,
    "assertCountEqual": NEAR,
    "assert_called": TRUTH,
    "assert_called_once": SOME,
    "assert_any_call": NEAR - 0.5,
    "assert_called_with": NEAR + 0.5,
    "assert_called_once_with": EQUAL,
    "assert_has_calls": NEAR,
    "assert_array_equal": EQUAL,
    "assert_equal": EQUAL,
    "assert_frame_equal": EQUAL,
    "assert_series_equal": EQUAL,
}
_TOLERANCES = {"rel", "abs", "rtol", "atol", "delta", "rel_tol", "abs_tol", "tol", "eps", "epsilon"}
_PLACES = {"places", "decimal", "significant", "ndigits"}
_NEAR = {
    "approx",
    "isclose",
    "allclose",
    "assertAlmostEqual",
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_approx_equal",
}
_ASSERTS = re.compile(r"_?(assert|expect|verify|check(?!_call|_output)|should|fail$)", re.IGNORECASE)
RAISES = {"raises", "assertRaises", "assertRaisesRegex", "assertWarns", "assertWarnsRegex", "warns"}
_BROAD = {"Exception", "BaseException", "Warning"}


def claims_of(node: ast.expr, line: int) -> Iterator[Claim]:
    """The claims of ``assert node``."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from claims_of(value, line)
        return
    yield _claim(node, line)


def _made(
    node: ast.AST,
    line: int,
    strength: float,
    subject: ast.AST | None = None,
    expected: str = "",
    slack: float | None = None,
    text: str = "",
) -> Claim:
    subject = node if subject is None else subject
    return Claim(
        text or ast.unparse(node),
        line,
        strength,
        ast.unparse(subject),
        expected,
        slack,
        calls=called(node),
        constants=constants(node),
    )


def _claim(node: ast.expr, line: int) -> Claim:
    if isinstance(node, ast.BoolOp):
        parts = [next(claims_of(value, line)) for value in node.values]
        weakest = min(parts, key=lambda part: part.strength)
        strength = NOTHING if weakest.strength == NOTHING else max(weakest.strength - 0.5, 0.5)
        return _made(node, line, strength, node.values[0], expected="or")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        if isinstance(node.operand, ast.Constant) and not node.operand.value:  # ``assert not False``
            return _made(node, line, NOTHING)
        return _made(node, line, TRUTH + 0.5, node.operand, expected="not")
    if isinstance(node, ast.Compare):
        return _comparison(node, line)
    if isinstance(node, ast.Call):
        return _call(node, line)
    if isinstance(node, (ast.Constant, ast.JoinedStr, ast.Lambda)):
        always = not isinstance(node, ast.Constant) or bool(node.value)
        return _made(node, line, NOTHING if always else TRUTH)
    if isinstance(node, (ast.Tuple, ast.List, ast.Dict, ast.Set)):
        return _made(node, line, NOTHING)
    if isinstance(node, ast.NamedExpr):
        return _claim(node.value, line)
    if isinstance(node, ast.IfExp):
        parts = [_claim(node.body, line), _claim(node.orelse, line)]
        return _made(node, line, min(part.strength for part in parts), node.body)
    return _made(node, line, TRUTH)


def _comparison(node: ast.Compare, line: int) -> Claim:
    left, right, operator = node.left, node.comparators[-1], node.ops[-1]
    same = isinstance(operator, (ast.Eq, ast.Is, ast.LtE, ast.GtE))
    if same and len(node.ops) == 1 and ast.dump(left) == ast.dump(right):
        return _made(node, line, NOTHING)
    if _is_constant(left) and _is_constant(right):
        return _made(node, line, NOTHING)
    if _is_constant(left) and same and len(node.ops) == 1:
        swapped = {ast.LtE: ast.GtE, ast.GtE: ast.LtE}.get(type(operator), type(operator))
        left, right, operator = right, left, swapped()
    for one, other in ((left, right), (right, left)):
        if isinstance(one, ast.NamedExpr) and isinstance(other, ast.Name) and one.target.id == other.id:
            return _made(node, line, NOTHING)
    if isinstance(operator, (ast.In, ast.NotIn)) and _is_constant(left) and not _is_constant(right):
        said, sign = f"{type(operator).__name__} {ast.unparse(left)}", _SIGNS[type(operator)]
        text = f"{ast.unparse(left)} {sign} {ast.unparse(right)}"
        return _made(node, line, _OPERATORS[type(operator)], right, said, text=text)
    near = next((at for side in (left, right) for at in _calls_near(side)), None)
    if near is not None and isinstance(operator, ast.Eq):
        other = right if any(at is near for at in ast.walk(left)) else left
        inside = near.args[0] if near.args else near
        return _made(node, line, NEAR, other, ast.unparse(inside), _slack(near), text=ast.unparse(node))
    if isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return _bound(node, line, left, right, operator)
    if name_of(right) == "ANY":
        return _made(node, line, 1.0, left)
    strength = _OPERATORS.get(type(operator), SOME)
    if isinstance(right, ast.Constant) and isinstance(right.value, bool):
        strength = TRUTH + 0.5
    said = f"{type(operator).__name__} {ast.unparse(right)}"
    sign = _SIGNS.get(type(operator), "==")
    return _made(node, line, strength, left, said, text=f"{ast.unparse(left)} {sign} {ast.unparse(right)}")


def _bound(node: ast.Compare, line: int, left: ast.expr, right: ast.expr, operator: ast.cmpop) -> Claim:
    value = number(right)
    below = isinstance(operator, (ast.Lt, ast.LtE))
    if (
        value is not None
        and name_of(left) == "len"
        and not below
        and value <= (-1, 0)[operator.__class__ is ast.GtE]
    ):
        return _made(node, line, NOTHING, left)
    difference = isinstance(left, ast.Call) and name_of(left) in ("abs", "norm", "max_error", "fabs")
    slack = None if value is None else value if below else -value
    said = f"{type(operator).__name__} {ast.unparse(right)}"
    return _made(node, line, NEAR if difference and below else SOME, left, said, slack)


def _is_constant(node: ast.expr) -> bool:
    return not any(isinstance(at, (ast.Name, ast.Call, ast.Attribute)) for at in ast.walk(node))


def _calls_near(node: ast.expr) -> Iterator[ast.Call]:
    return (at for at in ast.walk(node) if isinstance(at, ast.Call) and name_of(at) in _NEAR)


def _slack(call: ast.Call) -> float:
    """How far off a value may be; the library's own tolerance when none is given."""
    found = []
    for word in call.keywords:
        value = number(word.value)
        if word.arg == "nan_ok" and getattr(word.value, "value", False):
            return math.inf
        if value is None:
            continue
        if word.arg in _TOLERANCES:
            found.append(value)
        elif word.arg in _PLACES:
            found.append(10.0**-value)
    name = name_of(call)
    at = 1 if name == "approx" else 2
    if not found and len(call.args) > at and (value := number(call.args[at])) is not None:
        places = "lmost" in name
        found.append(10.0**-value if places else value)
    return max(found, default=1e-6)


def _call(node: ast.Call, line: int) -> Claim:
    name = name_of(node)
    if name in _NEAR:
        subject = node.args[0] if node.args else node
        expected = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
        return _made(node, line, NEAR, subject, expected, _slack(node))
    if name == "bool" and node.args:
        return _claim(node.args[0], line)
    if name == "isinstance" and len(node.args) == 2 and name_of(node.args[1]) == "object":
        return _made(node, line, NOTHING)
    subject = node.args[0] if node.args and isinstance(node.func, ast.Name) else node.func
    expected = ast.unparse(node) if isinstance(node.func, ast.Attribute) else ""
    return _made(node, line, _CALLS.get(name, TRUTH + 0.5), subject, expected)


def claims_of_call(node: ast.Call, line: int) -> Iterator[Claim]:
    """The claims that a call makes as a statement: ``self.assertEqual(a, b)``, ``mock.assert_called()``."""
    name = name_of(node)
    arguments: Sequence[ast.expr] = node.args
    if name in _UNITTEST and len(arguments) >= 2:
        compared = ast.Compare(arguments[0], [_UNITTEST[name]()], [arguments[1]])
        yield from claims_of(ast.copy_location(compared, node), line)
    elif name in ("assertTrue", "assert_") and arguments:
        yield from claims_of(arguments[0], line)
    elif name == "assertFalse" and arguments:
        yield from claims_of(ast.UnaryOp(ast.Not(), arguments[0]), line)
    elif name in ("assertIsNone", "assertIsNotNone") and arguments:
        operator = ast.Is() if name == "assertIsNone" else ast.IsNot()
        yield from claims_of(ast.Compare(arguments[0], [operator], [ast.Constant(None)]), line)
    elif name in RAISES:
        yield raising(node, line)
    elif name in _NEAR:
        yield _call(node, line)
    elif _ASSERTS.match(name):
        subject = arguments[0] if arguments and not name.startswith("assert_called") else node.func
        said = ", ".join(ast.unparse(argument) for argument in arguments[1:])
        strict = next((w for w in node.keywords if w.arg == "check_exact"), None)
        slack = _slack(node) if any(w.arg in _TOLERANCES | _PLACES for w in node.keywords) else None
        strength = _CALLS.get(name, NEAR if len(arguments) < 2 else EQUAL - 0.1)
        if strict is not None and not getattr(strict.value, "value", True):
            strength -= 0.5
        yield _made(node, line, strength, subject, said, slack)


def raising(node: ast.Call, line: int) -> Claim:
    """``pytest.raises(…)`` and its like: the narrower the exception, the more is claimed."""
    kinds = [name_of(at) for at in _each(node.args[0])] if node.args else []
    match = any(word.arg == "match" for word in node.keywords) or "Regex" in name_of(node)
    if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value is None:
        return _made(node, line, NOTHING)  # ``pytest.warns(None)``: whatever is warned of
    strength = TRUTH if _BROAD & set(kinds) or not kinds else NEAR - 0.1 * (len(kinds) - 1)
    said = " ".join(sorted(kinds))
    return Claim(
        ast.unparse(node),
        line,
        strength + 0.5 * match,
        "what is raised",
        f"raises {said}",
        calls=frozenset(kinds),
        constants=constants(node),
    )


def _each(node: ast.expr) -> Sequence[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]
