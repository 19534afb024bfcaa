"""One life of a CLI with its own screen: started, shown, heard, told what the user says elsewhere, ended.

    pane ⇄ Pane ⇄ this ⇄ PtyChild ⇄ sandbox ⇄ CLI          its output also → Terminal → rules → state

Nothing is polled: a look follows output, once it pauses or has gone on for a while, and one later look
catches what its events tell a moment after its screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from kage_nvim.agent_runtime.clis.busy import seconds_used
from kage_nvim.agent_runtime.clis.events import Event, read
from kage_nvim.agent_runtime.clis.start import Start
from kage_nvim.agent_runtime.clis.status import SILENCE, Authority, Finding
from kage_nvim.agent_runtime.clis.usage import Meter
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.interactive import typist
from kage_nvim.agent_runtime.interactive.child import PtyChild
from kage_nvim.agent_runtime.interactive.pane import Pane
from kage_nvim.agent_runtime.interactive.passage import Passage
from kage_nvim.agent_runtime.interactive.tail import Tail
from kage_nvim.agent_runtime.interactive.terminal import Terminal
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.text import one_line
from kage_nvim.description import Description
from kage_nvim.model import AgentSpec, State

QUIET = 0.12
"""Seconds without output after which the screen is looked at."""
AT_LEAST = 0.5
"""Seconds of going output after which it is looked at all the same."""
LATER = 1.2
"""Seconds after a look until the last one of its kind."""
UNANSWERED = 25.0
"""Seconds of failing calls after which nobody says that it works."""
INTERRUPT = 2.0
"""Seconds in which an interrupt has to work."""
FIRST = 60.0
"""Seconds within which a CLI has to be ready for its first task, when it is typed."""


class Life:
    """One life of the program; also the desk that a typist works at."""

    def __init__(
        self,
        spec: AgentSpec,
        cli: Description,
        log: Log,
        inbox: Inbox,
        progress: Progress,
        start: Start,
        meter: Meter,
    ) -> None:
        self._spec, self._cli, self._log, self._inbox, self._progress = spec, cli, log, inbox, progress
        self._meter = meter
        self._pane = Pane()
        self._passage = Passage(self._titled)
        self._terminal = Terminal(*self._pane.size)
        self._child = PtyChild(self._output)
        self._authority = Authority(cli, ends=cli.tail_ends)
        self._reader = read(cli)
        self._tail = Tail(start.filled(cli.tail)) if cli.tail else None
        self._seen: asyncio.Event = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._spoke = time.monotonic()
        self._used = 0.0
        self._heard = 0
        self._told: Finding | None = None
        self._waiting: list[str] = []
        self._kept: list[str] = []

    @property
    def pastes(self) -> bool:
        """The CLI takes bracketed pastes."""
        return self._passage.pastes

    def type(self, data: bytes) -> None:
        """Press keys."""
        self._child.write(data)

    def text(self) -> str:
        """The screen now."""
        return self._terminal.text()

    def state(self) -> State:
        """What the CLI does."""
        return self._authority.finding.state

    def told(self) -> int:
        """The events so far."""
        return self._heard

    def row(self) -> int:
        """The cursor's line."""
        return self._terminal.row

    async def look(self, seconds: float) -> None:
        """Wait for the next look."""
        self._seen.clear()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._seen.wait(), seconds)

    async def live(self, argv: list[str], said: list[str]) -> TurnEnd:
        """Start it, let it and the user work, and say how it ended. ``said`` is typed once it is ready."""
        self._authority.begin()
        self._waiting = list(said)
        gone = "its pane was closed"
        with self._pane.raw(self._child.write, lambda: self._inbox.stop(gone), self._resized):
            try:
                await self._child.start(argv, *self._pane.size)
                self._authority.process(True)
                self._progress.doing(self._cli.title)
                self._watch()
                return await self._until_its_end()
            finally:
                for timer in (self._timer, self._later, self._watchdog):
                    if timer is not None:
                        timer.cancel()
                await self._child.end()
                self._pane.restore(self._passage.end())
                if not self._spec.direct:
                    await self._meter.look(now=True)

    async def _until_its_end(self) -> TurnEnd:
        ending = asyncio.ensure_future(self._child.wait())
        serving = asyncio.ensure_future(self._serve())
        try:
            await asyncio.wait([ending, serving], return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                return serving.result()
            self._look()
            self._authority.process(False, ending.result())
            found = self._authority.finding
            return TurnEnd(found.state, found.reason, found.rule, found.evidence)
        finally:
            for task in (ending, serving):
                task.cancel()
            await asyncio.gather(ending, serving, return_exceptions=True)

    async def _serve(self) -> TurnEnd:
        """What the user wants of it from elsewhere, one thing after the other, until a stop."""
        if self._waiting:
            await self._ready()
        for message in self._waiting:
            await self._say(message)
        while True:
            await self._inbox.anything()
            if (halt := self._inbox.take_halt()) is not None:
                if halt.state is State.STOPPED:
                    return halt
                await self._interrupt(halt)
            for message in self._inbox.take():
                await self._say(message)

    async def _ready(self) -> None:
        """Wait until the program can be told something; the user may have to answer it first."""
        deadline = time.monotonic() + FIRST
        while time.monotonic() < deadline or self.state() is State.WAITING:
            if self._authority.ready or (not self._cli.screens and self.text().strip()):
                return
            await self.look(1.0)

    async def _say(self, message: str) -> None:
        """Type it. What is no answer to the question that is asked waits until that is answered."""
        keys = None
        if self.state() is State.WAITING:
            keys = typist.answer_to(self._terminal.text(), message, self._authority.finding, self._cli)
            if keys is None:
                self._kept.append(message)
                self._progress.doing(f"kept until its question is answered: {one_line(message, 60)}")
                return
        with self._pane.holding():
            arrived = await (typist.say(self, message) if keys is None else typist.answer(self, keys))
        self._log.write("steer", text=message, confirmed=arrived)
        if not arrived:
            self._progress.doing(f"not confirmed: {one_line(message, 60)}")

    async def _interrupt(self, halt: Halt) -> None:
        if self.state().ended:
            return
        self._authority.interrupting = halt.reason
        with self._pane.holding():
            await typist.press(self._cli.interrupt_keys, self.type)
        deadline = time.monotonic() + INTERRUPT
        while time.monotonic() < deadline and not self._authority.interrupted():
            await self.look(0.3)
        if not self.state().ended:
            self._log.write("error", text="the interrupt was typed, but it goes on working")
            self._progress.doing("interrupt typed, it goes on")
        self._tell()
        self._authority.interrupting = ""

    # What it writes.

    def _output(self, data: bytes) -> None:
        passed = self._passage.feed(data)
        self._pane.write(passed)
        self._terminal.feed(passed)
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._spoke = time.monotonic()
        if self._timer is None or self._timer.cancelled() or self._timer.when() - now > AT_LEAST:
            self._since = now
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(min(now + QUIET, max(self._since + AT_LEAST, now)), self._look, True)

    def _titled(self, title: str) -> None:
        self._authority.title(title)

    def _resized(self) -> None:
        self._child.resize(*self._pane.size)
        self._terminal.resize(*self._pane.size)

    def _look(self, again: bool = False) -> None:
        """Judge the screen as it is now, with the events that were told meanwhile."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(LATER, self._look) if again else None
        for line in self._tail.lines() if self._tail else ():
            for event in self._reader.feed(line):
                self._take(event)
        self._authority.screen(self._terminal.text())
        self._authority.idle(0.0, True)
        self._tell()
        self._seen.set()
        if not self._spec.direct:
            self._ask()

    def _take(self, event: Event) -> None:
        self._heard += 1
        if event.kind == "session" and (session := str(event.fields.get("id", ""))):
            self._log.write("session", id=session)
        elif event.kind == "tool":
            fields = {name: event.fields.get(name, "") for name in ("id", "name", "args")}
            self._log.write("tool", **fields)
            self._progress.doing(str(event.fields.get("name", "")))
        elif event.kind == "text" and event.text:
            self._log.write("text", text=event.text)
        self._authority.event(event)

    def _tell(self) -> None:
        """Pass on what is known, when it is something else than before."""
        found, before = self._authority.finding, self._told
        if found.state is State.STARTING and before is None:
            return
        if before is not None and (found.state, found.reason) == (before.state, before.reason):
            return
        self._told = found
        if self._kept and found.state is not State.WAITING:
            kept, self._kept = self._kept, []
            for message in kept:
                self._inbox.steer(message)
        if found.state is State.WORKING and before is not None and before.state.ended:
            self._progress.begin_turn()
        self._progress.enter(found.state, found.reason, found.rule, found.evidence)

    # Money and silence.

    def _ask(self, now: bool = False) -> None:
        async def ask() -> None:
            sums = await self._meter.look(now=now)
            if sums.refused:
                self._inbox.stop(sums.refused)
            long = bool(sums.failing) and sums.failing_for >= UNANSWERED
            if not sums.failing:
                self._later = None
            elif not long and (self._later is None or now):  # it may draw nothing new until then
                loop = asyncio.get_running_loop()
                self._later = loop.call_later(UNANSWERED - sums.failing_for + 0.1, self._ask, True)
            if bool(self._authority.unanswered) is not long:
                self._authority.unanswered = sums.failing if long else ""
                self._tell()

        self._asking = asyncio.ensure_future(ask())

    def _watch(self) -> None:
        """Every so often in a long silence: is it still at work?"""
        silent = time.monotonic() - self._spoke
        if self._child.pid and silent >= SILENCE - 1:
            used = seconds_used(self._child.pid)
            self._authority.idle(silent, used - self._used > 0.05)
            self._used = used
            self._tell()
        wait = SILENCE if silent >= SILENCE - 1 else SILENCE - silent
        self._watchdog = asyncio.get_running_loop().call_later(wait, self._watch)
