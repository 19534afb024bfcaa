"""One changed file of the HTML page: its versions side by side, aligned on the base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kage_nvim.cli.shown import Colours, Text, escaped
from kage_nvim.protocol import unb64

AROUND = 3
"""Unchanged lines that are shown beside a change; more are folded."""
FOLDED = 400
"""Unchanged lines that a fold holds; of more the page has only the number."""
ROWS = 4_000
"""Rows of one file; what is behind them is left out, and said to be."""

WORDS = {"A": "new", "D": "deleted", "R": "renamed", "T": "type changed", "M": ""}


def section(number: int, file: dict[str, Any], answer: dict[str, Any] | None, colours: Colours) -> str:
    """A file as HTML. ``file`` is of kaged's answer to ``diff``, ``answer`` is that to ``diff_file``; without
    one only what was done to the file is said."""
    path = escaped(file["path"])
    said = "".join(f"<li>{_change(n, change, file['kind'])}</li>" for n, change in _by_number(file["agents"]))
    body = f'<ul class="did">{said}</ul>'
    if file["kind"] != "text":
        body += f"<p>{escaped(file['kind'])}, not compared line by line{_sizes(answer)}</p>"
    elif answer is None:
        body += "<p>The page is full: the lines of this file are left out.</p>"
    else:
        body += f'<div class="wide">{_tables(answer, colours)}</div>'
        colours.forget()
    return f'<details class="file" id="f{number}" open><summary>{path}</summary>{body}</details>\n'


def _by_number(agents: Mapping[str, Any]) -> list[tuple[int, Any]]:
    return sorted((int(number), value) for number, value in agents.items())


def _change(number: int, change: dict[str, Any], kind: str) -> str:
    said = [WORDS.get(change["status"], change["status"])]
    if change["old_path"]:
        said[0] += f" from {change['old_path']}"
    old, new = change["old_mode"], change["new_mode"]
    if old and new and old != new and change["status"] in "MRT":
        said.append(f"mode {old} → {new}")
    elif change["status"] == "A" and new != "100644":
        said.append(f"mode {new}")
    if kind == "text":
        said.append(f"+{change['added']} -{change['removed']}")
    return f"<b>{number}</b> {escaped(', '.join(word for word in said if word))}"


def _sizes(answer: dict[str, Any] | None) -> str:
    if answer is None:
        return ""
    sides = [("base", answer["base_b64"]), *((n, v["b64"]) for n, v in _by_number(answer["versions"]))]
    sizes = (
        f"{name}: {'not there' if text is None else f'{len(unb64(text))} bytes'}" for name, text in sides
    )
    return escaped(" (" + ", ".join(sizes) + ")")


def _tables(answer: dict[str, Any], colours: Colours) -> str:
    path = answer["path"]
    numbers = [number for number, _ in _by_number(answer["versions"])]
    texts = {0: Text(unb64(answer["base_b64"] or ""))}
    texts |= {n: Text(unb64(version["b64"] or "")) for n, version in _by_number(answer["versions"])}
    shown = {n: colours.lines(path, text) for n, text in texts.items()}
    heads = []
    for n, text in texts.items():
        there = answer["base_b64"] if n == 0 else answer["versions"][str(n)]["b64"]
        remarks = text.remarks if there is not None else ["not there"]
        remark = f" <small>{escaped(', '.join(remarks))}</small>" if remarks else ""
        heads.append(f"<th>{n or 'base'}{remark}</th>")
    head = f"<table><thead><tr>{''.join(heads)}</tr></thead></table>"
    out, rows, at = [head], 0, 1
    for nth, place in enumerate(answer["places"], 1):
        out.append(_unchanged(shown[0], at, place["first"], len(numbers), edge=at == 1))
        place_rows = list(_rows(place, numbers, shown))
        room = max(0, ROWS - rows)
        rows += len(place_rows) + 2 * AROUND
        out.append(_place(place, answer["voices"], place_rows[:room]))
        if len(place_rows) > room:
            places = len(answer["places"]) - nth
            return "".join(out) + (
                f"<p>Too long for a page: {len(place_rows) - room} rows of this place are left out, "
                f"and {places} more places.</p>"
            )
        at = place["past"]
    out.append(_unchanged(shown[0], at, len(shown[0]) + 1, len(numbers), edge=True))
    if not answer["places"]:
        out.append("<p>The lines are the same.</p>")
    return "".join(out)


def _unchanged(base: Sequence[str], first: int, past: int, others: int, *, edge: bool) -> str:
    """Lines ``[first, past)`` of the base, which all versions have; those far from a change are folded."""
    top = 0 if edge and first == 1 else AROUND
    bottom = 0 if edge and past == len(base) + 1 else AROUND
    if past - first <= top + bottom + 2:
        return _plain(base, first, past, others)
    folded = past - first - top - bottom
    inside = "" if folded > FOLDED else _plain(base, first + top, past - bottom, others)
    note = f"{folded} unchanged lines" + (", not in this page" if folded > FOLDED else "")
    fold = f"<details><summary>{note}</summary>{inside}</details>" if inside else f"<p>{note}</p>"
    return (
        _plain(base, first, first + top, others)
        + f'<div class="fold">{fold}</div>'
        + _plain(base, past - bottom, past, others)
    )


def _plain(base: Sequence[str], first: int, past: int, others: int) -> str:
    if first >= past:
        return ""
    rows = []
    for line in range(first, past):
        cell = f"<td>{base[line - 1]}</td>"
        rows.append(f"<tr>{cell * (others + 1)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _rows(place: dict[str, Any], numbers: Sequence[int], shown: Mapping[int, list[str]]) -> Iterator[str]:
    first, past = place["first"], place["past"]
    spans: dict[int, tuple[int, int]] = {0: (first, past)}
    kinds = {0: "was" if past > first else "gap"}
    for at, version in enumerate(place["versions"]):
        for number, (b0, b1) in version["spans"].items():
            spans[int(number)] = (b0, b1)
            kinds[int(number)] = f"v{at % 4}"
    height = max(b1 - b0 for b0, b1 in spans.values())
    for row in range(height):
        cells = []
        for number in (0, *numbers):
            source = number if number in spans else 0
            b0, b1 = spans[source]
            kind = kinds.get(number, "")
            if b0 + row < b1:
                cells.append(f'<td class="{kind}">{shown[source][b0 + row - 1]}</td>')
            else:
                cells.append(f'<td class="{"gap" if number in spans else ""}"></td>')
        yield f"<tr>{''.join(cells)}</tr>"


def _place(place: dict[str, Any], of: Sequence[int], rows: Sequence[str]) -> str:
    versions = place["versions"]
    who = [" ".join(map(str, version["agents"])) for version in versions]
    count = len(set(versions[0]["agents"]) & set(of))
    if len(versions) > 1:
        said = f"choice of {len(versions)}: " + " | ".join(who)
    elif count > 1:
        said = f"{count} of {len(of)} agree ({who[0]})"
    else:
        said = f"{who[0]} alone"
    how = {"space": " but for blanks", "syntax": " in syntax"}
    said += "".join({how.get(version["how"], ""): None for version in versions})
    group = "choice" if len(versions) > 1 else "agree" if count > 1 else "lone"
    return f'<p class="place {group}">{escaped(said)}</p><table>{"".join(rows)}</table>'
