"""Source text without its comments, and blocks in it, for languages that are read by their looks. Pure."""

from __future__ import annotations

import re
from functools import cache

SCRIPT = {"js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"}
HASH = {"rb", "exs", "ex", "sh", "bash", "bats", "jl", "pl", "t", "R"}
DASHES = {"lua", "hs"}
_OPEN, _CLOSE = "([{", ")]}"
_BRACKETS = re.compile(r"[()\[\]{}]")
_C = {"c", "h", "cc", "cpp", "cxx", "hpp"}
_MANY = {"rb", "php", "rs", "sh", "bash", "bats", "lua"}
"""Languages whose strings go over several lines."""
_TRIPLE = {"java", "kt", "scala", "swift", "ex", "exs", "cs", "groovy"}


def bare(text: str, end: str) -> tuple[str, str]:
    """The text with blanks for comments, and that with blanks for what strings hold too; as long as it was.

    ``end`` is the end of the file's name, which tells the language.
    """
    if end in _C:
        text = re.sub(r"(?ms)^[ \t]*#\s*if\s+0\b.*?^[ \t]*#\s*(?:endif|else)", _blank, text)
    code, empty, at = [], [], 0
    for found in _token(end).finditer(text):
        between = text[at : found.start()]
        at = found.end()
        shown = found[0]
        if found.lastgroup == "comment":
            shown = hidden = _blank(found)
        else:
            hidden = shown[0] + re.sub(r"[^\n]", "_", shown[1:-1]) + shown[-1]
        code += [between, shown]
        empty += [between, hidden]
    return "".join([*code, text[at:]]), "".join([*empty, text[at:]])


@cache
def _token(end: str) -> re.Pattern[str]:
    """Comments and strings of a language, whichever comes first."""
    comments = [r"//[^\n]*", r"/\*.*?(?:\*/|\Z)"]
    if end in HASH:
        comments = [r"(?:(?<=[ \t\n;])|\A)#[^\n]*"]
    elif end in DASHES:
        comments = [r"--[^\n]*"]
    elif end == "php":
        comments.append(r"#(?!\[)[^\n]*")
    within = "" if end in _MANY else r"\n"
    strings = [rf'"(?:\\.|[^"\\{within}])*"']
    if end in _TRIPLE:
        strings.insert(0, r'""".*?"""')
    if end == "rs":
        strings.insert(0, r'r(?P<hashes>#+)".*?"(?P=hashes)')
        strings.append(r"'(?:\\[^'\n]*|[^'\\\n])'")  # all else is a lifetime
    else:
        strings.append(rf"'(?:\\.|[^'\\{within}])*'")
    if end in SCRIPT:
        strings.append(
            r"(?<=[(,=:\[!&|?{};\n ])/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/(?=[\w\s,;.)\]}]|$)"
        )
    if end in SCRIPT or end == "go":
        strings.append(r"`(?:\\.|[^`\\])*`" if end != "go" else r"`[^`]*`")
    return re.compile(rf"(?P<comment>{'|'.join(comments)})|(?:{'|'.join(strings)})", re.S)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"\S", " ", found[0])


def closing(empty: str, at: int) -> int:
    """The place after the bracket that closes the one at ``at``."""
    depth = 0
    for found in _BRACKETS.finditer(empty, at):
        depth += 1 if found[0] in _OPEN else -1
        if depth <= 0:
            return found.end()
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
