"""The past: what agents and runs came to, from kaged's database, cleaned runs included. What each agent spent
is the gateway's ledger's own sums, taken over at the end of its turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kage_nvim.model import CandidateStatus, State
from kage_nvim.records import AgentRecord, Course, RunRecord
from kage_nvim.store import Database

UNTIL = "until"
"""How a run that goes on until green is spent, beside the strategies' names."""


@dataclass(frozen=True)
class Past:
    """One agent of the past. ``green`` is ``None`` when nothing tells: it was never checked, was cut short,
    or does a part of a task. ``seconds`` are from its start to its end; ``whole``: it was not cut short, so
    that what it spent is what its like will."""

    run: str
    repository: str
    player: str
    role: str
    language: str
    green: bool | None
    won: bool
    accepted: bool
    usd: float | None
    tokens: int
    seconds: float
    whole: bool


@dataclass(frozen=True)
class PastRun:
    """One run that is over: ``spent_as`` tells how, ``players`` are those that were asked for, sorted; what
    its agents spent all together (``usd`` is ``None``: unpriced), and the seconds to the last one's end."""

    repository: str
    spent_as: str
    players: list[str]
    usd: float | None
    tokens: int
    seconds: float


class History(NamedTuple):
    """Agents that have ended, and runs that the user let come to their end; newest first."""

    agents: list[Past]
    runs: list[PastRun]


def read(database: Database, repository: Path | None = None) -> History:
    """The past of one repository, or of all."""
    landed: dict[str, set[int]] = {}
    for landing in database.landings():
        if landing.state == "done" and landing.undoes is None:
            landed.setdefault(landing.run, set()).update(landing.numbers or [landing.number])
    records = [
        record
        for record in database.runs(cleaned=True)
        if repository is None or record.status.repository == str(repository)
    ]
    checked = {r.status.repository for r in records if any(c.green is not None for c in r.status.candidates)}
    history = History([], [])
    for record in records:
        members = database.agents(record.status.id)
        accepted = whose(record, landed.get(record.status.id, ()))
        history.agents.extend(
            _past(record, agent, accepted, record.status.repository in checked)
            for agent in members
            if agent.status.state.ended and agent.status.ended is not None and not _never_began(agent)
        )
        history.runs.extend(_past_run(record, members))
    return history


def spent_as(course: Course) -> str:
    """What tells how a run was spent: the strategy's name, or ``UNTIL``."""
    return UNTIL if course.until else course.strategy or "all"


def whose(record: RunRecord, landed: Iterable[int]) -> set[int]:
    """The agents whose work was landed: those behind a composed candidate or a union are all in it."""
    numbers: set[int] = set()
    for number in landed:
        if record.union and record.union["number"] == number:
            numbers |= {int(part) for part in record.union["commits"]}
        elif number in record.provenance:
            numbers |= {agent for hunk in record.provenance[number] for agent in hunk["agents"]}
        else:
            numbers.add(number)
    return numbers


def _past(record: RunRecord, agent: AgentRecord, accepted: set[int], checked: bool) -> Past:
    status, one = record.status, agent.status
    candidate = next((c for c in status.candidates if c.number == one.number), None)
    ended = one.ended or 0.0
    return Past(
        run=status.id,
        repository=status.repository,
        player=one.player,
        role=one.role or "",
        language=(candidate.language if candidate else "") or _spoken(status.candidates),
        green=_green(record, agent, candidate, checked),
        won=status.winner == one.number,
        accepted=one.number in accepted,
        usd=None if one.unmetered else one.cost_usd,
        tokens=one.tokens_in + one.tokens_out,
        seconds=max(0.0, ended - (one.started or ended)),
        whole=one.state is State.DONE and not agent.spared,
    )


def _past_run(record: RunRecord, members: Sequence[AgentRecord]) -> Iterator[PastRun]:
    """Nothing for one that still goes on, or that somebody cut short: it is no measure of its like. What
    those took that improved its winner later is not in it."""
    own = [agent for agent in members if agent.synthesis is None]
    ended = [agent.status.ended for agent in own if agent.status.ended is not None]
    cut = any(
        agent.status.state is State.INTERRUPTED
        or (agent.status.state is State.STOPPED and not agent.spared and not record.course.until)
        for agent in own
    )
    if cut or not ended or not all(agent.status.state.ended for agent in own):
        return
    priced = [a.status.cost_usd for a in own if a.status.cost_usd is not None and not a.status.unmetered]
    yield PastRun(
        repository=record.status.repository,
        spent_as=spent_as(record.course),
        players=sorted(agent.status.player for agent in own if agent.copy_of is None),
        usd=sum(priced) if priced else None,
        tokens=sum(agent.status.tokens_in + agent.status.tokens_out for agent in own),
        seconds=max(0.0, max(ended) - record.status.created),
    )


def _spoken(candidates: Sequence[CandidateStatus]) -> str:
    """The language of a run, for those of its agents that changed nothing."""
    spoken = Counter(candidate.language for candidate in candidates if candidate.language)
    return min(spoken, key=lambda name: (-spoken[name], name), default="")


def _green(
    record: RunRecord, agent: AgentRecord, candidate: CandidateStatus | None, checked: bool
) -> bool | None:
    """One that came to its end and made nothing where checks are known was not green, either."""
    state = agent.status.state
    if record.course.kind != "code" or agent.spared or state not in (State.DONE, State.FAILED):
        return None
    if candidate is not None and candidate.files and (candidate.green is not None or state is State.DONE):
        return candidate.green
    return False if checked and agent.synthesis is None else None


def _never_began(agent: AgentRecord) -> bool:
    """Whether its strategy, or the user, did without it before it had a process."""
    return agent.pid is None and agent.status.state is State.STOPPED
