"""How candidates differ in approach: the files, functions, tests and imports that each one touches.

Parsing sources takes time and may, in a grammar's worst case, end the process. So kaged has it done beside
itself: ``python -m kage_nvim.compare.contrast`` reads a ``Request`` as JSON and writes the answer as JSON.
"""

from __future__ import annotations

import difflib
import re
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import symbols, trees
from kage_nvim.outline import Thing, imports, outline
from kage_nvim.protocol import dumps

TEST = re.compile(
    r"(^|/)(tests?|specs?|__tests__)/|(^|/)test_[^/]*$|_(test|spec)\.[^/]+$|\.(test|spec)\.[^/]+$|Tests?\.[^/]+$"
)
"""Paths of files that hold tests, by the customs of the languages known here."""
MANIFEST = re.compile(
    r"(^|/)(requirements[^/]*\.txt|pyproject\.toml|setup\.(py|cfg)|package\.json|Cargo\.toml|go\.mod|Gemfile"
    r"|composer\.json|pom\.xml|build\.gradle(\.kts)?|[^/]+\.rockspec|vcpkg\.json|environment\.ya?ml)$"
)
"""Files that name what a project depends on."""
LINES = 20
"""Lines of a manifest that are told as added."""
LONG = 2_000_000
"""Above this product of two texts' lines, lines are counted without regard to their order."""


class Request(msgspec.Struct):
    """Which candidates (commits by number) to compare from which base on, in which git directory; ``seconds``
    is how long sources may be parsed, 0 for not at all."""

    git_dir: str
    base: str
    agents: dict[int, str]
    seconds: float = 5.0


class _Store:
    def __init__(self, git_dir: str) -> None:
        self.git_dir = Path(git_dir)


def contrast(request: Request) -> dict[str, Any]:
    """The answer: ``agents``: [{number, files, added, removed, tests: [path], imports: [name], manifests:
    {path: [line]}}], ``files``: [{path, note, agents: {"1": {status, old_path, added, removed,
    old_mode, new_mode}}, groups,
    symbols: [{name, kind, agents: {"1": {how, added, removed, line}}, groups}]}].

    ``groups`` are the agents that made the same of it, those who left it alone in none; ``how`` is ``added``,
    ``changed`` or ``removed``; ``line`` is where it stands in the agent's file (removed: in the base's).
    ``note`` says why a file's symbols are not known, or is empty.
    """
    store = _Store(request.git_dir)
    found = {n: trees.changes(store, request.base, commit) for n, commit in request.agents.items()}
    files: dict[str, dict[int, trees.Change]] = {}
    for number, changes in found.items():
        for change in changes:
            files.setdefault(change.path, {})[number] = change
    totals = {number: _total(number, changes) for number, changes in found.items()}
    look = _Look(store, request.seconds, totals)
    listed = [look.file(path, files[path]) for path in sorted(files)]
    for total in totals.values():
        total["imports"] = sorted(total["imports"])
    return {"agents": list(totals.values()), "files": listed}


def _total(number: int, changes: Sequence[trees.Change]) -> dict[str, Any]:
    return {
        "number": number,
        "files": len(changes),
        "added": sum(change.added for change in changes),
        "removed": sum(change.removed for change in changes),
        "tests": [change.path for change in changes if TEST.search(change.path)],
        "imports": set(),
        "manifests": {},
    }


class _Look:
    """Looks into files until its time is over."""

    def __init__(self, store: _Store, seconds: float, totals: dict[int, dict[str, Any]]) -> None:
        self._store, self._totals = store, totals
        self._until = time.monotonic() + seconds
        self._parser = symbols.Parser()

    def file(self, path: str, changes: dict[int, trees.Change]) -> dict[str, Any]:
        by_agent = {
            str(number): {
                "status": change.status,
                "old_path": change.old_path,
                "added": change.added,
                "removed": change.removed,
                "old_mode": change.old_mode,
                "new_mode": change.new_mode,
            }
            for number, change in changes.items()
        }
        answer: dict[str, Any] = {
            "path": path,
            "note": "",
            "agents": by_agent,
            "groups": grouped({n: (change.new_mode, change.new_sha) for n, change in changes.items()}),
            "symbols": [],
        }
        language = symbols.File(path, "").language
        kinds = {change.kind for change in changes.values()}
        if kinds != {"text"}:
            answer["note"] = "/".join(sorted(kinds - {"text"}))
        elif not language and not MANIFEST.search(path):
            answer["note"] = "no grammar for it"
        elif time.monotonic() > self._until:
            answer["note"] = "not looked into: no time was left"
        else:
            try:
                answer["symbols"] = self._inside(path, language, changes)
            except symbols.Unparsed as error:
                answer["note"] = f"not looked into: {error}"
        return answer

    def _inside(self, path: str, language: str, changes: dict[int, trees.Change]) -> list[dict[str, Any]]:
        olds = {n: change.old_sha for n, change in changes.items() if change.old_mode != trees.ABSENT}
        news = {n: change.new_sha for n, change in changes.items() if change.new_mode != trees.ABSENT}
        wanted = {*olds.values(), *news.values()}
        if len(trees.up_to(self._store, wanted, symbols.LARGEST)) < len(wanted):
            raise symbols.Unparsed("too large")
        texts = trees.read_blobs(self._store, wanted)
        for number in changes:
            old, new = texts.get(olds.get(number, ""), b""), texts.get(news.get(number, ""), b"")
            total = self._totals[number]
            total["imports"] |= imports(language, new) - imports(language, old)
            if MANIFEST.search(path) and (lines := _new_lines(old, new)):
                total["manifests"][path] = lines
        if not language:
            return []
        known = {sha: outline(self._parser, language, texts[sha]) for sha in sorted(wanted)}
        return compared(
            {n: known.get(olds.get(n, ""), []) for n in changes},
            {n: known.get(news.get(n, ""), []) for n in changes},
        )


def _new_lines(old: bytes, new: bytes) -> list[str]:
    before = {line.strip() for line in old.splitlines()}
    lines = [line.strip() for line in new.splitlines()]
    return [line.decode("utf-8", "replace") for line in lines if line and line not in before][:LINES]


def grouped(versions: dict[int, Any]) -> list[list[int]]:
    """The numbers that have the same version, the largest group first."""
    groups: dict[Any, list[int]] = {}
    for number, version in sorted(versions.items()):
        groups.setdefault(version, []).append(number)
    return sorted(groups.values(), key=lambda group: (-len(group), group))


def compared(olds: dict[int, list[Thing]], news: dict[int, list[Thing]]) -> list[dict[str, Any]]:
    """What agents did to the definitions of one file: those that somebody added, changed or removed."""
    found: dict[str, dict[str, Any]] = {}
    results: dict[str, dict[int, bytes | None]] = {}
    for number in news:
        before = {thing.name: thing for thing in olds[number]}
        after = {thing.name: thing for thing in news[number]}
        for name in [*after, *(name for name in before if name not in after)]:
            old, new = before.get(name), after.get(name)
            if old and new and old.text == new.text:
                continue
            thing = new or old
            assert thing is not None
            entry = found.setdefault(name, {"name": name, "kind": thing.kind, "agents": {}})
            added, removed = counted(old.text if old else b"", new.text if new else b"")
            entry["agents"][str(number)] = {
                "how": "changed" if old and new else "added" if new else "removed",
                "added": added,
                "removed": removed,
                "line": thing.first,
            }
            results.setdefault(name, {})[number] = new.text if new else None
    order = sorted(found.values(), key=lambda it: min(one["line"] for one in it["agents"].values()))
    return [entry | {"groups": grouped(results[entry["name"]])} for entry in order]


def counted(old: bytes, new: bytes) -> tuple[int, int]:
    """How many lines came and went."""
    before, after = old.splitlines(), new.splitlines()
    if len(before) * len(after) > LONG:
        gone, come = set(before) - set(after), set(after) - set(before)
        return sum(line in come for line in after), sum(line in gone for line in before)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return len(after) - same, len(before) - same


def rows(answer: dict[str, Any], players: dict[int, str]) -> list[dict[str, Any]]:
    """The answer as a table: [{level, text, cells: [text by agent], how, path, lines: {"1": line}}].

    ``level`` is ``head``, ``total``, ``file``, ``symbol`` or ``note``; ``how`` is ``same``, ``differ``,
    ``only 1``, or the groups of more than two agents (``1 3 | 2``).
    """
    agents = answer["agents"]
    numbers = [agent["number"] for agent in agents]
    table = [_row("head", "", [f"{number} {players.get(number, '')}".strip() for number in numbers])]
    table += [
        _row("total", "files", [str(agent["files"]) for agent in agents]),
        _row("total", "lines", [f"+{agent['added']} -{agent['removed']}" for agent in agents]),
    ]
    if any(agent["tests"] for agent in agents):
        table.append(_row("total", "files with tests", [str(len(agent["tests"]) or "") for agent in agents]))
    table += _listed("import", [agent["imports"] for agent in agents], numbers)
    manifests = [[f"{path}: {x}" for path, xs in a["manifests"].items() for x in xs] for a in agents]
    table += _listed("dependency", manifests, numbers)
    for file in answer["files"]:
        cells = [_file_cell(file["agents"].get(str(number))) for number in numbers]
        table.append(_row("file", file["path"], cells, _how(file["groups"], numbers), file["path"]))
        if file["note"]:
            table.append(_row("note", file["note"], [""] * len(numbers), path=file["path"]))
        for one in file["symbols"]:
            cells = [_symbol_cell(one["agents"].get(str(number))) for number in numbers]
            row = _row("symbol", one["name"], cells, _how(one["groups"], numbers), file["path"])
            row["lines"] = {n: it["line"] for n, it in one["agents"].items() if it["how"] != "removed"}
            table.append(row)
    return table


def _row(level: str, text: str, cells: list[str], how: str = "", path: str = "") -> dict[str, Any]:
    return {"level": level, "text": text, "cells": cells, "how": how, "path": path, "lines": {}}


def _listed(what: str, names: Sequence[Iterable[str]], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """One row for each name that somebody brought."""
    table = []
    for name in sorted(set().union(*names)):
        who = [n for n, own in zip(numbers, names, strict=True) if name in own]
        cells = ["yes" if number in who else "" for number in numbers]
        table.append(_row("total", f"{what} {name}", cells, _how([who], numbers)))
    return table


def _how(groups: list[list[int]], numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return ""
    if len(groups) == 1 and len(groups[0]) == len(numbers):
        return "same"
    if len(groups) == 1 and len(groups[0]) == 1:
        return f"only {groups[0][0]}"
    if len(numbers) == 2:
        return "differ"
    return " | ".join(" ".join(map(str, group)) for group in groups)


def _file_cell(change: dict[str, Any] | None) -> str:
    if change is None:
        return ""
    word = {"A": "new ", "D": "gone ", "R": "renamed ", "T": "retyped "}.get(change["status"], "")
    counts = _counts(change)
    if not counts and change["status"] == "M":
        counts = "content" if change["old_mode"] == change["new_mode"] else "mode"
    return f"{word}{counts}".strip()


def _symbol_cell(change: dict[str, Any] | None) -> str:
    if change is None:
        return ""
    counts = _counts(change) or "ends"
    return {"added": "new ", "removed": "gone ", "changed": ""}[change["how"]] + counts


def _counts(change: dict[str, Any]) -> str:
    signs = (("+", change["added"]), ("-", change["removed"]))
    return " ".join(f"{sign}{count}" for sign, count in signs if count)


def main() -> None:
    """See the module."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    answer = contrast(request)
    sys.stdout.buffer.write(dumps(answer))


if __name__ == "__main__":
    main()
