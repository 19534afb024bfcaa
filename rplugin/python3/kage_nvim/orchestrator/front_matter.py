"""The front matter of a Markdown file, as YAML, or as what people write and take for it.

---
name: careful                         what YAML reads is read by its rules: quotes, lists, blocks
description: Use it when: a: b breaks what it cannot read (a colon in plain words) is read line by line
---
"""

from __future__ import annotations

import json
import re
from contextlib import suppress

_EDGE = re.compile(r"---[ \t]*\n")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_KEY = re.compile(r"""(["']?)([A-Za-z][\w-]*)\1\s*:(?:\s+(.*))?$""")
_BLOCK = re.compile(r"[|>][-+\d]*")
_COMMENT = re.compile(r"""((["']).*\2)\s+#.*""")


def split(data: bytes) -> tuple[dict[str, str], str]:
    """The keys of a file's front matter that hold text, and what follows it; no keys where it has none.

    Lists and tables are left out. Of a key that is there twice YAML takes the last; where its rules do not
    hold, the first counts.
    """
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    begin = _EDGE.match(text.lstrip("\n"))
    if begin is None:
        return {}, text
    inner = text.lstrip("\n")[begin.end() :]
    end = _END.search(inner)
    if end is None:
        return {}, text
    head = inner[: end.start()]
    found = _by_rules(head)
    return _by_lines(head) if found is None else found, inner[end.end() :]


def _by_rules(head: str) -> dict[str, str] | None:
    """As YAML: every plain value is text, so that a role may be called ``no`` or ``007``."""
    import yaml  # late: kaged begins without it

    with suppress(yaml.YAMLError, RecursionError, ValueError, TypeError):
        # Not the parser in C, which a file of ten thousand brackets ends with the process.
        found = yaml.load(head, yaml.BaseLoader)
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if isinstance(value, str)}
        return {} if found is None else None
    return None


def _by_lines(head: str) -> dict[str, str]:
    """``key: value`` line by line; every other line goes on with the key before it."""
    keys: dict[str, str] = {}
    last = ""
    for line in head.splitlines():
        match = _KEY.match(line)
        if match and match[2] not in keys:
            last = match[2]
            value = (match[3] or "").strip()
            keys[last] = "" if _BLOCK.fullmatch(value) else _unquoted(value)
        elif last and line.strip():
            keys[last] = f"{keys[last]} {line.strip()}".strip()
    return keys


def _unquoted(value: str) -> str:
    if match := _COMMENT.fullmatch(value):
        value = match[1]
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "\"'":
        return value
    if value[0] == "'":
        return value[1:-1].replace("''", "'")
    with suppress(ValueError):
        return str(json.loads(value, strict=False))
    return value[1:-1]
