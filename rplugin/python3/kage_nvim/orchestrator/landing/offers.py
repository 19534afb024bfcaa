"""What candidates bring to a landing: all of one, the union of several, some of their files, single hunks.

On which base it stands is found here, too: where a candidate was landed before, the rest of it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kage_nvim.compare import compose, land
from kage_nvim.compare.hunks import of_patches
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator import steps
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.landing import landed_before, picking
from kage_nvim.orchestrator.landing.picking import Pick
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Snapshot, Store
from kage_nvim.trees import changes, changes_with_patches, trees_of


@dataclass(frozen=True)
class Offer:
    """What candidates bring: a ``tree`` made from ``base``, and what they differ ``between`` them in;
    ``partly``: single hunks of ``paths``; ``again``: some of it was landed before."""

    candidates: list[CandidateStatus]
    base: str
    tree: str
    paths: set[str]
    between: list[compose.Conflict] = field(default_factory=list)
    partly: bool = False
    again: bool = False

    @property
    def numbers(self) -> list[int]:
        """The candidates in the order given."""
        return [candidate.number for candidate in self.candidates]

    @property
    def name(self) -> str:
        """As the user is told: ``candidate 2``, ``candidates 1 and 3``."""
        return f"candidate{'s' if len(self.numbers) > 1 else ''} {self.of}"

    @property
    def of(self) -> str:
        """The numbers in words: ``2``, ``1 and 3``."""
        *others, last = map(str, self.numbers)
        return f"{', '.join(others)} and {last}" if others else last


async def offer(
    conductor: Conductor,
    run: Run,
    candidates: list[CandidateStatus],
    paths: Sequence[str],
    yours: Snapshot,
) -> Offer:
    """What candidates bring to ``yours``: all of them together, or just ``paths`` (see ``land.only``).

    ``base`` is what the three-way merge starts from, where they were landed before included.

    Raises:
        KageError: ``not_changed`` when they do not change one of ``paths``.
    """
    base = await steps.base_for(conductor, run, yours.commit)
    offered = await asyncio.to_thread(_united, run.store, base, candidates, paths)
    before = landed_before.of(conductor, run, offered.numbers)
    ground = await asyncio.to_thread(
        landed_before.ground,
        run,
        before,
        offered.base,
        offered.tree,
        {candidate.number: candidate.commit for candidate in candidates},
        yours,
        offered.paths - {conflict.path for conflict in offered.between},
    )
    return replace(offered, base=ground, again=ground != offered.base)


def _united(store: Store, base: str, candidates: list[CandidateStatus], paths: Sequence[str]) -> Offer:
    """The union of candidates, on the base that they share."""
    base_tree, *found = trees_of(store, [base, *(candidate.commit for candidate in candidates)])
    between: list[compose.Conflict] = []
    tree = found[0]
    if len(candidates) > 1:
        commits = {candidate.number: candidate.commit for candidate in candidates}
        union = compose.union(store, base_tree, commits)
        tree, between = union.tree, union.conflicts
    if not paths:
        touched = {change.path for change in changes(store, base_tree, tree, renames=False)}
        return Offer(candidates, base_tree, tree, touched, between)
    differing = {conflict.path for conflict in between}
    tree, picked = land.only(store, base_tree, tree, paths, differing)
    named = land.named(differing, paths)
    return Offer(candidates, base_tree, tree, picked, [c for c in between if c.path in picked | named])


async def picked(
    conductor: Conductor,
    run: Run,
    candidates: list[CandidateStatus],
    picks: Sequence[Pick],
    shown: str,
    yours: Snapshot,
) -> Offer:
    """The hunks that were chosen, as an offer."""
    base = await steps.base_for(conductor, run, yours.commit)
    tree = await asyncio.to_thread(picking.composed, run.store, shown, base, candidates, picks)
    return Offer(candidates, base, tree, {pick.path for pick in picks}, partly=True)


def where_left(store: Store, offered: Offer, landed: str) -> Offer:
    """The same, with the places that were left by their lines in the ``landed`` tree."""
    if not offered.between:
        return offered
    changed, patches = changes_with_patches(store, offered.base, landed)
    hunks = {
        change.path: found
        for change, found in zip(changed, of_patches(changed, patches), strict=True)
        if found
    }

    def moved(path: str, line: int | None) -> int | None:
        above = [hunk for hunk in hunks.get(path, []) if line is not None and hunk.a1 <= line]
        return line if line is None or not above else line + above[-1].b1 - above[-1].a1

    between = [replace(conflict, line=moved(conflict.path, conflict.line)) for conflict in offered.between]
    return replace(offered, between=between)
