"""What a repository's own pattern finds: ``pattern`` of a check, with named groups."""

from __future__ import annotations

from collections.abc import Iterator

from kage_nvim.evaluate.outputs import complaints, text
from kage_nvim.evaluate.outputs.formats.said import Said, Tests, Unreadable
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure

SECONDS = 5.0
"""A pattern that takes longer is given up."""
GOOD = ("ok", "pass", "passed", "success", "yes", "true", "✓", "✔", ".", "0")
SKIPPED = ("skip", "skipped", "ignored", "todo", "pending", "disabled")


def read(data: bytes, places: Places, pattern: str) -> Said:
    """What the groups say: ``passed``, ``failed`` and ``total`` are counts (the last of several matches),
    ``path``, ``line`` and ``text`` a complaint for each match, ``test`` and ``state`` a test.

    Raises:
        Unreadable: the pattern takes too long.
    """
    tests, failures = Tests(), []
    counts: dict[str, int] = {}
    for groups in matches(data, pattern):
        for name in ("passed", "failed", "total"):
            if (digits := groups.get(name, "")).isdecimal() and len(digits) <= text.COUNTED:
                counts[name] = int(digits)
        if "test" in groups:
            tests.add(groups["test"], _state(groups.get("state", "")), text=groups.get("text", ""))
        if "path" in groups:
            failures += _place(groups, places)
    if tests:
        return tests.said(failures[: complaints.MOST_FAILURES])
    passed, total = _counted(counts)
    return Said(failures=failures[: complaints.MOST_FAILURES], passed=passed, total=total)


def matches(data: bytes, pattern: str) -> Iterator[dict[str, str]]:
    """The named groups of each match, those that took no part aside.

    Raises:
        Unreadable: the pattern takes too long.
    """
    import regex

    said = "\n".join(text.plain(data))
    try:
        for match in regex.compile(pattern, regex.MULTILINE).finditer(said, timeout=SECONDS, concurrent=True):
            yield {name: value for name, value in match.groupdict().items() if value is not None}
    except TimeoutError:
        raise Unreadable(f"its pattern takes more than {SECONDS:g} s on this output") from None


def _state(word: str) -> str:
    word = word.strip().lower()
    return "pass" if word in GOOD else "skip" if word in SKIPPED else "fail"


def _place(groups: dict[str, str], places: Places) -> list[Failure]:
    found = places.failure(groups["path"], groups.get("line", "1"), groups.get("text", ""))
    return [found] if found else []


def _counted(counts: dict[str, int]) -> tuple[int | None, int | None]:
    passed, failed, total = (counts.get(name) for name in ("passed", "failed", "total"))
    if total is None and passed is not None:
        total = passed + (failed or 0)
    if passed is None and total is not None and failed is not None:
        passed = max(0, total - failed)
    if passed is None or total is None:
        return None, None
    return min(passed, total), total
