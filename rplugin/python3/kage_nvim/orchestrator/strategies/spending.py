"""How a run is spent: what its strategy asks for is done here.

    an agent has ended ──▶ seen: how all of them stand ──▶ the strategy decides ──▶ stop, start, rest, go on

The decisions are plain functions (``strategies``); they are taken anew whenever an agent has ended, every few
seconds where a strategy looks at agents at work, and when kaged was started anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from kage_nvim import trees
from kage_nvim.compare import sameness
from kage_nvim.errors import KageError
from kage_nvim.model import State
from kage_nvim.orchestrator import control, summary
from kage_nvim.orchestrator.judging import ranking
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.strategies import cascade, converge, joining, race, tournament, until
from kage_nvim.orchestrator.strategies.asked import BY_CHECKS
from kage_nvim.orchestrator.strategies.seen import Act, Seen, first_green

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

TICK = 1.0
"""Seconds between two looks at the agents at work, where a strategy needs them."""
LARGE = 1_000_000
"""Bytes of a file above which it is the same only when its bytes are."""
SPENT = 0.98
"""The part of a budget from which on no call is worth a try."""
ENDING = ("stop", "rest")
"""What a strategy does not do to an agent that the user had go on."""
# The limits that a further agent would meet, too; those of a single agent it would not.
_OF_ALL = re.compile(r"\b(run|day)_(usd|tokens)\b")


def hold(conductor: Conductor, run: Run, agents: list[Agent]) -> list[Agent]:
    """Which of a new run's agents start now; the others are held until the strategy wants them."""
    if run.record.course.strategy == "tournament":
        run.record.round = tournament.opening(
            [agent.number for agent in agents], run.record.course.round_seconds, time.time()
        )
    if run.record.course.strategy != "cascade":
        return agents
    for before, agent in pairwise(agents):
        agent.record.held = True
        status = agent.record.status
        status.state, status.rule, status.since = State.WAITING, "strategy", time.time()
        status.reason = cascade.waits(before.number)
        conductor.agent_changed(run, agent)
    return agents[:1]


async def follow(conductor: Conductor, run: Run) -> None:
    """Look at agents at work for as long as the run has some, where its strategy needs that."""
    strategy = run.record.course.strategy
    if strategy not in ("converge", "tournament"):
        return
    looker = object()
    if strategy == "converge":
        conductor.live.look(looker, run)
    try:
        while run.id in conductor.runs and not run.settled:
            await asyncio.sleep(TICK)
            try:
                await decide(conductor, run)
            except (KageError, OSError) as error:  # such as a change that was read anew meanwhile
                log.warning("run %s was not looked at: %s", run.id, error)
    finally:
        conductor.live.look_away(looker, run.id)


async def decide(conductor: Conductor, run: Run) -> None:
    """Have the strategy decide, and do what it says."""
    async with run.deciding:
        if run.id not in conductor.runs:
            return
        own = {agent.number for agent in run.agents.values() if agent.record.by_hand}
        acts = [a for a in await _acts(conductor, run) if a.number not in own or a.kind not in ENDING]
        for act in acts:
            log.info("run %s: %s agent %d %s", run.id, act.kind, act.number, act.reason)
        await asyncio.gather(*(_do(conductor, run, act) for act in acts))


def decided(run: Run, *, green: bool) -> bool:
    """Whether nobody has to mend anything in this run: the first green one ends it, and there is one, or
    this one is ``green``."""
    course = run.record.course
    if not course.until and course.strategy not in BY_CHECKS:
        return False
    return green or first_green(_seen(run)) is not None


async def gave_up(run: Run) -> str:
    """Why a run that was to go on until green did not; empty for others."""
    if not run.record.course.until:
        return ""
    changes = await asyncio.to_thread(_changes, run)
    return until.gave_up(_seen(run, changes), out_of_money=_out_of_money(run))


async def _acts(conductor: Conductor, run: Run) -> list[Act]:
    course = run.record.course
    acts: list[Act] = []
    if course.strategy == "race":
        acts = race.decide(_seen(run))
    elif course.strategy == "cascade":
        acts = cascade.decide(_seen(run))
    elif course.strategy == "converge":
        acts = converge.decide(await _looked_into(run))
    elif course.strategy == "tournament":
        acts = await _of_tournament(conductor, run)
    if not acts and course.until and not run.halted:
        changes = await asyncio.to_thread(_changes, run)
        acts = until.decide(_seen(run, changes), out_of_money=_out_of_money(run))
    return acts


def _seen(run: Run, changes: dict[int, str] | None = None, stuck: dict[int, str] | None = None) -> list[Seen]:
    """The run's agents as a strategy sees them."""
    green = {c.number for c in run.record.status.candidates if c.green and c.files}
    seen = []
    for agent in run.agents.values():
        if agent.record.synthesis is not None:  # it is no rival of the others: it came after them
            continue
        status = agent.record.status
        seen.append(
            Seen(
                number=agent.number,
                state=status.state,
                green=status.state is State.DONE and agent.number in green,
                held=agent.record.held,
                resting=agent.record.resting,
                usd=status.cost_usd,
                tokens=status.tokens_in + status.tokens_out,
                ended=status.ended,
                change=(changes or {}).get(agent.number, ""),
                stuck=(stuck or {}).get(agent.number, ""),
                copy_of=agent.record.copy_of,
                by_user=status.state is State.STOPPED and status.reason.startswith(control.BY_USER),
            )
        )
    return seen


async def _looked_into(run: Run) -> list[Seen]:
    """With what agents at work have made so far. A change counts once it has stayed through two looks."""
    changes = await asyncio.to_thread(_changes, run)
    stayed = {number: change for number, change in changes.items() if run.looks.get(number) == change}
    run.looks = changes
    at_work = [agent for agent in run.agents.values() if not agent.record.status.state.ended]
    stuck = await asyncio.to_thread(
        lambda: {a.number: converge.stuck(summary.read(a.folder / "log.jsonl")) for a in at_work}
    )
    return _seen(run, stayed, stuck)


def _changes(run: Run) -> dict[int, str]:
    """For each agent's newest tree a name that is the same for all whose changes say the same."""
    forms = {}
    for candidate in run.shown():
        if not candidate.files or candidate.number not in run.agents:
            continue
        if candidate.commit not in run.forms:
            run.forms[candidate.commit] = _form(run, candidate.commit)
        forms[candidate.number] = run.forms[candidate.commit]
    return forms


def _form(run: Run, commit: str) -> str:
    total = hashlib.sha256()
    found = trees.changes(run.store, run.base, commit, renames=False)
    text = {change.new_sha for change in found if change.kind == "text" and change.new_mode != trees.ABSENT}
    blobs = trees.read_blobs(run.store, trees.up_to(run.store, text, LARGE))
    for change in found:
        blob = blobs.get(change.new_sha)
        said = change.new_sha if blob is None else sameness.form(blob, change.path)
        total.update(repr((change.path, change.new_mode, said)).encode("utf-8", "surrogateescape"))
    return total.hexdigest()


async def _of_tournament(conductor: Conductor, run: Run) -> list[Act]:
    current, now = run.record.round, time.time()
    if current is None:
        return []
    seen = _seen(run)
    if acts := tournament.at_the_bell(seen, now, current):
        return acts
    if not tournament.is_over(seen, current):
        return []
    places = await _places(conductor, run, current.playing)
    acts, run.record.round = tournament.after(_seen(run), places, time.time(), current)
    conductor.changed(run)
    return acts


async def _places(conductor: Conductor, run: Run, playing: list[int]) -> dict[int, int]:
    """The places of candidates after a round, by the evidence alone; those without one have none."""
    numbers = [c.number for c in run.record.status.candidates if c.number in playing]
    try:
        ranked = await ranking.rank(conductor, run, numbers)
    except KageError as error:
        log.warning("the round of run %s was not ranked: %s", run.id, error)
        return {}
    return {standing.number: place for place, standing in enumerate(ranked.ranking, 1)}


def _out_of_money(run: Run) -> bool:
    """Whether the run's budget is spent: by its sums, or because the gateway refused a call for it."""
    states = [agent.record.status for agent in run.agents.values()]
    spent = sum(status.cost_usd or 0.0 for status in states)
    refused = any(s.state is State.STOPPED and _OF_ALL.search(s.reason) for s in states)
    usd = run.record.course.usd
    return refused or (usd is not None and spent >= usd * SPENT)


async def _do(conductor: Conductor, run: Run, act: Act) -> None:
    """Do one act; what goes wrong is the agent's state, so that the course goes on."""
    agent = run.agents[act.number]
    if act.kind == "stop":
        agent.record.spared, agent.record.status.rule = True, "strategy"
        if agent.record.held:
            control.not_started(conductor, run, agent, act.reason)
        else:
            await control.end(conductor, run, agent, act.reason)
    elif act.kind == "rest":
        if agent.peer is not None:
            agent.record.resting = True
            conductor.agent_changed(run, agent)
            agent.peer.push("interrupt", {"reason": act.reason})
    elif act.kind == "go_on":
        agent.record.resting = False
        status = agent.record.status
        status.state, status.reason, status.since = State.WORKING, "goes on to the next round", time.time()
        control.say(conductor, run, agent, control.GO_ON)
        conductor.agent_changed(run, agent)
    elif act.kind == "start":
        await joining.start(conductor, run, agent)
    else:
        await joining.attempt(conductor, run, agent)
