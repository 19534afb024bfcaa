"""A review as SARIF 2.1.0, which code hosts and CI systems read. Pure.

Plain dicts, for this is forty lines of a fixed form: rules are the roles, a result is a finding, its patch a
fix, its id a partial fingerprint, so that a finding that was seen before is known again when lines moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from kage_nvim.evaluate.reviewing.findings import Finding, Patch
from kage_nvim.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note", "hint": "note"}


def sarif(
    findings: Sequence[Finding], roles: dict[str, str], *, failed: Sequence[str] = ()
) -> dict[str, Any]:
    """The log file of one review.

    Args:
        findings: what was found; refuted and dismissed ones are said to be suppressed.
        roles: those who reviewed, by name, with what they look for.
        failed: what kept reviewers from ending, if anything.
    """
    names = list(dict.fromkeys([*roles, *(finding.role for finding in findings)]))
    rules = [
        {
            "id": f"kage/{name}",
            "name": name,
            "shortDescription": {"text": roles.get(name) or f"Found by the {name} reviewer."},
        }
        for name in names
    ]
    driver = {
        "name": "Kage review",
        "semanticVersion": __version__,
        "rules": rules,
    }
    notes = [{"level": "error", "message": {"text": text}} for text in failed]
    invocation = {"executionSuccessful": not failed, "toolExecutionNotifications": notes}
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "invocations": [invocation],
        "results": [_result(finding, names.index(finding.role)) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    place = {
        "artifactLocation": _artifact(finding.path),
        "region": {"startLine": max(finding.first, 1), "endLine": max(finding.last, finding.first, 1)},
    }
    words = "\n\n".join(filter(None, [finding.claim, finding.evidence, *finding.also]))
    result: dict[str, Any] = {
        "ruleId": f"kage/{finding.role}",
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": words},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"kageFinding/v1": finding.id},
        "rank": round(finding.confidence * 100, 1),
        "properties": {"agreed": finding.agreed, "verdict": finding.verdict or "not asked"},
    }
    if finding.patch:
        result["fixes"] = [_fix(finding.path, finding.patch)]
    if not finding.shown:
        why = finding.why if finding.verdict == "refuted" else "dismissed by the user"
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": why or "refuted"}
        ]
    return result


def _fix(path: str, patch: Patch) -> dict[str, Any]:
    """Whole lines are replaced without the end of the last, which is CRLF in some files and missing in
    others; where lines only go, their ends go too. In an empty file text is put at the first column."""
    text = "\n".join(patch.lines)
    region = {"startLine": max(patch.first, 1), "endLine": max(patch.last, 1)}
    if not patch.old:
        region |= {"startColumn": 1, "endColumn": 1}
        text += "\n"
    elif not patch.lines:
        region |= {"startColumn": 1, "endLine": patch.last + 1, "endColumn": 1}
    change = {
        "artifactLocation": _artifact(path),
        "replacements": [{"deletedRegion": region, "insertedContent": {"text": text}}],
    }
    return {"description": {"text": "The reviewer's suggestion."}, "artifactChanges": [change]}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": "%SRCROOT%"}
