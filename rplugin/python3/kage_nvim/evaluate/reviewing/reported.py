"""What a reviewer says, read as findings and held against the files: calls of a tool, or JSON in an answer.

Small models get much wrong that can be put right: a path with ``./`` or ``b/`` in front, a severity called
"critical", line numbers that are off while the quoted code is real. What cannot be put right is told back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kage_nvim.evaluate.reviewing.findings import Finding, Severity
from kage_nvim.evaluate.reviewing.patches import FENCE, Unusable, read_patch
from kage_nvim.visible import HALVES, UNSEEN

Files = Callable[[str], "list[str] | None"]
"""The lines of a file of the reviewed tree, without their ends; ``None``: no such text."""

LONGEST = 2000
"""Characters of a claim or of evidence that are kept."""
TRIES = 200
"""Places of a text that look like JSON and are none, after which nothing more is looked for."""
BARE = 10
"""Characters of a line of evidence that can be a quote without its marks; a word alone stands anywhere."""
SPAN = 200
"""Lines that one finding may be about."""

_SEVERITY: dict[str, Severity] = {
    "error": "error",
    "critical": "error",
    "blocker": "error",
    "high": "error",
    "severe": "error",
    "bug": "error",
    "warning": "warning",
    "warn": "warning",
    "major": "warning",
    "medium": "warning",
    "moderate": "warning",
    "info": "info",
    "information": "info",
    "note": "info",
    "minor": "info",
    "low": "info",
    "hint": "hint",
    "nit": "hint",
    "style": "hint",
    "suggestion": "hint",
    "trivial": "hint",
}
_NAMES = {
    "path": ("path", "file", "filename", "file_path", "filepath"),
    "first": ("first", "line", "start", "start_line", "first_line", "lines", "line_start"),
    "last": ("last", "end", "end_line", "last_line", "line_end"),
    "severity": ("severity", "level", "priority"),
    "claim": ("claim", "message", "title", "issue", "description", "problem"),
    "evidence": ("evidence", "reason", "explanation", "details", "quote", "code"),
    "patch": ("patch", "suggested_patch", "fix", "suggestion", "replacement", "suggested_fix"),
    "confidence": ("confidence", "certainty"),
}
_QUOTED = re.compile(r"`([^`\n]+)`|\"([^\"\n]+)\"|“([^”\n]+)”")
_BEGINS = re.compile(r"[{\[](?=\s*[\"{\[\]}])")
"""Where JSON of findings can begin."""
_NUMBERS = re.compile(r"\d+")


def objects(text: str) -> Iterator[Any]:
    """Every JSON object or list in a text, in fences or bare, as far as they can be read."""
    decoder = json.JSONDecoder(strict=False)
    tries = TRIES
    for part in [match[1] for match in FENCE.finditer(text)] or [text]:
        at = 0
        while tries and (begin := _BEGINS.search(part, at)):
            try:
                value, at = decoder.raw_decode(part, begin.start())
            except (ValueError, RecursionError):
                tries -= 1
                at = begin.start() + 1
            else:
                yield value


def arguments(text: str) -> dict[str, Any]:
    """A tool call's arguments.

    Raises:
        Unusable: they are no JSON object.
    """
    try:
        given = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        given = next((value for value in objects(text) if isinstance(value, dict)), None)
        if given is None:
            raise Unusable(f"the arguments are no JSON: {error}") from None
    if not isinstance(given, dict):
        raise Unusable("the arguments are no JSON object")
    return given


def listed(value: Any) -> list[dict[str, Any]]:
    """The findings in a JSON value: one, a list of them, or an object that holds a list."""
    if isinstance(value, dict):
        for name in ("findings", "issues", "results", "problems"):
            if isinstance(value.get(name), list):
                return [entry for entry in value[name] if isinstance(entry, dict)]
        return [value] if _get(value, "path") and _get(value, "claim") else []
    if isinstance(value, list):
        return [
            entry for entry in value if isinstance(entry, dict) and (_get(entry, "path") or "claim" in entry)
        ]
    return []


def read(given: dict[str, Any], role: str, paths: Sequence[str], files: Files) -> tuple[Finding, str]:
    """A finding as it stands in the reviewed tree, and what was left out of it (empty: nothing).

    ``paths`` are the changed files, for names that are not whole.

    Raises:
        Unusable: it has no claim, or it is about nothing that is there.
    """
    claim = _text(_get(given, "claim"))
    if not claim:
        raise Unusable("it has no `claim`: say in a sentence what is wrong and what follows from it")
    path, lines = _file(_text(_get(given, "path")), paths, files)
    evidence = _text(_get(given, "evidence"))
    first, last = _range(given)
    asked = (first, last)
    first, last = _place(first, last, evidence, lines, path)
    told = ""
    patch = None
    wanted = _get(given, "patch")
    try:
        moved = (first, last) != asked
        patch = read_patch(wanted, first, last, lines, moved=moved and last - first != asked[1] - asked[0])
    except Unusable as why:
        told = f"its patch was left out: {why}"
    return Finding(
        path=path,
        first=first,
        last=last,
        severity=_SEVERITY.get(str(_get(given, "severity") or "").strip().lower(), "warning"),
        role=role,
        claim=claim,
        evidence=evidence,
        patch=patch,
        confidence=_confidence(_get(given, "confidence")),
        code="\n".join(lines[first - 1 : last]) if lines else "",
        agreed=[role],
    ), told


def _file(name: str, paths: Sequence[str], files: Files) -> tuple[str, list[str]]:
    if not name:
        raise Unusable("it has no `path`: name a file of the reviewed tree")
    bare = name.strip().strip("`'\"")
    told = [path for path in paths if HALVES.sub("\ufffd", path) == bare]  # as a reviewer is told of it
    tries = [*told, bare, bare.removeprefix("./"), re.sub(r"^[ab]/", "", bare), bare.lstrip("/")]
    ends = [path for path in paths if path.endswith("/" + bare.lstrip("./")) or bare.endswith("/" + path)]
    tries += ends if len(ends) == 1 else []
    for path in dict.fromkeys(tries):
        lines = files(path) if path else None
        if lines is not None:
            return path, lines
    raise Unusable(f"`{bare[:200]}` is no text file of the reviewed tree")


def _range(given: dict[str, Any]) -> tuple[int, int]:
    """The lines that it names; 0 for none."""
    first, last = _get(given, "first"), _get(given, "last")
    if isinstance(first, str) and last is None:
        numbers = [int(number) for number in _NUMBERS.findall(first[:40])[:2]]
        first, last = (numbers[0] if numbers else 0), (numbers[-1] if numbers else 0)
    elif isinstance(first, list) and first:
        first, last = first[0], first[-1]
    begin = _number(first)
    return begin, max(_number(last), begin)


def _number(value: Any) -> int:
    try:
        return max(int(value), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _place(first: int, last: int, evidence: str, lines: Sequence[str], path: str) -> tuple[int, int]:
    """Where it is: as it says, unless the code that it quotes stands elsewhere."""
    if not lines:
        return 1, 1
    inside = 1 <= first <= len(lines)
    last = min(last, len(lines), first + SPAN - 1) if inside else last
    for quote in quotes(evidence):
        begins = _matches(quote, lines)
        if not begins:
            continue
        size = len(quote)
        if inside and any(at <= last - 1 and at + size - 1 >= first - 1 for at in begins):
            return first, last
        at = min(begins, key=lambda begin: abs(begin + 1 - first)) + 1
        span = max(size, last - first + 1 if inside else 1)
        return at, min(at + span - 1, len(lines))
    if not inside:
        said = f"line {first}" if first else "no line"
        raise Unusable(f"{path} has {len(lines)} lines and it names {said}: quote the code in `evidence`")
    return first, last


def quotes(evidence: str) -> list[list[str]]:
    """What is quoted as code in evidence, each as lines with single blanks; the longest first."""
    found = [match[1].split("\n") for match in FENCE.finditer(evidence)]
    rest = FENCE.sub(" ", evidence)
    found += [[next(part for part in match.groups() if part)] for match in _QUOTED.finditer(rest)]
    found += [[line] for line in rest.split("\n") if len(line.strip()) >= BARE]
    tidy = [[flat for line in quote if (flat := " ".join(line.split()))] for quote in found]
    kept = [quote for quote in tidy if sum(len(line) for line in quote) >= 4]
    return sorted(kept, key=lambda quote: -sum(len(line) for line in quote))[:20]


def _matches(quote: Sequence[str], lines: Sequence[str]) -> list[int]:
    """Where a quote stands (0-based): within a line, or line by line."""
    flat = [" ".join(line.split()) for line in lines]
    if len(quote) == 1:
        return [at for at, line in enumerate(flat) if quote[0] in line]
    size = len(quote)
    return [at for at in range(len(flat) - size + 1) if flat[at : at + size] == list(quote)]


def _get(given: dict[str, Any], name: str) -> Any:
    return next((given[key] for key in _NAMES[name] if given.get(key) not in (None, "")), None)


def _text(value: Any) -> str:
    """Text that a screen may show: controls out, not too long."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = UNSEEN.sub("", text).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _confidence(value: Any) -> float:
    words = {"high": 0.9, "medium": 0.6, "low": 0.3}
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    try:
        number = float(str(value).strip().rstrip("%"))
    except ValueError:
        return 0.5
    return min(max(number / 100 if number > 1 else number, 0.0), 1.0) if math.isfinite(number) else 0.5
