"""What a change is, whatever its layout: two that are equal here are one and the same change. Pure."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping

from kage_nvim.evaluate.ranking.probes.subjects import LARGEST, parsed

_BLANKS = re.compile(r"[ \t\f\v]+")


def of_change(base: Mapping[str, tuple[str, bytes]], files: Mapping[str, tuple[str, bytes] | None]) -> str:
    """A hash of a change; empty for one that changes nothing but layout and comments.

    Both map paths to mode and content; ``files`` has all that the change touches, ``None`` where it deletes.
    """
    parts = []
    for path, here in sorted(files.items()):
        there = base.get(path)
        before = (there[0], normal(path, there[1])) if there else None
        after = (here[0], normal(path, here[1])) if here else None
        if before != after:
            parts.append((path, after))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest() if parts else ""


def normal(path: str, data: bytes) -> str:
    """A file without what does not count: of Python its syntax tree, of others no comments and no runs of
    blanks between words. Indentation and blanks within strings stay, for they may mean something."""
    if path.endswith((".py", ".pyi")) and (tree := parsed(data)) is not None:
        try:
            return ast.dump(tree)
        except RecursionError:
            pass
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    return "\n".join(filter(str.strip, map(str.rstrip, _bare(path, text).splitlines())))


def _bare(path: str, text: str) -> str:
    """A text without comments, where its language is known, and with single blanks."""
    from pygments.lexers import get_lexer_for_filename  # heavy, and wanted when candidates are ranked only
    from pygments.token import Comment, Text
    from pygments.util import ClassNotFound

    if len(text) > LARGEST or path.endswith((".md", ".txt", ".rst", ".csv", ".tsv", ".patch", ".diff")):
        return text
    try:
        lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return text
    parts = []
    for kind, value in lexer.get_tokens(text):
        if kind in Comment and kind not in Comment.Preproc and not value.startswith("#!"):
            parts.append("\n" * value.count("\n"))
        elif kind in Text and (not parts or not parts[-1].endswith("\n")):
            parts.append(_BLANKS.sub(" ", value))
        else:
            parts.append(value)
    return "".join(parts)
