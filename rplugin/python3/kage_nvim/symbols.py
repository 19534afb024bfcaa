"""A map of a tree's symbols, small enough to be sent with every call: which file defines what, and where.

Symbols are found by tree-sitter with each grammar's own ``tags`` query, and kept by blob id, so that an
unchanged file costs nothing the next time. Nothing of the tree is run. A line of the map is

    src/calc.py: add:3 Calculator:10 multiply:14

First come the files that the task is about (selected, named, or mentioned in its words) and their
neighbours, then those whose symbols are referenced most; files in no known language are listed by name.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

LIMIT = 4_000
"""Characters of a map: about 1,200 tokens."""
LARGEST = 200_000
"""Bytes of a file that is parsed; larger ones are generated, mostly."""
EACH = 0.3
"""Seconds of computing that one file may take; one that takes more has no symbols, now and later."""
PART = 10_000
"""Bytes of a file that are looked through at once."""
WIDEST = 10_000
"""Nodes side by side in a text that is no program: above this a query takes quadratic time."""
RISKY = 10_000
"""Bytes of a file that is marked as parsed beforehand: if it ends the process, it is left out next time."""
SYMBOLS = (40, 12, 8)
"""Symbols shown of a file that the task is about, of one beside it, of any other."""
KEPT = 200_000
"""Files that the cache holds."""
BATCH = 100
"""Files that are fetched at once."""
OFTEN = 0.2
"""Seconds after which what was found is kept, so that a process that is ended loses little."""

LANGUAGES = {
    "py": "python",
    "pyi": "python",
    "js": "javascript",
    "jsx": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
    "ts": "typescript",
    "mts": "typescript",
    "tsx": "tsx",
    "go": "go",
    "rs": "rust",
    "c": "c",
    "h": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "cxx": "cpp",
    "hpp": "cpp",
    "hh": "cpp",
    "java": "java",
    "rb": "ruby",
    "lua": "lua",
    "php": "php",
}
"""Language by the end of a file's name."""


class Tags(msgspec.Struct, array_like=True):
    """One file's definitions (name, line from 1) in order, and how often it refers to each name."""

    definitions: list[tuple[str, int]] = []
    references: dict[str, int] = {}


class File(msgspec.Struct):
    """A file of the tree: its path, blob id and size in bytes."""

    path: str
    blob: str
    language: str = ""

    def __post_init__(self) -> None:
        self.language = LANGUAGES.get(self.path.rpartition(".")[2].lower(), "")


class Cache:
    """Tags by blob id and language, in one SQLite file that may be deleted at any time."""

    def __init__(self, path: str) -> None:
        self._base = sqlite3.connect(path, timeout=5.0, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=OFF")
        self._base.execute("CREATE TABLE IF NOT EXISTS tags (key TEXT PRIMARY KEY, tags BLOB NOT NULL)")

    def known(self, files: Sequence[File]) -> dict[str, Tags]:
        """The tags of those files that are kept, by path."""
        paths: dict[str, list[str]] = {}
        for file in files:
            paths.setdefault(_key(file), []).append(file.path)
        found: dict[str, Tags] = {}
        keys = list(paths)
        for at in range(0, len(keys), 500):
            part = keys[at : at + 500]
            marks = ",".join("?" * len(part))
            for key, data in self._base.execute(f"SELECT key, tags FROM tags WHERE key IN ({marks})", part):
                tags = msgspec.msgpack.decode(data, type=Tags)
                found |= dict.fromkeys(paths[key], tags)
        return found

    def keep(self, tagged: Iterable[tuple[File, Tags]]) -> None:
        """Add tags; the oldest go when there are too many."""
        rows = [(_key(file), msgspec.msgpack.encode(tags)) for file, tags in tagged]
        self._base.execute("BEGIN IMMEDIATE")
        self._base.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?)", rows)
        self._base.execute("DELETE FROM tags WHERE rowid <= (SELECT max(rowid) FROM tags) - ?", (KEPT,))
        self._base.execute("COMMIT")


def _key(file: File) -> str:
    return f"{file.blob}.{file.language}"


class Unparsed(Exception):
    """A text whose symbols are not known, or not all of them; the reason is in a few words."""


class Parser:
    """Finds tags; each grammar is loaded when its first file comes."""

    def __init__(self) -> None:
        self._loaded: dict[str, tuple[Any, Any]] = {}

    def tags(self, language: str, source: bytes) -> Tags:
        """The tags of one file's text; where the grammar cannot cope with it, those found until then."""
        tags = Tags()
        seen = set()
        with contextlib.suppress(Unparsed):
            for captures in self.matches(language, source):
                names = captures.get("name")
                if not names or names[0].start_byte in seen:
                    continue
                name = source[names[0].start_byte : names[0].end_byte].decode("utf-8", "replace")
                kind = next((capture for capture in captures if "." in capture), "")
                if kind.startswith("reference"):
                    tags.references[name] = tags.references.get(name, 0) + 1
                elif kind.startswith("definition") and name[:2] != "__":
                    seen.add(names[0].start_byte)
                    tags.definitions.append((name, names[0].start_point[0] + 1))
        tags.definitions.sort(key=lambda definition: definition[1])
        return tags

    def matches(self, language: str, source: bytes) -> Iterator[dict[str, Any]]:
        """What the grammar's query finds, part by part of the text, as long as there is time.

        (A query can be given a callback to end it, but tree-sitter 0.26 crashes with one that lets it go on.)

        Raises:
            Unparsed: the text is too large, no text, or took too long.
        """
        if len(source) > LARGEST:
            raise Unparsed("too large")
        if b"\0" in source:
            raise Unparsed("no text")
        parser, query = self._loaded.get(language) or self._load(language)
        ends = time.process_time() + EACH

        def late(*_: object) -> bool:
            return time.process_time() > ends

        try:
            root = parser.parse(lambda at, _: source[at : at + 65536], progress_callback=late).root_node
        except ValueError:  # it was stopped on the way
            parser.reset()
            raise Unparsed("took too long") from None
        if root.has_error and root.child_count > WIDEST:
            raise Unparsed("no program")
        for at in range(0, len(source), PART):
            if late():
                raise Unparsed("took too long")
            query.set_byte_range(at, at + PART)
            for _, captures in query.matches(root):
                yield captures

    def _load(self, language: str) -> tuple[Any, Any]:
        import tree_sitter

        package = "typescript" if language == "tsx" else language
        grammar = importlib.import_module(f"tree_sitter_{package}")
        made = getattr(grammar, f"language_{language}", None) or grammar.language
        words = grammar.TAGS_QUERY
        if package == "typescript":
            words = importlib.import_module("tree_sitter_javascript").TAGS_QUERY + words
        own = tree_sitter.Language(made())
        loaded = tree_sitter.Parser(own), tree_sitter.QueryCursor(tree_sitter.Query(own, words))
        self._loaded[language] = loaded
        return loaded


def ordered(files: Sequence[File], paths: Sequence[str]) -> list[File]:
    """The files in the order of their nearness to ``paths``, then by depth and name."""
    return sorted(files, key=lambda f: (_distance(f.path, paths), f.path.count("/"), f.path))


def parsed(files: Sequence[File], read: Any, cache: Cache, until: float) -> Iterator[dict[str, Tags]]:
    """The tags of all files in a known language: what is kept, then what is known by ``until`` (monotonic
    seconds); asked for more, it goes on for the cache's sake.

    ``read`` gives the bytes of blobs by their ids.
    """
    spoken = [file for file in files if file.language]
    tags = cache.known(spoken)
    yield tags
    missing = [file for file in spoken if file.path not in tags]
    given = False
    for part in _found(missing, read, cache, until):
        if not given and time.monotonic() > until:
            given = True
            yield tags | part
        if not given:
            tags = tags | part
    if not given:
        yield tags


def _found(files: Sequence[File], read: Any, cache: Cache, until: float) -> Iterator[dict[str, Tags]]:
    """Parse files and keep their tags; a part as often as ``OFTEN``, and one at ``until``."""
    if time.monotonic() > until:
        yield {}
    parser = Parser()
    part: list[tuple[File, Tags]] = []
    ends = min(time.monotonic() + OFTEN, until)
    for at in range(0, len(files), BATCH):
        texts = read([file.blob for file in files[at : at + BATCH]])
        for file in files[at : at + BATCH]:
            source = texts.get(file.blob, b"")
            if len(source) > RISKY:
                cache.keep([(file, Tags())])
            part.append((file, parser.tags(file.language, source)))
            if time.monotonic() > ends:
                cache.keep(part)
                yield {one.path: tags for one, tags in part}
                part = []
                ends = time.monotonic() + OFTEN
    cache.keep(part)
    yield {one.path: tags for one, tags in part}


def draw(files: Sequence[File], tags: dict[str, Tags], paths: Sequence[str], words: str) -> str:
    """The map itself, at most ``LIMIT`` characters; empty when there is nothing to show."""
    mentioned = set(re.findall(r"\w{3,}", words))
    uses: Counter[str] = Counter()
    for one in tags.values():
        uses.update(one.references)
    nothing = Tags()

    def rank(file: File) -> tuple[int, int, int, str]:
        own = tags.get(file.path, nothing)
        stem = PurePosixPath(file.path).stem
        about = stem in mentioned or any(name in mentioned for name, _ in own.definitions)
        distance = min(_distance(file.path, paths), 1 if about else 2)
        used = sum(uses[name] for name in {name for name, _ in own.definitions})
        return distance, 0 if own.definitions else 1, -used, file.path

    lines: list[str] = []
    room = LIMIT
    for file in sorted(files, key=rank):
        own = tags.get(file.path, nothing)
        line = file.path + (": " + _symbols(own, uses, SYMBOLS[rank(file)[0]]) if own.definitions else "")
        room -= len(line) + 1
        if room < 0:
            lines.append(f"… and {len(files) - len(lines)} more files")
            break
        lines.append(line)
    return "\n".join(lines)


def _symbols(tags: Tags, uses: Counter[str], most: int) -> str:
    """The definitions in order of their lines; of many the most used."""
    shown = tags.definitions
    if len(shown) > most:
        best = sorted(shown, key=lambda definition: -uses[definition[0]])[:most]
        shown = sorted(best, key=lambda definition: definition[1])
    return " ".join(f"{name}:{line}" for name, line in shown) + (" …" if len(tags.definitions) > most else "")


def _distance(path: str, paths: Sequence[str]) -> int:
    """0 for a file that is meant, 1 for one beside it, 2 for any other."""
    if path in paths:
        return 0
    folder = path.rpartition("/")[0]
    return 1 if any(folder == near.rpartition("/")[0] for near in paths) else 2
