"""What a source file consists of: functions, methods, classes and types, each with its lines and its text.

A thing is named by where it stands (``Shop.sell``). Its *own* text leaves out what is defined within it, so
that a class is the same when only one of its methods changed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from kage_nvim.symbols import Parser

# A definition that is wrapped in one of these begins with it.
_AROUND = {"decorated_definition", "export_statement", "template_declaration"}
_WRAPPED = 3

_IMPORTS = {
    "python": r"^\s*(?:import\s+([\w.]+(?:\s*,\s*[\w.]+)*)|from\s+([\w.]+)\s+import\b)",
    "javascript": r"""^\s*(?:import\b[^'"\n]*|export\b[^'"\n]*\bfrom\s*|[^'"\n]*\brequire\s*\(\s*)"""
    r"""['"]([^'"\n]+)['"]""",
    "go": r"""^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\n\s]+)"\s*$""",
    "rust": r"^\s*(?:pub\s+)?use\s+([\w:]+)",
    "c": r"""^\s*#\s*include\s*[<"]([^>"\n]+)[>"]""",
    "java": r"^\s*import\s+(?:static\s+)?([\w.*]+)\s*;",
    "ruby": r"""^\s*require(?:_relative)?\s*\(?\s*['"]([^'"\n]+)['"]""",
    "lua": r"""^[^'"\n]*\brequire\s*\(?\s*['"]([^'"\n]+)['"]""",
    "php": r"^\s*use\s+([\w\\]+)",
}
_LIKE = {"typescript": "javascript", "tsx": "javascript", "cpp": "c"}


class Thing(NamedTuple):
    """One definition: its full name, its kind (``function``, ``class``, …), its lines ``[first, past)``
    from 1, its own text."""

    name: str
    kind: str
    first: int
    past: int
    text: bytes


def outline(parser: Parser, language: str, source: bytes) -> list[Thing]:
    """The definitions of a source text, in the order of their lines.

    Raises:
        Unparsed: the text is too large, is none, or took too long.
    """
    nodes: dict[tuple[int, int], tuple[Any, str, str]] = {}
    for captures in parser.matches(language, source):
        kind = next((name for name in captures if name.startswith("definition.")), None)
        if kind is None or not captures.get("name") or kind == "definition.field":
            continue
        node, name = _whole(captures[kind][0]), captures["name"][0]
        text = source[name.start_byte : name.end_byte].decode("utf-8", "replace")
        kind = kind.partition(".")[2]
        nodes.setdefault((node.start_byte, node.end_byte), (node, kind, _owner(node) + text))
    return _named(sorted(nodes.values(), key=lambda it: (it[0].start_byte, -it[0].end_byte)), source)


def _whole(node: Any) -> Any:
    """The node with its decorators."""
    for _ in range(_WRAPPED):
        if node.parent is None or node.parent.type not in _AROUND:
            break
        node = node.parent
    return node


def _owner(node: Any) -> str:
    """The type that a method outside of it belongs to, as ``Shop.``; empty for all else."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is None and node.parent is not None and node.parent.parent is not None:
        around = node.parent.parent
        receiver = around.child_by_field_name("type") if around.type == "impl_item" else None
    words = re.findall(r"\w+", (receiver.text or b"").decode("utf-8", "replace")) if receiver else []
    if not words:
        return ""
    return f"{words[-1 if node.type == 'method_declaration' else 0]}."


def _named(nodes: list[tuple[Any, str, str]], source: bytes) -> list[Thing]:
    inside: list[tuple[int, str]] = []  # the definitions around this place: where each ends, its full name
    names: list[str] = []
    for node, _, name in nodes:
        while inside and inside[-1][0] <= node.start_byte:
            inside.pop()
        full = f"{inside[-1][1]}.{name}" if inside else name
        inside.append((node.end_byte, full))
        names.append(full)
    seen: Counter[str] = Counter()
    things = []
    for at, (node, kind, _) in enumerate(nodes):
        seen[names[at]] += 1
        nth = seen[names[at]]
        things.append(
            Thing(
                names[at] if nth == 1 else f"{names[at]} ({nth})",
                kind,
                node.start_point[0] + 1,
                node.end_point[0] + (2 if node.end_point[1] else 1),
                _own(node, nodes[at + 1 :], source),
            )
        )
    return things


def _own(node: Any, later: list[tuple[Any, str, str]], source: bytes) -> bytes:
    parts, at = [], node.start_byte
    for inner, _, name in later:
        if inner.start_byte >= node.end_byte:
            break
        if inner.start_byte >= at:
            parts += [source[at : inner.start_byte], name.encode()]
            at = inner.end_byte
    return b"".join([*parts, source[at : node.end_byte]])


def imports(language: str, source: bytes) -> set[str]:
    """The names of what a source text imports, as far as its lines tell."""
    pattern = _IMPORTS.get(_LIKE.get(language, language))
    if pattern is None:
        return set()
    found = set()
    for groups in re.findall(pattern, source.decode("utf-8", "replace"), re.MULTILINE):
        for text in groups if isinstance(groups, tuple) else (groups,):
            found |= {name.strip() for name in text.split(",") if name.strip()}
    return found
