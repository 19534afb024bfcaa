"""What a model meant to answer: JSON, found among whatever else it wrote. Junk is nothing, never an error."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from typing import Any

LONGEST = 50_000
"""Characters of an answer that are looked at."""
BEGINNINGS = 100
"""Places that JSON may begin at which are tried."""
BROKEN = 5
"""Of those that break off, the first ones, which are mended."""
CUTS = 60
"""Places that a broken end is cut back to, one after the other."""
DEEPEST = 20
"""Objects and lists within each other."""

_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)
_BEGINS = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder(strict=False)


def found(text: str, wanted: Callable[[Any], bool]) -> Any:
    """The last JSON object or list in an answer that is ``wanted``; one that breaks off counts as far as it
    goes. ``None`` when there is none."""
    text = _THOUGHT.sub("", text[:LONGEST])
    whole, at = None, 0
    broken: list[int] = []
    for _ in range(BEGINNINGS):
        match = _BEGINS.search(text, at)
        if match is None:
            break
        try:
            value, at = _DECODER.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            broken.append(match.start())
            at = match.start() + 1
        else:
            whole = value if wanted(value) else whole
    if whole is not None:
        return whole
    for start in broken[:BROKEN]:
        value = _mended(text[start:])
        if value is not None and wanted(value):
            return value
    return None


def _mended(text: str) -> Any:
    """JSON that breaks off, closed behind the last thing that is complete."""
    closers: list[str] = []
    ends: deque[tuple[int, str]] = deque(maxlen=CUTS)
    quoted = escaped = False
    for at, char in enumerate(text):
        if quoted:
            quoted = escaped or char != '"'
            escaped = not escaped and char == "\\"
            continue
        if char == '"':
            quoted = True
        elif char in "{[":
            closers.append("}" if char == "{" else "]")
            if len(closers) > DEEPEST:
                return None
            ends.append((at + 1, "".join(reversed(closers))))
        elif char in "}]":
            if not closers or closers.pop() != char:
                break
            ends.append((at + 1, "".join(reversed(closers))))
        elif char == ",":
            ends.append((at, "".join(reversed(closers))))
    if quoted and closers:
        ends.append((len(text), '"' + "".join(reversed(closers))))
    for at, closing in reversed(ends):
        try:
            return json.loads(text[:at] + closing, strict=False)
        except (ValueError, RecursionError):
            continue
    return None
