"""What a test had from the program, and has made itself now, has mocked, or takes from elsewhere. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from posixpath import dirname, join, normpath

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.testfiles import kind
from kage_nvim.evaluate.guard.weakened.lexing import line_of
from kage_nvim.evaluate.guard.weakened.shapes import short, weakening

_LARGEST = 500_000
_MOCKS = (
    r"\bmock\(\s*{0}\.class|@(?:Mock|Spy|MockBean)\b[^;\n]*\s{0}\s|\bspy\(\s*(?:new )?{0}\b|createMock\(\s*{0}\b"
    r"|(?:allow|expect)_any_instance_of\(\s*{0}\b|(?:instance|class)_double\(\s*['\"]?{0}\b|createStubInstance\(\s*{0}\b"
    r"|\bnew\s+{0}\s*\([^()]*\)\s*\{{|\b{0}\.prototype\.\w+\s*=|^[ \t]+{0}\.\w+ = lambda\b"
)
"""Ways in which a class is replaced, or parts of it are."""
_MOCKED = re.compile(_MOCKS.format(r"(?:[A-Z]\w+)"), re.M)
_STUBS = re.compile(
    r"spyOn\([^()]*,\s*['\"](\w+)['\"]\)\s*\.\s*(?:mock(?:Return|Resolved|Rejected|Implementation)\w*|and\.return\w*)"
    r"|\bstub\([^()]*,\s*['\"](\w+)['\"]\)|\bwhen\(\s*\w+\.(\w+)\("
)
_STAND_IN = re.compile(r"fake|mock|stub|dummy|helper|double|shim|test", re.I)
_WHOLE = (
    ("retries", re.compile(r"\bjest\.retryTimes\(|\bthis\.retries\(|\bretries\s*:\s*[1-9]"), "tries again what fails"),
    ("timeout", re.compile(r"\b(?:jest\.setTimeout|this\.timeout|vi\.setConfig)\("), "sets another timeout"),
    ("patched", re.compile(r"(?m)^\s*(?:const|let|var|function)\s+(?:expect|it|describe|assert)\b(?![^\n]*(?:require|import|chai|sinon|power))"), "changes what tests stand on"),
    ("patched", re.compile(r"(?m)^\s*(?:#define|macro_rules!)\s+(?:assert|EXPECT_|ASSERT_|CHECK|REQUIRE)"), "changes what tests stand on"),
    ("exit", re.compile(r"(?m)^\s*return\s+done\(\s*\)|\bset \+e\b"), "is done before it began"),
    ("swallowed", re.compile(r"(?m)^(?!.*\bif\b).*\|\|\s*(?:true|:)\s*$"), "passes over a failure"),
)  # fmt: skip
"""What holds for a whole file of tests: kind, shape, words."""
_LIBRARY = re.compile(
    r"(?m)^\s*import\s+static\s+org\.(?:junit|assertj|hamcrest|testng)|^\s*import\s+static\s+com\.google\.common\.truth"
)


def replaced(path: str, base: bytes, ours: bytes) -> Iterator[Weakening]:
    """What a test had from the program, and has made itself now, or has mocked."""
    before, text = text_of(base), text_of(ours)
    for found in re.finditer(r"\b(?:jest|vi)\.(?:mock|doMock|unstable_mockModule)\(\s*['\"](.+?)['\"]", text):
        if re.search(rf"['\"]{re.escape(found[1])}['\"]", before) and found[0] not in before:
            yield weakening(
                "patched", path, line_of(text, found.start()), f"{path} mocks {found[1]}, which it tests"
            )
    taken = re.findall(
        r"^\s*(?:import|from\s+[\w.]+\s+import|(?:const|let|var))\s+(.+?)(?:[ \t]+from\b|\s*=\s*require|$)",
        before,
        re.M,
    )
    for name in {word for names in taken for word in re.findall(r"[A-Za-z_]\w*", names)}:
        made = rf"^(?:export\s+)?(?:(?:const|let|var)\s+{name}\s*=\s*(?!\w*[rR]equire|await import|[\w.]+\.{name}\b)|function\s+{name}\b|class\s+{name}\b|def\s+{name}\b|(?:\w+\s*=\s*)*{name}\s*=[^=])"
        if (found_ := re.search(made, text, re.M)) and not re.search(made, before, re.M):
            yield weakening(
                "patched",
                path,
                line_of(text, found_.start()),
                f"{path} has a {name} of its own in the place of the program's",
            )


def whole_compared(path: str, base: bytes, ours: bytes) -> Iterator[Weakening]:
    """What came into a file of tests that holds for all of them."""
    before, text = text_of(base), text_of(ours)
    for what, shape, said in _WHOLE:
        found = list(shape.finditer(text))
        if len(found) > len(shape.findall(before)) and (
            path.endswith((".sh", ".bash")) or what != "swallowed"
        ):
            shown = short(found[-1][0].strip())
            yield weakening(what, path, line_of(text, found[-1].start()), f"{path} {said}: `{shown}`")
    for name in {word for found in _MOCKED.finditer(text) for word in re.findall(r"[A-Z]\w+", found[0])}:
        shape = re.compile(_MOCKS.format(name), re.M)
        made = shape.search(text)
        if (
            made
            and not shape.search(before)
            and re.search(rf"\b(?:new\s+{name}\b|{name}(?:\.new|\(|\.\w+\())", before)
        ):
            yield weakening(
                "patched", path, line_of(text, made.start()), f"{path} has another {name}: `{short(made[0])}`"
            )
    for stub in _STUBS.finditer(text):
        name = next(filter(None, stub.groups()))
        if re.search(rf"(?:expect|assert)[^\n;]*\.{name}\(", before) and stub[0] not in before:
            yield weakening(
                "patched", path, line_of(text, stub.start()), f"{path} replaces {name}, which it tests"
            )
    if _LIBRARY.search(before) and not _LIBRARY.search(text) and re.search(r"\bassert\w*\(", text):
        yield weakening("patched", path, 0, f"{path} has its assertions from elsewhere")
    if (
        path.endswith((".sh", ".bash"))
        and re.search(r"(?m)^set -\w*e", before)
        and not re.search(r"(?m)^set -\w*e", text)
    ):
        yield weakening("swallowed", path, 0, f"{path} goes on after a failure: it lost `set -e`")
    if path.endswith(".rs"):
        was, now = (Counter(re.findall(r"\bfn (\w+)", side)) for side in (before, text))
        for name in [name for name, count in was.items() if count == 1 < now[name]]:
            inside = rf"(?s)\bmod tests?\b.*\bfn {name}\b"
            if re.search(inside, text) and not re.search(inside, before):
                yield weakening("patched", path, 0, f"{path} has a {name} of its own among its tests")


def elsewhere(
    path: str, base: bytes, ours: bytes, now: Collection[str], new: Collection[str]
) -> Iterator[Weakening]:
    """Names that come from another file, though the one they were taken from is still there.

    ``now`` are all files of the candidate, ``new`` those that the base had not.
    """
    before, after = _taken(path, text_of(base)), _taken(path, text_of(ours))
    for name, source in after.items():
        known = before.get(name)
        if known is None or known == source:
            continue
        was, there = _files(path, known) & set(now), _files(path, source)
        if not was or any(kind(one) != "other" for one in was):
            continue
        tests = any(kind(one) in ("support", "test") for one in there & set(now))
        if (tests or there & set(new)) and _STAND_IN.search(source):
            yield weakening(
                "patched", path, 0, f"{path} takes {name} from {source}, at the base from {known}"
            )


def _taken(path: str, text: str) -> dict[str, str]:
    """Names that a file imports, with where from."""
    if path.endswith(".py"):
        shape = r"(?m)^\s*from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^\n#]*)"
        pairs = [(found[2], found[1]) for found in re.finditer(shape, text)]
    else:
        shape = r"(?:import|const|let|var)\s+([^;=\"']*?)\s*(?:from|=\s*require\()\s*[\"']([^\"']+)[\"']"
        pairs = [(found[1], found[2]) for found in re.finditer(shape, text)]
    return {
        name: source
        for names, source in pairs
        for name in re.findall(r"[A-Za-z_$][\w$]*", names)
        if name != "as"
    }


def _files(path: str, source: str) -> set[str]:
    """The files that a name of a module can stand for."""
    if path.endswith(".py"):
        stem = source.replace(".", "/")
        return {f"{top}{stem}{end}" for top in ("", "src/", "lib/") for end in (".py", "/__init__.py")}
    if not source.startswith("."):
        return set()
    stem = normpath(join(dirname(path), source))
    return {stem} | {
        f"{stem}{end}" for end in (".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", "/index.js", "/index.ts")
    }


def text_of(source: bytes) -> str:
    """A file as text, of a very long one the beginning."""
    return source[:_LARGEST].decode("utf-8", "replace")
