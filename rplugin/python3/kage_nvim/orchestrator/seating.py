"""Seating: a slot for each agent, and all that it needs before its process may start.

A run's agents are seated at its spawn; one more may join them later, when the run's course asks for it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

from kage_nvim import sandbox
from kage_nvim.evaluate import planning
from kage_nvim.model import AgentStatus, Profile
from kage_nvim.orchestrator import include, kageignore, slots
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.launch import write_spec
from kage_nvim.orchestrator.players import Seat
from kage_nvim.orchestrator.preparation import Plan
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.setup import run_setup
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.records import AgentRecord, Synthesis


async def make_slots(conductor: Conductor, plan: Plan, store: Store, base: str) -> list[Slot]:
    """One slot per seat, made side by side; if one cannot be made, the others are let go."""
    held = {
        agent.record.slot
        for run in conductor.of_repository(plan.repository.root)
        for agent in run.agents.values()
    }
    jobs = [asyncio.to_thread(slots.acquire, store, base, held=held) for _ in plan.seats]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    made = sorted((r for r in results if isinstance(r, Slot)), key=lambda slot: slot.number)
    for result in results:
        if isinstance(result, BaseException):
            await let_go(made)
            raise result
    try:
        included = await asyncio.to_thread(include.included, plan.repository, store, store.scratch)
        files = included + await asyncio.to_thread(
            include.submodule_files, plan.repository, store, base, store.scratch
        )
        if files:
            await asyncio.gather(*(asyncio.to_thread(slots.prepare, store, slot, files) for slot in made))
        if included:
            plan.notes.append(f"copied into each slot by .worktreeinclude: {', '.join(included)}")
    except BaseException:
        await let_go(made)
        raise
    return made


async def let_go(made: list[Slot]) -> None:
    """Remove slots of a run that does not begin: the disk may be full of them."""
    for slot in made:
        await asyncio.to_thread(slots.destroy, slot)


def seat_agent(
    conductor: Conductor,
    run: Run,
    number: int,
    seat: Seat,
    slot: Slot,
    synthesis: Synthesis | None = None,
) -> Agent:
    """Enter an agent into its run, and into the database."""
    record = AgentRecord(
        run=run.id,
        status=AgentStatus(
            number=number,
            player=seat.name,
            model=seat.label,
            role=seat.role,
            angle=planning.title(run.record.course.parts.get(number, "")) or seat.angle,
            worktree=str(slot.tree),
            cost_usd=None if seat.player.command else 0.0,
            started=time.time(),
        ),
        slot=slot.number,
        token=secrets.token_urlsafe(24),
        synthesis=synthesis,
    )
    run.agents[number] = Agent(record, slot)
    conductor.database.put_agent(record)
    return run.agents[number]


async def admit(conductor: Conductor, plan: Plan, run: Run, agents: list[Agent]) -> None:
    """Run the setup in the agents' slots, make them known to the gateway, and write what they start with.
    ``plan`` has their seats, in the same order.

    Raises:
        KageError: the setup failed, or the gateway did not take them.
    """
    pairs = list(zip(plan.seats, agents, strict=True))
    profiles = {
        agent.number: profile_of(plan, seat, run.store, agent.slot, agent.number, run.start_of(agent))
        for seat, agent in pairs
    }
    if plan.settings.setup:
        await run_setup(run, agents, profiles)
    register = conductor.gateway.register
    priced = await asyncio.gather(
        *(
            register(run.id, agent.number, agent.record.token, seat, str(run.root), plan.terms(seat))
            for seat, agent in pairs
        )
    )
    for (seat, agent), known in zip(pairs, priced, strict=True):
        unmetered = seat.player.own_login or seat.player.command is not None
        agent.record.status.unmetered = unmetered
        agent.record.status.cost_usd = 0.0 if known and not unmetered else None
        write_spec(run, agent, seat, profiles[agent.number], plan.limits_of(seat))


def profile_of(plan: Plan, seat: Seat, store: Store, slot: Slot, number: int, start: str) -> Profile:
    """How an agent's commands run in its slot, which was filled from the commit ``start``."""
    profile = sandbox.profile(
        mode=plan.user.sandbox,
        slot_tree=slot.tree,
        slot_git=slot.repo_git,
        slot_home=slot.home,
        slot_tmp=slot.tmp,
        objects=store.object_folders(start),
        repository=plan.repository.root,
        client_env=plan.peer.hello.env,
        number=number,
        ports=slot.ports,
        environments=plan.settings.setup is None,
        programs=[seat.cli.program] if seat.cli else [],
        withheld=lambda names: kageignore.named(plan.repository, store, names, store.scratch),
    )
    if not (seat.cli and seat.player.expose):
        return profile
    home = Path(plan.peer.hello.env.get("HOME") or Path.home())
    exposed, notes = sandbox.expose(profile, seat.player.expose, home)
    plan.notes += [note for note in notes if note not in plan.notes]
    return exposed
