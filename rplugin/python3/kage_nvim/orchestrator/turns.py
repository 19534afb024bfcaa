"""An agent's turns: what it reports, and what follows when one ends.

When a turn ends the agent's files are read into its candidate, and that is checked, before anybody is told
that it is done; then follows what the run's course says.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from kage_nvim.errors import KageError
from kage_nvim.model import CandidateStatus, State
from kage_nvim.orchestrator import candidates, course, keys, languages, live, shadow, summary
from kage_nvim.orchestrator.checking import repairs
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.trees import trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

SETTLING = 25
"""How often an agent's sums are asked for while calls that it hung up on are being settled."""


class Turns:
    """The turns of all agents."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    async def reported(self, peer: Peer, report: dict[str, Any]) -> None:
        """Take in an agent's state; at a turn's end its files are read first."""
        run = self._conductor.runs[peer.hello.run]
        agent = run.agent(peer.hello.number)
        status = agent.record.status
        status.warning = report["warning"]
        agent.spent(report)
        state, reason, turn = State(report["state"]), report["reason"], report["turn"]
        agent.called = agent.called and state.ended and turn <= agent.turn
        agent.turn = turn
        if state.ended and turn > agent.record.captured:
            status.activity = "reading its files"
            self._conductor.agent_changed(run, agent)
            status.rule, status.evidence = report["rule"], report["evidence"]
            await self.ended(run, agent, state, reason, turn)
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
        self._conductor.agent_changed(run, agent)
        self._conductor.live.reported(run)
        if state is State.WAITING and reason.startswith(keys.WAITS):
            self._conductor.spawn_task(keys.bring(self._conductor, self._conductor.peers.clients()))

    async def ended(self, run: Run, agent: Agent, state: State, reason: str, turn: int) -> None:
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
                self._conductor.agent_changed(run, agent)
                self.check_again(run, agent)
            else:
                reason = await course.unfinished(run, agent, state, reason)
                self._over(run, agent, state, reason, turn)
            outcome = {State.DONE: "done", State.FAILED: "failed"}.get(state, "stopped")
            self._conductor.spawn_task(self._conductor.gateway.outcome(run.id, agent.number, outcome))
            self._conductor.spawn_task(self._count_all(run, agent))
            self._conductor.spawn_task(self._warm(run, agent))

    def check_again(self, run: Run, agent: Agent) -> None:
        """Check the candidate of an agent that is done, as its state says; kaged may have ended amid that."""
        self._conductor.spawn_task(
            self._checked(run, agent, agent.record.status.reason, agent.record.captured)
        )

    async def _checked(self, run: Run, agent: Agent, reason: str, turn: int) -> None:
        """Check its candidate, then let it be seen as done, whatever breaks on the way."""
        try:
            evaluation = await course.checked(self._conductor, run, agent)
            repairs.settle(agent)
            if not agent.has_gone_on(turn) and await course.repaired(self._conductor, run, agent, evaluation):
                return
            reason = await course.upheld(self._conductor, run, agent, reason)
        except Exception:
            log.exception("what follows the end of agent %s of run %s broke", agent.number, run.id)
        self._over(run, agent, State.DONE, reason, turn)

    def _over(self, run: Run, agent: Agent, state: State, reason: str, turn: int) -> None:
        """A turn is over, unless the agent was spoken to meanwhile and is at work again."""
        status = agent.record.status
        if agent.has_gone_on(turn):
            self._conductor.agent_changed(run, agent)
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
        self._conductor.agent_changed(run, agent)
        self._conductor.spawn_task(self._followed(run, agent))

    async def _followed(self, run: Run, agent: Agent) -> None:
        """What follows from an agent's end; until that is known the run is not settled."""
        try:
            await course.agent_ended(self._conductor, run, agent)
        finally:
            run.following -= 1
            self._conductor.audience.tell(run.root)

    async def _warm(self, run: Run, agent: Agent) -> None:
        """What is compared next is read already."""
        from kage_nvim.orchestrator import comparing

        with suppress(KageError):  # it has no candidate, or the run is gone
            await asyncio.to_thread(comparing.warm, run, agent.number)

    async def _count_all(self, run: Run, agent: Agent) -> None:
        """Take over the ledger's sums: it has the calls that the agent hung up on, too."""
        for _ in range(SETTLING):
            sums = await self._conductor.gateway.usage(run.id, agent.number)
            if sums and agent.spent(sums):
                self._conductor.agent_changed(run, agent)
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
