"""A reviewer that is no model: a third-party CLI or a command, told of the change, with the tree to read.

    ask ──> a slot with the reviewed tree, read-only ──> the player's own process, one turn, no pane
     ^                                                              │ what it prints, from its log
     └──── the reviewer's loop reads the JSON that it ends with <───┘

Each question is a run of its own that is told the whole conversation; what it writes is thrown away with its
slot. It ends with the one who asked, also when kaged is killed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim import config, paths, sandbox
from kage_nvim.config import UserConfig
from kage_nvim.errors import KageError
from kage_nvim.model import AgentSpec, Player, Profile, State, Task
from kage_nvim.orchestrator import cli_seats, discretion, money, players, slots
from kage_nvim.orchestrator.consult import NUMBERS, Message, Reply, least
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.players import Seat
from kage_nvim.orchestrator.reviewing.scope import Scope
from kage_nvim.protocol import dumps
from kage_nvim.trees import commit_tree

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor
    from kage_nvim.orchestrator.preparation import Plan

MOST = 4
"""Runs that one conversation may take; whoever has not answered then will not."""
GRACE = 5.0
"""Seconds that a process may take to end what it has started, when nobody waits any more."""

_RULES = """\
You have none of the tools that are named below. The folder that you are in holds the files as they are \
after the change, read-only: read there what you need, by your own means. Then end your answer with the one \
fenced json block that is described, and nothing behind it."""


class Hired:
    """A player at work for one review; ``ask`` is that of a ``Consultant``."""

    def __init__(
        self, conductor: Conductor, plan: Plan, scope: Scope, account: str, number: int, token: str
    ) -> None:
        self._conductor = conductor
        self._plan = plan
        self._scope = scope
        self._account = account
        self._number = number
        self._token = token

    async def ask(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[dict[str, Any]] = (),
        temperature: float | None = None,
    ) -> Reply:
        """What it prints when it is told a conversation. Tools and warmth are its own.

        Raises:
            KageError: code ``model``; it failed, was stopped by a limit, or has been asked too often.
        """
        if sum(message["role"] == "assistant" for message in messages) >= MOST:
            raise self._failed(f"no answer that could be used in {MOST} runs")
        commit = await asyncio.to_thread(
            commit_tree, self._scope.store, self._scope.new, None, "a tree to be reviewed", when=0
        )
        runs = self._conductor.of_repository(self._plan.repository.root)
        held = {agent.record.slot for run in runs for agent in run.agents.values()}
        slot = await asyncio.to_thread(slots.acquire, self._scope.store, commit, held=held)
        try:
            text = await self._run(slot, commit, told(messages))
        finally:
            await asyncio.to_thread(slots.release, slot)
        return Reply(text=text, message={"content": text})

    async def _run(self, slot: slots.Slot, commit: str, task: str) -> str:
        from kage_nvim.orchestrator.launch import agent_environment
        from kage_nvim.orchestrator.seating import profile_of

        plan, seat = self._plan, self._plan.seats[0]
        store = self._scope.store
        profile = await asyncio.to_thread(profile_of, plan, seat, store, slot, self._number, commit)
        file, log = slot.folder / "review.json", slot.folder / "review.jsonl"
        log.unlink(missing_ok=True)
        spec = AgentSpec(
            run=self._account,
            number=self._number,
            player=seat.name,
            model=seat.label,
            repository=str(plan.repository.root),
            task=Task(text=task),
            base=commit,
            log=str(log),
            token=self._token,
            daemon=str(paths.daemon_file()),
            gateway=str(paths.models_socket()),
            profile=_read_only(profile),
            limits=plan.limits_of(seat),
            command=seat.player.command,
            cli=seat.cli,
            direct=seat.player.own_login,
            once=True,
        )
        file.write_bytes(dumps(spec))
        try:
            await _turn(file, agent_environment(plan.peer))
            return self._said(log)
        finally:
            for path in (file, log):
                path.unlink(missing_ok=True)

    def _said(self, log: Path) -> str:
        """What the turn has printed.

        Raises:
            KageError: it did not come to its end.
        """
        words, end = [], {"state": "failed", "reason": "its process ended before its turn"}
        with suppress(OSError):
            for line in log.read_text("utf-8", "replace").splitlines():
                entry = json.loads(line)
                words += [entry["text"]] if entry["kind"] == "text" else []
                end = entry if entry["kind"] == "state" else end
        if end["state"] != State.DONE:
            raise self._failed(str(end.get("reason") or end["state"]))
        return "\n".join(words)

    def _failed(self, why: str) -> KageError:
        name = self._plan.seats[0].name
        return KageError(
            f"player `{name}` did not answer: {why}", fix="kage cost shows what is left.", code="model"
        )


async def hire(
    conductor: Conductor, peer: Peer, scope: Scope, account: str, name: str, player: Player, offset: int
) -> Hired:
    """Have a CLI or a command ready to review, within the limits of ``[review]``.

    Raises:
        KageError: its program or its key is missing, or a limit in dollars cannot hold for it.
    """
    from kage_nvim.orchestrator import spawn
    from kage_nvim.orchestrator.preparation import Plan

    user = await asyncio.to_thread(config.load_user)
    repository = scope.store.repository
    settings = await asyncio.to_thread(config.load_repository, repository.root)
    seat = await asyncio.to_thread(_seat, name, player, user, peer)
    terms = discretion.terms(user, settings, repository.root)
    if user.sandbox == "on":
        await asyncio.to_thread(sandbox.check)
    limits = user.review
    await discretion.check([seat], user, terms.rules)
    await money.check(conductor.gateway, [seat], user, settings, limits.run_usd)
    plan = Plan(
        repository=repository,
        task=Task(text=""),
        seats=[seat],
        user=user,
        settings=settings,
        peer=peer,
        place="hidden",
        notes=[],
        privacy=terms,
    )
    await spawn.gateway(conductor, plan)
    given = plan.terms(seat)
    own = {"run_usd": limits.run_usd, "run_tokens": limits.run_tokens}
    given["limits"] |= least(given["limits"], own)
    token, number = secrets.token_urlsafe(24), NUMBERS["review"] - offset
    await conductor.gateway.register(account, number, token, seat, str(repository.root), given)
    return Hired(conductor, plan, scope, account, number, token)


def told(messages: Sequence[Message]) -> str:
    """A conversation as the one text that such a player is given."""
    parts = [_RULES]
    for message in messages:
        before = "What you answered before:\n" if message["role"] == "assistant" else ""
        parts.append(before + str(message.get("content") or ""))
    return "\n\n".join(parts)


def _seat(name: str, player: Player, user: UserConfig, peer: Peer) -> Seat:
    oneshot = msgspec.structs.replace(player, mode="oneshot", permissions="allow")
    path = peer.hello.env.get("PATH", "")
    cli = cli_seats.seated(name, oneshot, user.clis, path) if player.cli else None
    return Seat(name=name, player=oneshot, label=players.label(oneshot, cli), cli=cli, role="review")


def _read_only(profile: Profile) -> Profile:
    """The same, with a worktree that nothing can be written to."""
    tree = profile.worktree
    others = [path for path in profile.writable if path != tree]
    return msgspec.structs.replace(profile, writable=others, readable=[*profile.readable, tree], alias=None)


async def _turn(spec: Path, env: dict[str, str]) -> None:
    """One turn of a player in a process of its own, to its end; whoever is not waited for is ended."""
    process = await asyncio.create_subprocess_exec(
        *(paths.python(), "-I", "-m", "kage_nvim.agent_runtime", "--spec", str(spec)),
        stdin=asyncio.subprocess.PIPE,  # it ends when this does
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=env,
        start_new_session=True,
    )
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except asyncio.TimeoutError:
                process.kill()
                await process.wait()
