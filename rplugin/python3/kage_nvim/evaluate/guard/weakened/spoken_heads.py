"""Where tests begin and end in languages that are read by their looks, and what is attached to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kage_nvim.evaluate.guard.weakened.lexing import SCRIPT, closing

_JS = re.compile(
    r"(?<![\w.$])(?:(?:t|Deno|QUnit)\.)?(x|f)?(it|test|specify|describe|context|suite)(?=[.(`\s])"
)
_GO = re.compile(r"^func\s+(?:\(\w+\s+\*?\w+\)\s*)?((?:Test|Fuzz|Example)\w*|test\w*|\w+)\s*\(", re.M)
_RUST = re.compile(
    r"((?:#\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\]\s*)*)(?:pub\s+)?(?:async\s+)?fn\s+(\w+)\s*(?:<[^>]*>)?\("
)
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
_RUBY = re.compile(r"^([ \t]*)(?:(?:RSpec\.)?(x|f)?(it|specify|example|scenario|describe|context|feature|test|pending|skip)\b[ (]*"
                   r"(?:([\"'])(.*?)\4|([\w:]+))?[^\n]*\bdo\b|def\s+(\w+))", re.M)  # fmt: skip
_BATS = re.compile(r"^\s*(?:@test\s+([\"'])(.*?)\1|(?:function\s+)?(test\w*)\s*\(\))\s*\{", re.M)


class Head(NamedTuple):
    """The beginning of a test, or of a group of them: its name, block ``[start, end)``, marks, words before."""

    name: str
    at: int
    start: int
    end: int
    group: bool
    marks: dict[str, str]
    idle: str = ""


def heads(end: str, code: str, empty: str) -> Iterator[Head]:
    """The tests of a file, and groups of them. ``code`` is without comments, ``empty`` without strings too;
    ``end`` is the end of the file's name."""
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
) -> Head:
    """A test whose block is the next in braces."""
    begins = empty.find("{", closing(empty, start) if empty[start] == "(" else start)
    begins = start if begins < 0 else begins
    return Head(name, at, begins, closing(empty, begins), group, marks or {}, idle)


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


def _scripts(code: str, empty: str) -> Iterator[Head]:
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
        ) or re.search(
            r"\[\s*\]\.(forEach|map)\([^;]{0,20}$", empty[max(0, found.start() - 40) : found.start()]
        ):
            marks["skipped"] = "it stands where nothing comes to"
        if not re.search(r"=>|function|\b[A-Za-z_$]\w*\s*\)$", empty[at:past]) and found[2] in (
            "it",
            "test",
            "specify",
        ):
            marks["skipped"] = "nothing to run"
        yield Head(title[2], found.start(), at, past, found[2] in ("describe", "context", "suite"), marks)


def _curried(empty: str, at: int) -> bool:
    """``it.each([…])(…)``: the call is called once more."""
    past = closing(empty, at)
    return empty[past : past + 1] == "("


def _annotated(end: str, code: str, empty: str) -> Iterator[Head]:
    for found in _ANNOTATED.finditer(code):
        name = found[2] or found[3]
        words = found[1]
        test = re.search(
            r"@(?:\w+\.)*(Test|ParameterizedTest|RepeatedTest|Property|TestFactory)\b|\[(Fact|Theory|Test|TestMethod|TestCase)",
            words,
        )
        named = re.match(r"test", name) and end in ("php", "swift", "scala", "groovy", "java")
        idle = "" if test or named else "it is no test any more"
        if end in ("java", "groovy", "php") and re.search(r"\bprivate\b", found[0]):
            idle = "it is private"
        marks = {}
        if gone := re.search(
            r"@(Disabled|Ignore|EnabledIf|EnabledOn|EnabledFor)\w*|\[Ignore|Skip\s*=|enabled\s*=\s*false|Explicit\]",
            words,
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
        idle = "the class is abstract" if re.search(r"\babstract\s+(\w+\s+)*class", found[0]) else ""
        yield _block(found[2], found.start(), empty, found.end() - 1, marks, idle, group=True)


def _indented(end: str, code: str, empty: str) -> Iterator[Head]:
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
        yield Head(name, found.start(), found.end(), past, group, marks, idle)
