"""Tests in JavaScript, TypeScript, Go, Rust, Java, Kotlin, C#, Ruby, C, C++ and others, by their looks. Pure.

A test begins with words of its language's frameworks, and ends where its block does. What is in comments, or
behind what is never true, is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kage_nvim.evaluate.weakened.lexing import bare, chain, closing, line_of
from kage_nvim.evaluate.weakened.shapes import Case
from kage_nvim.evaluate.weakened.spoken_claims import claim

LARGEST = 300_000
"""Characters of a file that is looked at; larger ones are generated."""
SCRIPT = {"js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"}
ENDS = SCRIPT | {"go", "rs", "java", "kt", "kts", "scala", "groovy", "cs", "rb", "c", "h", "cc", "cpp", "cxx", "php", "lua",
                 "swift", "ex", "exs", "bats", "sh", "dart"}  # fmt: skip
_JS = re.compile(
    r"(?<![\w.$])(?:(?:t|Deno|QUnit)\.)?(x|f)?(it|test|specify|describe|context|suite)(?=[.(`\s])"
)
_GO = re.compile(r"^func\s+(?:\(\w+\s+\*?\w+\)\s*)?((?:Test|Fuzz|Example)\w*|test\w*|\w+)\s*\(", re.M)
_RUST = re.compile(r"((?:#\[[^\n]*\]\s*)*)(?:pub\s+)?(?:async\s+)?fn\s+(\w+)\s*(?:<[^>]*>)?\(")
_ANNOTATED = re.compile(
    r"((?:(?:@[\w.]+(?:\s*\((?:[^()]|\([^()]*\))*\))?|\[[A-Z]\w+(?:\((?:[^()]|\([^()]*\))*\))?\])\s*)*)"
    r"(?:(?:public|private|protected|internal|static|final|async|override|suspend|open|abstract)\s+)*"
    r"(?:fun\s+|def\s+|func\s+|function\s+|void\s+|Task\s+|int\s+|bool\s+)(?:`([^`]*)`|(\w+))\s*\("
)
_C = re.compile(
    r"^[ \t]*(?:(TEST|TEST_F|TEST_P|TYPED_TEST|TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE|START_TEST|CTEST|Test)\s*\(([^)]*)\)"
    r"|(?:static\s+)?(?:void|int|bool)\s+(\w*test\w*)\s*\([^)]*\))\s*\{",
    re.M | re.I,
)
_RUBY = re.compile(r"^([ \t]*)(?:(x|f)?(it|specify|example|scenario|describe|context|feature|test|pending|skip)\b[ (]*"
                   r"(?:([\"'])(.*?)\4|([\w:]+))?[^\n]*\bdo\b|def\s+(\w+))", re.M)  # fmt: skip
_BATS = re.compile(r"^\s*(?:@test\s+([\"'])(.*?)\1|(?:function\s+)?(test\w*)\s*\(\))\s*\{", re.M)
_NEVER = re.compile(r"\b(?:if|while)\s*\(?\s*(?:false|0|!true|!1|!\s*\(\s*true\s*\))\s*\)?\s*\{")


class _Head(NamedTuple):
    """The beginning of a test, or of a group of them: its name, block ``[start, end)``, marks, words before."""

    name: str
    at: int
    start: int
    end: int
    group: bool
    marks: dict[str, str]
    idle: str = ""


def cases_of(path: str, source: bytes) -> list[Case]:
    """All tests of a file, in the order of their lines; none for a language that is not known."""
    end = path.rpartition(".")[2]
    text = source.decode("utf-8", "replace")
    if end not in ENDS or len(text) > LARGEST:
        return []
    code, empty = bare(text, end)
    heads = sorted(_heads(end, code, empty), key=lambda head: head.at)
    excluded = _excluded(end, text)
    focused = any("focus" in head.marks for head in heads)
    found: list[Case] = []
    seen: set[str] = set()
    for head in heads:
        if head.group:
            continue
        around = [other for other in heads if other.group and other.start <= head.at < other.end]
        name = " > ".join([other.name for other in around] + [head.name])
        name = name if name not in seen else f"{name} ({sum(c.name.startswith(name) for c in found) + 1})"
        seen.add(name)
        marks: dict[str, str] = {}
        for each in (*around, head):
            marks |= each.marks
        if focused and "focus" not in marks:
            marks["focused"] = "only"
        marks.pop("focus", None)
        idle = next((other.idle for other in around if other.idle), head.idle or excluded)
        case = Case(path, name, line_of(text, head.at), idle, marks)
        _body(case, end, code, empty, head)
        found.append(case)
    return found


def _excluded(end: str, text: str) -> str:
    """What leaves out a whole file."""
    first = text[:2000]
    if end == "go" and (tag := re.search(r"^//(?:go:build|\s*\+build)\s+(.+)$", first, re.M)):
        return f"the file is built only with `{tag[1].strip()}`"
    if end == "rs" and (tag := re.search(r"^#!\[cfg\((?!test\))(.+)\)\]", first, re.M)):
        return f"the file is built only with `{tag[1]}`"
    if end in SCRIPT and re.search(r"^process\.exit\(0?\)", text, re.M):
        return "the file ends the process"
    return ""


def _heads(end: str, code: str, empty: str) -> Iterator[_Head]:
    if end in SCRIPT or end == "dart":
        yield from _scripts(code, empty)
    elif end == "go":
        for found in _GO.finditer(empty):
            if re.match(r"(Test|Fuzz|Example)", found[1]) or re.search(
                r"\*testing\.[TF]\b", _args(empty, found.end())
            ):
                good = re.match(r"(Test|Fuzz|Example)([^a-z]|$)", found[1])
                yield _block(
                    found[1],
                    found.start(),
                    empty,
                    found.end() - 1,
                    idle="" if good else "its name does not begin with Test",
                )
    elif end == "rs":
        for found in _RUST.finditer(code):
            test = re.search(r"#\[(?:\w+::)*(test|rstest|test_case|wasm_bindgen_test|quickcheck)\b", found[1])
            yield _block(
                found[2],
                found.start(),
                empty,
                found.end() - 1,
                _attributes(found[1]),
                "" if test else "it is no #[test] any more",
            )
        for found in re.finditer(r"#\[cfg\(([^\]]*)\)\]\s*mod\s+(\w+)\s*\{", code):
            idle = "" if found[1] == "test" else f"the module is built only with `{found[1]}`"
            yield _block(found[2], found.start(), empty, found.end() - 1, group=True, idle=idle)
    elif end in ("c", "h", "cc", "cpp", "cxx"):
        for found in _C.finditer(empty):
            name = re.sub(
                r"\s*,\s*",
                ".",
                (code[found.start(2) : found.end(2)] if found[2] else found[3]).strip().strip('"'),
            )
            marks = {"skipped": name} if "DISABLED_" in name or "[." in name or "[!" in name else {}
            yield _block(name.replace("DISABLED_", ""), found.start(), empty, found.end() - 1, marks)
    elif end in ("rb", "lua", "ex", "exs"):
        yield from _indented(end, code, empty)
    elif end in ("bats", "sh"):
        for found in _BATS.finditer(code):
            yield _block(found[2] or found[3], found.start(), empty, found.end() - 1)
    else:
        yield from _annotated(end, code, empty)


def _args(empty: str, at: int) -> str:
    return empty[at : closing(empty, at - 1)]


def _block(
    name: str,
    at: int,
    empty: str,
    start: int,
    marks: dict[str, str] | None = None,
    idle: str = "",
    *,
    group: bool = False,
) -> _Head:
    """A test whose block is the next in braces."""
    begins = empty.find("{", closing(empty, start) if empty[start] == "(" else start)
    begins = start if begins < 0 else begins
    return _Head(name, at, begins, closing(empty, begins), group, marks or {}, idle)


def _attributes(text: str) -> dict[str, str]:
    marks = {}
    if found := re.search(r"#\[(ignore[^\]]*)\]", text):
        marks["skipped"] = f"#[{found[1]}]"
    if found := re.search(r"#\[(should_panic[^\]]*)\]", text):
        marks["raises"] = f"#[{found[1]}]"
    if found := re.search(r"#\[cfg(?:_attr)?\((?!test\))([^\]]*)\)\]", text):
        marks["skipped"] = f"#[cfg({found[1]})]"
    if found := re.search(r"#\[(?:timeout|retry|flaky)[^\]]*\]", text):
        marks["retries" if "timeout" not in found[0] else "timeout"] = found[0]
    return marks


def _scripts(code: str, empty: str) -> Iterator[_Head]:
    for found in _JS.finditer(empty):
        at, marks = found.end(), {}
        while (word := re.match(r"\s*\.(\w+)", empty[at : at + 60])) or (
            empty[at : at + 1] == "(" and _curried(empty, at)
        ):
            if word is None:
                at = closing(empty, at)
                continue
            at += len(word[0])
            if word[1] in ("skip", "todo", "skipIf", "runIf", "fixme", "fails", "failing"):
                marks["xfail" if word[1] in ("fails", "failing") else "skipped"] = f".{word[1]}"
            elif word[1] == "only":
                marks["focus"] = ".only"
            elif word[1] in ("each", "for") and empty[at : at + 1] == "`":
                at = code.find("`", at + 1) + 1
        while empty[at : at + 1].isspace():
            at += 1
        if empty[at : at + 1] != "(":
            continue
        past = closing(empty, at)
        title = re.match(r"\(\s*(['\"`])(.*?)\1", code[at:past], re.S)
        if title is None:
            continue
        if found[1]:
            marks["skipped" if found[1] == "x" else "focus"] = found[0]
        head = code[at:past]
        if (
            re.search(r"^\(.{0,200}?\{[^{}]*\b(skip|todo)\s*:\s*(?!false)", head, re.S)
            and "=>" not in head.partition("skip")[0]
        ):
            marks["skipped"] = "skip"
        if retry := re.search(r"\{[^{}]*\bretry\s*:\s*\d+|,\s*\{[^{}]*timeout\s*:", head[:300]):
            marks["retries" if "retry" in retry[0] else "timeout"] = retry[0]
        if limit := re.search(r"\}\s*,\s*([\d_]+(?:\s*\*\s*\d+)*)\s*\)$", head):
            marks["timeout"] = limit[1]
        if re.search(
            r"(\bif\s*\(\s*(false|0)\s*\)|\b(false|0)\s*&&)\s*$",
            empty[max(0, found.start() - 40) : found.start()],
        ):
            marks["skipped"] = "it stands where nothing comes to"
        if not re.search(r"=>|function|\b[A-Za-z_$]\w*\s*\)$", empty[at:past]) and found[2] in (
            "it",
            "test",
            "specify",
        ):
            marks["skipped"] = "nothing to run"
        yield _Head(title[2], found.start(), at, past, found[2] in ("describe", "context", "suite"), marks)


def _curried(empty: str, at: int) -> bool:
    """``it.each([…])(…)``: the call is called once more."""
    past = closing(empty, at)
    return empty[past : past + 1] == "("


def _annotated(end: str, code: str, empty: str) -> Iterator[_Head]:
    for found in _ANNOTATED.finditer(code):
        name = found[2] or found[3]
        words = found[1]
        test = re.search(
            r"@(?:\w+\.)*(Test|ParameterizedTest|RepeatedTest|Property|TestFactory)\b|\[(Fact|Theory|Test|TestMethod|TestCase)",
            words,
        )
        named = re.match(r"test", name) and end in ("php", "swift", "scala", "groovy", "java")
        idle = "" if test or named else "it is no test any more"
        if end in ("java", "groovy") and re.search(r"\bprivate\b", found[0]):
            idle = "it is private"
        marks = {}
        if gone := re.search(
            r"@(Disabled|Ignore)\w*|\[Ignore|Skip\s*=|enabled\s*=\s*false|Explicit\]", words
        ):
            marks["skipped"] = gone[0]
        if raised := re.search(r"expected\s*=\s*[\w.]+|ExpectedException", words):
            marks["raises"] = raised[0]
        if limit := re.search(r"@Timeout[^\n]*|timeout\s*=\s*\d+", words):
            marks["timeout"] = limit[0]
        if again := re.search(
            r"@(?:Retry\w*|RetryingTest|Flaky\w*|RepeatedIfExceptions\w*)[^\n]*|retryAnalyzer", words
        ):
            marks["retries"] = again[0]
        yield _block(name, found.start(), empty, found.end() - 1, marks, idle)
    for found in re.finditer(
        r"((?:@[\w.]+(?:\([^()]*\))?\s*)*)(?:(?:public|open|internal|final|abstract)\s+)*class\s+(\w+)", code
    ):
        marks = {"skipped": f"@{gone[1]}"} if (gone := re.search(r"@(Disabled|Ignore)\w*", found[1])) else {}
        yield _block(found[2], found.start(), empty, found.end() - 1, marks, group=True)


def _indented(end: str, code: str, empty: str) -> Iterator[_Head]:
    """Blocks that end with ``end`` at the depth where they begin."""
    lua = re.compile(
        r"^([ \t]*)(x|f)?(it|describe|context|pending|test)\s*\(?\s*([\"'])(.*?)\4[^\n]*()()", re.M
    )
    for found in (lua if end == "lua" else _RUBY).finditer(code):
        last = re.search(rf"^{found[1]}end\b", code[found.end() :], re.M)
        past = found.end() + (last.start() if last else len(code))
        name = found[5] or found[6] or found[7] or ""
        group = found[3] in ("describe", "context", "feature")
        marks, idle = {}, ""
        if found[2]:
            marks["skipped" if found[2] == "x" else "focus"] = f"{found[2]}{found[3]}"
        if found[3] in ("pending", "skip") or re.search(r",\s*(:?(skip|pending)\b|@tag :skip)", found[0]):
            marks["skipped"] = found[3] if found[3] in ("pending", "skip") else "skip"
        if re.search(r"\b(:?focus\b|:focus)", found[0]) and found[7] is None:
            marks["focus"] = "focus"
        if re.search(r"retry\s*[:=]", found[0]):
            marks["retries"] = "retry"
        if end in ("ex", "exs") and "@tag :skip" in code[max(0, found.start() - 60) : found.start()]:
            marks["skipped"] = "@tag :skip"
        if found[7] and not found[7].startswith("test"):
            idle = "its name does not begin with test"
        yield _Head(name, found.start(), found.end(), past, group, marks, idle)


def _body(case: Case, end: str, code: str, empty: str, head: _Head) -> None:
    """What a test does, without what it never comes to."""
    start, past = head.start, head.end
    dead: list[tuple[int, int]] = []
    for never in _NEVER.finditer(empty, start, past):
        dead.append((never.start(), closing(empty, never.end() - 1)))
    dead += _after_return(end, empty, start, past)
    caught = list(_caught(end, code, empty, start, past))
    under = [] if end == "go" else list(_conditions(empty, start, past))
    text, shown = code[start:past], empty[start:past]
    _skipped(case, end, code[start:past])
    case.words = re.findall(r"\w+|[^\w\s]", text)[:800]
    case.names = set(re.findall(r"[A-Za-z_$]\w*", shown))
    case.calls = set(re.findall(r"([A-Za-z_$]\w*)\s*\(", shown))
    for at in re.finditer(
        r"receive\(:(\w+)|spyOn\([^,]+,\s*['\"](\w+)|stub\([^,]+,\s*['\"](\w+)|when\(\w+\.(\w+)\(", text
    ):
        case.patched[next(filter(None, at.groups()))] = line_of(code, start + at.start())
    case.constants = set(re.findall(r"\"[^\"\n]*\"|'[^'\n]*'|\b\d[\w.]*", text))
    case.rounds = _rounds(end, code, empty, head)
    for at, past_it in _claims(end, empty, start, past):
        if any(first <= at < last for first, last in dead):
            continue
        made = claim(end, code[at:past_it], line_of(code, at))
        if made is not None:
            swallowed = any(first <= at < last for first, last in caught)
            guarded = any(first <= at < last for first, last in under)
            case.claims.append(made._replace(swallowed=swallowed, guarded=guarded))


_CLAIMS = {
    "js": r"(?<![\w.$])(?:expect(?:TypeOf)?\s*(?:\(|\.)|assert(?:\.\w+)*\s*\(|should\.|t\.(?:is|deepEqual|true|false|truthy|throws\w*|equal|same|ok|not\w*|like|match)\s*\(|(?:sinon\.)?assert\.|cy\.\w+[^\n;]*\.should\()|[\w\])]\.should(?:\.|\()",
    "go": r"(?<![\w.])(?:assert|require|is|c|suite|s)\.(?:[A-Z]\w*)\s*\(|\bif\s[^{}]*\{|(?<![\w.])(?:assert|check|expect|must|require)\w*\s*\(",
    "rs": r"\b(?:debug_)?(?:assert\w*|prop_assert\w*|panic|unreachable|insta::assert\w*)!\s*[({\[]|\b(?:assert|check|expect)_\w+\s*\(",
    "rb": r"\bexpect\s*[({]|\b(?:assert|refute)\w*[ (]|\.(?:must|wont|should|should_not)(?:_\w+)?\b|\bis_expected\b",
    "c": r"\b(?:(?:EXPECT|ASSERT|CHECK|REQUIRE|CU_ASSERT|TEST_ASSERT|BOOST_(?:CHECK|REQUIRE|TEST)|ck_assert|g_assert|cr_assert|munit_assert|assert|STATIC_REQUIRE|lequal|lok)\w*)\s*\(",
    "bats": r"^\s*(?:\[\[? .*|assert\w* .*|refute\w* .*|test .*|grep .*|diff .*|cmp .*)",
    "lua": r"\b(?:assert|expect|luassert)[\w.]*\s*\(",
    "exs": r"\b(?:assert|refute)\w*[ (]",
}
_OTHERS = r"(?<![\w])(?:[\w.]*\b(?:[aA]ssert\w*|verify\w*|expect\w*|fail|should\w*)(?:\.\w+)?\s*(?:<[^<>()]*>)?\s*\()|\.should\w*\b"


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


def _after_return(end: str, empty: str, start: int, past: int) -> list[tuple[int, int]]:
    """What follows a ``return`` at the top of a block."""
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
    for found in re.finditer(r"\bif\s*\(|\bif\s[^({\n]*\{", empty[start:past]):
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


_SKIPS = {
    "go": r"\b\w+\.(Skip|SkipNow|Skipf)\s*\([^\n]*",
    "rb": r"^\s*(skip|pending)\b[^\n]*",
    "c": r"\bGTEST_SKIP\s*\(|\bTEST_IGNORE\w*\s*\(|\bSKIP\s*\(",
    "java": r"\b(assumeTrue|assumeFalse|assumeThat|Assumptions\.\w+|Assume\.\w+|throw new (SkipException|TestAbortedException))[^\n]*",
    "php": r"markTest(Skipped|Incomplete)[^\n]*",
    "swift": r"XCTSkip\w*[^\n]*",
    "bats": r"^\s*skip\b[^\n]*",
    "js": r"\b(this\.skip|ctx\.skip|t\.skip|test\.skip|context\.skip|pending)\s*\([^\n]*",
    "cs": r"Assert\.(Ignore|Inconclusive)[^\n]*",
    "lua": r"\bpending\s*\([^\n]*",
}
_EXITS = r"\b(?:process\.exit\s*\(\s*0?\s*\)|os\.Exit\s*\(\s*0\s*\)|(?:std::)?process::exit\s*\(\s*0\s*\)|System\.exit\s*\(\s*0\s*\)|_?exit\s*\(\s*0\s*\)|Runtime\.getRuntime\(\)\.halt\(0\)|exit!?\s*\(?0?\)?$)"


def _skipped(case: Case, end: str, code: str) -> None:
    name = (
        "js"
        if end in SCRIPT
        else {"kt": "java", "scala": "java", "groovy": "java", "cc": "c", "cpp": "c", "sh": "bats"}.get(
            end, end
        )
    )
    shape = _SKIPS.get(name)
    if shape and (skip := re.search(shape, code, re.M)):
        case.marks.setdefault("skipped", skip[0].strip())
    if end == "go" and re.search(r"\brecover\(\)", code):
        case.marks["recovers"] = "recover()"
    if ended := re.search(_EXITS, code, re.M):
        case.marks["exit"] = ended[0]
    if again := re.search(
        r"\b(?:jest\.retryTimes|this\.retries|test\.describe\.configure\(\{[^}]*retries)\s*\(?[^\n;]*", code
    ):
        case.marks["retries"] = again[0]
    if limit := re.search(
        r"\b(?:jest\.setTimeout|this\.timeout|test\.setTimeout|vi\.setConfig)\s*\([^\n;]*", code
    ):
        case.marks["timeout"] = limit[0]


def _rounds(end: str, code: str, empty: str, head: _Head) -> int | None:
    """Sets of values: a table of ``each``, ``@ValueSource``, Go's table of cases."""
    before = empty[head.at : head.start]
    total: int | None = 1
    if (at := before.find("(")) >= 0 and re.search(r"\.(each|for)\s*\($", before[: at + 1]):
        start = head.at + at
        total = _elements(empty[start + 1 : closing(empty, start) - 1].strip())
    elif end in ("java", "kt", "cs"):
        sizes = [
            len(_split(code[head.at + f.end() : closing(empty, head.at + f.end() - 1) - 1]))
            for f in re.finditer(r"@(?:ValueSource|CsvSource)\s*\(|\{", before[: before.rfind(")") + 1])
        ]
        cases = len(re.findall(r"\[(?:InlineData|TestCase)\b", before)) + len(
            re.findall(r"#\[(?:case|test_case)\b", before)
        )
        total = max(sizes[-1:] + [cases, 1])
    elif end == "rs":
        total = max(1, len(re.findall(r"#\[(?:case|test_case)\b", before)))
    body = empty[head.start : head.end]
    if re.search(r"\brange\s+\w+\[[^\]\n]*:|\b(?:of|in)\s+\w+\.(?:slice|take|first|filter)\(", body):
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
        if size and size > 1 and total is not None:
            total *= size
    return total


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
