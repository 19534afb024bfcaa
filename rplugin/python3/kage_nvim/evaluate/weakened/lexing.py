"""Source text without its comments, and blocks in it, for languages that are read by their looks. Pure."""

from __future__ import annotations

import re

SCRIPT = {"js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"}
HASH = {"rb", "exs", "ex", "sh", "bash", "bats", "jl", "pl", "t", "R"}
DASHES = {"lua", "hs"}
_OPEN, _CLOSE = "([{", ")]}"
_REGEX_AFTER = set("(,=:[!&|?{};\n")


def bare(text: str, end: str) -> tuple[str, str]:
    """The text with blanks for comments, and that with blanks for what strings hold too; as long as it was.

    ``end`` is the end of the file's name, which tells the language.
    """
    if end in {"c", "h", "cc", "cpp", "cxx", "hpp"}:
        text = re.sub(r"(?ms)^[ \t]*#\s*if\s+0\b.*?^[ \t]*#\s*(?:endif|else)", _blank, text)
    code, empty = list(text), list(text)
    at, size, last = 0, len(text), "\n"
    while at < size:
        past = _comment(text, at, end)
        if past > at:
            for i in range(at, past):
                if text[i] != "\n":
                    code[i] = empty[i] = " "
            at = past
            continue
        past = _string(text, at, end, last)
        if past > at:
            for i in range(at + 1, past - 1):
                if text[i] != "\n":
                    empty[i] = "_"
            last, at = '"', past
            continue
        if not text[at].isspace():
            last = text[at]
        at += 1
    return "".join(code), "".join(empty)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"\S", " ", found[0])


def _comment(text: str, at: int, end: str) -> int:
    """Where a comment that begins here ends; ``at`` when none does."""
    if end in HASH:
        begins = text[at] == "#" and (at == 0 or text[at - 1] in " \t\n;")
    elif end in DASHES:
        begins = text.startswith("--", at)
    else:
        begins = text.startswith("//", at) or (
            end == "php" and text[at] == "#" and text[at + 1 : at + 2] != "["
        )
        if text.startswith("/*", at):
            past = text.find("*/", at + 2)
            return len(text) if past < 0 else past + 2
    if not begins:
        return at
    past = text.find("\n", at)
    return len(text) if past < 0 else past


def _string(text: str, at: int, end: str, last: str) -> int:
    """Where a string that begins here ends; ``at`` when none does."""
    quote = text[at]
    if end == "rs":
        if quote == "'" and not re.match(r"'(\\.[^']*|[^'\\])'", text[at : at + 12]):
            return at  # a lifetime
        if found := re.match(r'r(#+)"', text[at : at + 8]):
            past = text.find('"' + found[1], at + len(found[0]))
            return len(text) if past < 0 else past + 1 + len(found[1])
    if (
        quote == "/"
        and end in {"js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"}
        and last in _REGEX_AFTER
    ):
        found = re.match(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/", text[at : at + 500])
        return at + len(found[0]) if found else at
    if quote not in "\"'`" or (quote == "`" and end in {"rs", "java", "rb", "c", "cc", "cpp"}):
        return at
    if text.startswith('"""', at) and end in {"java", "kt", "scala", "swift", "ex", "exs", "cs", "groovy"}:
        past = text.find('"""', at + 3)
        return len(text) if past < 0 else past + 3
    many = quote == "`" or end in {"rb", "php", "rs", "sh", "bash", "bats", "lua"}
    raw = quote == "`" and end == "go"
    i = at + 1
    while i < len(text):
        if text[i] == "\\" and not raw:
            i += 2
            continue
        if text[i] == quote:
            return i + 1
        if text[i] == "\n" and not many:
            return at + 1
        i += 1
    return at + 1


def closing(empty: str, at: int) -> int:
    """The place after the bracket that closes the one at ``at``."""
    depth = 0
    for i in range(at, len(empty)):
        if empty[i] in _OPEN:
            depth += 1
        elif empty[i] in _CLOSE:
            depth -= 1
            if depth <= 0:
                return i + 1
    return len(empty)


def chain(empty: str, at: int) -> int:
    """The end of an expression of calls that begins at ``at``: ``expect(x).not.toBe(y)``."""
    i = at
    while i < len(empty):
        char = empty[i]
        if char in _OPEN:
            i = closing(empty, i)
            continue
        if char in _CLOSE or char in ";,":
            return i
        if char == "\n":
            rest = empty[i:].lstrip()
            if not rest.startswith((".", "?.")):
                return i
        i += 1
    return i


def line_of(text: str, at: int) -> int:
    """The line, from 1, of a place in a text."""
    return text.count("\n", 0, at) + 1
