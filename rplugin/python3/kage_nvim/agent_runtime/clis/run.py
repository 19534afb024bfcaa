"""One run of a third-party CLI: what it tells becomes a state, and what is seen from outside ends it when it
does not end by itself."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.clis.events import Event, read
from kage_nvim.agent_runtime.clis.memory import Memory
from kage_nvim.agent_runtime.clis.program import Program
from kage_nvim.agent_runtime.clis.start import Start
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.clis.teller import Teller
from kage_nvim.agent_runtime.clis.usage import Meter
from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import one_line
from kage_nvim.description import Description
from kage_nvim.model import AgentSpec, State

LINGER = 5.0
"""Seconds that a CLI may take to end after it said that it had finished."""
TICK = 0.25
FAILING = 20.0
"""Seconds of failing calls, without any other sign of life, after which a turn is given up."""


@dataclass(frozen=True)
class Around:
    """What all runs of one agent's CLI share."""

    spec: AgentSpec
    cli: Description
    log: Log
    screen: Screen
    inbox: Inbox
    progress: Progress
    start: Start
    meter: Meter
    authority: Authority
    memory: Memory


class Run:
    """One run of the CLI."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._spec, self._cli = around.spec, around.cli
        self._authority, self._meter = around.authority, around.meter
        self._reader = read(self._cli)
        self._teller = Teller(self._cli, around.screen, around.log, around.progress)
        self._program = Program(self._line)
        self._queued: list[str] = []
        self._unheard: list[str] = []
        self._echoes = any(rule.kind == "heard" for rule in self._cli.events)
        self._spoke = time.monotonic()
        self._ends = self._spoke + self._spec.limits.seconds
        self._leaves = float("inf")

    async def live(self, message: str) -> TurnEnd:
        """Start it, follow it, and say how it ended."""
        around = self._around
        task, template, text = self._told(message)
        around.log.write("task", text=text)
        argv = around.start.argv(template, task=task, message=text, session=around.memory.session)
        told = self._cli.prompt != "argument"
        await self._program.start(argv, told=told)
        around.progress.doing(self._cli.title)
        self._authority.process(True)
        if told:
            self._write(text)
        watching = asyncio.ensure_future(self._watch())
        ended = asyncio.ensure_future(self._program.ended())
        try:
            await asyncio.wait([watching, ended], return_when=asyncio.FIRST_COMPLETED)
            return await self._ended(ended.result()) if ended.done() else watching.result()
        finally:
            watching.cancel()
            ended.cancel()
            await asyncio.gather(watching, ended, return_exceptions=True)

    async def end(self) -> None:
        """Kill all of it, at once. What was said and not told yet is said again: a turn of its own, right
        after this one."""
        await self._program.kill()
        for message in self._queued:
            self._around.inbox.steer(message)

    def _told(self, message: str) -> tuple[str, list[str], str]:
        """The task as text, the command, and what this turn says."""
        task = prompts.task_text(self._spec)
        cli, memory = self._cli, self._around.memory
        if memory.session and cli.resume and message:
            return task, cli.resume, message
        task += prompts.said_later(memory.said)
        return task, cli.oneshot, task

    def _write(self, text: str) -> None:
        """Say something on its standard input, which stays open only for one that takes more."""
        if self._cli.prompt == "json":
            self._program.say(self._cli.input_line.replace("{message}", json.dumps(text)) + "\n")
            if self._echoes:
                self._unheard.append(text)
        else:
            self._program.say(text)
        if not self._cli.steerable:
            self._program.hang_up()

    # What it prints.

    def _line(self, line: bytes) -> None:
        found = self._reader.feed(line)
        if not found:
            self._teller.line(line)
        for event in found:
            self._take(event)

    def _take(self, event: Event, *, shown: bool = True) -> None:
        memory = self._around.memory
        if event.kind != "retrying":
            self._spoke = time.monotonic()
        if event.kind == "session" and (session := str(event.fields.get("id", ""))):
            if session != memory.session:
                self._around.log.write("session", id=session)
            memory.session = session
        elif event.kind == "heard":
            self._heard()
        self._teller.tell(event, shown=shown)
        if self._spec.direct:
            self._teller.count(event)
        self._authority.event(event)
        self._show()
        if event.kind in ("done", "failed") and not self._unheard:
            self._hang_up()
        elif not self._authority.finding.state.ended:
            self._leaves = float("inf")  # it goes on after all

    def _heard(self) -> None:
        """It took a line in; the first one was the task."""
        if not self._unheard:
            return
        first = self._unheard.pop(0)
        if first in self._queued:
            self._queued.remove(first)
            self._said(first)

    def _hang_up(self) -> None:
        self._program.hang_up()
        self._leaves = min(self._leaves, time.monotonic() + LINGER)

    # What is seen from outside.

    async def _watch(self) -> TurnEnd:
        """Look after it while it works; returns when it must end before it has ended by itself."""
        while True:
            await asyncio.sleep(TICK)
            self._steer()
            now, finding = time.monotonic(), self._authority.finding
            if finding.state.ended:
                if now > min(self._ends, self._leaves):
                    return TurnEnd(finding.state, finding.reason, finding.rule, finding.evidence)
                if now - self._program.alive > LINGER:
                    self._hang_up()
            elif now > self._ends:
                return TurnEnd(State.STOPPED, f"limit: {self._spec.limits.seconds:g} seconds", "limit")
            else:
                if not self._spec.direct and (end := await self._ask_gateway()) is not None:
                    return end
                self._look_idle()

    def _steer(self) -> None:
        for message in self._around.inbox.take():
            if self._cli.steerable and not self._authority.finding.state.ended:
                self._write(message)
                if self._echoes:
                    self._queued.append(message)
                    self._around.screen.notice(f"sent: {one_line(message)}")
                else:
                    self._said(message)
            else:
                self._queued.append(message)
                self._around.screen.notice(f"will be told when this turn ends: {one_line(message)}")

    def _said(self, message: str) -> None:
        """The user's words have reached it."""
        self._around.memory.said.append(message)
        self._around.log.write("steer", text=message)
        self._around.screen.steer(message)

    async def _ask_gateway(self) -> TurnEnd | None:
        sums = await self._meter.look()
        if sums.refused:
            return TurnEnd(State.STOPPED, sums.refused, "gateway")
        if sums.failing and sums.failing_for > FAILING and time.monotonic() - self._spoke > FAILING:
            return TurnEnd(State.FAILED, sums.failing, "gateway")
        return None

    def _look_idle(self) -> None:
        """Neither words nor traffic nor work: then nobody knows what it does."""
        busy = self._program.busy() or bool(self._meter.latest.open)
        now = time.monotonic()
        last = now if busy else max(self._program.alive, self._around.start.relay.spoke)
        self._authority.idle(now - last, busy)
        self._show()

    def _show(self) -> None:
        finding, progress = self._authority.finding, self._around.progress
        if finding.state.ended or finding.state is State.STARTING:
            return
        if (progress.state, progress.reason) != (finding.state, finding.reason):
            progress.enter(finding.state, finding.reason, finding.rule, finding.evidence)

    async def _ended(self, code: int) -> TurnEnd:
        """It has ended: what it left behind, and how that ended its turn."""
        start = self._around.start
        if self._cli.report:
            for event in self._reader.report(await start.read(start.filled(self._cli.report))):
                self._take(event, shown=False)
        self._authority.process(False, code)
        finding = self._authority.finding
        reason = finding.reason
        if finding.state is State.FAILED:
            why = self._program.last_words or self._teller.last
            if why and finding.rule.startswith("process"):
                reason = f"{reason}: {why}"
            if not self._spec.direct:
                sums = await self._meter.look(now=True)
                if sums.refused:
                    return TurnEnd(State.STOPPED, sums.refused, "gateway", reason)
                reason = sums.blamed(reason)
        return TurnEnd(finding.state, reason, finding.rule, finding.evidence)
