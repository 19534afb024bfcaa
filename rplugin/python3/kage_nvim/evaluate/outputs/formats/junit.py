"""JUnit XML, as pytest, nextest, Maven, Gradle, CTest and many others write it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from kage_nvim.evaluate.outputs import text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, Unreadable, seconds
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure


def looks(data: bytes) -> bool:
    """Whether this begins as such a report does."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"<?xml", b"<testsuite")) and b"<testsuite" in head


def read(data: bytes, places: Places) -> Said:
    """Every test case, in whatever suites.

    Raises:
        Unreadable: this is no such report, or one that expands to more than it says.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring
    from junitparser import Error, Skipped, TestCase
    from junitparser import Failure as Failed

    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"no XML that can be read: {error}") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise Unreadable(f"<{root.tag}> where <testsuites> was expected")
    tests = Tests()
    failures: list[Failure] = []
    for elem in root.iter("testcase"):
        results = TestCase.fromelem(elem).result  # type: ignore[no-untyped-call]
        bad = next((result for result in results if isinstance(result, (Failed, Error))), None)
        skipped = any(isinstance(result, Skipped) for result in results)
        state = "fail" if bad is not None else "skip" if skipped else "pass"
        words = "" if bad is None else bad.message or bad.text or ""
        tests.add(_name(elem, places), state, seconds=seconds(elem.get("time")), text=words)
        if bad is not None and len(failures) < text.MOST_FAILURES:
            failures += _places(elem, bad.text or "", words, places)
    return tests.said(failures)


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
    """Where a test failed: the last place of the trace in the project, else where the test stands."""
    said = text.places(trace.splitlines(), places)
    if said:
        last = said[-1]
        return [Failure(last.path, last.line, last.text or text.line(words))]
    line = elem.get("line") or ""
    found = places.failure(elem.get("file") or "", line if line.isdigit() else 0, text.line(words))
    return [found] if found else []
