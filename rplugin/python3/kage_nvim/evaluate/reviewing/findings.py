"""What reviewers find: one finding, when two are the same, which comes first. Pure.

security   calc.py:10-12  "the query is put together from text"   ─┐ one finding,
correctness calc.py:12    "a quote in the name breaks the query"  ─┘ agreed by both
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info", "hint")
"""The worst first."""
NEAR = 3
"""Lines that two findings may lie apart and still mean the same place."""
ALIKE, ALIKE_THERE = 0.34, 0.2
"""The share of a claim's words that two claims have in common when they say the same: of lines close to each
other, and of the very same lines."""
STEM = 6
"""Letters by which two words are told apart: concatenated, concatenation."""

_WORD = re.compile(r"[^\W_]+")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been being but by can could does for from has have if in into is it its may"
        " might more must no not of on or so such than that the their then there these this those to up was"
        " when where which while will with without would you your code line lines function here should",
    )
)


class Patch(msgspec.Struct, frozen=True):
    """Lines ``first`` to ``last`` (1-based, inclusive) are ``old`` and become ``lines``. ``old`` is empty in
    an empty file alone, where both numbers are 0."""

    first: int
    last: int
    old: list[str]
    lines: list[str]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a reviewer says is wrong in lines ``first`` to ``last`` (1-based, inclusive) of a file.

    ``role`` found it first, ``agreed`` are all roles that did, ``also`` what the others said of it
    (``role: claim``). ``confidence`` lies between 0 and 1. ``verdict`` is what the second pass says (empty:
    it was not asked), ``why`` its reason, ``judged`` who. ``code`` is what stands in those lines;
    ``dismissed`` was set by the user. ``yours`` are the lines of the user's files where it stands now, if it
    does.
    """

    path: str
    first: int
    last: int
    severity: Severity
    role: str
    claim: str
    evidence: str = ""
    patch: Patch | None = None
    confidence: float = 0.5
    id: str = ""
    agreed: list[str] = []
    also: list[str] = []
    verdict: Literal["", "holds", "refuted", "unsure"] = ""
    why: str = ""
    judged: str = ""
    code: str = ""
    dismissed: bool = False
    yours: tuple[int, int] | None = None

    @property
    def shown(self) -> bool:
        """Whether it is shown by default."""
        return self.verdict != "refuted" and not self.dismissed


def merged(found: Sequence[Finding]) -> list[Finding]:
    """Each thing once, however many reviewers named it, worst first, with ids."""
    kept: list[Finding] = []
    for finding in sorted(found, key=_order):
        same = next((at for at, other in enumerate(kept) if same_thing(other, finding)), None)
        if same is None:
            kept.append(_agreeing(finding, finding))
        else:
            kept[same] = _agreeing(kept[same], finding)
    return ranked(_named(kept))


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """By severity, then by how many agree, then by how sure they are, then by place."""
    return sorted(found, key=_order)


def worst(found: Sequence[Finding], least: str) -> bool:
    """Whether any that is shown is at least that severe."""
    wanted = SEVERITIES[: SEVERITIES.index(least) + 1] if least in SEVERITIES else ()
    return any(finding.shown and finding.severity in wanted for finding in found)


def same_thing(one: Finding, other: Finding) -> bool:
    """Whether two findings are about the same lines and say the same of them."""
    if one.path != other.path or one.first - NEAR > other.last or other.first - NEAR > one.last:
        return False
    if one.patch and other.patch and one.patch == other.patch:
        return True
    # Names out of the code are in every claim about it.
    names = words(one.code) | words(other.code)
    mine, theirs = words(one.claim), words(other.claim)
    mine, theirs = mine - names or mine, theirs - names or theirs
    if not mine or not theirs:
        return mine == theirs
    common, least = len(mine & theirs), min(len(mine), len(theirs))
    if (one.first, one.last) == (other.first, other.last):
        return common / least >= ALIKE_THERE
    return common / least >= ALIKE and (common > 1 or least == 1)


def words(claim: str) -> frozenset[str]:
    """The words of a claim that carry its meaning, by their stems."""
    return frozenset(_stem(word) for word in _WORD.findall(claim.lower()) if word not in _EMPTY)


def _stem(word: str) -> str:
    for end in ("ization", "isation", "ations", "ation", "ingly", "ings", "ing", "edly", "ed", "es", "s"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word[: -len(end)][:STEM]
    return word[:STEM]


def _agreeing(kept: Finding, more: Finding) -> Finding:
    """One finding for both: the first one's words, the worse severity, every role."""
    roles = dict.fromkeys([*(kept.agreed or [kept.role]), *(more.agreed or [more.role])])
    severity = min(kept.severity, more.severity, key=SEVERITIES.index)
    also = [] if more.claim == kept.claim else [f"{more.role}: {more.claim}"]
    return msgspec.structs.replace(
        kept,
        agreed=list(roles),
        also=list(dict.fromkeys([*kept.also, *also])),
        severity=severity,
        confidence=max(kept.confidence, more.confidence),
        patch=kept.patch or more.patch,
        evidence=kept.evidence or more.evidence,
    )


def _order(finding: Finding) -> tuple[int, int, float, str, int, str]:
    severity = SEVERITIES.index(finding.severity)
    agreed = len(finding.agreed) or 1
    return severity, -agreed, -finding.confidence, finding.path, finding.first, finding.claim


def _named(found: Sequence[Finding]) -> list[Finding]:
    """With ids that stay when lines move: made of the file and of the code that it is about."""
    taken: dict[str, int] = {}
    made = []
    for finding in sorted(found, key=lambda one: (one.path, one.first, one.role, one.claim)):
        code = " ".join(finding.code.split()) or finding.claim
        key = hashlib.sha256(f"{finding.path}\0{code}".encode(errors="replace")).hexdigest()[:8]
        taken[key] = taken.get(key, 0) + 1
        name = key if taken[key] == 1 else f"{key}-{taken[key]}"
        made.append(msgspec.structs.replace(finding, id=name))
    return made


def count(found: Sequence[Finding]) -> Mapping[str, int]:
    """How many of each severity are shown."""
    sums = {severity: sum(f.shown and f.severity == severity for f in found) for severity in SEVERITIES}
    return {severity: number for severity, number in sums.items() if number}
