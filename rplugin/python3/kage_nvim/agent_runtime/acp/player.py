"""A player that speaks the Agent Client Protocol: one process and one session, a prompt for each turn.

The protocol has no way to say something into a turn, so what the user says meanwhile is the next prompt,
right after. An interrupt cancels the turn and keeps the session; who does not listen to it is killed, and
loads the session again for the next turn when it can.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.acp.listener import Listener
from kage_nvim.agent_runtime.acp.session import FIRST, Client, Session
from kage_nvim.agent_runtime.clis.busy import seconds_used
from kage_nvim.agent_runtime.clis.memory import remembered
from kage_nvim.agent_runtime.clis.player import INTERRUPTED
from kage_nvim.agent_runtime.clis.run import FAILING, TICK
from kage_nvim.agent_runtime.clis.start import Start
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.clis.teller import Teller
from kage_nvim.agent_runtime.clis.usage import Meter
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import one_line
from kage_nvim.description import Description, EventRule
from kage_nvim.errors import KageError
from kage_nvim.model import AgentSpec, State

CANCEL = 2.0
"""Seconds in which a cancelled turn has to end."""
GONE = 1.0
"""Seconds for an agent that hung up to end by itself."""
AGAIN = (
    "[An earlier conversation about this was cut off. What it has changed lies in the files. "
    "Look where you are, then go on.]"
)
ENDS = {
    "end_turn": (State.DONE, ""),
    "max_tokens": (State.STOPPED, "limit: the tokens that its model may write"),
    "max_turn_requests": (State.STOPPED, "limit: its own number of calls in a turn"),
    "refusal": (State.FAILED, "its model refused to go on"),
    "cancelled": (State.INTERRUPTED, "it says that it was cancelled"),
}


class AcpPlayer:
    """Takes turns by prompting the agent."""

    def __init__(
        self, spec: AgentSpec, past: Past, log: Log, screen: Screen, inbox: Inbox, progress: Progress
    ) -> None:
        assert spec.cli is not None
        # The rules of its other modes say nothing here, but that it tells its end.
        self._cli: Description = msgspec.structs.replace(
            spec.cli, events=[EventRule(kind="done")], screens=[]
        )
        self._spec, self._log, self._screen = spec, log, screen
        self._inbox, self._progress = inbox, progress
        self._start = Start(spec, spec.cli)
        self._meter = Meter(self._start.relay, spec.token, progress, past.usage)
        self._authority = Authority(self._cli)
        self._teller = Teller(self._cli, screen, log, progress)
        self._listener = Listener(spec, log, screen, progress, self._authority, self._teller)
        self._permissions = self._listener.permissions
        self._client = Client(self._listener.update, self._listener.leave)
        self._memory = remembered(spec.log)
        self._session: Session | None = None
        self._queued: list[str] = []
        self._interrupted = False
        self._opened = self._prompting = False
        self._used = 0.0

    async def turn(self, *, again: bool) -> TurnEnd:
        """One prompt, to its end; ``again`` goes on with a turn that was cut off."""
        said = self._inbox.take()
        for message in said:
            self._log.write("steer", text=message)
            self._screen.steer(message)
        self._memory.said += said
        self._authority.begin()
        self._permissions.active = True
        self._listener.said_last = ""
        work = asyncio.ensure_future(self._work(said))
        try:
            return await self._inbox.guard(self._follow(work))
        except Halt as halt:
            self._interrupted = True
            return await self._halted(halt, work)
        finally:
            self._permissions.cancel()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._permissions.active = self._prompting = False
            if self._session is not None and not self._opened:
                await self._session.end()  # nothing can be begun with it
            self._listener.flush()
            if not self._spec.direct:
                await self._meter.look(now=True)
            self._screen.end_words()
            for message in self._queued:
                self._inbox.steer(message)
            self._queued.clear()

    async def _follow(self, work: asyncio.Future[TurnEnd]) -> TurnEnd:
        """Wait for the turn's end, and look after it meanwhile."""
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait([watching, work], return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if self._session is not None:
                await self._session.end()
            return watching.result()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _halted(self, halt: Halt, work: asyncio.Future[TurnEnd]) -> TurnEnd:
        """The user ended the turn: the agent may end it well, for a moment."""
        session = self._session
        if session is None:
            return halt
        if halt.state is State.INTERRUPTED and self._prompting:
            await session.cancel()
            self._permissions.cancel()
            deadline = time.monotonic() + CANCEL
            while not work.done() and time.monotonic() < deadline and not self._inbox.stopping:
                await asyncio.wait([work], timeout=0.05)
            if work.done() and not session.over:
                return TurnEnd(halt.state, halt.reason, "acp session/cancel")
        await session.end()
        return halt

    # The turn itself.

    async def _work(self, said: list[str]) -> TurnEnd:
        """Have a session and prompt it; whatever the agent does is a way in which a turn can end."""
        try:
            text = await self._told(said)
            self._log.write("task", text=text)
            self._prompting = True
            answer = await self._session_now().prompt(text)
            self._prompting = False
            return await self._ended(answer)
        except TurnEnd as end:
            return end
        except KageError:
            raise
        except asyncio.TimeoutError:
            return await self._lost(f"no session of the Agent Client Protocol within {FIRST:g} s")
        except OSError as error:
            return await self._lost(f"it hung up ({one_line(str(error), 80)})")
        except Exception as error:
            return await self._refused(error)

    async def _told(self, said: list[str]) -> str:
        """What this turn says; when the agent does not run, it is started first."""
        goes_on = self._session is not None and not self._session.over
        cut = bool(self._memory.session)
        if not goes_on:
            goes_on = await self._open()
        if goes_on:
            text = "\n\n".join(said) or prompts.GO_ON
            return f"{INTERRUPTED}\n\n{text}" if self._take_interrupted() and said else text
        self._take_interrupted()
        text = prompts.task_text(self._spec)
        text += prompts.said_later(self._memory.said)
        return f"{text}\n\n{AGAIN}" if cut else text

    def _take_interrupted(self) -> bool:
        was, self._interrupted = self._interrupted, False
        return was

    async def _open(self) -> bool:
        """Start the agent and take a session; returns whether it is the one that was there before."""
        self._listener.begin()
        self._opened = False
        await self._start.relay.start()
        argv = self._start.argv(self._spec.cli.acp if self._spec.cli else [], task="")
        self._session = await Session.start(argv, self._start.relay, self._log)
        self._authority.process(True)
        self._progress.doing(self._cli.title)
        cwd = self._spec.profile.worktree
        session, goes_on = await self._session.open(
            self._client, self._teller.line, cwd, self._memory.session
        )
        if session != self._memory.session:
            self._log.write("session", id=session)
            if self._memory.session:
                self._screen.notice("it cannot go on with its conversation: a new one begins")
        self._memory.session = session
        self._opened = True
        return goes_on

    def _session_now(self) -> Session:
        assert self._session is not None
        return self._session

    async def _ended(self, answer: Any) -> TurnEnd:
        state, reason = ENDS.get(answer.stop_reason, (State.UNKNOWN, answer.stop_reason))
        rule = f"acp stop_reason {answer.stop_reason}"
        self._listener.count(answer.usage)
        self._listener.flush()
        if state is State.DONE:
            reason = self._listener.said_last
            sums = self._meter.latest if self._spec.direct else await self._meter.look(now=True)
            if sums.refused:
                return TurnEnd(State.STOPPED, sums.refused, "gateway", reason)
            if sums.failing:
                return TurnEnd(State.FAILED, sums.failing, "gateway", reason)
        return TurnEnd(state, reason, rule, self._listener.said_last)

    async def _lost(self, how: str) -> TurnEnd:
        """It can not be talked to any more: how it ended, with its last words."""
        session = self._session
        if session is None:
            return TurnEnd(State.FAILED, how, "acp")
        code = await session.gone(GONE)
        rule = "acp"
        if code is not None:
            self._authority.process(False, code)
            how, rule = self._authority.finding.reason, self._authority.finding.rule
        await session.end()
        if session.errors:
            self._log.write("error", text=session.errors)
        return await self._blamed(f"{how}: {session.last_words}" if session.last_words else how, rule)

    async def _refused(self, error: Exception) -> TurnEnd:
        """An answer that says that it failed, or one that makes no sense."""
        data = getattr(error, "data", None)
        if isinstance(data, dict):
            data = next((data[key] for key in ("details", "message", "error") if data.get(key)), None)
        why = one_line(f"{error}: {data}" if data else str(error), 300)
        code = getattr(error, "code", None)
        if code is None:
            why = f"its answer makes no sense: {type(error).__name__}: {why}"
        return await self._blamed(why, f"acp error {code}" if code is not None else "acp")

    async def _blamed(self, reason: str, rule: str) -> TurnEnd:
        """A failure, for which the gateway may know the cause."""
        if not self._spec.direct:
            sums = await self._meter.look(now=True)
            if sums.refused:
                return TurnEnd(State.STOPPED, sums.refused, "gateway", reason)
            reason = sums.blamed(reason)
        return TurnEnd(State.FAILED, reason, rule)

    # What is seen from outside.

    async def _watch(self) -> TurnEnd:
        """Look after it while it works; returns when it must end before it has ended by itself."""
        self._listener.spoke = began = time.monotonic()
        ends = began + self._spec.limits.seconds
        while True:
            await asyncio.sleep(TICK)
            self._hear()
            if self._permissions.waiting:
                ends += TICK  # the user's time is not the agent's
            if time.monotonic() > ends:
                return TurnEnd(State.STOPPED, f"limit: {self._spec.limits.seconds:g} seconds", "limit")
            if not self._spec.direct:
                sums = await self._meter.look()
                if sums.refused:
                    return TurnEnd(State.STOPPED, sums.refused, "gateway")
                if sums.failing_for > FAILING and time.monotonic() - self._listener.spoke > FAILING:
                    return TurnEnd(State.FAILED, sums.failing, "gateway")
            self._look_idle(began)

    def _hear(self) -> None:
        """What the user says: an answer, or the next prompt."""
        for message in self._inbox.take():
            if self._permissions.answer(message):
                self._screen.steer(message)
                continue
            self._queued.append(message)
            how = "a number, yes or no answers; " if self._permissions.waiting else ""
            self._screen.notice(f"{how}will be told when this turn ends: {one_line(message)}")

    def _look_idle(self, began: float) -> None:
        """Neither words nor traffic nor work: then nobody knows what it does."""
        session = self._session
        if session is None or session.over:
            return
        used = seconds_used(session.pid)
        busy = used - self._used > 0.02 or bool(self._meter.latest.open)
        self._used = used
        if busy:
            session.heard = time.monotonic()
        silent = time.monotonic() - max(began, session.heard, self._start.relay.spoke)
        self._authority.idle(silent, busy)
        self._listener.show()
