"""Spawn: from what the user sees to N agents at work, each in a slot of its own, or to nothing at all."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import discover, paths
from kage_nvim.errors import KageError
from kage_nvim.failpoints import fail_point
from kage_nvim.model import RunStatus
from kage_nvim.orchestrator import (
    briefing,
    cli_seats,
    course,
    forecast,
    history,
    kageignore,
    keys,
    money,
    past,
    seating,
    shadow,
    steps,
)
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.launch import open_panes, panes_of
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import Plan, SpawnRequest, prepare
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.orchestrator.tmux.panes import Panes
from kage_nvim.records import RunRecord

log = logging.getLogger("kaged")

_NAME = re.compile(r"\d{6}-\d{6}-[0-9a-f]{4}")


async def spawn(conductor: Conductor, peer: Peer, asked: SpawnRequest) -> dict[str, Any]:
    """Start a run and return it with notes on what the user should know.

    Raises:
        KageError: it cannot be started, or something must be confirmed first; nothing is left behind.
    """
    plan = await prepare(conductor, peer, asked)
    run_id = run_name(asked.plan if asked.plan not in conductor.runs else "")
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
    conductor.spawn_task(course.follow(conductor, run))
    told = await asyncio.to_thread(past.read, conductor.database)
    names = [seat.name for seat in plan.seats]
    if expected := forecast.told(told, names, str(run.root), "", past.spent_as(plan.course))["line"]:
        plan.notes.append(f"by runs like it: {expected}")
    return {"run": run_id, "agents": run.status().agents, "notes": plan.notes}


async def _make(conductor: Conductor, plan: Plan, run_id: str) -> Run:
    unsaved_text = await unsaved(conductor, plan.repository.root)
    keyed = asyncio.create_task(gateway(conductor, plan))
    try:
        store = await asyncio.to_thread(Store.open, plan.repository)
        plan.task, told = await asyncio.to_thread(kageignore.checked, plan.repository, store, plan.task)
        plan.notes += told
        snapshot = await asyncio.to_thread(store.snapshot, unsaved_text)
        ground = plan.ground if plan.ground and plan.ground.steps else None
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
        made = await seating.make_slots(conductor, plan, store, start)
        fail_point("spawn.slots.done")
        run = _register(conductor, plan, store, base, run_id, made)
        head = ground.head if ground else await asyncio.to_thread(history.standing_on, store, plan.repository)
        run.record.status.head = head
        await keyed
    except BaseException:
        keyed.cancel()
        raise
    conductor.spawn_task(asyncio.to_thread(store.import_base_objects, base))
    agents = list(run.agents.values())
    if plan.settings.setup:
        run.record.setup = msgspec.to_builtins(plan.settings.setup)
    await seating.admit(conductor, plan, run, agents)
    await context
    fail_point("spawn.panes.intent")
    await open_panes(conductor, run, course.hold(conductor, run, agents), plan.peer, plan.place)
    fail_point("spawn.panes.done")
    return run


async def unsaved(conductor: Conductor, root: Path) -> dict[str, bytes]:
    """What open editors hold unsaved of a repository: path in it → exact bytes.

    Raises:
        KageError: two editors hold different unsaved versions of one file.
    """
    return overlays(await open_buffers(conductor.peers, root), root)


async def gateway(conductor: Conductor, plan: Plan) -> None:
    """Have the gateway up and the keys in it, so that no agent starts without what it needs."""
    await conductor.gateway.ensure()
    others = [plan.user.players[n] for seat in plan.seats for n in money.fallbacks(seat.player, plan.user)]
    routed = any(seat.cli and not (seat.player.own_login or seat.player.recorded) for seat in plan.seats)
    answering = [*others, *(seat.player for seat in plan.seats)]
    if routed or any(player.model and not player.recorded for player in answering):
        await conductor.gateway.load()
    names = {name: seat for seat in plan.seats if (name := cli_seats.key_variable(seat.player, seat.cli))}
    # Nobody may be there to bring the judge's key when the run is over.
    later = [plan.user.players[n] for n in (plan.user.judge.player,) if n in plan.user.players]
    later += [plan.user.players[n] for judge in later for n in money.fallbacks(judge, plan.user)]
    spare = {name for player in (*others, *later) if (name := discover.key_variable(player))}
    if not names and not spare:
        return
    brought = await keys.deliver(conductor, sorted(names.keys() | spare), [plan.peer])
    for name, seat in names.items():
        if name not in brought and not seat.player.fallback:
            raise cli_seats.missing_key(seat.name, name, seat.cli, seat.label)


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
        kind=plan.course.kind,
    )
    stood = plan.ground.steps if plan.ground else []
    asked_for = RunRecord(status=status, task=plan.task, steps=stood, course=plan.course)
    run = Run(asked_for, plan.repository, store)
    run.env, run.keys = plan.peer.hello.env, plan.peer.hello.keys
    for number, (seat, slot) in enumerate(zip(plan.seats, made, strict=True), 1):
        seating.seat_agent(conductor, run, number, seat, slot)
    conductor.runs[run_id] = run
    conductor.changed(run)
    return run


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


def run_name(planned: str = "") -> str:
    """A name that sorts by time and is short enough to type: the one that was planned, if it is a name."""
    if _NAME.fullmatch(planned):
        return planned
    return time.strftime("%y%m%d-%H%M%S-") + secrets.token_hex(2)
