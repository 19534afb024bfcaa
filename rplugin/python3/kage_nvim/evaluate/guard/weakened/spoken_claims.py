"""What one assertion claims in languages that are read by their looks, and how much that is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kage_nvim.evaluate.guard.weakened.lexing import closing
from kage_nvim.evaluate.guard.weakened.shapes import EQUAL, NEAR, NOTHING, SOME, TRUTH, Claim

_STRENGTHS: list[tuple[re.Pattern[str], float]] = [
    (re.compile(r"(toStrictEqual|deepStrictEqual|strictEqual)$"), EQUAL + 0.2),
    (re.compile(r"(toMatchObject|toMatchSnapshot|toMatchInlineSnapshot|containsExactly|match_array|arrayContaining)", re.I), NEAR),
    (re.compile(r"(close_?to|almost|within|near|in_?delta|in_?epsilon|float_?eq|double_?eq|approx|be_within|epsilon)", re.I), NEAR),
    (re.compile(r"(not_?equal|not_?eq|notEqual|assert_ne|_NE$|not_?same|refute_equal|isNotEqualTo|notDeepEqual|noteq|toNot)", re.I), TRUTH),
    (re.compile(r"(not_?nil|not_?null|isNotNull|toBeDefined|be_present|isDefined|exists?$|isPresent|_?not_?empty|refute_nil)", re.I), TRUTH - 0.5),
    (re.compile(r"(calledWith|called_with|toHaveBeenNthCalledWith|toHaveBeenLastCalledWith|with$)", re.I), EQUAL),
    (re.compile(r"(toHaveBeenCalledTimes|callCount|calledOnce)", re.I), SOME + 0.5),
    (re.compile(r"(called$|toHaveBeenCalled$|have_received$|toHaveReturned$)", re.I), TRUTH),
    (re.compile(r"(no_?throw|does_?not_?throw|nothrow|not_raise)", re.I), TRUTH),
    (re.compile(r"(throw|raise|panics|reject|death|exception|has_?error|fails?(with)?$)", re.I), NEAR),
    (re.compile(r"(deep_?equal|equal|eql|eq$|eq!$|toBe$|\bis$|same$|_EQ$|STREQ|isEqualTo|equals|_eq$|_int$|_str$|match_snapshot|be_nil|isNull|be_empty|toHaveLength|isEmpty|hasSize|elements_?match|be$)", re.I), EQUAL),
    (re.compile(r"(include|contain|match|regex|start_?with|end_?with|greater|less|_GT|_GE|_LT|_LE|above|below|hasItem|have_|toHave|at_?least|at_?most|prefix|suffix|len$|subset)", re.I), SOME),
    (re.compile(r"(truthy|falsy|assertTrue|assertFalse|\btrue$|\bfalse$|\bok$|isTrue|isFalse|_TRUE|_FALSE|assert!?$|instance|a_?kind|CHECK$|REQUIRE$|isOk|no_?error|type_?of|assert_?that$)", re.I), TRUTH + 0.5),
]  # fmt: skip
_ANYTHING = re.compile(
    r"[(<,](Error|Exception|Throwable|RuntimeException|StandardError|BaseException|std::exception)\b"
)
_COMPARED = re.compile(r"(?<![=!<>])(===?|!==?|<=|>=|<(?!<)|>(?!>))(?!=)")
_BY_SIGN = {
    "==": EQUAL,
    "===": EQUAL,
    "!=": TRUTH,
    "!==": TRUTH,
    "<": SOME,
    ">": SOME,
    "<=": SOME,
    ">=": SOME,
}
_PLAIN = re.compile(
    r"(assert|assert!|CHECK|REQUIRE|assertTrue|assert_true|EXPECT_TRUE|ASSERT_TRUE|ok|isTrue|True)$"
)
_CONSTANT = re.compile(
    r"^(true|false|!0|!1|!?\d[\w.]*|nil|null|undefined|\"[^\"]*\"|'[^']*'|`[^`]*`|\[\]|\{\})$"
)


def claim(end: str, text: str, line: int) -> Claim | None:
    """The claim that a piece of code makes; ``end`` is the end of its file's name."""
    shown = re.sub(r"\s+", " ", text).strip().rstrip(";")
    flat = re.sub(r",\s*([)\]}])", r"\1", re.sub(r"\s*([^\w\s])\s*", r"\1", shown.replace("'", '"')))
    made = _go_if(flat, line) if end == "go" and shown.startswith("if ") else _made(end, flat, line)
    numbers = frozenset(re.findall(r"\"[^\"]*\"|\b\d[\w.]*", flat))
    called = frozenset(re.findall(r"([A-Za-z_]\w*)!?\(", made.subject)) if made else frozenset()
    return made._replace(constants=numbers, calls=called) if made else None


def _go_if(flat: str, line: int) -> Claim:
    """``if got != want { t.Error… }`` claims that they are equal."""
    condition = flat[2:].strip().rpartition(";")[2].strip().rstrip("{")
    if condition in ("false", "0"):
        return Claim(flat, line, NOTHING, condition)
    found = _COMPARED.search(condition)
    if found is None:
        return Claim(
            flat, line, NEAR if "Equal" in condition else TRUTH + 0.5, condition.lstrip("!"), condition
        )
    left, right = condition[: found.start()], condition[found.end() :]
    sign = {"!=": "==", "==": "!=", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}.get(found[1], found[1])
    if "&&" in condition:
        return Claim(flat, line, NOTHING if "&&false" in condition else TRUTH, condition, condition)
    strength = _BY_SIGN[sign] if right != "nil" or sign == "==" else TRUTH - 0.5
    value = _number(right)
    slack = (
        None
        if value is None or "=" not in sign or sign in ("==", "!=")
        else value
        if sign == "<="
        else -value
    )
    return Claim(flat, line, strength, left, f"{sign} {right}", slack)


def _number(text: str) -> float | None:
    try:
        return float(text.replace("_", "").strip().rstrip("fFLlu"))
    except ValueError:
        return None


def _parts(text: str) -> list[str]:
    """The arguments of a call's text without its brackets."""
    parts, depth, last, quote = [], 0, 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[at - 1] != "\\" else quote
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[last:at])
            last = at + 1
    return [part.strip() for part in (*parts, text[last:]) if part.strip()]


def _calls(flat: str) -> list[tuple[str, list[str]]]:
    """A chain as names with their arguments: ``expect(x).not.toBe(y)`` → expect [x], not, toBe [y]."""
    found: list[tuple[str, list[str]]] = []
    at = 0
    while at < len(flat):
        word = re.compile(r"[.&:]*([A-Za-z_$][\w$]*[!?]?)").match(flat, at)
        if word is None:
            if flat[at] in "([{" and found:
                past = closing(flat, at)
                found[-1][1].extend(_parts(flat[at + 1 : past - 1]))
                at = past
            else:
                at += 1
            continue
        found.append((word[1], []))
        at = word.end()
        if flat[at : at + 1] == " " and flat[at + 1 : at + 2] not in "." and "(" not in flat[at : at + 2]:
            rest = flat[at + 1 :]
            found[-1][1].extend(_parts(rest) if re.match(r"(assert|refute)", word[1]) else [])
            at = len(flat) if found[-1][1] else at + 1
    return found


def _made(end: str, flat: str, line: int) -> Claim | None:
    calls = _calls(flat)
    if not calls:
        return Claim(flat, line, SOME, flat)
    first = _subject_first(end, flat, calls)
    subject = first[0] if first else flat
    names = [name for name, _ in calls]
    last, arguments = calls[-1]
    opens = names[0] in ("expect", "is_expected")
    if opens and len(names) == 1:
        return Claim(flat, line, NOTHING, subject)  # ``expect(x)`` and no more
    matcher = next(
        (name for name in reversed(names) if any(shape.search(name) for shape, _ in _STRENGTHS)), last
    )
    expected = ",".join(arguments if opens or names[0] == "assertThat" else first[1:2])
    strength = next((level for shape, level in _STRENGTHS if shape.search(matcher)), SOME)
    if (_PLAIN.search(matcher) or matcher.startswith("debug_assert")) and names[0] != "expect":
        strength, expected = _truth(subject), subject
    if matcher.startswith("debug_assert"):
        strength = min(strength, 1.0)
    strength = _compared(end, flat, names[0], matcher, first, arguments, strength)
    negative = any(name in ("not", "not_to", "to_not", "isNot", "should_not") for name in names[1:])
    if negative and strength > NOTHING:
        absent = strength >= EQUAL and re.search(r"nil|null|undefined", flat)
        strength = TRUTH - 0.5 if absent else min(strength, TRUTH)
    strength = _failing(flat, names[0], matcher, first, arguments, strength)
    slack = _places(end, matcher, first, flat)
    if slack is None:
        slack = _slack(matcher, first, calls)
    return Claim(flat, line, strength, subject, f"{matcher} {expected}", slack)


def _subject_first(end: str, flat: str, calls: Sequence[tuple[str, list[str]]]) -> list[str]:
    """The arguments of a claim, what it is about before what is expected."""
    first = next((args for _, args in calls if args), [])
    if ".should" in flat:
        first = [flat.partition(".should")[0]]
    if end == "go" and len(first) > 1 and re.fullmatch(r"t|tb|b|tt|s\.T\(\)", first[0]):
        first = first[1:]
    if len(first) < 2 or calls[0][0] in ("expect", "assertThat"):
        return first
    if _CONSTANT.match(first[0]) and not _CONSTANT.match(first[1]):
        return [first[1], first[0], *first[2:]]
    return first


def _compared(
    end: str,
    flat: str,
    opener: str,
    matcher: str,
    first: Sequence[str],
    arguments: Sequence[str],
    strength: float,
) -> float:
    """How much a claim says by what it compares: a constant, or a thing with itself, says nothing."""
    subject, expects = (first[0] if first else flat), opener == "expect"
    fixed = expects and _CONSTANT.match(subject) and (not arguments or _CONSTANT.match(arguments[0]))
    itself = first[1:2] if not expects else arguments[:1]
    if fixed or (itself and strength >= EQUAL and _same(subject, itself[0])):
        return NOTHING
    if re.search(r"expect\.any(thing)?\(", flat) and strength >= NEAR:
        return 1.0
    if re.search(r"\bexpect\.(array|object|string)(Containing|Matching)\(|\bto be ?[<>]", flat):
        return min(strength, SOME)
    if expects and "||" in subject:
        return NOTHING if re.search(r"\|\|(true|1)\b", subject) else min(strength, TRUTH)
    if end == "php" and matcher.endswith("Same"):
        return strength + 0.2
    return NOTHING if re.search(r"throws?\w*\(\(\)=>\{.*\bthrow new\b", flat) else strength


def _failing(
    flat: str, opener: str, matcher: str, first: Sequence[str], arguments: Sequence[str], strength: float
) -> float:
    """How much a claim that something fails says: less, when any failure will do."""
    raised = re.search(r"throw|raise|reject", matcher, re.I)
    if raised and not arguments and strength > TRUTH:
        strength = SOME
    unsaid = opener != "expect" and len(first) < 2 and "<" not in flat
    anything = (raised and _ANYTHING.search(flat)) or (
        re.search(r"throws|has_?error|assertFails$", matcher) and unsaid
    )
    return SOME if anything and strength > SOME else strength


def _same(one: str, other: str) -> bool:
    return one == other or bool(_CONSTANT.match(one) and _CONSTANT.match(other))


def _truth(condition: str) -> float:
    """How much ``assert(condition)`` claims."""
    if _CONSTANT.match(condition):
        return NOTHING
    if "||" in condition:
        return NOTHING if re.search(r"\|\|(true|1)\b", condition) else TRUTH
    found = _COMPARED.search(condition)
    if found is None:
        return TRUTH + 0.5
    left, right = condition[: found.start()], condition[found.end() :]
    if left == right:
        return NOTHING
    if found[1] in ("!=", "!==") and right in ("nil", "null", "NULL", "nullptr", "undefined"):
        return TRUTH - 0.5
    return _BY_SIGN.get(found[1], SOME)


def _places(end: str, matcher: str, first: list[str], flat: str) -> float | None:
    """``Assert.Equal(0.33, x, 2)`` of xUnit, ``accuracy: 0.01`` of XCTest."""
    if end == "cs" and matcher == "Equal" and len(first) > 2 and first[2].isdigit():
        return float(10.0 ** -int(first[2]))
    found = re.search(r"\baccuracy:([\d.e-]+)", flat)
    return _number(found[1]) if found else None


def _slack(matcher: str, first: list[str], calls: list[tuple[str, list[str]]]) -> float | None:
    """A tolerance, or a bound: what lets more pass is larger."""
    last = calls[-1][1]
    if matcher == "toBeCloseTo":
        digits = _number(last[1]) if len(last) > 1 else 2.0
        return None if digits is None else 10.0**-digits
    if re.search(r"within|be_within", matcher):
        inside = next((args for name, args in calls if "within" in name), [])
        return _number(inside[-1]) if inside else None
    if re.search(r"close_?to|delta|epsilon|near|_relative|_abs_diff", matcher, re.I):
        arguments = last if len(last) > 1 else first
        found = [re.sub(r"^\w+=", "", argument) for argument in arguments[-1:]]
        return _number(found[0]) if found else None
    if (
        re.search(r"Equals?$|_eq", matcher)
        and len(first) > 2
        and "." in first[2]
        and _number(first[2]) is not None
    ):
        return _number(first[2])
    bound = _number(last[-1]) if last else None
    if bound is not None and re.search(r"less|below|most|_LE|_LT", matcher, re.I):
        return bound
    if bound is not None and re.search(r"greater|above|least|_GE|_GT", matcher, re.I):
        return -bound
    if found_ := re.match(r"^.*?(<=?)(-?[\d.e_-]+)$", first[0] if first else ""):
        return _number(found_[2])
    return None
