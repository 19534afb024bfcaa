"""What a test consists of, in whatever language it is written: cases, and the claims that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kage_nvim.evaluate.evaluation import Weakening

Files = Mapping[str, bytes]
"""Contents of files by path, from the root."""

NOTHING = 0.0
TRUTH = 2.0
SOME = 3.0
NEAR = 4.0
EQUAL = 5.0
"""How much a claim says: nothing, that something is there, something of it, nearly all, all."""


class Claim(NamedTuple):
    """One thing that a test claims.

    ``text`` is the claim without its layout, ``subject`` what it is about, ``expected`` what is said of that;
    ``slack`` a tolerance where there is one. ``swallowed``: its failure is caught; ``guarded``: it is made
    under a condition only. ``calls`` are the names that the subject calls, ``constants`` all literal values.
    """

    text: str
    line: int
    strength: float
    subject: str = ""
    expected: str = ""
    slack: float | None = None
    swallowed: bool = False
    guarded: bool = False
    calls: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()


@dataclass
class Case:
    """One test.

    ``idle`` says why it is not run, where it is not; ``marks`` what is attached to it (kind → words);
    ``rounds`` with how many sets of values it is run (``None``: not known, -1: filtered), ``values`` which,
    ``drawn`` what random ones are drawn from; ``words``, ``names``, ``calls`` and ``constants`` are what its
    text consists of; ``patched`` and ``mocked`` are names that are replaced in it, with the lines.
    """

    path: str
    name: str
    line: int
    idle: str = ""
    marks: dict[str, str] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    rounds: int | None = 1
    words: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    patched: dict[str, int] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    mocked: dict[str, int] = field(default_factory=dict)
    values: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)


def weakening(kind: str, path: str, line: int, text: str) -> Weakening:
    """One with its words on one line."""
    return Weakening(kind, path, line, re.sub(r"\s+", " ", text).strip())


def short(text: str, most: int = 60) -> str:
    """Words of a file for a sentence."""
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= most else text[: most - 1] + "…"
