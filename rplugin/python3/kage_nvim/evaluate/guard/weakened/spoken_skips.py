"""What in a test's own text keeps it from being a test, in languages that are read by their looks. Pure."""

from __future__ import annotations

import re

from kage_nvim.evaluate.guard.weakened.lexing import SCRIPT
from kage_nvim.evaluate.guard.weakened.shapes import Case

_SKIPS = {
    "go": r"\b\w+\.(Skip|SkipNow|Skipf)\s*\([^\n]*",
    "rb": r"^\s*(skip|pending)\b[^\n]*",
    "c": r"\bGTEST_SKIP\s*\(|\bTEST_IGNORE\w*\s*\(|\bSKIP\s*\(",
    "java": r"\b(assumeTrue|assumeFalse|assumeThat|Assumptions\.\w+|Assume\.\w+|throw new (SkipException|TestAbortedException))[^\n]*",
    "php": r"markTest(Skipped|Incomplete)[^\n]*",
    "swift": r"XCTSkip\w*[^\n]*",
    "bats": r"^\s*skip\b[^\n]*",
    "js": r"\b(this\.skip|ctx\.skip|t\.skip|test\.skip|context\.skip|pending)\s*\([^\n]*",
    "cs": r"Assert\.(Ignore|Inconclusive)[^\n]*",
    "lua": r"\bpending\s*\([^\n]*",
}
_EXITS = r"\b(?:process\.exit\s*\(\s*0?\s*\)|os\.Exit\s*\(\s*0\s*\)|(?:std::)?process::exit\s*\(\s*0\s*\)|System\.exit\s*\(\s*0\s*\)|_?exit\s*\(\s*0\s*\)|Runtime\.getRuntime\(\)\.halt\(0\)|exit!?\s*\(?0?\)?$)"


def skips(case: Case, end: str, code: str) -> None:
    """Mark what a test's text skips, ends, tries again."""
    name = (
        "js"
        if end in SCRIPT
        else {"kt": "java", "scala": "java", "groovy": "java", "cc": "c", "cpp": "c", "sh": "bats"}.get(
            end, end
        )
    )
    shape = _SKIPS.get(name)
    if shape and (skip := re.search(shape, code, re.M)):
        case.marks.setdefault("skipped", skip[0].strip())
    if "raises" in case.marks and end == "rs" and (made := re.search(r"\bpanic!\s*\([^\n]*", code)):
        case.marks["forced"] = made[0]
    if passed := re.search(r"\bif\b[^{};]*\{?\s*continue\b", code):
        case.marks["guarded"] = passed[0]
    if end == "go" and re.search(r"\brecover\(\)", code):
        case.marks["recovers"] = "recover()"
    if ended := re.search(_EXITS, code, re.M):
        case.marks["exit"] = ended[0]
    if again := re.search(
        r"\b(?:jest\.retryTimes|this\.retries|test\.describe\.configure\(\{[^}]*retries)\s*\(?[^\n;]*", code
    ):
        case.marks["retries"] = again[0]
    if limit := re.search(
        r"\b(?:jest\.setTimeout|this\.timeout|test\.setTimeout|vi\.setConfig)\s*\([^\n;]*", code
    ):
        case.marks["timeout"] = limit[0]
