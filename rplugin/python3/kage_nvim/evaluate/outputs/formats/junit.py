"""JUnit XML, as pytest, nextest, Maven, Gradle, CTest and many others write it."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, Unreadable, seconds
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

_ROOT = re.compile(rb"<(?:\w+:)?testsuites?[\s>/]")
_NO_XML = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:[0-8]|1[124-9]|2[0-9]|3[01]|x(?:0?[0-8bcef]|1[0-9a-f]));",
    re.IGNORECASE,
)
_ENCODING = re.compile(rb"encoding=[\"']([\w.-]+)")
_AT = re.compile(r"^\s+at \S")


def looks(data: bytes) -> bool:
    """Whether this begins as such a report does."""
    head = data[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"<?xml", b"<testsuite", b"<!--")) and _ROOT.search(head) is not None


def read(data: bytes, places: Places) -> Said:
    """Every test case, in whatever suites.

    Raises:
        Unreadable: this is no such report, or one that expands to more than it says.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError
    from junitparser import Error, Skipped, TestCase
    from junitparser import Failure as Failed

    try:
        root = _parsed(data)
    except DefusedXmlException as error:
        raise Unreadable("it declares entities, which no report needs") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"no XML that can be read: {error}") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise Unreadable(f"<{root.tag}> where <testsuites> was expected")
    tests = Tests()
    failures: list[Failure] = []
    for elem in root.iter("testcase"):
        results = TestCase.fromelem(elem).result  # type: ignore[no-untyped-call]
        bad = next((result for result in results if isinstance(result, (Failed, Error))), None)
        skipped = any(isinstance(result, Skipped) for result in results) or _idle(elem)
        state = "fail" if bad is not None else "skip" if skipped else "pass"
        words = "" if bad is None else bad.message or bad.text or ""
        tests.add(_name(elem, places), state, seconds=seconds(elem.get("time")), text=words)
        if bad is not None and len(failures) < complaints.MOST_FAILURES:
            failures += _places(elem, bad.text or "", words, places)
    told = tests.said(failures)
    claimed = 0 if any(test.state == "fail" for test in told.tests) else _claimed(root)
    return tests.said(failures, f"its report counts {claimed} that failed, and names none" if claimed else "")


def _parsed(data: bytes) -> Element:
    """The root, tags without their namespace. Many write what a test printed as it is, though XML knows no
    escape character: such are left out."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except ParseError:
        said = _ENCODING.search(data[:200])
        if b"\0" in data[:4] or (said and said[1].lower() != b"utf-8"):
            raise
        cleaned = _NO_XML.sub(b"", data).decode("utf-8", "replace").encode()
        root = fromstring(cleaned, forbid_dtd=True)
    if root.tag.startswith("{"):
        for elem in root.iter():
            elem.tag = elem.tag.rpartition("}")[2]
    return root


def _idle(elem: Element) -> bool:
    """A test that was not run, in Google Test's words."""
    return elem.get("status") in ("notrun", "disabled") or elem.get("result") == "suppressed"


def _claimed(root: Element) -> int:
    """How many failed, as the suites say; a file that could not be loaded may have no test of its own."""
    suites = root.iter("testsuite")
    counts = [suite.get(key) or "" for suite in suites for key in ("failures", "errors")]
    return sum(int(count) for count in counts if count.isdecimal() and len(count) <= text.COUNTED)


def _name(elem: Element, places: Places) -> str:
    """As pytest names a test where the file is told, else class and name."""
    name, owner, file = elem.get("name") or "", elem.get("classname") or "", elem.get("file") or ""
    inside = places.inside(file) if file.endswith(".py") else None
    if inside is None:
        return f"{owner}.{name}" if owner else name
    module = inside.removesuffix(".py").replace("/", ".")
    if not owner:  # a file that could not be collected
        return inside if name == module else f"{inside}::{name}"
    for part in _ends(module):
        if owner == part or owner.startswith(f"{part}."):
            classes = [part for part in owner[len(part) :].split(".") if part]
            return "::".join([inside, *classes, name])
    return f"{owner}.{name}"


def _ends(module: str) -> list[str]:
    """``a.b.c``, ``b.c``, ``c``: where the report's root lies deeper than the project's."""
    parts = module.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]


def _places(elem: Element, trace: str, words: str, places: Places) -> list[Failure]:
    """Where a test failed: where the trace was last in the project (Python names that last, JavaScript and
    Java first), else where the test stands."""
    lines = trace.splitlines()
    said = complaints.places(lines, places)
    if said:
        last = said[0 if any(_AT.match(line) for line in lines) else -1]
        return [Failure(last.path, last.line, last.text or text.line(words))]
    line = elem.get("line") or ""
    found = places.failure(elem.get("file") or "", line if line.isdigit() else 0, text.line(words))
    return [found] if found else []
