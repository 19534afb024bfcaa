"""What a judge answers, read as it comes: whom it prefers, its words, strengths and weaknesses. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kage_nvim.evaluate.answers import found
from kage_nvim.evaluate.verdict import Point
from kage_nvim.visible import visible

LONGEST = 600
"""Characters of what a judge says in one piece."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's answer to one question: ``winner`` is ``A``, ``B`` or ``tie``."""

    winner: str
    why: str = ""
    strengths: dict[str, list[Point]] = {}
    weaknesses: dict[str, list[Point]] = {}


def read(answer: str) -> Opinion | None:
    """What a judge answered; ``None`` when it cannot be read."""
    value = found(answer, lambda v: isinstance(v, dict) and _winner(v.get("winner")) is not None)
    if value is None:
        said = re.findall(r"(?i)\bwinner\W{1,5}(?:is\W{1,3})?(A|B|tie)\b", answer)
        winner = _winner(said[-1]) if said else None
        return Opinion(winner=winner) if winner else None
    return Opinion(
        winner=_winner(value["winner"]) or "tie",
        why=_line(next((said for said in map(value.get, ("why", "reason")) if isinstance(said, str)), "")),
        strengths={name: _points(value.get(name), "strengths") for name in ("A", "B")},
        weaknesses={name: _points(value.get(name), "weaknesses") for name in ("A", "B")},
    )


def _winner(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    word = value.strip(" []\"'`.*").lower()
    word = re.sub(r"^(?:candidate|change|solution)\s+", "", word)
    known = {"a": "A", "b": "B", "tie": "tie", "none": "tie", "neither": "tie", "equal": "tie", "draw": "tie"}
    return known.get(word)


def _points(value: Any, kind: str) -> list[Point]:
    entries = value.get(kind) if isinstance(value, dict) else None
    return [point for entry in entries or [] if (point := _point(entry))] if isinstance(entries, list) else []


def _point(entry: Any) -> Point | None:
    if isinstance(entry, str):
        match = re.match(r"\s*\(?([\w./-]+\.\w+):(\d{1,7})\)?[:,]?\s+(.+)", entry)
        return Point(_line(match[3]), match[1], int(match[2])) if match else Point(_line(entry))
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        return None
    line = entry.get("line")
    at = line if isinstance(line, int) and 0 < line < 10**7 else 0
    path = entry.get("path")
    return Point(_line(entry["text"]), _line(path) if isinstance(path, str) else "", at)


def _line(text: Any) -> str:
    return visible(" ".join(str(text).split()))[:LONGEST]


def named(text: str, a: int, b: int) -> str:
    """A judge's words with the candidates' numbers in the place of its letters."""
    numbers = {"A": a, "B": b}
    text = re.sub(r"\[([AB])\]", lambda m: f"candidate {numbers[m[1]]}", text)
    text = re.sub(
        r"\b(?:[Cc]andidate|[Cc]hange|[Ss]olution) ([AB])\b", lambda m: f"candidate {numbers[m[1]]}", text
    )
    if re.search(r"\bB\b|\bA\b(?! [a-z])", text):
        text = f"(A is {a}, B is {b}) {text}"
    return text
