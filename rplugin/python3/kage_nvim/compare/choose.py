"""Which of a candidate's changes are meant by the paths that the user names: files, folders, patterns.

A name that the candidate knows is that file or folder, whatever characters it has (``[id].tsx``); any other
name is a pattern as Vim reads it: ``*`` and ``?`` within a folder and not at a leading dot, ``**`` through
folders, ``[a-z]``, ``{one,two}``. A pattern that fits a folder means what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

_MAGIC = re.compile(r"[*?\[{]")
_CLASS = r"\[(?:[!^](?:\][^\]/]*|[^\]/]+)|\][^\]/]*|[^\]/!^][^\]/]*)\]"
_TOKEN = re.compile(rf"\*\*/|\*+|{_CLASS}|.", re.DOTALL)


def choose(
    changes: Iterable[tuple[str, str | None]], wanted: Sequence[str], others: Iterable[str] = ()
) -> tuple[set[str], list[str]]:
    """The paths that ``wanted`` names among ``changes`` (path and old path each), and names that fit none.

    A rename is taken as a whole or not at all: both its paths are in the answer. ``others`` are paths that
    may be named without being changes; they are no part of the answer.
    """
    changed = [tuple(path for path in pair if path is not None) for pair in changes]
    known = {path for pair in changed for path in pair} | set(others)
    picked: set[str] = set()
    missed = []
    for name in wanted:
        fits = _fitting(name, known)
        hit = {path for path in known if fits(path)}
        if not hit:
            missed.append(name)
        picked.update(path for pair in changed if not hit.isdisjoint(pair) for path in pair)
    return picked, missed


def from_root(path: str, root: Path) -> str | None:
    """A path as the user gave it (absolute, or from the root), from the root on; ``None`` for one outside.

    An absolute one may lead there through links of the user's; those within the root stay what they are.
    """
    found = Path(path)
    if not found.is_absolute():
        return found.as_posix()
    if found.is_relative_to(root):
        return found.relative_to(root).as_posix()
    real = root.resolve()
    with suppress(OSError, RuntimeError):  # links that lead in a circle
        for above in (*reversed(found.parents), found):
            if above.resolve().is_relative_to(real):
                return (above.resolve().relative_to(real) / found.relative_to(above)).as_posix()
    return None


def _fitting(name: str, known: Iterable[str]) -> Callable[[str], bool]:
    plain = name.rstrip("/")
    if plain in ("", "."):
        return lambda path: True

    def literal(path: str) -> bool:
        return path == plain or path.startswith(f"{plain}/")

    if not _MAGIC.search(plain) or any(literal(path) for path in known):
        return literal
    like = re.compile(_expression(plain), re.DOTALL)

    def pattern(path: str) -> bool:
        parents = (parent.as_posix() for parent in list(PurePosixPath(path).parents)[:-1])
        return any(like.fullmatch(part) for part in (path, *parents))

    return pattern


def _expression(glob: str) -> str:
    """The regular expression of a pattern."""
    done, at, depth = "", 0, 0
    while at < len(glob):
        begins = at == 0 or glob[at - 1] == "/"
        dotless = r"(?!\.)" if begins else ""
        token = _TOKEN.match(glob, at)
        assert token is not None
        text = token[0]
        at += len(text)
        if text == "**/" and begins:
            done += r"(?:(?!\.)[^/]+/)*"
        elif text.startswith("**"):
            done += r"(?:(?!/\.).)*" if not begins else r"(?!\.)(?:(?!/\.).)*"
            done += "/" if text.endswith("/") else ""
        elif text == "*":
            done += dotless + "[^/]*"
        elif text == "?":
            done += dotless + "[^/]"
        elif len(text) > 1:
            done += dotless + _class(text)
        elif text == "{" and "}" in glob[at:]:
            done, depth = done + "(?:", depth + 1
        elif text == "}" and depth:
            done, depth = done + ")", depth - 1
        elif text == "," and depth:
            done += "|"
        else:
            done += re.escape(text)
    return done + ")" * depth


def _class(text: str) -> str:
    """The characters between brackets; a range that runs backwards is empty."""
    inner = text[1:-1]
    negated = inner[0] in "!^"
    inner = inner[1:] if negated else inner
    found, at = "", 0
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            first, last = inner[at], inner[at + 2]
            found += f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""
            at += 3
        else:
            found += re.escape(inner[at])
            at += 1
    if negated:
        return f"[^/{found}]"
    return f"[{found}]" if found else "(?!)"
