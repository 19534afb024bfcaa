"""The union of a run's parts: what their agents made, put together as the run's next candidate and checked.

Places where the parts contradict each other stay as the base has them; those, and names that one part takes
away while another begins to use them, are listed with what several did twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim import trees
from kage_nvim.compare import clashes, compose
from kage_nvim.compare.clashes import Clash, Edited
from kage_nvim.compare.hunks import of_patches, split
from kage_nvim.errors import KageError
from kage_nvim.evaluate import planning
from kage_nvim.model import CandidateStatus, State
from kage_nvim.orchestrator import comparing
from kage_nvim.orchestrator.runs import Run
from kage_nvim.trees import ABSENT

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

LARGEST = 1_000_000
"""Bytes of a file in which names are looked for."""


async def unite(conductor: Conductor, run: Run) -> int | None:
    """Put what the parts' agents made together, once all have ended, as the run's next candidate; its number.

    One that there is already is made anew when one of its parts was; ``None`` when there is nothing new.

    Raises:
        KageError: git failed.
    """
    async with run.judging:
        if all(agent.record.status.state.ended for agent in run.agents.values()):
            return await _united(conductor, run)
        return None


async def _united(conductor: Conductor, run: Run) -> int | None:
    made = [c for c in run.record.status.candidates if c.number in run.record.course.parts and c.files]
    commits = {candidate.number: candidate.commit for candidate in made}
    before = run.record.union
    told = {str(number): commit for number, commit in commits.items()}
    if len(made) < planning.FEWEST or (before and before["commits"] == told):
        return None
    union = await asyncio.to_thread(compose.union, run.store, run.base, commits)
    found = await _clashes(run, commits, union)
    number = before["number"] if before else run.next_number()
    note = f"the union of parts {_listed(list(commits))}"
    left = len(union.conflicts)
    lacks = f"; {left} place{'s' * (left > 1)} left as at the base, see kage parts" if left else ""
    candidate = await asyncio.to_thread(_keep, run, number, union.tree, note + lacks)
    missing = [n for n in run.record.course.parts if n not in commits]
    unfinished = [n for n in commits if run.agents[n].record.status.state is not State.DONE]
    run.record.union = {
        "number": number,
        "commits": told,
        "missing": missing,
        "clashes": msgspec.to_builtins(found),
    }
    run.set_candidate(candidate)
    run.record.status.verdict = _line(number, note, found, missing, unfinished)
    conductor.changed(run)
    return number


def _keep(run: Run, number: int, tree: str, note: str) -> CandidateStatus:
    commit = trees.commit_tree(run.store, tree, run.base, f"candidate {number}: {note}")
    ref = run.ref(number)
    if ref in run.store.refs(ref):
        run.store.trash(ref)
    run.store.pin(ref, commit)
    changed = trees.changes(run.store, run.base, commit)
    return CandidateStatus(
        number=number,
        kind="composed",
        commit=commit,
        files=len(changed),
        added=sum(change.added for change in changed),
        removed=sum(change.removed for change in changed),
        note=note,
    )


async def _clashes(run: Run, commits: Mapping[int, str], union: compose.Union) -> list[Clash]:
    """What the union left out, then what definitions show, then what was done twice."""
    from kage_nvim.orchestrator.contrast import contrast

    found = [
        Clash(
            "contradiction",
            conflict.path,
            conflict.line or 0,
            conflict.agents,
            f"agents {_listed(conflict.agents)} made different things of it ({conflict.kind}): left as it"
            " was",
        )
        for conflict in union.conflicts
    ]
    open_at = {(clash.path, agent) for clash in found for agent in clash.agents if not clash.line}
    numbers, alike = list(commits), list[Clash]()
    work = await asyncio.to_thread(_work, run, commits)
    with suppress(KageError):  # what cannot be parsed says nothing of names
        answer = await contrast(run, numbers, run.base)
        more = clashes.contradictions(answer["files"], work)
        found += [c for c in more if not all((c.path, agent) in open_at for agent in c.agents)]
        alike = clashes.shared(answer["files"], found)
    aligned = await comparing.aligned(run, numbers, [], run.base)
    return [*found, *clashes.overlaps(aligned["files"]), *alike]


def _work(run: Run, commits: Mapping[int, str]) -> dict[int, dict[str, Edited]]:
    return {number: _edited(run, commit) for number, commit in commits.items()}


def _edited(run: Run, commit: str) -> dict[str, Edited]:
    changes, patches = trees.changes_with_patches(run.store, run.base, commit)
    texts = [
        (change, hunks) for change, hunks in zip(changes, of_patches(changes, patches), strict=True) if hunks
    ]
    shas = {change.new_sha for change, _ in texts if change.new_mode != ABSENT}
    shas |= {change.old_sha for change, _ in texts if change.old_mode != ABSENT}
    blobs = trees.read_blobs(run.store, trees.up_to(run.store, sorted(shas), LARGEST))
    found = {}
    for change, hunks in texts:
        old, new = (split(blobs.get(sha, b"")) for sha in (change.old_sha, change.new_sha))
        found[change.path] = Edited(
            added=[line for hunk in hunks for line in _lines(new, hunk.b0, hunk.b1)],
            removed=[line for hunk in hunks for line in _lines(old, hunk.a0, hunk.a1)],
        )
    return found


def _lines(lines: Sequence[bytes], first: int, past: int) -> list[tuple[int, str]]:
    part = lines[first - 1 : past - 1]
    return [(first + at, line.decode("utf-8", "replace").rstrip("\r\n")) for at, line in enumerate(part)]


def _line(
    number: int, note: str, found: Sequence[Clash], missing: Sequence[int], unfinished: Sequence[int]
) -> str:
    """``candidate 4 is the union of parts 1, 2 and 3: 1 contradiction, 2 overlaps``."""
    kinds = [clash.kind for clash in found]
    counts = [
        f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) > 1)}"
        for kind in ("contradiction", "overlap")
        if kind in kinds
    ]
    said = ", ".join(counts) or "no overlap"
    lacks = f"; nothing came of {_parts(missing)}" if missing else ""
    if unfinished:
        lacks += f"; it holds the unfinished work of {_parts(unfinished)}"
    return f"candidate {number} is {note}: {said}{lacks}"


def _parts(numbers: Sequence[int]) -> str:
    return f"part{'s' * (len(numbers) > 1)} {_listed(numbers)}"


def _listed(numbers: Sequence[int]) -> str:
    words = [str(number) for number in sorted(numbers)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def told(run: Run) -> dict[str, Any]:
    """A run's parts: ``parts`` [{number, title, text, state, files, checked}], ``union`` (number, files,
    checked, green, missing, clashes; ``None`` while there is none: ``without`` says why), ``verdict``.

    Raises:
        KageError: it has none.
    """
    course = run.record.course
    if not course.parts:
        raise KageError(
            f"run {run.id} has no parts: its agents all do the whole task",
            fix="kage spawn --parts TASK divides a task.",
            code="no_parts",
        )
    known = {candidate.number: candidate for candidate in run.record.status.candidates}
    parts = []
    for number, text in sorted(course.parts.items()):
        agent, candidate = run.agents.get(number), known.get(number)
        parts.append(
            {
                "number": number,
                "title": planning.title(text),
                "text": text,
                "state": agent.record.status.state.value if agent else "",
                "files": candidate.files if candidate else 0,
                "checked": candidate.checked if candidate else "",
            }
        )
    union = run.record.union
    if union is not None:
        whole = known.get(union["number"])
        union = {
            **union,
            "files": whole.files if whole else 0,
            "checked": whole.checked if whole else "",
            "green": whole.green if whole else None,
        }
    without = _without(run, parts) if union is None else ""
    verdict = run.record.status.verdict
    return {"run": run.id, "parts": parts, "union": union, "without": without, "verdict": verdict}


def _without(run: Run, parts: Sequence[Mapping[str, Any]]) -> str:
    """Why there is no union."""
    working = [n for n, agent in run.agents.items() if not agent.record.status.state.ended]
    if working:
        return f"no union yet: it is made when all have ended; {_parts(working)} still at work"
    changed = [part["number"] for part in parts if part["files"]]
    if not changed:
        return "no union: no part changed anything"
    if len(changed) == 1:
        return f"no union: part {changed[0]} alone changed anything, and lands as candidate {changed[0]}"
    return "no union yet: it is being made"
