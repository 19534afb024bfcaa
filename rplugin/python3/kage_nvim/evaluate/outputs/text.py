"""What plain output says: places that it complains of, how many tests passed, its last line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kage_nvim.evaluate.outputs.places import LONGEST, Places
from kage_nvim.evaluate.results import Failure
from kage_nvim.visible import visible

COUNTED = 9
"""A number of tests with more digits is none."""
MOST_FAILURES = 100
"""More places than this are not listed for one check."""
TAIL = 4000
"""Characters of the output's end that a result holds."""

_ESCAPES = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_FILE = r"(?P<path>[^\s:()\[\]'\"]+\.\w+)"
_PLACES = (
    # File "src/x.py", line 12, in f
    re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>[0-9]+)(?:, in (?P<text>.*))?$'),
    # src/x.py:12: text    src/x.py:12:5: text    --> src/x.rs:12:5
    re.compile(rf"^(?:E\s+)?\s*(?:-->\s*)?{_FILE}:(?P<line>[0-9]+)(?::[0-9]+)?(?::|\s|$)\s*(?P<text>.*)$"),
    # src/x.ts(3,5): error TS2322: text
    re.compile(rf"^\s*{_FILE}\((?P<line>[0-9]+),[0-9]+\): (?P<text>.*)$"),
    # thread 'main' panicked at src/lib.rs:13:21:
    re.compile(rf"^thread .* panicked at (?:'(?P<text>.*)', )?{_FILE}:(?P<line>[0-9]+):[0-9]+:?$"),
    #    at TestContext.<anonymous> (/project/t.test.js:3:102)    location: '/project/t.test.js:3:68'
    re.compile(
        r"^\s+(?:at |location: ')?(?:[^()]* \()?(?:file://)?(?P<path>[^\s()':]+\.[cm]?[jt]sx?):(?P<line>[0-9]+)"
        r":[0-9]+[)']?(?P<text>)$"
    ),
    # vet: src/x.go:2:23: text
    re.compile(rf"^vet: {_FILE}:(?P<line>[0-9]+):[0-9]+: (?P<text>.*)$"),
)
# ESLint puts the file on a line of its own, then "  3:5  error  text  rule".
_STYLISH = re.compile(r"^\s+(?P<line>[0-9]+):[0-9]+\s+(?:error|warning)\s+(?P<text>.*)$")
# node --test says it in YAML before the place.
_YAML = re.compile(r"^\s+error: ['\"](?P<text>.+)['\"]$")
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Failure|Warning)(?::.*)?$")
_HEADING = re.compile(r"^(?P<path>[^\s:()]\S*\.\w+)$")
_COUNTS = {word: re.compile(rf"([0-9]+) {word}") for word in ("passed", "failed", "errors?")}
# Linters and compilers count errors, too: alone they are pytest's when it says how long it took.
_ONLY_ERRORS = re.compile(r"[0-9] errors? in [0-9.]+s\b")
_RAN = re.compile(r"^Ran ([0-9]{1,9}) tests?")
_UNITTEST = re.compile(r"^FAILED \((.*)\)")
_OF_OTHERS = (
    # Jest: "Tests:       1 failed, 2 passed, 3 total"; Vitest: "Tests  1 failed | 2 passed (3)"
    (re.compile(r"^\s*Tests:?\s.*?([0-9]{1,9}) passed"), re.compile(r"^\s*Tests:?\s.*?([0-9]{1,9}) failed")),
    # Mocha: "  3 passing (5ms)", "  1 failing"
    (re.compile(r"^\s+([0-9]{1,9}) passing\b"), re.compile(r"^\s+([0-9]{1,9}) failing\b")),
    # node --test, with a sign or, in TAP, with "#": "# pass 2", "# fail 1"
    (re.compile(r"^(?:\u2139|#) pass ([0-9]{1,9})$"), re.compile(r"^(?:\u2139|#) fail ([0-9]{1,9})$")),
)
# Maven: "Tests run: 5, Failures: 1, Errors: 0, Skipped: 0"
_MAVEN = re.compile(
    r"Tests run: (?P<run>[0-9]{1,9}), Failures: (?P<f>[0-9]{1,9}), Errors: (?P<e>[0-9]{1,9}), "
    r"Skipped: (?P<s>[0-9]{1,9})$"
)


def read(output: bytes, inside: Places) -> tuple[list[Failure], int | None, int | None, str, str]:
    """Failures, passed, total, summary and tail of what a check printed."""
    lines = plain(output)
    said = [line for line in lines if line.strip()]
    summary = said[-1].strip("= \t") if said else ""
    passed, total = _counted(said[-12:])
    return places(lines, inside), passed, total, summary[:200], "\n".join(lines).strip()[-TAIL:]


def plain(output: bytes) -> list[str]:
    """The lines of an output without what drives a terminal."""
    return [_ESCAPES.sub("", line).rstrip() for line in output.decode("utf-8", "replace").splitlines()]


def line(text: str) -> str:
    """The first line of what somebody said that says something."""
    return next((visible(part.strip()) for part in text.splitlines() if part.strip()), "")


def places(lines: Iterable[str], inside: Places) -> list[Failure]:
    """Every place in the project that is named, with what is said of it."""
    found: dict[tuple[str, int], Failure] = {}
    said = before = heading = ""
    wordless: tuple[str, int] | None = None
    traced: tuple[str, int] | None = None
    for each in lines:
        if each.startswith("E   "):  # pytest says what is wrong in the lines before the place
            said = said or each[1:].strip()
        elif words := _YAML.match(each):
            said = words["text"]
        elif each.strip() == "...":
            said = ""
        if wordless and each.strip():  # a panic says it in the line after
            found[wordless] = Failure(*wordless, visible(each.strip())[:LONGEST])
            wordless = None
        if traced and _RAISED.match(each):  # a traceback after its last place
            found[traced] = Failure(*traced, visible(each.strip())[:LONGEST])
            traced = None
        match = next((m for shape in _PLACES if (m := shape.match(each))), None)
        path = match["path"] if match else ""
        if match is None and heading and (match := _STYLISH.match(each)):
            path = heading
        elif match is None and (alone := _HEADING.match(each)):
            heading = alone["path"]
        elif each.strip() == "":
            heading = ""
        text = ((match["text"] or "") if match else "").strip()
        if match and not text and each.lstrip().startswith("-->"):
            text = before  # rustc and ruff say what it is in the line above
        before = each.strip() or before
        place = inside.failure(path, match["line"], text) if match else None
        if place is None:
            continue
        if said and re.fullmatch(r"\w*(Error|Exception|Failure)?", place.text):
            place = Failure(place.path, place.line, visible(said)[:LONGEST])
        said = ""
        key = place.path, place.line
        traced = key if each.lstrip().startswith("File ") else traced
        if key not in found or (place.text and not found[key].text):
            found[key] = place
            wordless = key if " panicked at " in each and not place.text else None
        if len(found) >= MOST_FAILURES:
            break
    return list(found.values())


def _counted(ending: list[str]) -> tuple[int | None, int | None]:
    """Passed and all tests, as pytest, unittest and those like them end."""
    text = "\n".join(ending)
    ran = next((int(m[1]) for line in ending if (m := _RAN.match(line))), None)
    if ran is not None:
        bad = next((m[1] for line in ending if (m := _UNITTEST.match(line))), "")
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=([0-9]{1,9})(?![0-9])", bad))
        return max(0, ran - failed), ran
    if (found := _of_others(ending)) is not None:
        return found
    said = {word: m[1] for word, shape in _COUNTS.items() if (m := shape.search(text))}
    if set(said) == {"errors?"} and not _ONLY_ERRORS.search(text):
        return None, None
    if not said or any(len(digits) > COUNTED for digits in said.values()):
        return None, None
    counts = {word: int(digits) for word, digits in said.items()}
    good = counts.get("passed", 0)
    return good, good + counts.get("failed", 0) + counts.get("errors?", 0)


def _of_others(ending: list[str]) -> tuple[int, int] | None:
    for line in reversed(ending):
        if found := _MAVEN.search(line):
            run, skipped = int(found["run"]), int(found["s"])
            return max(0, run - int(found["f"]) - int(found["e"]) - skipped), max(0, run - skipped)
    for good, bad in _OF_OTHERS:
        passed = next((int(m[1]) for line in reversed(ending) if (m := good.match(line))), None)
        failed = next((int(m[1]) for line in reversed(ending) if (m := bad.match(line))), None)
        if passed is not None or failed is not None:
            return passed or 0, (passed or 0) + (failed or 0)
    return None
