"""The verdict on a run: who stands where, and why. Pure data, as ``kage judge --json`` prints it."""

from __future__ import annotations

import msgspec


class Point(msgspec.Struct, frozen=True):
    """Something to be said for or against a candidate, at a place of its tree (line 1-based; 0: none)."""

    text: str
    path: str = ""
    line: int = 0


class Requirement(msgspec.Struct, frozen=True):
    """One thing that the task asks for; ``met`` says for each candidate ``met``, ``unmet`` or ``unknown``,
    ``evidence`` why."""

    text: str
    met: dict[int, str] = {}
    evidence: dict[int, str] = {}


class Pairing(msgspec.Struct, frozen=True):
    """Two candidates compared in both orders: who won when ``one`` was shown first and when ``two`` was
    (``None``: neither), and what the judge said; ``answered`` is false when an answer did not come or could
    not be read."""

    one: int
    two: int
    forward: int | None = None
    backward: int | None = None
    words: list[str] = []
    answered: bool = True

    @property
    def winner(self) -> int | None:
        """Who won in both orders; ``None`` for a tie."""
        return self.forward if self.forward == self.backward else None


class Standing(msgspec.Struct, kw_only=True):
    """One candidate's place. ``rank`` counts from 1; equals share none, for ties are broken.

    ``gate`` says why it is out, if it is (empty: it passed). ``checked`` is its checks in a line, ``green``
    whether all required ones passed, ``regressed`` what passed at the base and fails here. ``matrix`` counts
    passed and all tests of all candidates' new tests; ``cluster`` numbers the group of those that behave the
    same, ``distinct`` is false when an earlier one of it does the same. ``size`` is lines added and removed,
    ``decided`` what set it apart from the next.
    """

    number: int
    rank: int = 0
    gate: str = ""
    checked: str = ""
    green: bool | None = None
    regressed: list[str] = []
    weakened: list[str] = []
    flaky: list[str] = []
    matrix: tuple[int, int] = (0, 0)
    cluster: int = 0
    distinct: bool = True
    size: int = 0
    cost_usd: float | None = None
    strengths: list[Point] = []
    weaknesses: list[Point] = []
    decided: str = ""

    @property
    def doubt(self) -> str:
        """Why even the best of all should not land as it is; empty: nothing is known against it."""
        if self.regressed:
            return f"it breaks {len(self.regressed)} that worked"
        if self.weakened:
            return "it weakens tests"
        return "not all required checks pass" if self.green is False else ""


class Verdict(msgspec.Struct, kw_only=True):
    """The ranking of a run's candidates, best first, with what it stands on.

    ``basis`` is ``evidence`` or ``judge``; ``confidence`` the share of the judge's pairings that were equal
    in both orders (``None`` without a judge). ``cost_usd`` is the judge's (``None``: unpriced).
    ``both_orders``: the winner won against every other that was compared, in both orders. ``notes`` say what
    could not be done. ``commits`` are the candidates that it is of, ``stale`` says which of them are others
    by now (empty: it holds), ``landed`` what came of landing its winner without being asked again.
    """

    schema: int = 1
    run: str
    task: str
    winner: int | None = None
    ranking: list[Standing] = []
    clusters: list[list[int]] = []
    checklist: list[Requirement] = []
    pairings: list[Pairing] = []
    basis: str = "evidence"
    confidence: float | None = None
    both_orders: bool = False
    words: str = ""
    judge: str = ""
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    notes: list[str] = []
    commits: dict[int, str] = {}
    stale: str = ""
    landed: str = ""
