"""Synthesising: one more agent of a run, which begins from the winner and is shown what the others made.

What comes of it is decided when its turn ends (``upholding``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim.errors import Exit, KageError, refused, usage
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.model import CandidateStatus, Task
from kage_nvim.orchestrator import briefing, kageignore, seating
from kage_nvim.orchestrator.combining import synthesis_told
from kage_nvim.orchestrator.launch import open_panes
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import Layout, Plan, SpawnRequest, prepare
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.protocol import dumps
from kage_nvim.records import Course, Synthesis

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor


@dataclass
class _Work:
    """What an agent is made of: the candidates, what checks say of them, and what to tell the user."""

    winner: CandidateStatus
    others: list[CandidateStatus]
    evaluations: dict[int, Evaluation]
    notes: list[str]


async def begin(
    conductor: Conductor,
    peer: Peer,
    run: Run,
    *,
    number: int | None,
    player: str,
    confirmed: list[str],
    layout: Layout,
) -> dict[str, Any]:
    """Start an agent that improves candidate ``number`` (default: the winner) by the others.

    Returns ``run``, ``number`` (the agent's and its candidate's), ``winner``, ``others``, ``agents`` (the
    new one's status) and ``notes``.

    Raises:
        KageError: there is nothing to put together, nothing that could tell whether it is better, agents are
            at work, or the agent cannot be started; nothing is left behind.
    """
    fits(run)
    await conductor.audience.until(lambda: not run.following)
    async with run.judging:  # a verdict that is being made is worth waiting for
        pass
    fits(run)
    async with run.combining:
        work = await _work(conductor, run, number)
        plan = await _plan(conductor, peer, run, work, player, confirmed, layout=layout)
        agent = await _seated(conductor, run, work, plan)
    return {
        "run": run.id,
        "number": agent.number,
        "winner": work.winner.number,
        "others": [other.number for other in work.others],
        "agents": [agent.record.status],
        "notes": [*work.notes, *plan.notes],
    }


def fits(run: Run) -> None:
    """Refuse a run whose candidates are no rivals, or not finished.

    Raises:
        KageError: exit 3 or 4.
    """
    kind = run.record.status.kind
    if kind != "code":
        fix = (
            "Land them together: kage accept."
            if kind == "parts"
            else "Carry one out: kage spawn --on N TASK."
        )
        raise KageError(
            f"run {run.id} is one of {kind}: there is no winner to improve",
            fix=fix,
            code="kind",
            exit=Exit.NOTHING,
        )
    working = [n for n, agent in run.agents.items() if not agent.record.status.state.ended or agent.called]
    if working:
        numbers = ", ".join(map(str, working))
        raise refused(
            f"run {run.id} still works: agent {numbers}",
            fix=f"Wait for it (kage wait), or end it and keep what it has: :Kage stop {numbers}.",
            code="busy",
        )
    if run.combining.locked():
        raise refused(
            f"run {run.id} is being composed or synthesised already",
            fix="Wait for it; it says how far it is.",
            code="combining",
        )
    made = [candidate.number for candidate in run.record.status.candidates if candidate.files]
    if len(made) < 2:
        have = f"only {made[0]} changes anything" if made else "none changes anything"
        raise _too_few(have)


def _too_few(have: str) -> KageError:
    return KageError(
        f"two candidates that differ are needed, and {have}",
        fix="Start more agents on the task: kage spawn -n 3 TASK.",
        code="no_candidates",
        exit=Exit.NOTHING,
    )


async def _work(conductor: Conductor, run: Run, number: int | None) -> _Work:
    from kage_nvim.orchestrator.judging import ranking

    _, wanted = await conductor.checks.ground(run)
    if not wanted:
        raise KageError(
            f"no check is known for {run.root.name}: nothing tells whether what comes of it is better",
            fix='Name one in .kage.toml: [checks.test] command = "pytest" (:help kage-checks); or tell'
            " an agent what you miss: kage send N TEXT.",
            code="no_checks",
            exit=Exit.NOTHING,
        )
    notes: list[str] = []
    if number is None:
        number = run.record.status.winner
    if number is None:
        ranked = await ranking.rank(conductor, run)
        number = ranked.winner
        if number is None:
            raise KageError(
                f"no candidate of run {run.id} can be recommended: none applies and builds",
                fix="Name the one to begin from: kage synth N.",
                code="no_winner",
                exit=Exit.NOTHING,
            )
        notes.append(f"no verdict holds; on evidence candidate {number} is the best")
    winner = run.candidate(number)
    others = await asyncio.to_thread(synthesis_told.others_of, run, winner)
    if not winner.files or not others:
        raise _too_few(f"candidate {number} changes nothing" if not winner.files else f"all are as {number}")
    found = {}
    for one in (winner, *others):
        if (evaluation := await conductor.checks.candidate(run, one.number)) is not None:
            found[one.number] = evaluation
    return _Work(winner, others, found, notes)


async def _plan(
    conductor: Conductor,
    peer: Peer,
    run: Run,
    work: _Work,
    player: str,
    confirmed: list[str],
    *,
    layout: Layout,
) -> Plan:
    """One seat, under the run's budget: the player that is named, or the one behind the winner."""
    made_by = run.agents.get(work.winner.agent) if work.winner.agent is not None else None
    if not player and made_by is not None:
        status = made_by.record.status
        player = f"{status.player}+{status.role}" if status.role else status.player
    asked = SpawnRequest(
        cwd=str(run.root),
        task=Task(text=run.record.task.text),
        count=None if player else 1,
        players=[player] if player else [],
        confirmed=confirmed,
        layout=layout,
        course=Course(strategy="all", usd=run.record.course.usd),
    )
    plan = await prepare(conductor, peer, asked)
    if len(plan.seats) != 1:
        raise usage(
            f"`{player}` is {len(plan.seats)} agents", "One agent improves the winner: name a player."
        )
    return plan


async def _seated(conductor: Conductor, run: Run, work: _Work, plan: Plan) -> Agent:
    """Make the agent and start it, or leave nothing behind."""
    from kage_nvim.orchestrator import spawn

    winner, store, (seat,) = work.winner, run.store, plan.seats
    await spawn.gateway(conductor, plan)
    number = run.next_number()
    pinned = run.ref(f"synth{number}")
    await asyncio.to_thread(store.pin, pinned, winner.commit)
    made: list[Slot] = []
    try:
        if kageignore.used(run.repository):
            await asyncio.to_thread(kageignore.must_lack, store, winner.commit, f"candidate {winner.number}")
            await asyncio.to_thread(store.set_apart, winner.commit)
        text = await asyncio.to_thread(
            synthesis_told.told, run, winner, work.others, work.evaluations, seat.player.window or 0
        )
        task = msgspec.structs.replace(
            run.record.task, before=text, variants={number: synthesis_told.instruction(winner.number)}
        )
        if not briefing.path(run.id).exists():  # only commands and CLIs have played here
            await briefing.gather(store.git_dir, winner.commit, run.id, run.record.task, plan.seats)
        made = await seating.make_slots(conductor, plan, store, winner.commit)
        synthesis = Synthesis(winner=winner.number, commit=winner.commit, others=_numbers(work.others))
        agent = seating.seat_agent(conductor, run, number, seat, made[0], synthesis)
        await seating.admit(conductor, plan, run, [agent])
        _brief(agent, task)
        await open_panes(conductor, run, [agent], plan.peer, plan.place)
    except BaseException:
        if run.agents.pop(number, None) is not None:
            conductor.database.drop_agent(run.id, number)
        await asyncio.to_thread(store.unpin, pinned)
        await seating.let_go(made)
        conductor.changed(run)
        raise
    return agent


def _numbers(others: Sequence[CandidateStatus]) -> list[int]:
    return sorted(other.number for other in others)


def _brief(agent: Agent, task: Task) -> None:
    """Give the agent its own task in the place of the run's."""
    spec = agent.spec()
    assert spec is not None
    (agent.folder / "spec.json").write_bytes(dumps(msgspec.structs.replace(spec, task=task)))
