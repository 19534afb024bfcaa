"""A verdict as a document to read: the same lines in a shell and in the editor, with places to go to.

Pure. Every line fits the width; what others wrote is made visible first, so that it drives no terminal.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Collection, Mapping, Sequence

import msgspec

from kage_nvim.evaluate.verdict import Point, Requirement, Standing, Verdict
from kage_nvim.visible import visible

WIDTH = 78
WINNER = "★"


class Link(msgspec.Struct, frozen=True):
    """Where a line leads: a candidate's diff, at a file and line (1-based; 0: its beginning)."""

    number: int
    path: str = ""
    line: int = 0


class Line(msgspec.Struct, frozen=True):
    """One line. ``kind`` is ``title``, ``heading``, ``head`` (of a table), ``winner``, ``good``, ``bad``,
    ``faint`` or empty; ``link`` is where <CR> leads."""

    text: str
    kind: str = ""
    link: Link | None = None


def document(
    verdict: Verdict, players: Mapping[int, str], files: Mapping[int, Collection[str]] | None = None
) -> list[Line]:
    """The document; ``players`` names who made a candidate, by number, ``files`` what each changed: no line
    leads elsewhere, whatever a judge says (``None``: nobody knows)."""
    parts = [
        _top(verdict),
        _ranking(verdict, players),
        _evidence(verdict),
        _checklist(verdict, files),
        *(_candidate(standing, players) for standing in verdict.ranking),
        _copies(verdict),
        _words(verdict),
        _notes(verdict),
    ]
    lines: list[Line] = []
    for part in parts:
        lines += ([Line("")] if lines and part else []) + part
    return lines if files is None else [_led(line, files) for line in lines]


def _led(line: Line, files: Mapping[int, Collection[str]]) -> Line:
    """A line that leads to a file which its candidate did not change leads to the candidate."""
    link = line.link
    if link is None or not link.path or link.path in files.get(link.number, ()):
        return line
    return msgspec.structs.replace(line, link=Link(link.number))


def text(lines: Sequence[Line]) -> str:
    """The lines for a terminal."""
    return "\n".join(line.text for line in lines)


def _top(verdict: Verdict) -> list[Line]:
    best = f"candidate {verdict.winner} is best" if verdict.winner is not None else "none can be recommended"
    lines = [Line(f"# Verdict on run {verdict.run}: {best}", "title")]
    doubt = next((s.doubt for s in verdict.ranking if s.number == verdict.winner), "")
    if doubt:
        lines += _wrapped(f"The best of these, but {doubt}.", "", "bad")
    if verdict.stale:
        lines += _wrapped(
            f"OUT OF DATE: {verdict.stale}. :Kage judge (kage judge) makes a new one.", "", "bad"
        )
    task = [line for line in verdict.task.splitlines() if line.strip()]
    lines += _wrapped(f"Task: {task[0] if task else ''}" + (" …" if len(task) > 1 else ""))
    lines += _wrapped(basis(verdict))
    if verdict.landed:
        lines += _wrapped(f"Landing: {verdict.landed}")
    return lines


def basis(verdict: Verdict) -> str:
    """What the verdict stands on, how sure it is, and what it cost."""
    if verdict.basis != "judge":
        said = "On evidence alone, no judge's opinion."
    else:
        equal = sum(p.answered and p.forward == p.backward for p in verdict.pairings)
        said = (
            f"By evidence and the judge {verdict.judge}. Confidence {(verdict.confidence or 0):.0%}:"
            f" {equal} of {len(verdict.pairings)} pairings equal in both orders."
        )
    cost = "" if not verdict.judge else f" The judge cost {_money(verdict.cost_usd)};"
    return f"{said}{cost} {verdict.seconds:.1f} s.".replace("; ", ", ")


def _ranking(verdict: Verdict, players: Mapping[int, str]) -> list[Line]:
    if not verdict.ranking:
        return []
    lines = [Line("## Ranking", "heading")]
    for standing in verdict.ranking:
        mark = WINNER if standing.number == verdict.winner else " "
        who = _fit(players.get(standing.number, ""), 14)
        why = f"out: {standing.gate}" if standing.gate else standing.decided
        head = f"{mark} {standing.rank:>2}.  candidate {standing.number:<3} {who}  "
        kind = "winner" if mark == WINNER else ""
        lines += _wrapped(head + why, " " * 8, kind, Link(standing.number))
    return lines


def _evidence(verdict: Verdict) -> list[Line]:
    if not verdict.ranking:
        return []
    head = f"{'':>4}  {'checks':<30} {'regress':>7} {'new tests':>9} {'lines':>6} {'cost':>9} same"
    lines = [Line("## Evidence", "heading"), Line(head.rstrip(), "head")]
    for standing in verdict.ranking:
        passed, total = standing.matrix
        group = next((group for group in verdict.clusters if standing.number in group), [])
        same = ",".join(str(number) for number in group if number != standing.number)
        tests = f"{passed}/{total}" if total else "-"
        checks = standing.checked or "not run"
        row = (
            f"{standing.number:>4}  {_fit(checks, 30)} {len(standing.regressed):>7} {tests:>9}"
            f" {standing.size:>6} {_money(standing.cost_usd):>9} {same}"
        )
        kind = "bad" if standing.regressed or standing.weakened or standing.gate else ""
        lines += [Line(_cut(row.rstrip(), WIDTH), kind, Link(standing.number))]
        for name, what in (("broke", standing.regressed), ("flaky", standing.flaky)):
            lines += _wrapped(f"{' ' * 6}{name}: {_some(what)}", " " * 8, "faint") if what else []
        for weakening in standing.weakened:
            lines += _wrapped(f"{' ' * 6}weakened: {weakening}", " " * 8, "bad")
    return lines


def _checklist(verdict: Verdict, files: Mapping[int, Collection[str]] | None) -> list[Line]:
    if not verdict.checklist:
        return []
    lines = [Line("## Requirements", "heading")]
    for at, requirement in enumerate(verdict.checklist, 1):
        lines += _wrapped(f"{at:>2}. {requirement.text}", " " * 4)
        lines += [line for s in verdict.ranking for line in _met(requirement, s.number, files)]
    return lines


def _met(requirement: Requirement, number: int, files: Mapping[int, Collection[str]] | None) -> list[Line]:
    state = requirement.met.get(number, "unknown")
    evidence = requirement.evidence.get(number, "")
    kind = {"met": "good", "unmet": "bad"}.get(state, "faint")
    said = f"    {number}: {state}" + (f", {evidence}" if evidence else "")
    known = files.get(number, ()) if files else ()
    return _wrapped(said, " " * 8, kind, _place(evidence, number, known))


def _candidate(standing: Standing, players: Mapping[int, str]) -> list[Line]:
    if not (standing.strengths or standing.weaknesses):
        return []
    who = players.get(standing.number, "")
    title = f"## Candidate {standing.number}" + (f" ({who})" if who else "")
    lines = [Line(_cut(visible(title), WIDTH), "heading", Link(standing.number))]
    for mark, kind, points in (("+", "good", standing.strengths), ("-", "bad", standing.weaknesses)):
        lines += [line for point in points for line in _point(mark, kind, point, standing.number)]
    return lines


def _point(mark: str, kind: str, point: Point, number: int) -> list[Line]:
    place = f"  {point.path}" + (f":{point.line}" if point.line else "") if point.path else ""
    return _wrapped(f"{mark} {point.text}{place}", "  ", kind, Link(number, point.path, point.line))


def _copies(verdict: Verdict) -> list[Line]:
    lines = []
    for standing in verdict.ranking:
        group = next((group for group in verdict.clusters if standing.number in group), [])
        others = [number for number in group if number != standing.number]
        if not standing.distinct and others:
            said = f"candidate {standing.number} does the same as {', '.join(map(str, others))}"
            lines += _wrapped(said, "  ", "", Link(standing.number))
    return [Line("## Added nothing distinct", "heading"), *lines] if lines else []


def _words(verdict: Verdict) -> list[Line]:
    if not verdict.words:
        return []
    lines = [Line("## The judge's words", "heading")]
    for paragraph in verdict.words.splitlines():
        lines += _wrapped(paragraph, "  ")
    return lines


def _notes(verdict: Verdict) -> list[Line]:
    if not verdict.notes:
        return []
    lines = [Line("## Notes", "heading")]
    for note in verdict.notes:
        lines += _wrapped(f"- {' '.join(note.split())}", "  ")
    return lines


def _place(evidence: str, number: int, files: Collection[str]) -> Link:
    """The place that an evidence names; names of files can hold anything."""
    for path in sorted(files, key=len, reverse=True):
        if match := re.search(rf"(?<![\w/]){re.escape(path)}:(\d{{1,7}})\b", evidence):
            return Link(number, path, int(match[1]))
    match = re.search(r"([\w./@+-]+\.?\w*):(\d{1,7})\b", evidence)
    return Link(number, match[1], int(match[2])) if match else Link(number)


_SECOND = "\x00"
"""Stands for the second column of a wide character while lines are broken; what is visible holds none."""


def _wrapped(said: str, indent: str = "", kind: str = "", link: Link | None = None) -> list[Line]:
    """Text of others in lines of the width; wide characters take two columns, those that combine none."""
    said = visible(said)
    spread = "".join(char + _SECOND if _columns(char) == 2 else char for char in said)
    found = textwrap.wrap(
        spread, WIDTH, subsequent_indent=indent, replace_whitespace=False, drop_whitespace=True
    )
    lead = said[: len(said) - len(said.lstrip(" "))]
    if found and not found[0].startswith(lead):
        found[0] = lead + found[0]
    return [Line(part.replace(_SECOND, ""), kind, link) for part in found]


def _columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(said: str, width: int) -> str:
    """At most so many columns."""
    if sum(map(_columns, said)) <= width:
        return said
    used, at = 0, 0
    while at < len(said) and used + _columns(said[at]) <= width - 1:
        used += _columns(said[at])
        at += 1
    return said[:at] + "…"


def _fit(said: str, width: int) -> str:
    short = _cut(visible(said), width)
    return short + " " * (width - sum(map(_columns, short)))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def _money(value: float | None) -> str:
    return "unpriced" if value is None else f"${value:.4f}"
