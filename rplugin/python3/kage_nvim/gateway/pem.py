"""Private keys in texts: whole blocks, and what a tool shows of one, whatever stands before each line.

Between the beginning and the end of a key there are lines of base64 and a few headers, and nothing else; but
they may be lines of source code (``"MIIE…\\n" +``), of JSON (``\\n``), numbered, of a diff, or of grep's.
What is between two constants ``PEM_BEGIN`` and ``PEM_END`` of a program is no key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE = 400
"""Characters of a line, with what stands before it."""
LONG = 16
"""Characters of base64; a shorter run is the end of a key only."""
SURE = 40
"""A run of so many is no word, whatever comes after it."""

_NAME = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_NAME}|Private-Lines: \d+")
_END = re.compile(rf"-{{4,5}} ?END {_NAME}|Private-MAC: \w+")
_NEWLINE = r"(?:\r?\n|(?:\\+r)?\\+n)"
_HEADER = r"(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset|MessageID):"
_GLUE = re.compile(
    r"(?:\\+[nrt]"
    rf"|{_HEADER}[ \t]*(?:\\*\"[^\"\n]{{0,200}}\"|[^\n\r\"'\\]{{0,200}})"
    rf"|(?<=\n)(?![-+>]?{_HEADER})"
    r"[^\s:\"'(){}=]{1,200}(?::\d{1,7}[:-]?|-\d{1,7}-|:)"  # what grep puts before a line
    r"|\d{1,7}(?=[ \t|:→│])"  # a line's number
    r"|//+(?=[ \t])|/\*|\*/|[bBrRfFuU]{1,2}(?=[\"'])"
    r"|-(?!-{3,4} ?END)|[\s\"'`+,;.()\[\]|:>#*→│\\$]){0,300}"
)
_BASE64 = re.compile(r"={0,2}(?:[A-Za-z0-9+/]|\\/)+={0,2}")
_LINE_ENDS = re.compile(rf"[ \t\"'`,;+\\)\]$]{{0,20}}(?:{_NEWLINE}|\Z|-{{4,5}} ?END|Private-MAC|\.\.\.|…|\[)")
_LAST_GLUE = re.compile(r"[\s\"'`,;+\\)\]$nr]*\Z")


def keys(text: str) -> Iterator[str]:
    """Each private key, or the part of one, that stands in the text."""
    place, ends = 0, set()
    while match := _BEGIN.search(text, place):
        place = match.end()
        if end := _body(text, place):
            yield text[match.start() : end]
            place = end
            ends.add(end)
    for match in _END.finditer(text):
        if match.end() not in ends and (begin := _backwards(text, match.start())) is not None:
            yield text[begin : match.end()]


def _body(text: str, place: int) -> int:
    """Where the key ends that begins before ``place``; 0 when it is none."""
    found, last = False, 0
    while True:
        glue = _GLUE.match(text, place)
        after = glue.end() if glue else place
        if end := _END.match(text, after):
            return end.end() if found else 0
        run = _BASE64.match(text, after)
        if run is None or not (len(run[0]) >= SURE or _LINE_ENDS.match(text, run.end())):
            return last if found else 0
        found = found or _is_sure(run[0])
        place = last = run.end()


def _backwards(text: str, end: int) -> int | None:
    """Where a key begins whose beginning is not shown; ``None`` when no line of it is, either."""
    begins, short, stop = None, 0, _line_before(text, end)
    while short <= 2 and stop:
        start = _line_before(text, stop)
        glue = _GLUE.match(text, start, stop)
        run = _BASE64.match(text, glue.end() if glue else start, stop)
        if run is None or not _LAST_GLUE.match(text, run.end(), stop):
            break
        short += len(run[0]) < LONG
        if _is_sure(run[0]):
            begins = run.start()
        stop = start
    return begins


def _is_sure(run: str) -> bool:
    return len(run) >= SURE or (len(run) >= LONG and any(char.isdigit() for char in run))


def _line_before(text: str, end: int) -> int:
    """Where the line begins that ends before ``end``, which is behind a newline or in a line."""
    floor = max(0, end - LINE)
    before = end - 1 if text[end - 1 : end] == "\n" else end - 2 if text[end - 2 : end] == "\\n" else end
    return max(text.rfind("\n", floor, before) + 1, text.rfind("\\n", floor, before) + 2, floor)
