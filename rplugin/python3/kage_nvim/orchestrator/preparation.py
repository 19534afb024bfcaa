"""Preparation: everything about a spawn that can be checked or asked before anything is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import config, discover, sandbox
from kage_nvim.config import RepositoryConfig, UserConfig
from kage_nvim.discover import Found
from kage_nvim.errors import KageError
from kage_nvim.model import Limits, Task
from kage_nvim.orchestrator import discretion, money, parts, players, proposals, steps
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.landing import unasked
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.players import Question, Seat
from kage_nvim.orchestrator.shadow import Repository
from kage_nvim.orchestrator.steps import Ground
from kage_nvim.orchestrator.strategies.asked import course as course_of
from kage_nvim.orchestrator.strategies.asked import must_be_decidable
from kage_nvim.orchestrator.tmux import server
from kage_nvim.orchestrator.tmux.panes import Place
from kage_nvim.privacy import Terms
from kage_nvim.records import Course
from kage_nvim.store import Database


@dataclass
class Plan:
    """A run that may begin: everything was checked, nothing made yet."""

    repository: Repository
    task: Task
    seats: list[Seat]
    user: UserConfig
    settings: RepositoryConfig
    peer: Peer
    place: Place
    notes: list[str]
    ground: Ground | None = None
    privacy: Terms = field(default_factory=Terms)
    record: str = ""
    course: Course = field(default_factory=Course)

    def terms(self, seat: Seat) -> dict[str, Any]:
        """What the gateway has to know of a seat beside its player."""
        return money.terms(seat.player, self.user, self.settings, self.course.usd) | {
            "privacy": msgspec.to_builtins(self.privacy),
            "record": self.record,
        }

    def limits_of(self, seat: Seat) -> Limits:
        """What ends a turn of one agent; dollars are counted by the gateway."""
        user = self.user.defaults
        tokens = money.limits(seat.player, self.user, self.settings)["agent_tokens"]
        return Limits(
            steps=user.steps,
            tokens=None if tokens is None else int(tokens),
            seconds=user.seconds,
            command_seconds=user.command_seconds,
        )


class Layout(msgspec.Struct, frozen=True):
    """Where panes go: ``beside`` the editor, in a ``window`` of their own, or ``hidden``."""

    place: Place = "beside"


class SpawnRequest(msgspec.Struct):
    """The parameters of ``spawn``. ``on`` names the candidate that the run stands on: ``2``, or ``RUN:2``;
    ``record`` a new file, which the run's model traffic is written to; ``course`` what follows by itself;
    ``plan`` the name that a planner gave to the run (see ``parts.plan``)."""

    cwd: str
    task: Task
    count: int | None = None
    players: list[str] = []
    confirmed: list[str] = []
    on: str = ""
    record: str = ""
    layout: Layout = Layout()
    course: Course = Course()
    plan: str = ""


async def prepare(conductor: Conductor, peer: Peer, asked: SpawnRequest) -> Plan:
    """Check a request and say what will be made of it.

    Raises:
        KageError: it cannot be done, or something must be confirmed first (code ``confirm``).
    """
    repository = await conductor.repository(asked.cwd)
    task = _tidy(asked.task, repository)
    user = await asyncio.to_thread(config.load_user)
    settings = await asyncio.to_thread(config.load_repository, repository.root)
    course = course_of(asked.course, user)
    seated, unconfigured = await _seated(peer, asked, user)
    task, seated = parts.assigned(task, asked.course, seated)
    seated, given = await asyncio.to_thread(players.in_roles, seated, repository.root)
    ground = await steps.ground(conductor, repository, asked.on) if asked.on else None
    if ground is not None:
        task = msgspec.structs.replace(task, before=ground.before, proposal=ground.proposal)
    task = proposals.asked(task, asked.course)
    asking = partial(players.questions, seated, unconfigured, settings, repository.root, given=given)
    _confirm(conductor.database, str(repository.root), asked.confirmed, asking)
    if user.sandbox == "on":
        await asyncio.to_thread(sandbox.check)
    await asyncio.to_thread(server.binary)
    _recordings_exist(seated)
    terms = discretion.terms(user, settings, repository.root)
    await discretion.check(seated, user, terms.rules)
    await money.check(conductor.gateway, seated, user, settings, course.usd)
    plan = Plan(
        repository=repository,
        task=task,
        seats=seated,
        user=user,
        settings=settings,
        peer=peer,
        place=asked.layout.place,
        notes=[],
        ground=ground,
        privacy=terms,
        record=discretion.recording(asked.record, asked.cwd),
        course=course,
    )
    await _decidable(conductor, plan)
    return plan


def _tidy(task: Task, repository: Repository) -> Task:
    """The task without what an editor put around it; its files are of the repository."""
    return msgspec.structs.replace(
        task,
        text=players.tidy_task(task.text),
        variants={number: players.tidy_task(text) for number, text in task.variants.items()},
        files=[repository.inside(path) for path in task.files],
    )


async def _seated(peer: Peer, asked: SpawnRequest, user: UserConfig) -> tuple[list[Seat], list[Found]]:
    """The seats that were asked for, and those players among them that no file configures."""
    present = dict.fromkeys(peer.hello.keys, "set")
    found = await discover.found_async(present, probe=True) if not user.players else []
    path = peer.hello.env.get("PATH", "")
    count = parts.count(asked.course, asked.count)
    return await asyncio.to_thread(players.seats, asked.players, count, user, found, path)


def _confirm(
    database: Database, root: str, confirmed: list[str], asking: Callable[[set[str]], list[Question]]
) -> None:
    """Refuse what was not confirmed yet; what was confirmed for good is kept."""
    if questions := asking(database.confirmed(root) | set(confirmed)):
        raise players.must_confirm(questions)
    for question in asking(set()):
        if question.lasting:
            database.confirm(root, question.id)


async def _decidable(conductor: Conductor, plan: Plan) -> None:
    """Refuse what is to follow by itself, if neither checks nor what it may cost could decide on it."""
    course = plan.course
    if course.strategy == "all" and not (course.until or course.auto_accept):
        return
    _, checks = await conductor.checks.wanted(plan.repository.root, plan.peer.hello.env)
    limits = [money.limits(seat.player, plan.user, plan.settings, course.usd) for seat in plan.seats]
    limited = all(told["run_usd"] is not None or told["run_tokens"] is not None for told in limits)
    must_be_decidable(course, checks, limited=limited)
    unasked.check(course, plan.user, len(plan.seats), checks=bool(checks))


def _recordings_exist(seated: list[Seat]) -> None:
    for seat in seated:
        if seat.player.recorded and not Path(seat.player.recorded).expanduser().is_file():
            raise KageError(
                f"the recording of player `{seat.name}` is missing: {seat.player.recorded}",
                fix="Correct `recorded` in config.toml.",
                code="config",
            )
