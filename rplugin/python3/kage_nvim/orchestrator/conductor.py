"""The conductor: what runs exist, who comes and goes, who is told.

It owns the runs in memory and in the database; what agents report is taken in by its ``turns``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from kage_nvim import processes
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import State
from kage_nvim.orchestrator import keys, live, reconcile, shadow
from kage_nvim.orchestrator.audience import Audience
from kage_nvim.orchestrator.checking.checks import Checks
from kage_nvim.orchestrator.gateway_link import GatewayLink
from kage_nvim.orchestrator.judging import verdicts
from kage_nvim.orchestrator.peers import Peer, Peers
from kage_nvim.orchestrator.reviewing.reviews import Reviews
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.turns import Turns
from kage_nvim.protocol import Hello
from kage_nvim.store import Database

log = logging.getLogger("kaged")

DEATH_WATCH = 0.5
"""Seconds between looks at a process that is not connected."""
ARRIVE_SECONDS = 20.0
"""How long an agent's process may take to connect."""


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
        self.turns = Turns(self)
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
        late = agent.record.pid is None and agent.record.status.state.ended
        agent.peer = peer
        agent.record.pid = hello.pid
        agent.record.born = processes.born(hello.pid)
        if agent.stopping or (late and agent.record.status.state is State.STOPPED):
            peer.push("stop", {"reason": agent.stopping or agent.record.status.reason})
        elif late:  # it was given up too early: what it makes now is read all the same
            agent.record.captured = max(0, agent.record.captured - 1)
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
        await self.turns.ended(run, agent, State.FAILED, reason, agent.record.captured + 1)

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
            await self.turns.ended(run, agent, State.STOPPED, agent.stopping, agent.record.captured + 1)
        else:
            reason = f"its process ended; :Kage resume {agent.number} goes on from its log"
            await self.turns.ended(run, agent, State.FAILED, reason, agent.record.captured + 1)
