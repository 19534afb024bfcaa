"""Proposals: runs whose candidates are Markdown documents, compared by sections; one is then carried out."""

from __future__ import annotations

import asyncio
import re
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import msgspec

from kage_nvim import trees
from kage_nvim.compare import sections
from kage_nvim.compare.hunks import split
from kage_nvim.errors import KageError, usage
from kage_nvim.model import CandidateStatus, Task
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.views import shown_candidates
from kage_nvim.records import Course
from kage_nvim.trees import ABSENT

_MARKDOWN = re.compile(r"\.(md|markdown)$", re.IGNORECASE)
LONGEST = 60_000
"""Characters of a document that agents who carry it out are told."""

WANTED = """\
Do not do the task yet: propose how to. Write one Markdown document, {path}, and change no other file. Read \
what the task touches first, so that what you claim holds for this repository; nothing has to be run.

Begin with a heading of the first level that names your approach. Then, as sections of the second level \
where they apply: Summary, Approach, Steps (in order, with the files that each one touches), Alternatives \
(and why not), Risks, Cost (how much work, how much code), Open questions. Be definite; name paths and \
functions. Another engineer will carry the document out without asking you anything."""


class Document(NamedTuple):
    """A candidate's document; ``others`` are the further files that it changes."""

    path: str
    text: str
    others: list[str]


def asked(task: Task, course: Course) -> Task:
    """The task as agents get it that propose.

    Raises:
        KageError: the document that was named is none of the repository's Markdown files.
    """
    path = course.proposals
    if not path:
        return task
    parts = PurePosixPath(path).parts
    if (
        path.startswith("/")
        or ".." in parts
        or ".git" in parts
        or not re.search(r"\.(md|markdown)$", path, re.I)
    ):
        raise usage(f"`{path}` is no Markdown file of the repository", "Name one like docs/PLAN.md.")
    if course.strategy not in ("", "all", "converge") or course.until or course.auto_accept:
        raise usage(
            "no check runs on proposals: nothing would ever be green",
            "Leave --strategy, --until and --auto-accept away.",
        )
    if course.parts:
        raise usage("proposals have no parts", "Give --parts or --proposals, not both.")
    return msgspec.structs.replace(task, wanted=WANTED.format(path=path))


def document(run: Run, candidate: CandidateStatus) -> Document | None:
    """What a candidate proposes: the file that was asked for, or else the longest Markdown file that it
    changes; ``None`` when it has none."""
    changed = [c for c in trees.changes(run.store, run.start, candidate.commit) if c.new_mode != ABSENT]
    wanted = run.record.course.proposals
    found = [c for c in changed if c.path == wanted] or sorted(
        (c for c in changed if _MARKDOWN.search(c.path)), key=lambda c: -c.added
    )
    if not found or found[0].kind != "text":
        return None
    data = trees.read_blobs(run.store, [found[0].new_sha])[found[0].new_sha]
    others = [c.path for c in changed if c.path != found[0].path]
    return Document(found[0].path, data.decode("utf-8", "replace"), others)


def text(run: Run, candidate: CandidateStatus) -> str:
    """What those are told who carry a proposal out.

    Raises:
        KageError: the candidate holds no document.
    """
    found = document(run, candidate)
    if found is None:
        raise KageError(
            f"candidate {candidate.number} has no document to carry out",
            fix="kage contrast shows which have; or go on from its files in a run of code.",
            code="no_document",
        )
    return found.text if len(found.text) <= LONGEST else f"{found.text[:LONGEST]}\n… (cut)"


async def contrast(run: Run, numbers: list[int]) -> dict[str, Any]:
    """The proposals section by section, in the form of ``contrast``, with ``kind`` ``proposals`` and the
    ``sections``: [{title, level, groups, agents: {"1": {first, past, lines, text}}}] (lines 1-based of each
    one's document; those in ``groups`` wrote the same).

    Raises:
        KageError: a candidate does not exist, or none holds a document.
    """
    shown = shown_candidates(run, numbers)
    return await asyncio.to_thread(_contrast, run, shown)


def _contrast(run: Run, shown: list[CandidateStatus]) -> dict[str, Any]:
    found = {candidate.number: document(run, candidate) for candidate in shown}
    documents = {number: one for number, one in found.items() if one is not None}
    if not documents:
        raise KageError("no candidate holds a document", fix="kage summary says what its agents did.")
    players = {number: agent.record.status.player for number, agent in run.agents.items()}
    players |= {c.number: c.kind for c in shown if c.kind != "agent"}
    rows = sections.aligned({number: one.text for number, one in documents.items()})
    agents = [
        {
            "number": number,
            "path": one.path if one else "",
            "lines": len(split(one.text.encode())) if one else 0,
            "others": one.others if one else [],
        }
        for number, one in found.items()
    ]
    table = sections.table(rows, agents, players)
    paths = sorted({one.path for one in documents.values()})
    files = [{"path": path} for path in paths]
    told = [row.json() for row in rows]
    return {
        "run": run.id,
        "kind": "proposals",
        "agents": agents,
        "files": files,
        "sections": told,
        "table": table,
    }
