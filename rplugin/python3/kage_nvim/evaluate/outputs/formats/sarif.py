"""SARIF 2.1, what linters and analysers write."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from kage_nvim.evaluate.outputs.complaints import MOST_FAILURES
from kage_nvim.evaluate.outputs.formats.said import Said, Unreadable, first_line
from kage_nvim.evaluate.outputs.places import Places
from kage_nvim.evaluate.results import Failure


class _Message(msgspec.Struct):
    text: str | None = None
    markdown: str | None = None
    id: str | None = None
    arguments: list[str] | None = None


class _Region(msgspec.Struct, rename="camel"):
    start_line: int | None = None


class _Artifact(msgspec.Struct, rename="camel"):
    uri: str | None = None
    uri_base_id: str | None = None
    index: int | None = None


class _Listed(msgspec.Struct):
    location: _Artifact | None = None


class _Physical(msgspec.Struct, rename="camel"):
    artifact_location: _Artifact | None = None
    region: _Region | None = None


class _Location(msgspec.Struct, rename="camel"):
    physical_location: _Physical | None = None


class _Finding(msgspec.Struct, rename="camel"):
    message: _Message = msgspec.field(default_factory=_Message)
    rule_id: str | None = None
    rule_index: int | None = None
    level: str | None = None
    kind: str | None = None
    locations: list[_Location] | None = None
    suppressions: list[msgspec.Raw] | None = None
    baseline_state: str | None = None


class _Configuration(msgspec.Struct):
    level: str | None = None


class _Rule(msgspec.Struct, rename="camel"):
    id: str | None = None
    default_configuration: _Configuration | None = None
    message_strings: dict[str, _Message] | None = None


class _Driver(msgspec.Struct):
    rules: list[_Rule] | None = None


class _Tool(msgspec.Struct):
    driver: _Driver | None = None


class _Invocation(msgspec.Struct, rename="camel"):
    execution_successful: bool | None = None


class _Run(msgspec.Struct, rename="camel"):
    results: list[_Finding] | None = None
    tool: _Tool | None = None
    artifacts: list[_Listed] | None = None
    original_uri_base_ids: dict[str, _Artifact] | None = None
    invocations: list[_Invocation] | None = None

    def rule(self, finding: _Finding) -> _Rule:
        """What the tool says of a finding's rule."""
        rules = (self.tool and self.tool.driver and self.tool.driver.rules) or []
        index = finding.rule_index
        if index is not None and 0 <= index < len(rules):
            return rules[index]
        return next((rule for rule in rules if rule.id and rule.id == finding.rule_id), _Rule())


class _Log(msgspec.Struct):
    runs: list[_Run]


_SPACE = b"\xef\xbb\xbf \t\r\n"
_BEGINS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\{", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{([0-9]{1,3})\}")
_NESTED = 5
"""Bases that lie in bases are followed so far."""


def looks(data: bytes) -> bool:
    """A JSON object that has runs, and says so near its beginning or its end."""
    data = _object(data)
    ends = data[:4096] + data[-4096:]
    return b'"runs"' in data and (b"sarif" in ends or b'"2.1.0"' in ends)


def read(data: bytes, places: Places) -> Said:
    """Every finding that is not suppressed, as a place; notes are none. An error is one whatever code the
    command ended with, and so is a tool that says that it did not come to its end.

    Raises:
        Unreadable: this is no such report.
    """
    try:
        log = msgspec.json.decode(_object(data) or data, type=_Log, strict=False)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"no SARIF: {error}") from error
    failures: list[Failure] = []
    errors: list[str] = []
    broken = ""
    for run in log.runs:
        if any(each.execution_successful is False for each in run.invocations or []):
            broken = "the tool says in its report that it did not come to its end"
        for finding in run.results or []:
            rule = run.rule(finding)
            level = finding.level or (rule.default_configuration and rule.default_configuration.level)
            if _passed_over(finding, level or "warning"):
                continue
            words = _words(finding, rule)
            errors += [words] if level == "error" else []
            failures += _place(run, finding, words, places)
    if errors:
        broken = f"{len(errors)} error{'s' * (len(errors) > 1)} in its report: {first_line(errors[0])}"
    return Said(failures=failures[:MOST_FAILURES], broken=broken)


def _object(data: bytes) -> bytes:
    """The report without what was printed before and after it; empty: there is none."""
    begins = _BEGINS.search(data)
    return data[begins.start() : data.rfind(b"}") + 1].lstrip(_SPACE) if begins else b""


def _passed_over(finding: _Finding, level: str) -> bool:
    gone = finding.baseline_state == "absent" or (finding.kind or "fail") != "fail"
    return bool(finding.suppressions) or gone or level in ("none", "note")


def _words(finding: _Finding, rule: _Rule) -> str:
    message = finding.message
    said = message.text or message.markdown or ""
    if not said and message.id and message.id in (rule.message_strings or {}):
        said = (rule.message_strings or {})[message.id].text or ""
    given = message.arguments or []
    if given:
        said = _PLACEHOLDER.sub(lambda m: given[int(m[1])] if int(m[1]) < len(given) else m[0], said)
    name = finding.rule_id or rule.id or ""
    return f"{name}: {said}" if name not in said else said


def _place(run: _Run, finding: _Finding, words: str, places: Places) -> list[Failure]:
    """Where the first of its places is, if that is in the project."""
    for location in (finding.locations or [])[:1]:
        where = location.physical_location or _Physical()
        line = where.region.start_line if where.region else None
        found = places.failure(_path(run, where.artifact_location), max(line or 1, 1), words)
        return [found] if found else []
    return []


def _path(run: _Run, artifact: _Artifact | None) -> str:
    """The path of a file that may be named by its number, or from a base."""
    listed = run.artifacts or []
    if artifact and not artifact.uri and artifact.index is not None and 0 <= artifact.index < len(listed):
        artifact = listed[artifact.index].location
    if artifact is None:
        return ""
    uri, base = artifact.uri or "", artifact.uri_base_id
    for _ in range(_NESTED):
        above = (run.original_uri_base_ids or {}).get(base or "")
        if above is None or ":" in uri.partition("/")[0] or uri.startswith("/"):
            break
        uri, base = (above.uri or "") + uri, above.uri_base_id
    path = unquote(uri).replace("\\", "/")
    return path.removeprefix("file://localhost") if path.startswith("file://localhost/") else path
