"""Parts: agents that get different subtasks of one task (what comes of them: ``uniting``).

the task → parts, given by hand or proposed by a planner and confirmed → an agent for each → the union
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim.errors import KageError, usage
from kage_nvim.evaluate import planning
from kage_nvim.model import Task
from kage_nvim.orchestrator.players import Seat, tidy_task
from kage_nvim.records import Course

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor
    from kage_nvim.orchestrator.shadow import Repository


@dataclass(frozen=True)
class _Plan:
    """Whose account the planner's is: that of the run to be."""

    id: str
    root: Path


def count(course: Course, asked: int | None) -> int | None:
    """How many agents a run has: one for each part, where it has parts.

    Raises:
        KageError: another number was asked for, there is one part only, or its numbers leave one out.
    """
    parts = course.parts
    if not parts:
        return asked
    if len(parts) < planning.FEWEST or sorted(parts) != list(range(1, len(parts) + 1)):
        known = ", ".join(map(str, sorted(parts)))
        raise usage(f"the parts are numbered {known}", "Give at least two parts, numbered from 1 on.")
    if asked is not None and asked != len(parts):
        raise usage(f"{asked} agents for {len(parts)} parts", f"Leave -n away, or give {asked} parts.")
    if course.strategy not in ("", "all") or course.until or course.auto_accept:
        raise usage(
            "the parts of a task are all needed, and none is ranked",
            "Leave --strategy, --until and --auto-accept away.",
        )
    return len(parts)


def assigned(task: Task, course: Course, seats: Sequence[Seat]) -> tuple[Task, list[Seat]]:
    """The task as each agent gets it, and the seats without angles: different parts differ enough.

    Raises:
        KageError: a part is empty, or there are not as many agents as parts.
    """
    if not course.parts:
        return task, list(seats)
    if len(seats) != len(course.parts):
        raise usage(f"{len(seats)} agents for {len(course.parts)} parts", "Name as many players as parts.")
    parts = {number: tidy_task(text) for number, text in course.parts.items()}
    variants = {
        number: "\n\n".join(filter(None, [planning.told(parts, number), task.variants.get(number, "")]))
        for number in parts
    }
    task = msgspec.structs.replace(task, variants=variants)
    return task, [msgspec.structs.replace(seat, angle="") for seat in seats]


async def plan(
    conductor: Conductor, repository: Repository, task: Task, wanted: int | None, player: str
) -> dict[str, Any]:
    """Have a planner propose parts: ``plan`` (the name of the run to be, whose account the planner's cost is
    in), ``player``, ``parts`` by number. Nothing is started.

    Raises:
        KageError: no player can plan, it did not answer, or what it answered holds no parts.
    """
    from kage_nvim.orchestrator import briefing, consult, kageignore
    from kage_nvim.orchestrator.shadow import Store
    from kage_nvim.orchestrator.spawn import run_name, unsaved

    about = _Plan(run_name(), repository.root)
    task = msgspec.structs.replace(task, text=tidy_task(task.text))
    planner = await consult.engage(conductor, about, await _planner(player), "planner")
    store = await asyncio.to_thread(Store.open, repository)
    task, _ = await asyncio.to_thread(kageignore.checked, repository, store, task)
    snapshot = await asyncio.to_thread(store.snapshot, await unsaved(conductor, repository.root))
    snapshot = await asyncio.to_thread(kageignore.without, store, snapshot)
    await briefing.gather(store.git_dir, snapshot.commit, about.id, task, [planner.seat])
    surroundings = await asyncio.to_thread(_taken, briefing.path(about.id))
    text = task.text
    if chosen := task.selection:
        text += f"\n\nSelected: {chosen.path}, lines {chosen.first} to {chosen.last}:\n{chosen.text}"
    messages = planning.messages(text, surroundings, wanted)
    reply = await planner.ask(messages)
    parts = planning.read(reply.text, wanted)
    if not parts:
        messages += [
            {"role": "assistant", "content": reply.text},
            {"role": "user", "content": planning.AGAIN},
        ]
        parts = planning.read((await planner.ask(messages)).text, wanted)
    if not parts:
        raise KageError(
            f"player `{planner.seat.name}` proposed no parts",
            fix="Give them by hand: kage spawn --part TEXT --part TEXT, or `## 1`, `## 2` in the prompt.",
            code="model",
        )
    return {"plan": about.id, "player": planner.seat.name, "parts": {str(n): t for n, t in parts.items()}}


async def _planner(asked: str) -> str:
    """The player that plans: the one asked for, the judge, or the first that answers questions."""
    from kage_nvim import config

    user = await asyncio.to_thread(config.load_user)
    if asked or user.judge.player:
        return asked.removeprefix("@").split(":")[0].split("+")[0] or str(user.judge.player)
    for name in user.defaults.players or list(user.players):
        player = user.players.get(name)
        if player is not None and not (player.cli or player.command):
            return name
    raise KageError(
        "no player can propose parts: none is a model",
        fix="Give them by hand: kage spawn --part TEXT --part TEXT, or `## 1`, `## 2` in the prompt.",
        code="no_player",
    )


def _taken(path: Path) -> str:
    """What was gathered of the repository; it does not stay, for the run gathers anew."""
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
    return text
