"""Live: what agents have made so far, while somebody looks and they still work.

A report of an agent's makes its files worth a look; so does time, since a long command writes files without a
word. The looks of a run come one after another:

report  report            report
  |       |                 |
  |<-REST->| capture … done |<-REST->| capture … done … AGAIN … capture
                 |                          |
                 pushed, when the tree is another one

What is seen is a candidate marked ``live``: it can be compared, not landed. It is no result: kept in memory
and under a ref of its own, it gives way to the candidate that the turn's end makes, and it goes when nobody
looks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from kage_nvim import trees
from kage_nvim.errors import KageError
from kage_nvim.model import CandidateStatus, State
from kage_nvim.orchestrator import candidates
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.shadow import Store

log = logging.getLogger("kaged")

REST = 0.6
"""Seconds from a report to the look at the files: what was reported is done then, mostly."""
AGAIN = 3.0
"""Seconds until the files of an agent that reports nothing are looked at again."""
SHARE = 10.0
"""A look that took long is not followed by the next before this many times as long."""
AT_WORK = frozenset({State.WORKING, State.WAITING, State.UNKNOWN})


class Live:
    """Who looks at which run, and the looks at its agents' files. ``told`` is called after a change."""

    def __init__(self, told: Callable[[Run], None]) -> None:
        self._told = told
        self._lookers: dict[str, dict[int, object]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._reports: dict[str, asyncio.Event] = {}

    def look(self, peer: object, run: Run) -> None:
        """From now on somebody (an editor, mostly) looks at a run."""
        self._lookers.setdefault(run.id, {})[id(peer)] = peer
        if run.id not in self._tasks:
            self._reports[run.id] = asyncio.Event()
            self._tasks[run.id] = asyncio.get_running_loop().create_task(self._follow(run))

    def look_away(self, peer: object, run_id: str | None = None) -> None:
        """``peer`` looks no more at a run, or at any."""
        for name in [run_id] if run_id else list(self._lookers):
            lookers = self._lookers.get(name, {})
            lookers.pop(id(peer), None)
            if not lookers and name in self._lookers:
                del self._lookers[name]
                self._reports[name].set()

    def reported(self, run: Run) -> None:
        """An agent of the run said something: its files may have changed."""
        if event := self._reports.get(run.id):
            event.set()

    async def _follow(self, run: Run) -> None:
        """Look at the agents' files for as long as somebody looks at the run."""
        try:
            while run.id in self._lookers:
                self._reports[run.id].clear()
                began = time.monotonic()
                for agent in list(run.agents.values()):
                    await self._look_at(run, agent)
                await self._rest(run, SHARE * (time.monotonic() - began))
        except Exception:
            log.exception("looking at run %s ended", run.id)
        finally:
            self._lookers.pop(run.id, None)
            self._tasks.pop(run.id, None)
            self._reports.pop(run.id, None)
            for agent in run.agents.values():
                await end(run, agent)
            self._told(run)

    async def _rest(self, run: Run, at_least: float) -> None:
        """Until an agent reported something, or for so long that its silence may hide a change."""
        report = self._reports[run.id]
        at_work = any(agent.record.status.state in AT_WORK for agent in run.agents.values())
        silence = max(AGAIN, at_least) if at_work else None
        if at_least > REST:
            await asyncio.sleep(at_least - REST)
        try:
            await asyncio.wait_for(report.wait(), silence)
        except asyncio.TimeoutError:
            return
        if run.id in self._lookers:
            await asyncio.sleep(REST)

    async def _look_at(self, run: Run, agent: Agent) -> None:
        """Make what an agent has so far its live candidate."""
        if run.id not in self._lookers or agent.record.status.state not in AT_WORK:
            return
        async with agent.reading:
            if agent.record.status.state not in AT_WORK:
                return
            try:
                changed = await asyncio.to_thread(_capture, run, agent)
            except (KageError, OSError) as error:
                log.info("agent %d of run %s cannot be seen now: %s", agent.number, run.id, error)
                return
        if changed:
            self._told(run)


def _capture(run: Run, agent: Agent) -> bool:
    """Read the agent's files; returns whether they are others than those last seen."""
    number, store = agent.number, run.store
    capture = partial(candidates.capture, litter=agent.litter())
    made = capture(store, agent.slot, run.base, f"agent {number} at work", number)
    if trees.trees_of(store, [_seen(run, agent)]) == [made.tree]:
        return False
    store.pin(ref_of(run, number), made.commit)
    run.live[number] = CandidateStatus(
        number=number,
        agent=number,
        commit=made.commit,
        files=made.files,
        added=made.added,
        removed=made.removed,
        live=True,
        kind=agent.makes[0],
        note=agent.makes[1],
    )
    return True


def _seen(run: Run, agent: Agent) -> str:
    """The commit that shows what is known of an agent's files."""
    number = agent.number
    if number in run.live:
        return run.live[number].commit
    for candidate in run.record.status.candidates:
        if candidate.number == number:
            return candidate.commit
    return run.start_of(agent)


def ref_of(run: Run, number: int) -> str:
    """The ref that keeps what was last seen of an agent at work."""
    return run.ref(f"live/{number}")


async def end(run: Run, agent: Agent, *, keep: bool = False) -> None:
    """An agent is not seen at work any more. ``keep``: nothing else has what was seen, so it goes to the
    trash."""
    if run.live.pop(agent.number, None) is None:
        return
    try:
        await asyncio.to_thread(_drop, run.store, ref_of(run, agent.number), keep)
    except (KageError, OSError) as error:  # a full disk: the next kaged removes it
        log.info("what was seen of agent %d of run %s stays: %s", agent.number, run.id, error)


def forget(run: Run) -> None:
    """Remove what an earlier kaged saw of agents at work; their worktrees have it still."""
    for ref in run.store.refs(run.ref("live/")):
        _drop(run.store, ref, keep=False)


def _drop(store: Store, ref: str, keep: bool) -> None:
    if keep:
        store.trash(ref)
    else:
        store.unpin(ref)
