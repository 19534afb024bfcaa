"""Places that a check's output complains of, and what it says of each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kage_nvim.evaluate.outputs.places import LONGEST, Places
from kage_nvim.evaluate.results import Failure
from kage_nvim.visible import visible

MOST_FAILURES = 100
"""More places than this are not listed for one check."""
_LOOKED = 1000
"""Characters of a line in which a place is looked for."""
# Every place has this. A line without it is worth no longer look: some are made to take one.
_MAYBE = re.compile(r'\.\w+(?:", line |:|\()[0-9]')
_FILE = r"(?P<path>[^\s:()\[\]'\"]+\.\w+)"
_PLACES = (
    # File "src/x.py", line 12, in f
    re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>[0-9]+)(?:, in (?P<text>.*))?$'),
    # src/x.py:12: text    src/x.py:12:5: text    --> src/x.rs:12:5    Vitest's sign before src/x.test.ts:12:5
    re.compile(
        rf"^(?:E\s+)?\s*(?:(?:-->|\u276f)\s*)?{_FILE}:(?P<line>[0-9]+)(?::[0-9]+)?(?::|\s|$)\s*(?P<text>.*)$"
    ),
    # src/x.ts(3,5): error TS2322: text
    re.compile(rf"^\s*{_FILE}\((?P<line>[0-9]+),[0-9]+\): (?P<text>.*)$"),
    # thread 'main' panicked at src/lib.rs:13:21:
    re.compile(rf"^thread .{{0,300}}? panicked at (?:'(?P<text>.*)', )?{_FILE}:(?P<line>[0-9]+):[0-9]+:?$"),
    #    at TestContext.<anonymous> (/project/t.test.js:3:102)    location: '/project/t.test.js:3:68'
    re.compile(
        r"^\s{1,40}(?:at |location: ')?(?:[^()]{0,200} \()?(?:file://)?"
        r"(?P<path>[^\s()':]+\.[cm]?[jt]sx?):(?P<line>[0-9]+):[0-9]+[)']?(?P<text>)$"
    ),
    # vet: src/x.go:2:23: text
    re.compile(rf"^vet: {_FILE}:(?P<line>[0-9]+):[0-9]+: (?P<text>.*)$"),
)
# ESLint puts the file on a line of its own, then "  3:5  error  text  rule".
_HEADING = re.compile(r"^(?P<path>[^\s:()]\S*\.\w+)$")
_STYLISH = re.compile(r"^\s+(?P<line>[0-9]+):[0-9]+\s+(?:error|warning)\s+(?P<text>.*)$")
#    at com.x.CalcTest.adds(CalcTest.java:12)
_JAVA = re.compile(
    r"^\s{1,40}at (?:\S{1,200}/)?(?P<package>(?:\w+\.)*)[\w$]+\.[\w$<>]+"
    r"\((?P<file>\w+\.\w+):(?P<line>[0-9]+)\)$"
)
# node --test says it in YAML beside the place, JavaScript and Go in a line before it.
_YAML = re.compile(r"^\s+(?:error|message): ['\"](?P<text>.+)['\"]$")
_SAYS = re.compile(r"^\s*(?P<text>(?:(?:\w+\.){0,20}[A-Z]\w*(?:Error|Exception): |panic: |expect\().+)$")
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Failure|Warning)(?::.*)?$")
# What stands beside a place and says nothing: the kind of an error, a function's name, a Go routine's offset.
_SAYS_LITTLE = re.compile(r"\w*(?:Error|Exception|Failure)?|\+0x[0-9a-f]+")
# pytest's short traceback: "t.py:9: in test_b", and what is wrong some lines below.
_SHORT = re.compile(r"in \S+")
_NOT_OURS = ("node_modules/", "site-packages/", ".venv/", "venv/", "vendor/bundle/")

_Key = tuple[str, int]


def places(lines: Iterable[str], inside: Places) -> list[Failure]:
    """Every place in the project that is named, with what is said of it."""
    looking = _Looking(inside)
    for line in lines:
        looking.at(line[:_LOOKED])
        if len(looking.found) >= MOST_FAILURES:
            break
    return list(looking.found.values())


def is_foreign(path: str) -> bool:
    """Whether a path belongs to what was installed, not to the project."""
    return any(path.startswith(folder) or f"/{folder}" in path for folder in _NOT_OURS)


class _Looking:
    """Line by line. What a place is complained of may stand beside it, in lines before or in lines after."""

    def __init__(self, inside: Places) -> None:
        self.found: dict[_Key, Failure] = {}
        self._inside = inside
        self._said = ""
        self._before = ""
        self._heading = ""
        self._waits: _Key | None = None  # for the next line: a panic's words
        self._traced: _Key | None = None  # for the error after a traceback's last place
        self._short: _Key | None = None  # for pytest's words below a short traceback

    def at(self, line: str) -> None:
        """The next line."""
        self._words(line)
        match = self._match(line)
        text = ((match["text"] or "") if match else "").strip()
        if match and not text and line.lstrip().startswith("-->"):
            text = self._before  # rustc and ruff say what it is in the line above
        self._before = line.strip() or self._before
        place = self._inside.failure(self._path(match), match["line"], text) if match else self._java(line)
        if place is None or is_foreign(place.path):
            return
        if self._said and _SAYS_LITTLE.fullmatch(place.text):
            place = Failure(place.path, place.line, visible(self._said)[:LONGEST])
        self._said = ""
        key = place.path, place.line
        self._traced = key if line.lstrip().startswith("File ") else self._traced
        self._short = key if _SHORT.fullmatch(place.text) else None
        if key not in self.found or (place.text and not self.found[key].text):
            self.found[key] = place
            self._waits = key if " panicked at " in line and not place.text else None

    def _words(self, line: str) -> None:
        """What a line without a place says of one."""
        if line.startswith("E   "):  # pytest says what is wrong in the lines before the place
            if self._short:
                self._tell(self._short, line[1:])
                self._short = None
            elif not self._before.startswith("E  "):  # the first of them says it
                self._said = line[1:].strip()
        elif words := _YAML.match(line) or (None if self._traced else _SAYS.match(line)):
            self._said = words["text"]
        elif line.strip() == "...":
            self._said = ""
        if self._waits and line.strip():
            self._tell(self._waits, line)
            self._waits = None
        if self._traced and _RAISED.match(line):
            self._tell(self._traced, line)
            self._traced = None

    def _tell(self, key: _Key, words: str) -> None:
        self.found[key] = Failure(*key, visible(words.strip())[:LONGEST])

    def _match(self, line: str) -> re.Match[str] | None:
        match = None
        if _MAYBE.search(line):
            match = next((m for shape in _PLACES if (m := shape.match(line))), None)
        if match is None and self._heading and (match := _STYLISH.match(line)):
            return match
        if match is None and (alone := _HEADING.match(line)):
            self._heading = alone["path"]
        elif line.strip() == "":
            self._heading = ""
        return match

    def _path(self, match: re.Match[str]) -> str:
        return self._heading if match.re is _STYLISH else match["path"]

    def _java(self, line: str) -> Failure | None:
        """A class is a file of its package's folder, somewhere below where sources lie."""
        found = _JAVA.match(line)
        if found is None:
            return None
        path = self._inside.source(f"{found['package'].replace('.', '/')}{found['file']}")
        return self._inside.failure(path, found["line"]) if path else None
