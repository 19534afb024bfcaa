"""Tests in JavaScript, TypeScript, Go, Rust, Java, Kotlin, C#, Ruby, C, C++ and others, by their looks. Pure.

A test begins with words of its language's frameworks, and ends where its block does. What is in comments, or
behind what is never true, is not there.
"""

from __future__ import annotations

import re

from kage_nvim.evaluate.guard.weakened.lexing import SCRIPT, bare, line_of
from kage_nvim.evaluate.guard.weakened.shapes import Case
from kage_nvim.evaluate.guard.weakened.spoken_bodies import after_return, read
from kage_nvim.evaluate.guard.weakened.spoken_heads import heads

LARGEST = 300_000
"""Characters of a file that is looked at; larger ones are generated."""
ENDS = SCRIPT | {"go", "rs", "java", "kt", "kts", "scala", "groovy", "cs", "rb", "c", "h", "cc", "cpp", "cxx", "php", "lua",
                 "swift", "ex", "exs", "bats", "sh", "dart"}  # fmt: skip


_USUAL = re.compile(r"(?<!!)\b(linux|unix|cgo|amd64|arm64|go1\.\d+)\b|!\w+")
"""Conditions of Go's that hold where tests are run."""


def cases_of(path: str, source: bytes) -> list[Case]:
    """All tests of a file, in the order of their lines; none for a language that is not known."""
    end = path.rpartition(".")[2]
    text = source.decode("utf-8", "replace")
    if end not in ENDS or len(text) > LARGEST:
        return []
    code, empty = bare(text, end)
    begun = sorted(heads(end, code, empty), key=lambda head: head.at)
    excluded = _excluded(end, text) or _unbuilt(path)
    focused = any("focus" in head.marks for head in begun)
    groups = [head for head in begun if head.group]
    beyond = [place for one in groups for place in after_return(end, empty, one.start, one.end)]
    found: list[Case] = []
    seen: set[str] = set()
    for head in begun:
        if head.group:
            continue
        around = [other for other in begun if other.group and other.start <= head.at < other.end]
        name = " > ".join([other.name for other in around] + [head.name])
        name = name if name not in seen else f"{name} ({sum(c.name.startswith(name) for c in found) + 1})"
        seen.add(name)
        marks: dict[str, str] = {}
        for each in (*around, head):
            marks |= each.marks
        if any(first <= head.at < last for first, last in beyond):
            marks["skipped"] = "what stands before it returns"
        if focused and "focus" not in marks:
            marks["focused"] = "only"
        marks.pop("focus", None)
        idle = next((other.idle for other in around if other.idle), head.idle or excluded)
        case = Case(path, name, line_of(text, head.at), idle, marks)
        read(case, end, code, empty, head)
        found.append(case)
    return found


def _excluded(end: str, text: str) -> str:
    """What leaves out a whole file."""
    first = text[:2000]
    if end == "go" and (tag := re.search(r"^//(?:go:build|\s*\+build)\s+(.+)$", first, re.M)):
        return "" if _USUAL.search(tag[1]) else f"the file is built only with `{tag[1].strip()}`"
    if end == "rs" and (tag := re.search(r"^#!\[cfg\((?!test\))(.+)\)\]", first, re.M)):
        return f"the file is built only with `{tag[1]}`"
    if end == "exs" and "@moduletag :skip" in text:
        return "the module is skipped"
    if end in SCRIPT and re.search(r"^process\.exit\(0?\)", text, re.M):
        return "the file ends the process"
    return ""


def _unbuilt(path: str) -> str:
    """What leaves out a file by its name."""
    name = path.rpartition("/")[2]
    system = r"_(windows|darwin|plan9|js|wasm|wasip1|freebsd|netbsd|openbsd|solaris|aix|android|ios|arm|arm64|386)_test\.go$"
    if name.endswith(".go") and (re.search(system, name) or name[0] in "_." or "/testdata/" in f"/{path}"):
        return "a file of this name is not built"
    if name.endswith(".java") and not re.search(r"^Test|(Test|Tests|TestCase|IT|Spec)\.java$", name):
        return "a class of this name is not looked for"
    return ""
