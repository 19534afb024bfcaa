"""When two versions of a place say the same although their characters differ. Pure, and bounded in time.

Python is judged by its syntax tree alone: each version stands in for the other, in the base and in each of
the two files, and no tree may change by it. Comments are no part of a tree, docstrings are.

In all other languages lines are compared with their runs of whitespace as one space. Blanks between the first
and the last quote of a line count, and so does indentation, but where the language is known not to read it
and no literal of the file goes over several lines. What is not certain is different.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

# Python 3.10 has no limit of its own to how deep a tree may be, and ends with the process.
LARGEST = (128 if sys.version_info >= (3, 11) else 16) * 1024
"""Bytes of a Python file whose syntax is looked at."""
BRACES = 2_000
"""Braces in it; before Python 3.12 an f-string takes quadratic time."""
BUDGET = 16 * LARGEST
"""Bytes that are parsed for one file, at most."""

Lines = Sequence[bytes]
Span = tuple[int, int]
Groups = list[tuple[str, list[int]]]

PYTHON = {"py", "pyi", "pyw"}
# Blanks at the end of a line mean something here.
_ENDS_COUNT = {"md", "markdown", "mdx", "mk", "mak", "makefile", "gnumakefile", "tsv", "csv", "patch", "diff"}
# Runs of blanks do, too.
_ALL_COUNTS = {"tsv", "csv", "patch", "diff"}


def _odd(*marks: bytes) -> Callable[[Lines], bool]:
    """Is there a line with an odd number of one of these marks, so that a literal may go on after it?"""
    plain = re.compile(rb"""\\.|'["`]'|"['`]\"""")

    def test(lines: Lines) -> bool:
        for line in lines:
            if any(mark in line for mark in marks):
                rest = plain.sub(b"", line)
                if any(rest.count(mark) % 2 for mark in marks):
                    return True
        return False

    return test


def _any(pattern: bytes, *odd: bytes) -> Callable[[Lines], bool]:
    """Does a line match, or hold an odd number of the marks?"""
    found, unpaired = re.compile(pattern), _odd(*odd)
    return lambda lines: any(found.search(line) for line in lines) or unpaired(lines)


def _goes_on(lines: Lines) -> bool:
    """Does a line go on after a backslash at its end?"""
    return any(line.rstrip().endswith(b"\\") for line in lines)


def _script(lines: Lines) -> bool:
    return _goes_on(lines) or _ticks(lines)


_ticks, _braced = _odd(b"`"), _any(rb'R"|""""?|@"', b'"')
# Languages that do not read indentation: may a literal of this file go over several lines?
_FREE: dict[str, Callable[[Lines], bool]] = {
    **dict.fromkeys(("json", "css", "scss", "less", "proto"), _goes_on),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "mts", "cts", "tsx", "go"), _script),
    **dict.fromkeys(("c", "h", "cc", "cpp", "cxx", "hpp", "hh", "java", "cs", "kt", "swift", "rs"), _braced),
    "lua": _any(rb"\[=*\[|\\z", b'"', b"'"),
    "php": _any(rb"<<<|\?>", b'"', b"'"),
    "rb": _any(rb"<<[~\-\"'`A-Z_a-z]|%[qQwWiIrsx]?[^\w\s]|^=begin|^__END__", b'"', b"'", b"`"),
}
_QUOTED = re.compile(rb"[\"'`/].*[\"'`/]", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\r\n\f\v]+")
_INDENT = re.compile(rb"[ \t]*")


def form(source: bytes, name: str) -> object:
    """A whole file as it is compared: the same for two texts that say the same."""
    if name.rpartition(".")[2].lower() in PYTHON and (dumped := _dumped(source)) is not None:
        return dumped
    lines = source.splitlines()
    judge = Judge([], {0: lines}, name)
    return judge.spaced(0, 1, len(lines) + 1)


class Judge:
    """Tells which versions of a file's places say the same; the file's language is known by its name."""

    def __init__(self, base: Lines, files: Mapping[int, Lines], name: str) -> None:
        self.base, self.files = base, files
        last = name.rpartition("/")[2].lower()
        self.kind = last.rpartition(".")[2]
        self._literal: dict[int, bool] = {}
        self._continued: dict[int, bool] = {}
        self._python = _Python(base, files) if self.kind in PYTHON else None

    def together(self, first: int, past: int, spans: Mapping[int, Span], same: list[list[int]]) -> Groups:
        """Agents whose versions of base lines ``[first, past)`` say the same, and how far they are the same.

        ``same`` holds the groups that are so to the character.
        """
        if self._python is not None:
            return self._python.together(first, past, spans, same)
        groups: dict[object, list[list[int]]] = {}
        for agents in same:
            groups.setdefault(self.spaced(agents[0], *spans[agents[0]]), []).append(agents)
        return [_joined("space", found) for found in groups.values()]

    def spaced(self, agent: int, b0: int, b1: int) -> object:
        """A version as it is compared; two that only differ in whitespace give the same."""
        lines = self.files[agent][b0 - 1 : b1 - 1]
        if self.kind in _ALL_COUNTS:
            return tuple(lines)
        free = self.kind in _FREE and not self._known(self._literal, agent, _FREE[self.kind])
        ends = self.kind in _ENDS_COUNT
        keys = [_line(line, indented=not free, ends=ends) for line in lines]
        # What follows a line that goes on is no mere blank line.
        if free and not self._known(self._continued, agent, _goes_on):
            keys = [key for key in keys if key]
        return tuple(keys)

    def _known(self, known: dict[int, bool], agent: int, test: Callable[[Lines], bool]) -> bool:
        if agent not in known:
            known[agent] = test(self.files[agent])
        return known[agent]


def _joined(how: str, groups: list[list[int]]) -> tuple[str, list[int]]:
    return (how if len(groups) > 1 else "same"), sorted(agent for group in groups for agent in group)


def _line(line: bytes, *, indented: bool, ends: bool) -> bytes:
    """A line with every run of blanks as one space, but between quotes."""
    bare = line.rstrip(b"\r\n") if ends else line.rstrip(b" \t\r\n\f\v")
    if bare.endswith(b"\\"):
        bare = line.rstrip(b"\r\n")  # a blank after the backslash ends the line that it would continue
    start = _INDENT.match(bare).end()  # type: ignore[union-attr]
    head, text = bare[:start], bare[start:]
    quoted = _QUOTED.search(text)
    if quoted is None:
        text = _BLANKS.sub(b" ", text)
    else:
        before, after = text[: quoted.start()], text[quoted.end() :]
        text = _BLANKS.sub(b" ", before) + quoted[0] + _BLANKS.sub(b" ", after)
    if ends and bare != bare.rstrip():
        text = text.rstrip() + bare[len(bare.rstrip()) :]
    return (head + text) if indented else text


_FILE = "<candidate>"
_QUIET = ("ignore", None, Warning, re.compile(re.escape(_FILE)), 0)
_WORDS = re.compile(
    rb'"""(?:\\.|[^\\])*?"""|'
    rb"'''(?:\\.|[^\\])*?'''|"
    rb'"(?:\\.|[^"\\\n])*"|'
    rb"'(?:\\.|[^'\\\n])*'|#[^\n]*|([\w\x80-\xff]+)",
    re.DOTALL,
)
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, LookupError, OverflowError)
_BASE = 0
"""The base's number among the files; agents begin at 1."""
_LONE_RETURN = re.compile(rb"\r(?!\n)")


_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=]")


class _Host:
    """A Python file in which versions of a place are tried; parsed once, then statement by statement."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        body = None if any(map(_CODING.match, lines[:2])) else _parsed(b"".join(lines))
        self.ranges = None if body is None else [(_begin(node), node.end_lineno or 0) for node in body]

    def reach(self, first: int, past: int) -> Span | None:
        """Lines of a place with those of the statements that it touches or follows; ``None``: no program.

        What stands around them is whole statements, which no text that is a program by itself can change.
        """
        if self.ranges is None:
            return None
        at = end = bisect_left(self.ranges, first - 1, key=lambda found: found[1])
        while end < len(self.ranges) and self.ranges[end][0] < past:
            first, past = min(first, self.ranges[end][0]), max(past, self.ranges[end][1] + 1)
            end += 1
        while at and self.ranges[at - 1][1] >= first:  # two statements on one line
            at -= 1
            first = self.ranges[at][0]
        return first, past


class _Python:
    """Judges versions by their syntax trees."""

    def __init__(self, base: Lines, files: Mapping[int, Lines]) -> None:
        self.base, self.files = base, files
        self.hosts: dict[int, _Host] = {}
        self.left = BUDGET

    def together(self, first: int, past: int, spans: Mapping[int, Span], same: list[list[int]]) -> Groups:
        groups: dict[object, list[list[int]]] = {}
        for agents in same:
            groups.setdefault(self._words(agents[0], *spans[agents[0]]), []).append(agents)
        found: Groups = []
        for alike in groups.values():
            if len(alike) > 1 and self._equal(first, past, [(group[0], *spans[group[0]]) for group in alike]):
                found.append(_joined("syntax", alike))
            else:
                found += [("same", group) for group in alike]
        return found

    def _words(self, agent: int, b0: int, b1: int) -> tuple[bytes, ...]:
        """Names, keywords and numbers of a version: where these differ the trees do, and few places go on."""
        text = b"".join(self.files[agent][b0 - 1 : b1 - 1])
        return tuple(match[1] for match in _WORDS.finditer(text) if match[1])

    def _equal(self, first: int, past: int, versions: list[tuple[int, int, int]]) -> bool:
        """Does it make no difference which of the versions stands in the base, or in any of their files?"""
        texts = [self.files[agent][b0 - 1 : b1 - 1] for agent, b0, b1 in versions]
        for agent, b0, b1 in versions:
            if not self._alike(agent, b0, b1, texts):
                return False
        # In the base a version may need what the agent changed elsewhere: then none of them is a program.
        return self._alike(_BASE, first, past, texts, broken=True)

    def _alike(self, agent: int, first: int, past: int, texts: list[Lines], *, broken: bool = False) -> bool:
        """Is a file the same program whichever of the texts stands for these lines? (``broken``: or none)"""
        host = self._host(agent)
        if self.left < 0:
            return False
        reach = host.reach(first, past)
        if reach is None:
            return broken
        head, tail = host.lines[reach[0] - 1 : first - 1], host.lines[past - 1 : reach[1] - 1]
        trees = set()
        for text in texts:
            newline = [b"\n"] if tail and text and not text[-1].endswith(b"\n") else []
            source = b"".join([*head, *text, *newline, *tail])
            self.left -= len(source)
            tree = None if first <= 2 and _CODING.search(source) else _dumped(source)
            if self.left < 0 or (tree is None and not broken):
                return False
            trees.add(tree)
        return len(trees) == 1

    def _host(self, agent: int) -> _Host:
        if agent not in self.hosts:
            lines = self.base if agent == _BASE else self.files[agent]
            self.left -= sum(map(len, lines))
            self.hosts[agent] = _Host(lines)
        return self.hosts[agent]


def _parsed(source: bytes) -> list[ast.stmt] | None:
    """The statements of a text; ``None``: it is no program, or none that is looked at."""
    if len(source) > LARGEST or source.count(b"{") > BRACES:
        return None
    if _LONE_RETURN.search(source):
        return None  # a line to Python, none to git
    if _QUIET not in warnings.filters:
        # For a file of this name only, so that no thread has to change what the others are warned of.
        warnings.filterwarnings("ignore", module=re.escape(_FILE))
    try:
        return ast.parse(source, _FILE).body
    except _FAILURES:
        return None


def _dumped(source: bytes) -> str | None:
    body = _parsed(source)
    try:
        return None if body is None else "\n".join(map(ast.dump, body))
    except _FAILURES:
        return None


def _begin(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
