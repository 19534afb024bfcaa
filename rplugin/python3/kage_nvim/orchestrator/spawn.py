"""Spawn: from what the user sees to N agents at work, each in a slot of its own, or to nothing at all."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import discover, paths, sandbox
from kage_nvim.errors import KageError
from kage_nvim.failpoints import fail_point
from kage_nvim.model import AgentStatus, Profile, RunStatus
from kage_nvim.orchestrator import (
    briefing,
    cli_seats,
    course,
    history,
    include,
    kageignore,
    keys,
    money,
    shadow,
    slots,
    steps,
)
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.launch import open_panes, panes_of, write_spec
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import Plan, SpawnRequest, prepare
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.setup import run_setup
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.orchestrator.tmux.panes import Panes
from kage_nvim.store import AgentRecord, RunRecord

log = logging.getLogger("kaged")


async def spawn(conductor: Conductor, peer: Peer, asked: SpawnRequest) -> dict[str, Any]:
    """Start a run and return it with notes on what the user should know.

    Raises:
        KageError: it cannot be started, or something must be confirmed first; nothing is left behind.
    """
    plan = await prepare(conductor, peer, asked)
    run_id = _run_id()
    socket = str(panes_of(peer).socket)
    intent = conductor.database.open_intent(
        "spawn", {"run": run_id, "repository": str(plan.repository.root), "tmux": socket}
    )
    fail_point("spawn.intent")
    try:
        run = await _make(conductor, plan, run_id)
    except BaseException:
        try:
            await undo(conductor, run_id, str(plan.repository.root), socket)
            conductor.database.close_intent(intent)
        except (KageError, OSError) as error:  # the next start tries again; what went wrong first is told
            log.warning("spawn of run %s could not be taken back: %s", run_id, error)
        raise
    fail_point("spawn.action")
    conductor.database.close_intent(intent)
    fail_point("spawn.done")
    conductor.spawn_task(course.begun(conductor, run))
    return {"run": run_id, "agents": run.status().agents, "notes": plan.notes}


async def _make(conductor: Conductor, plan: Plan, run_id: str) -> Run:
    unsaved_text = await unsaved(conductor, plan.repository.root)
    gateway = asyncio.create_task(_gateway(conductor, plan))
    try:
        store = await asyncio.to_thread(Store.open, plan.repository)
        plan.task, told = await asyncio.to_thread(kageignore.checked, plan.repository, store, plan.task)
        plan.notes += told
        snapshot = await asyncio.to_thread(store.snapshot, unsaved_text)
        ground = plan.ground
        if ground is None:
            snapshot = await asyncio.to_thread(kageignore.without, store, snapshot)
        base = ground.base if ground else snapshot.commit
        start = ground.steps[-1].commit if ground else base
        fail_point("spawn.base.action")
        await asyncio.to_thread(store.pin, f"refs/kage/{run_id}/base", base)
        if ground:
            await asyncio.to_thread(steps.pin, store, run_id, ground.steps)
            plan.notes += await asyncio.to_thread(steps.notes, store, ground, snapshot)
        else:
            plan.notes += snapshot.notes
        if kageignore.used(plan.repository):
            if ground:
                await asyncio.to_thread(kageignore.must_lack, store, start, f"candidate {ground.name}")
            await asyncio.to_thread(store.set_apart, start)
        fail_point("spawn.base.done")
        context = asyncio.create_task(briefing.gather(store.git_dir, start, run_id, plan.task, plan.seats))
        made = await _slots(conductor, plan, store, start)
        fail_point("spawn.slots.done")
        run = _register(conductor, plan, store, base, run_id, made)
        head = ground.head if ground else await asyncio.to_thread(history.standing_on, store, plan.repository)
        run.record.status.head = head
        await gateway
    except BaseException:
        gateway.cancel()
        raise
    conductor.spawn_task(asyncio.to_thread(store.import_base_objects, base))
    profiles = {number: _profile(plan, store, slot, number, start) for number, slot in enumerate(made, 1)}
    if plan.settings.setup:
        run.record.setup = msgspec.to_builtins(plan.settings.setup)
        await run_setup(run, list(run.agents.values()), profiles)
    pairs = list(zip(plan.seats, run.agents.values(), strict=True))
    register = conductor.gateway.register
    priced = await asyncio.gather(
        *(
            register(run_id, agent.number, agent.record.token, seat, str(run.root), plan.terms(seat))
            for seat, agent in pairs
        )
    )
    for (seat, agent), known in zip(pairs, priced, strict=True):
        unmetered = seat.player.own_login or seat.player.command is not None
        agent.record.status.unmetered = unmetered
        agent.record.status.cost_usd = 0.0 if known and not unmetered else None
        write_spec(run, agent, seat, profiles[agent.number], plan.limits_of(seat))
    await context
    fail_point("spawn.panes.intent")
    await open_panes(conductor, run, list(run.agents.values()), plan.peer, plan.place)
    fail_point("spawn.panes.done")
    return run


async def unsaved(conductor: Conductor, root: Path) -> dict[str, bytes]:
    """What open editors hold unsaved of a repository: path in it → exact bytes.

    Raises:
        KageError: two editors hold different unsaved versions of one file.
    """
    return overlays(await open_buffers(conductor.peers, root), root)


async def _gateway(conductor: Conductor, plan: Plan) -> None:
    """Have the gateway up and the keys in it, so that no agent starts without what it needs."""
    await conductor.gateway.ensure()
    others = [plan.user.players[n] for seat in plan.seats for n in money.fallbacks(seat.player, plan.user)]
    routed = any(seat.cli and not (seat.player.own_login or seat.player.recorded) for seat in plan.seats)
    answering = [*others, *(seat.player for seat in plan.seats)]
    if routed or any(player.model and not player.recorded for player in answering):
        await conductor.gateway.load()
    names = {name: seat for seat in plan.seats if (name := cli_seats.key_variable(seat.player, seat.cli))}
    spare = {name for player in others if (name := discover.key_variable(player))}
    if not names and not spare:
        return
    brought = await keys.deliver(conductor, sorted(names.keys() | spare), [plan.peer])
    for name, seat in names.items():
        if name not in brought and not seat.player.fallback:
            raise cli_seats.missing_key(seat.name, name, seat.cli, seat.label)


async def _slots(conductor: Conductor, plan: Plan, store: Store, base: str) -> list[Slot]:
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
            await _let_go(made)
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
        await _let_go(made)
        raise
    return made


async def _let_go(made: list[Slot]) -> None:
    """Remove slots of a run that does not begin: the disk may be full of them."""
    for slot in made:
        await asyncio.to_thread(slots.destroy, slot)


def _register(
    conductor: Conductor, plan: Plan, store: Store, base: str, run_id: str, made: list[Slot]
) -> Run:
    now = time.time()
    status = RunStatus(
        id=run_id,
        task=plan.task.text,
        repository=str(plan.repository.root),
        store=str(store.git_dir),
        base=base,
        on=plan.ground.name if plan.ground else None,
        created=now,
        strategy=plan.course.strategy,
    )
    stood = plan.ground.steps if plan.ground else []
    asked_for = RunRecord(status=status, task=plan.task, steps=stood, course=plan.course)
    run = Run(asked_for, plan.repository, store)
    run.env = plan.peer.hello.env
    for number, (seat, slot) in enumerate(zip(plan.seats, made, strict=True), 1):
        record = AgentRecord(
            run=run_id,
            status=AgentStatus(
                number=number,
                player=seat.name,
                model=seat.label,
                role=seat.role,
                angle=seat.angle,
                worktree=str(slot.tree),
                cost_usd=None if seat.player.command else 0.0,
                started=now,
            ),
            slot=slot.number,
            token=secrets.token_urlsafe(24),
        )
        run.agents[number] = Agent(record, slot)
        conductor.database.put_agent(record)
    conductor.runs[run_id] = run
    conductor.changed(run)
    return run


def _profile(plan: Plan, store: Store, slot: Slot, number: int, start: str) -> Profile:
    seat = plan.seats[number - 1]
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


async def undo(conductor: Conductor, run_id: str, root: str, socket: str) -> None:
    """Take back a spawn that did not come about: panes, slots and refs.

    The panes are found by the run's name on the tmux server, for they may have been opened and not noted.
    """
    from kage_nvim.orchestrator.clean import discard

    for place in {socket, str(paths.sockets() / "tmux")}:
        with suppress(KageError):  # without tmux there are no panes
            await asyncio.to_thread(Panes(None, None, own_socket=Path(place)).kill_run, run_id)
    run = conductor.runs.pop(run_id, None)
    if run is not None:
        await discard(run)
        conductor.database.drop_run(run_id)
        conductor.audience.tell(run.root)
        return
    store = await asyncio.to_thread(lambda: Store.open(shadow.discover(Path(root))))
    for ref in await asyncio.to_thread(store.refs, f"refs/kage/{run_id}/"):
        await asyncio.to_thread(store.trash, ref)
    await asyncio.to_thread(shutil.rmtree, paths.run_folder(run_id), ignore_errors=True)


def _run_id() -> str:
    """A name that sorts by time and is short enough to type."""
    return time.strftime("%y%m%d-%H%M%S-") + secrets.token_hex(2)
