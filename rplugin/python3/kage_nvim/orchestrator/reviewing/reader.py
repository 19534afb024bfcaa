"""What reviewers read: the two trees of a change, from git alone, bounded; nothing is ever written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from kage_nvim.git import git_result, run_git
from kage_nvim.orchestrator.reviewing.scope import Scope
from kage_nvim.trees import SUBMODULE, SYMLINK, Change, Entry, changes, entries, read_blobs, up_to
from kage_nvim.visible import HALVES

SHOWN = 12_000
"""Characters that one answer of a tool may have."""
FIRST = 60_000
"""Characters of the diff that a reviewer is given to begin with."""
LARGEST = 2_000_000
"""Bytes of a file that can be read."""
FOUND = 100
"""Lines that a search lists."""
LINE, DIFF_LINE = 400, 2000
"""Characters of a line that are shown, of a file and of a diff."""
LEAST = 300
"""Characters of a file's diff below which showing a part of it says nothing."""


class Reader:
    """The reviewed change, for all its reviewers; made in a thread, read from several."""

    def __init__(self, scope: Scope) -> None:
        self._store = scope.store
        self._old, self._new = scope.old, scope.new
        self.changes: list[Change] = changes(scope.store, scope.old, scope.new)
        self.entries: dict[str, Entry] = {
            entry.path: entry for entry in entries(scope.store, scope.new) if entry.mode != SUBMODULE
        }
        self._deleted = {
            change.path: Entry(change.old_mode, change.old_sha, change.path)
            for change in self.changes
            if change.status == "D"
        }
        self._halved = {HALVES.sub("\ufffd", path): path for path in self.entries if HALVES.search(path)}
        self._lines: dict[str, list[str] | None] = {}
        self._opening = ""

    @property
    def paths(self) -> list[str]:
        """The files that the change leaves changed."""
        return [change.path for change in self.changes]

    def lines(self, path: str) -> list[str] | None:
        """The lines of a file of the reviewed tree, ends (CR too) left out; of one that the change deletes as
        it was. ``None``: no text is there."""
        path = self._halved.get(path, path)
        if path not in self._lines:
            self._lines[path] = self._read(self.entries.get(path) or self._deleted.get(path))
        return self._lines[path]

    def _read(self, entry: Entry | None) -> list[str] | None:
        if entry is None or entry.mode == SYMLINK or not up_to(self._store, [entry.sha], LARGEST):
            return None
        data = read_blobs(self._store, [entry.sha])[entry.sha]
        if b"\0" in data[:8000]:
            return None
        try:
            text = data.decode("utf-8-sig")  # an editor's lines have no mark of the order of bytes
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        found = text.removesuffix("\n").split("\n") if text else []
        return [line.removesuffix("\r") for line in found]

    def diff(self, path: str = "") -> str:
        """The change, or one file's part of it, as a unified diff."""
        names = [path] if path else []
        for change in self.changes:
            if path and change.path == path and change.old_path:
                names.append(change.old_path)
        out = run_git(
            ["diff-tree", "-r", "-p", "-U5", "--find-renames", self._old, self._new, "--", *names],
            git_dir=self._store.git_dir,
            env={"GIT_LITERAL_PATHSPECS": "1"},
            config=["core.quotePath=false"],
        )
        return "\n".join(_short(line) for line in out.decode("utf-8", "replace").split("\n"))

    def opening(self) -> str:
        """The change as a reviewer is given it: whole, or of each file as much as others leave room for, so
        that no large file hides the rest."""
        if not self._opening:
            parts = re.split(r"^(?=diff --git )", self.diff(), flags=re.MULTILINE)
            self._opening = "".join(_fitting([part for part in parts if part], FIRST))
        return self._opening

    def summary(self, start: int = 0) -> str:
        """A line for each changed file, from a character on."""
        lines = []
        for change in self.changes:
            old = f" (was {change.old_path})" if change.old_path else ""
            lines.append(f"{change.status} {change.path}{old} +{change.added} -{change.removed}")
        text = "\n".join(lines)[start:]
        more = " of show_diff without a path" if len(text) > SHOWN else ""
        return cut(text, start=start, whole=False) + more

    def around(self, path: str, first: int, last: int, more: int = 25) -> str:
        """Lines of a file with their numbers, and some around them."""
        found = self.lines(path) or []
        begin, end = max(first - more, 1), min(last + more, len(found))
        return cut("\n".join(f"{at:>5}  {found[at - 1][:LINE]}" for at in range(begin, end + 1)))

    # The tools, by name; each gets the arguments as they came and answers in words.

    def call(self, name: str, given: Mapping[str, Any]) -> str:
        """What a tool answers; what is wrong with its arguments is an answer too."""
        tools: dict[str, Callable[[Mapping[str, Any]], str]] = {
            "read_file": self._read_file,
            "search": self._search,
            "list_files": self._list_files,
            "show_diff": self._show_diff,
        }
        return tools[name](given) if name in tools else f"There is no tool `{name}`."

    def _read_file(self, given: Mapping[str, Any]) -> str:
        path = str(given.get("path", "")).removeprefix("./")
        found = self.lines(path)
        if found is None:
            return f"`{path[:200]}` is no text file of the reviewed tree; list_files names its files."
        first, last = _number(given.get("first"), 1), _number(given.get("last"), len(found))
        first = max(first, 1)
        last = min(last, len(found))
        if first > last:
            return f"{path} has {len(found)} lines."
        gone = ", which the change deletes" if path in self._deleted else ""
        head = f"{path}{gone}, lines {first} to {last} of {len(found)}:\n"
        return head + cut("\n".join(f"{at:>5}  {found[at - 1][:LINE]}" for at in range(first, last + 1)))

    def _search(self, given: Mapping[str, Any]) -> str:
        pattern, glob = str(given.get("pattern", "")), str(given.get("glob", ""))
        if not pattern or "\n" in pattern or "\0" in pattern:
            return "Give a `pattern`: a regular expression on one line."
        done = git_result(
            # Run by git, for its expressions cannot take for ever as Python's can.
            ["grep", "-I", "-n", "-z", "-E", "-m", "20", "-e", pattern, self._new],
            git_dir=self._store.git_dir,
            timeout=60.0,
        )
        if done.code > 1:
            return f"git grep does not take this pattern: {done.err[:300]}"
        rows = []
        for text in done.out.decode("utf-8", "replace").split("\n"):
            path, _, rest = text.partition("\0")
            number, _, line = rest.partition("\0")
            path = path.removeprefix(f"{self._new}:")
            if number and (not glob or fnmatchcase(path, glob) or fnmatchcase(path.rpartition("/")[2], glob)):
                rows.append(f"{path}:{number}: {line[:LINE]}")
        more = f"\n… {len(rows) - FOUND} more" if len(rows) > FOUND else ""
        return cut("\n".join(rows[:FOUND]) + more) if rows else "Nothing matches."

    def _list_files(self, given: Mapping[str, Any]) -> str:
        glob = str(given.get("glob", "") or given.get("path", ""))
        wanted = glob.strip("/")
        names = [
            path
            for path in self.entries
            if not wanted or fnmatchcase(path, wanted) or path.startswith(f"{wanted}/")
        ]
        return cut("\n".join(names)) if names else "No file matches."

    def _show_diff(self, given: Mapping[str, Any]) -> str:
        path = str(given.get("path", "")).removeprefix("./")
        first = max(_number(given.get("from"), 0), 0)
        if not path:
            return self.summary(first)
        path = self._halved.get(path, path)
        if path not in {name for change in self.changes for name in (change.path, change.old_path)}:
            return f"`{path[:200]}` is not changed. Changed are:\n{self.summary()}"
        return cut(self.diff(path)[first:], start=first)


def _short(line: str) -> str:
    left = len(line) - DIFF_LINE
    return line if left <= 0 else f"{line[:DIFF_LINE]}… {left} more characters in this line"


def _fitting(parts: Sequence[str], most: int) -> list[str]:
    """The diffs of files, the long ones cut to equal shares of what the short ones leave; none is shown where
    its share would be too small."""
    left = most
    shares = dict[int, int]()
    order = sorted(range(len(parts)), key=lambda at: len(parts[at]))
    for done, at in enumerate(order):
        shares[at] = min(len(parts[at]), max(left // (len(order) - done), LEAST))
        if shares[at] > left:
            shares[at] = 0
        left -= shares[at]
    shown = []
    for at, part in enumerate(parts):
        kept = part if shares[at] == len(part) else part[: shares[at]].rpartition("\n")[0]
        gone = len(part) - len(kept)
        shown.append(f"{kept}\n… cut here: {gone} more characters\n" if kept and gone else kept)
    return shown


def cut(text: str, most: int = SHOWN, start: int = 0, *, whole: bool = True) -> str:
    """As much as is shown at once, and that there is more; ``whole`` unless one can ask for the rest."""
    if len(text) <= most:
        return text
    kept = text[:most].rpartition("\n")[0] or text[:most]
    where = (
        f", go on with from={start + len(kept)}" if start or not whole or "diff --git" in text[:20] else ""
    )
    return f"{kept}\n… cut here: {len(text) - len(kept)} more characters{where}"


def _number(value: Any, default: int) -> int:
    found = re.fullmatch(r"\s*(-?\d{1,9})(?:\.0*)?\s*", str(value)) if value is not None else None
    return int(found[1]) if found else default


def schemas(*wanted: tuple[str, str, Mapping[str, Any], Sequence[str]]) -> list[dict[str, Any]]:
    """Tools in OpenAI's form: name, description, properties, required ones."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": {"type": "object", "properties": dict(properties), "required": list(required)},
            },
        }
        for name, description, properties, required in wanted
    ]


_PATH = {"type": "string", "description": "a file, seen from the root of the repository"}
_LINE = {"type": "integer", "minimum": 1}
READING = schemas(
    (
        "read_file",
        "Lines of a file as it is after the change.",
        {"path": _PATH, "first": _LINE, "last": _LINE},
        ["path"],
    ),
    (
        "search",
        "Lines of all files after the change that match an extended regular expression.",
        {"pattern": {"type": "string"}, "glob": {"type": "string", "description": "such as *.py"}},
        ["pattern"],
    ),
    ("list_files", "The files after the change.", {"glob": {"type": "string"}}, []),
    (
        "show_diff",
        "What was changed in one file; without `path`: which files are changed.",
        {"path": _PATH, "from": {"type": "integer", "description": "where to go on in a long one"}},
        [],
    ),
)
"""The tools for reading."""
