"""The conductor: what runs exist, what each agent does, who is told.

It owns the runs in memory and in the database. Agents report their states; when a turn ends their files
are read into a candidate before anybody is told that they are done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from kage_nvim import processes
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import CandidateStatus, State
from kage_nvim.orchestrator import candidates, course, keys, languages, live, reconcile, shadow, summary
from kage_nvim.orchestrator.audience import Audience
from kage_nvim.orchestrator.checking import repairs
from kage_nvim.orchestrator.checking.checks import Checks
from kage_nvim.orchestrator.gateway_link import GatewayLink
from kage_nvim.orchestrator.judging import verdicts
from kage_nvim.orchestrator.peers import Peer, Peers
from kage_nvim.orchestrator.reviewing.reviews import Reviews
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.protocol import Hello
from kage_nvim.store import Database
from kage_nvim.trees import trees_of

log = logging.getLogger("kaged")

DEATH_WATCH = 0.5
"""Seconds between looks at a process that is not connected."""
ARRIVE_SECONDS = 20.0
"""How long an agent's process may take to connect."""
SETTLING = 25
"""How often an agent's sums are asked for while calls that it hung up on are being settled."""


class Conductor:
    """See the module. ``epoch`` tells one life of kaged from the next."""

    def __init__(self, database: Database, peers: Peers, epoch: int) -> None:
        self.database = database
        self.peers = peers
        self.epoch = epoch
        self.gateway = GatewayLink()
        self.runs: dict[str, Run] = {}
        self.audience = Audience(epoch, lambda root: [run.status() for run in self.of_repository(root)])
        self.landing = asyncio.Lock()
        self.live = live.Live(lambda run: self.audience.tell(run.root))
        self.checks = Checks(self)
        self.reviews = Reviews(self)
        self._tasks: set[asyncio.Task[Any]] = set()

    # What there is.

    async def repository(self, cwd: str) -> shadow.Repository:
        """The repository that a folder belongs to."""
        return await asyncio.to_thread(shadow.discover, Path(cwd))

    async def run(self, cwd: str, run: str | None) -> Run:
        """The run of that name, or the newest of the repository around ``cwd``.

        Raises:
            KageError: there is none.
        """
        if run:
            if run not in self.runs:
                raise KageError(
                    f"there is no run {run}", fix="kage status --json lists them.", code="unknown_run"
                )
            return self.runs[run]
        root = (await self.repository(cwd)).root
        found = self.of_repository(root)
        if not found:
            raise KageError(
                f"no run in {root}",
                fix="Start one: :KageSpawn 3, or kage spawn TASK.",
                code="no_run",
                exit=Exit.NOTHING,
            )
        return found[0]

    def of_repository(self, root: Path) -> list[Run]:
        """The runs of a repository that were not cleaned, newest first."""
        found = [run for run in self.runs.values() if run.root == root]
        return sorted(found, key=lambda run: (run.record.status.created, run.id), reverse=True)

    def environment(self, run: Run) -> Mapping[str, str]:
        """What the user's programs see: of the client that began the run, of another that is there now when
        kaged was started anew since, or just its PATH as an agent has it."""
        here = (peer.hello.env for peer in self.peers.clients())
        theirs = (agent.env() for agent in run.agents.values())
        return run.env or next((env for env in (*here, *theirs) if env), {})

    def busy(self) -> bool:
        """True while an agent's process is alive, even between two connections, its candidate is checked, or
        something follows by itself, such as a verdict."""
        return any(run.judging.locked() or run.following for run in self.runs.values()) or any(
            agent.peer is not None
            or agent.record.status.state is State.CHECKING
            or processes.alive(agent.record.pid, agent.record.born)
            for run in self.runs.values()
            for agent in run.agents.values()
        )

    def tend(self) -> None:
        """Called every second: agents at work cannot start a gateway that died, so it is done for them."""
        working = any(
            agent.peer is not None and not agent.record.status.state.ended
            for run in self.runs.values()
            for agent in run.agents.values()
        )
        if working and not self.gateway.alive():
            self.spawn_task(self.gateway.ensure())

    async def reconcile(self) -> None:
        """Find again what an earlier kaged left: runs, agents, half-done spawns and landings."""
        await reconcile.reconcile(self)

    def changed(self, run: Run) -> None:
        """Keep the run, and tell those who follow its repository soon."""
        verdicts.follow(run)
        self.database.put_run(run.record)
        self.audience.tell(run.root)

    def agent_changed(self, run: Run, agent: Agent) -> None:
        """Keep the agent, and tell those who follow its repository soon."""
        self.database.put_agent(agent.record)
        self.changed(run)

    def spawn_task(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the request that asked for it; a failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("a background task failed", exc_info=task.exception())

    # Who comes and goes.

    def arrived(self, peer: Peer) -> None:
        """A program said hello: a client may bring the keys that agents wait for."""
        if peer.hello.kind in ("editor", "cli"):
            self.spawn_task(keys.bring(self, [peer]))

    def agent_arrived(self, peer: Peer, hello: Hello) -> int:
        """An agent's process said hello; returns the last turn whose files were read.

        Raises:
            KageError: it is not an agent of ours.
        """
        run = self.runs.get(hello.run)
        agent = run.agents.get(hello.number) if run else None
        if run is None or agent is None or agent.record.token != hello.token:
            raise KageError(
                f"no agent {hello.number} of run {hello.run} is expected here", code="unknown_agent"
            )
        agent.peer = peer
        agent.record.pid = hello.pid
        agent.record.born = processes.born(hello.pid)
        agent.called = agent.called or bool(agent.record.mail)
        for text in agent.record.mail:
            peer.push("steer", {"text": text})
        agent.record.mail = []
        self.agent_changed(run, agent)
        return agent.record.captured

    def gone(self, peer: Peer) -> None:
        """A connection ended; an agent's process may have ended with it."""
        self.audience.leave(peer)
        self.live.look_away(peer)
        self.checks.gone(peer)
        self.reviews.gone(peer)
        for run in self.runs.values():
            for agent in run.agents.values():
                if agent.peer is peer:
                    agent.peer = None
                    self.spawn_task(self.watch_death(run, agent))

    async def must_arrive(self, run: Run, agent: Agent) -> None:
        """An agent whose process never connects is said to have failed, not left as starting for ever."""
        deadline = time.monotonic() + ARRIVE_SECONDS
        while time.monotonic() < deadline:
            await asyncio.sleep(DEATH_WATCH)
            if agent.record.pid is not None or run.id not in self.runs:
                return
        how = f":Kage focus {agent.number} shows its pane"
        reason = f"its process did not start within {ARRIVE_SECONDS:.0f} s; {how}"
        await self.turn_ended(run, agent, State.FAILED, reason, agent.record.captured + 1)

    async def watch_death(self, run: Run, agent: Agent) -> None:
        """Until it connects again, look whether an agent's process is alive; if it died, keep its work."""
        pid, born = agent.record.pid, agent.record.born
        while processes.alive(pid, born):
            await asyncio.sleep(DEATH_WATCH)
            if agent.peer is not None or run.id not in self.runs:
                return
        if agent.peer is not None or agent.record.status.state.ended:
            return
        if agent.record.status.state is State.CHECKING:  # it was done before its process ended
            return
        if (
            pid is None or agent.record.pid != pid
        ):  # another process was started meanwhile: not this one's death
            return
        if agent.stopping:
            await self.turn_ended(run, agent, State.STOPPED, agent.stopping, agent.record.captured + 1)
        else:
            reason = f"its process ended; :Kage resume {agent.number} goes on from its log"
            await self.turn_ended(run, agent, State.FAILED, reason, agent.record.captured + 1)

    # What agents report.

    async def agent_state(self, peer: Peer, report: dict[str, Any]) -> None:
        """Take in an agent's state; at a turn's end its files are read first."""
        run = self.runs[peer.hello.run]
        agent = run.agent(peer.hello.number)
        status = agent.record.status
        status.warning = report["warning"]
        agent.spent(report)
        state, reason, turn = State(report["state"]), report["reason"], report["turn"]
        agent.called = agent.called and state.ended and turn <= agent.turn
        agent.turn = turn
        if state.ended and turn > agent.record.captured:
            status.activity = "reading its files"
            self.agent_changed(run, agent)
            status.rule, status.evidence = report["rule"], report["evidence"]
            await self.turn_ended(run, agent, state, reason, turn)
            return
        if state.ended and (status.state is State.CHECKING or agent.record.resting or agent.called):
            return  # it says once more that it is done; what was asked of it decides when that is seen
        if state is status.state and state.ended and reason in status.reason:
            return  # it says so again to a kaged that began anew; what was added to its reason stays
        if state.ended and not status.state.ended:  # what it was told did not reach it before kaged ended
            self._over(run, agent, state, reason, turn)
            return
        if (state, reason) != (status.state, status.reason):
            status.since = time.time()
        status.state, status.reason, status.activity = state, reason, report["activity"]
        status.rule, status.evidence = report["rule"], report["evidence"]
        if not state.ended:
            status.ended = None
        self.agent_changed(run, agent)
        self.live.reported(run)
        if state is State.WAITING and reason.startswith(keys.WAITS):
            self.spawn_task(keys.bring(self, self.peers.clients()))

    async def turn_ended(self, run: Run, agent: Agent, state: State, reason: str, turn: int) -> None:
        """Read the agent's files into its candidate, then let it be seen in its new state."""
        status = agent.record.status
        async with agent.reading:
            if turn <= agent.record.captured:
                return
            reason = agent.stopping if agent.stopping and state is State.STOPPED else reason
            agent.record.resting = agent.record.resting and state is State.INTERRUPTED
            try:
                told = await self.capture(run, agent, reason)
                reason = " · ".join(filter(None, [reason, *told]))
            except (KageError, OSError) as error:
                state, reason = State.FAILED, f"its files could not be read: {error}"
                await live.end(run, agent, keep=True)
            else:
                await live.end(run, agent)
                if state is State.DONE and not _changed(run, agent.number):
                    reason = f"nothing changed; {reason}" if reason else "nothing changed"
            agent.record.captured = turn
            if agent.turn <= turn and course.is_checked(run, agent, state):
                status.state, status.reason, status.activity = State.CHECKING, reason, ""
                status.since = time.time()
                self.agent_changed(run, agent)
                self.check_again(run, agent)
            else:
                reason = await course.unfinished(run, agent, state, reason)
                self._over(run, agent, state, reason, turn)
            outcome = {State.DONE: "done", State.FAILED: "failed"}.get(state, "stopped")
            self.spawn_task(self.gateway.outcome(run.id, agent.number, outcome))
            self.spawn_task(self._count_all(run, agent))
            self.spawn_task(self._warm(run, agent))

    def check_again(self, run: Run, agent: Agent) -> None:
        """Check the candidate of an agent that is done, as its state says; kaged may have ended amid that."""
        self.spawn_task(self._checked(run, agent, agent.record.status.reason, agent.record.captured))

    async def _checked(self, run: Run, agent: Agent, reason: str, turn: int) -> None:
        """Check its candidate, then let it be seen as done, whatever breaks on the way."""
        try:
            evaluation = await course.checked(self, run, agent)
            repairs.settle(agent)
            if not agent.has_gone_on(turn) and await course.repaired(self, run, agent, evaluation):
                return
            reason = await course.upheld(self, run, agent, reason)
        except Exception:
            log.exception("what follows the end of agent %s of run %s broke", agent.number, run.id)
        self._over(run, agent, State.DONE, reason, turn)

    def _over(self, run: Run, agent: Agent, state: State, reason: str, turn: int) -> None:
        """A turn is over, unless the agent was spoken to meanwhile and is at work again."""
        status = agent.record.status
        if agent.has_gone_on(turn):
            self.agent_changed(run, agent)
            return
        if agent.record.resting and state is State.INTERRUPTED:
            state, reason = State.WAITING, "its round is over: it waits for the others"
            status.rule = "strategy"
        agent.record.resting = state is State.WAITING
        repairs.settle(agent)
        green = any(made.green for made in run.record.status.candidates if made.number == agent.number)
        reason = " · ".join(filter(None, [reason, repairs.words(agent, green)]))
        status.state, status.reason, status.activity = state, reason, ""
        status.since = time.time()
        status.ended = status.since if state.ended else None
        self.follow(run, agent)

    def follow(self, run: Run, agent: Agent) -> None:
        """Let follow what does from an agent's end; an earlier kaged may have ended amid that."""
        run.following += 1
        run.record.over = False
        self.agent_changed(run, agent)
        self.spawn_task(self._followed(run, agent))

    async def _followed(self, run: Run, agent: Agent) -> None:
        """What follows from an agent's end; until that is known the run is not settled."""
        try:
            await course.agent_ended(self, run, agent)
        finally:
            run.following -= 1
            self.audience.tell(run.root)

    async def _warm(self, run: Run, agent: Agent) -> None:
        """What is compared next is read already."""
        from kage_nvim.orchestrator import comparing

        with suppress(KageError):  # it has no candidate, or the run is gone
            await asyncio.to_thread(comparing.warm, run, agent.number)

    async def _count_all(self, run: Run, agent: Agent) -> None:
        """Take over the ledger's sums: it has the calls that the agent hung up on, too."""
        for _ in range(SETTLING):
            sums = await self.gateway.usage(run.id, agent.number)
            if sums and agent.spent(sums):
                self.agent_changed(run, agent)
            if not sums.get("open"):
                return
            await asyncio.sleep(0.2)

    async def capture(self, run: Run, agent: Agent, message: str) -> list[str]:
        """Make the agent's files its candidate; the one before goes to the trash. Returns what to tell."""
        number = agent.number
        title = f"agent {number} ({agent.record.status.player}): {message or 'candidate'}"
        capture = partial(candidates.capture, litter=agent.litter())
        made = await asyncio.to_thread(capture, run.store, agent.slot, run.base, title, number)
        ref = run.ref(number)
        if await asyncio.to_thread(_same_tree, run.store, ref, made.tree):
            return made.notes
        await asyncio.to_thread(_replace, run.store, ref, made.commit)
        changed = await asyncio.to_thread(candidates.changes, run.store, run.base, made.commit)
        run.set_candidate(
            CandidateStatus(
                number=number,
                agent=number,
                commit=made.commit,
                files=made.files,
                added=made.added,
                removed=made.removed,
                language=languages.of_changes(changed),
                kind=agent.makes[0],
                note=agent.makes[1],
            )
        )
        await asyncio.to_thread(summary.note_candidate, agent, made.commit, [entry.path for entry in changed])
        return made.notes


def _changed(run: Run, number: int) -> bool:
    """Whether an agent's candidate differs from the base: to be done is not to have done something."""
    return any(made.files for made in run.record.status.candidates if made.number == number)


def _same_tree(store: shadow.Store, ref: str, tree: str) -> bool:
    return ref in store.refs(ref) and trees_of(store, [ref]) == [tree]


def _replace(store: shadow.Store, ref: str, commit: str) -> None:
    if store.refs(ref).get(ref) != commit:
        store.trash(ref)
        store.pin(ref, commit)
