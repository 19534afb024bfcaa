"""SARIF 2.1, what linters and analysers write."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from kage_nvim.evaluate.outputs.formats.said import Said, Unreadable
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.outputs.text import MOST_FAILURES


class _Message(msgspec.Struct):
    text: str = ""
    markdown: str = ""


class _Region(msgspec.Struct, rename="camel"):
    start_line: int = 1


class _Artifact(msgspec.Struct):
    uri: str = ""


class _Physical(msgspec.Struct, rename="camel"):
    artifact_location: _Artifact = msgspec.field(default_factory=_Artifact)
    region: _Region = msgspec.field(default_factory=_Region)


class _Location(msgspec.Struct, rename="camel"):
    physical_location: _Physical = msgspec.field(default_factory=_Physical)


class _Finding(msgspec.Struct, rename="camel"):
    message: _Message = msgspec.field(default_factory=_Message)
    rule_id: str | None = None
    level: str = "warning"
    kind: str = "fail"
    locations: list[_Location] = []
    suppressions: list[msgspec.Raw] | None = None
    baseline_state: str = ""


class _Run(msgspec.Struct):
    results: list[_Finding] | None = None


class _Log(msgspec.Struct):
    runs: list[_Run]


def looks(data: bytes) -> bool:
    """A JSON object that has runs, and says so near its beginning or its end."""
    ends = data[:4096] + data[-4096:]
    return data.lstrip().startswith(b"{") and b'"runs"' in data and (b"sarif" in ends or b'"2.1.0"' in ends)


def read(data: bytes, places: Places) -> Said:
    """Every finding that is not suppressed, as a place; notes are none. An error is one whatever code the
    command ended with.

    Raises:
        Unreadable: this is no such report.
    """
    try:
        log = msgspec.json.decode(data, type=_Log, strict=False)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"no SARIF: {error}") from error
    failures = []
    errors = 0
    for run in log.runs:
        for finding in run.results or []:
            if finding.suppressions or finding.kind != "fail" or finding.level in ("none", "note"):
                continue
            errors += finding.level == "error"
            said = finding.message.text or finding.message.markdown
            words = f"{finding.rule_id}: {said}" if finding.rule_id and finding.rule_id not in said else said
            for location in finding.locations[:1]:
                where = location.physical_location
                path = unquote(where.artifact_location.uri)
                place = places.failure(path, where.region.start_line, words)
                if place is not None:
                    failures.append(place)
    broken = f"{errors} error{'s' * (errors > 1)} in its report" if errors else ""
    return Said(failures=failures[:MOST_FAILURES], broken=broken)
