"""Landings that are kept as commits: what each candidate's share is, and what is noted of it.

See branches and other_branch for how the commits are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kage_nvim.compare import land
from kage_nvim.errors import KageError
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.landing import branches, landed_before, other_branch
from kage_nvim.orchestrator.landing.branches import Part, Wish
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.records import Landing
from kage_nvim.trees import changes, trees_of


@dataclass(frozen=True)
class Keep:
    """Who asked for commits, and for which; ``parts`` are the candidates' shares."""

    peer: Peer
    wish: Wish
    parts: list[Part]


def parts(run: Run, candidates: Sequence[CandidateStatus], paths: Sequence[str]) -> list[Part]:
    """The share of each candidate, of these paths only where some are given."""
    base, *trees = trees_of(run.store, [run.base, *(candidate.commit for candidate in candidates)])
    if paths:
        every = {change.path for tree in trees for change in changes(run.store, base, tree, renames=False)}
        trees = [land.only(run.store, base, tree, paths, every)[0] for tree in trees]
    return [
        Part([candidate.number], base, tree)
        for candidate, tree in zip(candidates, trees, strict=True)
        if tree != base or len(candidates) == 1
    ]


async def on_branch(conductor: Conductor, run: Run, keep: Keep) -> dict[str, Any]:
    """Bring candidates onto a branch that is not checked out, and note it in the history.

    Raises:
        KageError: see ``other_branch.branch``; nothing of the user's was touched.
    """
    made = await other_branch.branch(keep.peer, run, keep.wish, keep.parts)
    numbers = [number for part in keep.parts for number in part.numbers]
    landing = Landing(
        repository=str(run.root),
        run=run.id,
        number=numbers[-1],
        numbers=numbers,
        before=keep.parts[0].before,
        after=keep.parts[-1].after,
        files=[],
        state="branch",
        commit=made.commits[-1],
        branch=made.branch,
    )
    conductor.database.open_landing(landing)
    for number in numbers:
        conductor.spawn_task(conductor.gateway.outcome(run.id, number, "accepted"))
    answer = {"landing": landing.id, "numbers": numbers, "files": [], "conflicts": [], "notes": made.notes}
    return answer | made.answer()


def uncommitted(conductor: Conductor, run: Run, numbers: Sequence[int], paths: set[str]) -> Landing | None:
    """The newest landing of these candidates (and of no other files) that is not committed yet."""
    for landing in landed_before.of(conductor, run, numbers):
        files = {file.path for file in landing.files}
        if not landing.commit and set(landing.numbers) == set(numbers) and files <= paths:
            return landing
    return None


async def commit_earlier(conductor: Conductor, run: Run, keep: Keep, landing: Landing) -> dict[str, Any]:
    """Commit what was landed before; the files are as they were.

    Raises:
        KageError: see ``branches.plan`` and ``commit``.
    """
    planned = await branches.plan(keep.peer, run, keep.wish, landing.before, landing.after, keep.parts)
    answer = {
        "landing": landing.id,
        "numbers": landing.numbers,
        "files": [],
        "conflicts": [],
        "notes": ["the files were landed before"],
    }
    return await commit(conductor, landing, planned, answer)


async def commit(
    conductor: Conductor, landing: Landing, planned: branches.Planned, answer: dict[str, Any]
) -> dict[str, Any]:
    """Commit what was landed, and add to the answer where it is.

    Raises:
        KageError: see ``branches.commit``; ``data.landed`` is the answer without the commit.
    """
    try:
        made = await branches.commit(planned)
    except KageError as error:
        error.data = {**error.data, "landed": answer}
        raise
    landing.commit, landing.branch = made.commits[-1], made.branch
    conductor.database.put_landing(landing)
    return answer | made.answer() | {"notes": [*answer["notes"], *made.notes]}
