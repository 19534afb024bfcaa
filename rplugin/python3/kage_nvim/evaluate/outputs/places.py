"""Places in the project, as tools name them: relative, absolute in the sandbox, or from a folder below."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath

from kage_nvim.evaluate.results import Failure
from kage_nvim.visible import visible

LAST_LINE = 9_999_999
"""No file has a line beyond this one: a larger number is none."""
_SOURCES = (
    "src/test/java",
    "src/main/java",
    "src/test/kotlin",
    "src/main/kotlin",
    "src/test/scala",
    "test",
    "src",
)
"""Where the packages of a JVM's languages lie, at the root or in the folder of a module."""
_MODULES = 200
LONGEST = 300
"""Characters of what is said of a place."""


class Places:
    """``roots`` are the absolute paths under which the tree was seen, ``tree`` where its files are now, to be
    asked whether one exists; without it nothing is asked. ``folder`` is where a command was run, from the
    root: a relative path that is no file at the root may be one there."""

    def __init__(self, roots: Sequence[str], tree: str = "", folder: str = "") -> None:
        self._roots = tuple(root.rstrip("/") for root in roots)
        self._tree = tree
        self._known: list[str] | None = None
        self._folder = folder if ".." not in PurePosixPath(folder).parts else ""

    def inside(self, path: str, near: str = "") -> str | None:
        """The path from the root, or ``None`` for what is no place in the project.

        ``near`` is a folder, by any name that ends in its path, that the path may be meant from: Go names a
        file by its last part and its package by an address.
        """
        path = path.removeprefix("file://")
        for root in self._roots:
            if path.startswith(f"{root}/"):
                path = path[len(root) + 1 :]
                break
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or path.startswith("<") or not pure.parts:
            return None
        if visible(path) != path:
            return None
        return self._near(str(pure), near) if near else self._from_folder(str(pure))

    def source(self, path: str) -> str | None:
        """Where a class's file is, from the root, by its package's path; ``None`` for one of others."""
        for folder in ("", self._folder, *self._modules()):
            for sources in _SOURCES:
                below = str(PurePosixPath(folder, sources, path))
                if self._there(below):
                    return below
        return None

    def _modules(self) -> list[str]:
        if self._known is None:
            with suppress(OSError), os.scandir(self._tree or "/nowhere") as entries:
                names = (
                    entry.name for entry in islice(entries, _MODULES) if entry.is_dir(follow_symlinks=False)
                )
                self._known = sorted(names)
        return self._known or []

    def failure(self, path: str, line: object, text: str = "", near: str = "") -> Failure | None:
        """A complaint about a place, if it is one in the project; a line below 1 is the file as a whole."""
        where = self.inside(path, near)
        digits = str(line).strip().lstrip("0") or "1"
        if where is None or not digits.isdecimal() or not digits.isascii():
            return None
        if len(digits) > len(str(LAST_LINE)):
            return None
        return Failure(where, int(digits), visible(text.strip())[:LONGEST])

    def _from_folder(self, path: str) -> str:
        below = str(PurePosixPath(self._folder, path))
        return below if self._folder and not self._there(path) and self._there(below) else path

    def _there(self, path: str) -> bool:
        return bool(self._tree) and os.path.lexists(f"{self._tree}/{path}")

    def _near(self, path: str, near: str) -> str:
        parts = PurePosixPath(near).parts
        if ".." not in parts:
            for start in range(len(parts)):
                below = str(PurePosixPath(self._folder, *parts[start:], path))
                if self._there(below):
                    return below
        return self._from_folder(path)
