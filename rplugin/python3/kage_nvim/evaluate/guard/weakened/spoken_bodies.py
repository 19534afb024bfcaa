"""What a test does in languages that are read by their looks: claims, skips, sets of values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kage_nvim.evaluate.guard.weakened.lexing import SCRIPT, chain, closing, line_of
from kage_nvim.evaluate.guard.weakened.shapes import Case
from kage_nvim.evaluate.guard.weakened.spoken_claims import claim
from kage_nvim.evaluate.guard.weakened.spoken_heads import Head
from kage_nvim.evaluate.guard.weakened.spoken_skips import skips

_NEVER = re.compile(r"\b(?:if|while)\s*\(?\s*(?:false|0|!true|!1|!\s*\(\s*true\s*\))\s*\)?\s*\{")


def read(case: Case, end: str, code: str, empty: str, head: Head) -> None:
    """What a test does, without what it never comes to."""
    start, past = head.start, head.end
    dead: list[tuple[int, int]] = []
    for never in _NEVER.finditer(empty, start, past):
        dead.append((never.start(), closing(empty, never.end() - 1)))
    dead += after_return(end, empty, start, past)
    dead += _uncalled(empty, start, past)
    caught = [*_caught(end, code, empty, start, past), *_apart(empty, start, past)]
    under = [] if end == "go" else list(_conditions(empty, start, past))
    text, shown = code[start:past], empty[start:past]
    skips(case, end, code[start:past])
    case.words = re.findall(r"\w+|[^\w\s]", text)[:800]
    case.names = set(re.findall(r"[A-Za-z_$]\w*", shown))
    case.calls = set(re.findall(r"([A-Za-z_$]\w*)\s*\(", shown))
    for stub in re.finditer(
        r"receive\(:(\w+)|spyOn\([^,]+,\s*['\"](\w+)|stub\([^,]+,\s*['\"](\w+)|when\(\w+\.(\w+)\(", text
    ):
        case.patched[next(filter(None, stub.groups()))] = line_of(code, start + stub.start())
    case.constants = set(re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|\b\d[\w.]*", text))
    case.rounds = _rounds(case, end, code, empty, head)
    for at, past_it in _claims(end, empty, start, past):
        if any(first <= at < last for first, last in dead):
            continue
        made = claim(end, code[at:past_it], line_of(code, at))
        if made is not None:
            swallowed = any(first <= at < last for first, last in caught) or _unawaited(
                code, start, at, past_it
            )
            guarded = any(first <= at < last for first, last in under)
            case.claims.append(made._replace(swallowed=swallowed, guarded=guarded))


_LATER = re.compile(
    r"\b(?:setTimeout|setImmediate|queueMicrotask|process\.nextTick|new\s+Thread|Promise\.allSettled|x?pcall)\s*\("
    r"|\b(?:go\s+func\s*\([^)]*\)|runCatching)\s*\{"
)
_NAMED = re.compile(
    r"(?<!\w)(?:const|let|var|auto|val|Runnable|Executable|Supplier<[^>]*>)\s+(\w+)\s*=\s*(?:async\s*)?(?:\([^()]*\)\s*[=-]>|\w+\s*[=-]>|\|[^|\n]*\||function\b[^{]*(?=\{))\s*"
)


def _apart(empty: str, start: int, past: int) -> Iterator[tuple[int, int]]:
    """What is done apart from the test, so that its failure is none of the test's."""
    for found in _LATER.finditer(empty, start, past):
        yield found.start(), closing(empty, found.end() - 1)


def _uncalled(empty: str, start: int, past: int) -> Iterator[tuple[int, int]]:
    """Functions within the test that nobody calls."""
    for found in _NAMED.finditer(empty, start, past):
        last = chain(empty, found.end())
        if not re.search(rf"\b{found[1]}\b", empty[last:past]):
            yield found.start(), last
    for found in re.finditer(r"(?:^|[;{}])[ \t]*\(\s*\)\s*=>\s*(?=expect|assert)", empty[start:past], re.M):
        yield start + found.start(), chain(empty, start + found.end())


def _unawaited(code: str, start: int, at: int, past: int) -> bool:
    """``expect(promise).resolves…`` that nothing waits for."""
    if not re.search(r"\.(resolves|rejects)\b", code[at:past]):
        return False
    before = code[max(start, at - 40) : at].rpartition("\n")[2].rpartition(";")[2]
    return not re.search(r"\b(await|return|yield)\b|=>\s*$|[\[,(]\s*$", before)


_CLAIMS = {
    "js": r"(?<![\w.$])(?:expect(?:TypeOf)?\s*(?:\(|\.)|assert(?:\.\w+)*\s*\(|should\.|t\.(?:is|deepEqual|true|false|truthy|throws\w*|equal|same|ok|not\w*|like|match)\s*\(|(?:sinon\.)?assert\.|cy\.\w+[^\n;]*\.should\()|[\w\])]\.should(?:\.|\()",
    "go": r"(?<![\w.])(?:(?:assert|require|is|suite)\.[A-Z]\w*|(?:c|s)\.(?:Assert|Check|Require|Equal|NotEqual|Nil|NotNil|True|False|NoError|Error|Contains|Len|Empty|NotEmpty|Greater|Less|ErrorIs)\w*)\s*\(|\bif\s[^{}]*\{|(?<![\w.])(?:assert|check|expect|must|require)\w*\s*\(",
    "rs": r"\b(?:debug_)?(?:assert\w*|prop_assert\w*|panic|unreachable|insta::assert\w*)!\s*[({\[]|\b(?:assert|check|expect)_\w+\s*\(",
    "rb": r"\bexpect\s*[({]|\b(?:assert|refute)\w*[ (]|\.(?:must|wont|should|should_not)(?:_\w+)?\b|\bis_expected\b",
    "c": r"\b(?:(?:EXPECT|ASSERT|CHECK|REQUIRE|CU_ASSERT|TEST_ASSERT|BOOST_(?:CHECK|REQUIRE|TEST)|ck_assert|g_assert|cr_assert|munit_assert|assert|STATIC_REQUIRE|lequal|lok)\w*)\s*\(",
    "bats": r"^\s*(?:\[\[? .*|assert\w* .*|refute\w* .*|test .*|grep .*|diff .*|cmp .*)",
    "lua": r"\b(?:assert|expect|luassert)[\w.]*\s*\(",
    "exs": r"\b(?:assert|refute)\w*[ (]",
}
_OTHERS = r"(?<![\w])(?:[\w.]*\b(?:(?:XCT)?[aA]ssert\w*|verify\w*|expect\w*|fail|should\w*)(?:\.\w+)?\s*(?:<[^<>()]*>)?\s*\()|\.should\w*\b"


def _claims(end: str, empty: str, start: int, past: int) -> Iterator[tuple[int, int]]:
    name = (
        "js"
        if end in SCRIPT
        else {"cc": "c", "cpp": "c", "cxx": "c", "h": "c", "sh": "bats", "ex": "exs"}.get(end, end)
    )
    shape = re.compile(_CLAIMS.get(name, _OTHERS), re.M)
    at = start
    while found := shape.search(empty, at, past):
        if found[0].startswith("if") and end == "go":
            last = closing(empty, found.end() - 1)
            body = empty[found.end() : last]
            if (
                re.search(r"\b\w+\.(Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\bpanic\(", body)
                and body.count("if ") == 0
            ):
                yield found.start(), found.end() - 1
                at = last
            else:
                at = found.end()
            continue
        first = found.start()
        if found[0].lstrip()[:1] == "." or ".should" in found[0] or found[0].startswith(".must"):
            first = max(empty.rfind("\n", 0, first), empty.rfind(";", 0, first), start - 1) + 1
        last = empty.find("\n", first) if name in ("rb", "bats", "exs") else chain(empty, first)
        if name == "rb" and "(" in found[0] + empty[first:last]:
            last = max(last, chain(empty, first))
        last = past if last < 0 else min(last, past)
        yield first, max(last, found.end())
        at = max(last, found.end())


def after_return(end: str, empty: str, start: int, past: int) -> list[tuple[int, int]]:
    """What follows a ``return`` at the top of a block, as ranges of places."""
    begins = empty.find("{", start, past)
    if end in ("rb", "lua", "exs", "ex"):
        found = re.search(r"^[ \t]*return\b(?!.*\b(if|unless)\b)", empty[start:past], re.M)
        return [(start + found.end(), past)] if found else []
    depth = 0
    for at in range(max(begins, start), past):
        if empty[at] in "{([":
            depth += 1
        elif empty[at] in "})]":
            depth -= 1
        elif (
            depth == 1
            and empty.startswith("return", at)
            and re.match(r"return\b\s*(;|\n|$)", empty[at : at + 20])
        ):
            return [(at, past)]
    return []


def _conditions(empty: str, start: int, past: int) -> Iterator[tuple[int, int]]:
    """What is done under a condition that has no other side."""
    for found in re.finditer(r"\bif\s*\(|\bif\s[^({\n]*\{|\bif let\b[^{\n]*\{", empty[start:past]):
        at = start + found.end() - 1
        first = at if empty[at] == "{" else closing(empty, at)
        first += len(empty[first:past]) - len(empty[first:past].lstrip())
        last = closing(empty, first) if empty[first : first + 1] == "{" else chain(empty, first)
        if not re.match(r"\s*;?\s*else\b", empty[last:past]):
            yield first, last


def _caught(end: str, code: str, empty: str, start: int, past: int) -> Iterator[tuple[int, int]]:
    """Blocks whose failures are caught and passed over."""
    for found in re.finditer(r"\btry\s*\{", empty[start:past]):
        first = start + found.end() - 1
        last = closing(empty, first)
        handler = re.match(r"\s*catch\s*(\([^)]*\))?\s*\{", empty[last:past])
        if handler:
            body_at = last + handler.end() - 1
            body = code[body_at : closing(empty, body_at)]
            if not re.search(r"\b(throw|fail|expect|assert|done\(|reject)", body) and not re.search(
                r"catch\s*\(\s*(?!(?:final\s+)?(Throwable|AssertionError|AssertionFailedError|Exception|Error)\b)[A-Z]\w*(Exception|Error)\b",
                handler[0],
            ):
                yield first, last
    rescue = re.search(r"^\s*rescue\b(?!.*\braise\b)", empty[start:past], re.M) if end == "rb" else None
    if rescue and not re.search(r"\b(raise|flunk|fail)\b", empty[start + rescue.end() : past]):
        yield start, start + rescue.start()
    for found in re.finditer(
        r"\bcatch_unwind\s*\(|assertDoesNotThrow_|\.catch\(\s*\(\w*\)\s*=>\s*(\{\s*\}|null|undefined)\s*\)",
        empty[start:past],
    ):
        at = start + found.start()
        yield (
            (at, closing(empty, start + found.end() - 1))
            if "unwind" in found[0]
            else (empty.rfind("\n", 0, at), at)
        )


def _rounds(case: Case, end: str, code: str, empty: str, head: Head) -> int | None:
    """Sets of values: a table of ``each``, ``@ValueSource``, Go's table of cases."""
    before = empty[head.at : head.start]
    total: int | None = 1
    if (at := before.find("(")) >= 0 and re.search(r"\.(each|for)\s*\($", before[: at + 1]):
        start = head.at + at
        total = _elements(empty[start + 1 : closing(empty, start) - 1].strip())
        _listed(case, code, empty, empty.find("[", start))
    elif end in ("java", "kt", "cs"):
        sizes = [
            len(_split(code[head.at + f.end() : closing(empty, head.at + f.end() - 1) - 1]))
            for f in re.finditer(r"@(?:ValueSource|CsvSource)\s*\(|\{", before[: before.rfind(")") + 1])
        ]
        cases = len(re.findall(r"\[(?:InlineData|TestCase)\b", before)) + len(
            re.findall(r"#\[(?:case|test_case)\b", before)
        )
        total = max([*sizes[-1:], cases, 1])
        for f in re.finditer(r"@CsvSource\s*\(\s*(?:value\s*=\s*)?\{|\[InlineData\(", before):
            _listed(case, code, empty, head.at + f.end() - 1)
    elif end == "rs":
        total = max(1, len(re.findall(r"#\[(?:case|test_case)\b", before)))
    body = empty[head.start : head.end]
    if re.search(
        r"\brange\s+\w+\[[^\]\n]*:|\b(?:of|in)\s[^{};\n]*\.(?:slice|take|first|filter|skip|step_by)\(", body
    ):
        return -1
    tables = (
        re.finditer(r"\[\]struct\s*\{", body)
        if end == "go"
        else re.finditer(r"(?:=|\bin|\bof)\s*(?:vec!)?&?\s*\[", body)
    )
    for found in tables:
        start = head.start + found.end() - 1
        if end == "go":
            start = empty.find("{", closing(empty, start))
        size = _elements(empty[start : closing(empty, start)])
        if end in ("go", "rs"):
            _listed(case, code, empty, start)
        if size and size > 1 and total is not None:
            total *= size
    return total


def _listed(case: Case, code: str, empty: str, at: int) -> None:
    """The values of a literal list that begins at a bracket."""
    if at < 0 or empty[at : at + 1] not in ("[", "{", "("):
        return
    first, last = at + 1, closing(empty, at) - 1
    for part in _split(empty[first:last]):
        case.values.append(re.sub(r"\s+", " ", code[first : first + len(part)]).strip())
        first += len(part) + 1


def _elements(text: str) -> int | None:
    """How many elements a literal list has."""
    if text[:1] not in ("[", "{"):
        return None
    return len(_split(text[1:-1]))


def _split(text: str) -> list[str]:
    parts, depth, last = [], 0, 0
    for at, char in enumerate(text):
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[last:at])
            last = at + 1
    return [part for part in (*parts, text[last:]) if part.strip()]
