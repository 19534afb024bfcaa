"""Runs that stand on a candidate: where their agents begin, and what their candidates are compared with.

Agents of such a run begin from the candidate's tree, which the user may not have. Its candidates hold both
steps (base → candidate 2 → theirs), and so must what is shown and landed, unless the user took the first step
already. So the comparison is made file by file: a file of which the user has a step's version is compared
with that version, every other one with the base that the whole chain began from. Landing is then one
three-way merge, whatever was landed, undone or edited in between.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kage_nvim.errors import refused, usage
from kage_nvim.orchestrator import proposals, summary
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import open_buffers
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Repository, Snapshot, Store
from kage_nvim.records import Landing, Step
from kage_nvim.trees import Entry, changes, edit_tree, trees_of

_WANTED = re.compile(r"(?:(?P<run>[^\s:]+):)?(?P<number>\d{1,4})")

Version = tuple[str, str]
"""A file in a tree: mode and blob."""


@dataclass(frozen=True)
class Ground:
    """What a run stands on: the candidate as it is given in commands, the ``base`` and ``head`` of the first
    run of the chain, the ``steps`` since, and ``before``: what the agents are told of the work they find.

    On a ``proposal`` nothing stands: it is a document, carried out on what there was without it. Where that
    was no candidate, there are no steps, and the run begins from what the user has."""

    name: str
    base: str
    head: str
    steps: list[Step]
    before: str
    proposal: str = ""


async def ground(conductor: Conductor, repository: Repository, on: str) -> Ground:
    """The candidate that ``--on`` names: ``2`` of the newest run, or ``RUN:2``.

    Raises:
        KageError: no such run or candidate, or one of another repository.
    """
    match = _WANTED.fullmatch(on.strip())
    if match is None:
        raise usage(f"`--on {on}` names no candidate", "Write --on 2, or --on RUN:2 for another run.")
    run = await conductor.run(str(repository.root), match["run"])
    if run.root != repository.root:
        raise refused(
            f"run {run.id} belongs to {run.root}, not to {repository.root}", fix="Spawn from that folder."
        )
    number = int(match["number"])
    candidate = run.candidate(number)
    name, head = f"{run.id}:{number}", run.record.status.head
    if run.record.course.proposals:
        text = await asyncio.to_thread(proposals.text, run, candidate)
        return Ground(name, run.base, head, run.record.steps, run.record.task.before, text)
    step = Step(run.id, number, candidate.commit)
    before = await asyncio.to_thread(_before, run, number)
    return Ground(name, run.base, head, [*run.record.steps, step], before)


def _before(run: Run, number: int) -> str:
    """What was done up to a candidate, for those who go on from there."""
    agent, task = run.agents.get(number), run.record.task
    account = f"It was asked to do this:\n\n{task.text}"
    if agent is not None:
        account += f"\n\n{summary.told(summary.of_agent(agent))}"
    if not task.before:
        return account
    return f"{task.before}\n\n# What came on top of that\n\nThe next agent built on it. {account}"


def pin(store: Store, run_id: str, steps: Sequence[Step]) -> None:
    """Keep the steps' commits for as long as the run lives, whatever becomes of their own runs."""
    for number, step in enumerate(steps, 1):
        store.pin(f"refs/kage/{run_id}/step{number}", step.commit)


def notes(store: Store, ground: Ground, yours: Snapshot) -> list[str]:
    """What to tell of a spawn on a candidate: its agents do not see what the user edited since."""
    first, last = trees_of(store, [ground.base, ground.steps[-1].commit])
    if yours.tree in (first, last):
        return []
    return [
        f"the agents begin from candidate {ground.name} as it is: your edits since its run began are not in"
        " it, and stay when you accept"
    ]


async def compared_with(conductor: Conductor, run: Run) -> str:
    """What a run's candidates are shown against: its base, and where it stands on a candidate, what the user
    has of that. A commit or a tree."""
    if not run.record.steps:
        return run.base
    return await base_for(conductor, run, await yours(conductor, run))


async def yours(conductor: Conductor, run: Run) -> str:
    """A snapshot of what the user has now, unsaved text included: its commit."""
    overlays = {
        str(buffer.path.relative_to(run.root)): buffer.content
        for buffer in await open_buffers(conductor.peers, run.root)
        if buffer.content is not None
    }
    return (await asyncio.to_thread(run.store.snapshot, overlays)).commit


async def base_for(conductor: Conductor, run: Run, yours: str) -> str:
    """The same for a snapshot that was taken already: what the landing's three-way merge starts from."""
    if not run.record.steps:
        return run.base
    landings = conductor.database.landings(str(run.root), "done")
    taken = [_taken(conductor, step, landings) for step in run.record.steps]
    return await asyncio.to_thread(_base, run, yours, taken)


def _taken(conductor: Conductor, step: Step, landings: Iterable[Landing]) -> set[str]:
    """The files of a step that were landed, with it or with a candidate that stands on it."""
    files: set[str] = set()
    for landing in landings:
        other = conductor.runs.get(landing.run)
        through = other is not None and step in other.record.steps
        if landing.undoes is None and (through or (landing.run, landing.number) == (step.run, step.number)):
            files |= {file.path for file in landing.files}
    return files


def _base(run: Run, yours: str, taken: Sequence[set[str]]) -> str:
    store = run.store
    mine = _versions(store, run.base, yours)
    steps = [_versions(store, run.base, step.commit) for step in run.record.steps]
    edits = []
    for path in sorted(set().union(*steps)):
        version = _step_that_you_have(path, mine, steps, taken)
        if version is not None:
            edits.append(Entry(version[0], version[1], path))
    if not edits:
        return run.base
    return edit_tree(store, run.base, edits, store.scratch / f"steps-{secrets.token_hex(4)}")


def _step_that_you_have(
    path: str, mine: dict[str, Version], steps: Sequence[dict[str, Version]], taken: Sequence[set[str]]
) -> Version | None:
    """The newest step's version of a file that is in the user's; None: that of the base.

    Content tells it when the file is exactly as it was at a step or at the base. Of a file that was edited
    since, the landings tell.
    """
    for step in reversed(steps):
        if mine.get(path) == step.get(path):
            return step.get(path)
    if path not in mine:
        return None
    for step, landed in zip(reversed(steps), reversed(taken), strict=True):
        if path in landed and path in step:
            return step[path]
    return None


def _versions(store: Store, base: str, tree: str) -> dict[str, Version]:
    """The files of a tree that differ from the base; a deleted one has the mode 000000."""
    found = changes(store, base, tree, renames=False)
    return {change.path: (change.new_mode, change.new_sha) for change in found}
