"""A player that is a third-party CLI: one turn is one run of it, inside the sandbox from its first byte on.

What it prints becomes events, and events become lines in the pane, in the log, and a state. What the user
says while it works reaches it at once where it takes such lines, else in a turn of its own right after.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path

import msgspec

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.busy import seconds_used
from kage_nvim.agent_runtime.cli_screen import Teller
from kage_nvim.agent_runtime.cli_start import Start
from kage_nvim.agent_runtime.cli_usage import Meter
from kage_nvim.agent_runtime.events import Event, Reader, read
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.status import Authority
from kage_nvim.agent_runtime.text import one_line
from kage_nvim.description import Description
from kage_nvim.model import AgentSpec, State

CHUNK = 65536
LONGEST_LINE = 16_000_000
"""Bytes of one line; of a longer one the rest is passed over."""
LINGER = 5.0
"""Seconds that a CLI may take to end after it said that it had finished."""
TICK = 0.25
FAILING = 20.0
"""Seconds of failing calls, without any other sign of life, after which a turn is given up."""
DRAIN = 0.5
"""Seconds for what is still in its pipes when it has ended."""
LAST_WORDS = 4000
"""Bytes of its standard error that are kept for the reason."""
INTERRUPTED = "[The user interrupted you here.]"


class CliPlayer:
    """Takes turns by running the CLI."""

    def __init__(
        self, spec: AgentSpec, past: Past, log: Log, screen: Screen, inbox: Inbox, progress: Progress
    ) -> None:
        assert spec.cli is not None
        self._spec = spec
        self._cli: Description = spec.cli
        self._log = log
        self._screen = screen
        self._inbox = inbox
        self._progress = progress
        self._start = Start(spec, spec.cli)
        self._meter = Meter(self._start.relay, spec.token, progress, past.usage)
        self._authority = Authority(spec.cli)
        self._memory = remembered(spec.log)
        self._interrupted = False

    async def turn(self, *, again: bool) -> TurnEnd:
        """One run, to its end; ``again`` goes on with the conversation that was cut off."""
        said = self._inbox.take()
        for message in said:
            self._log.write("steer", text=message)
            self._screen.steer(message)
        self._memory.said += said
        if again and not said:
            said = [prompts.GO_ON]
        if self._interrupted and said:
            said[0] = f"{INTERRUPTED}\n\n{said[0]}"
        self._interrupted = False
        await self._start.relay.start()
        self._authority.begin()
        run = _Run(self)
        try:
            return await self._inbox.guard(run.live("\n\n".join(said)))
        except Halt as halt:
            self._interrupted = True
            return halt
        finally:
            await run.end()
            if not self._spec.direct:
                await self._meter.look(now=True)
            await self._start.relay.close()
            self._screen.end_words()
            run.give_back()


class _Run:
    """One run of the CLI."""

    def __init__(self, player: CliPlayer) -> None:
        self._player = player
        self._spec, self._cli, self._log = player._spec, player._cli, player._log
        self._start, self._meter, self._authority = player._start, player._meter, player._authority
        self._inbox, self._progress, self._screen = player._inbox, player._progress, player._screen
        self._memory = player._memory
        self._reader: Reader = read(self._cli)
        self._teller = Teller(self._cli, self._screen, self._log, self._progress)
        self._process: asyncio.subprocess.Process | None = None
        self._words = b""
        self._queued: list[str] = []
        self._unheard: list[str] = []
        self._echoes = any(rule.kind == "heard" for rule in self._cli.events)
        self._spoke = time.monotonic()
        self._alive = self._spoke
        self._used = 0.0
        self._ends = self._spoke + self._spec.limits.seconds
        self._leaves = float("inf")

    async def live(self, message: str) -> TurnEnd:
        """Start it, follow it, and say how it ended."""
        task, template, text = self._told(message)
        self._log.write("task", text=text)
        argv = self._start.argv(template, task=task, message=text, session=self._memory.session)
        stdin = self._cli.prompt != "argument"
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        self._progress.doing(self._cli.title)
        self._authority.process(True)
        if stdin:
            self._write(text)
        watching = asyncio.ensure_future(self._watch())
        output = asyncio.gather(self._read_output(), self._read_errors())
        exited = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait([watching, exited], return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                return watching.result()
            await asyncio.wait([output], timeout=DRAIN)
            return await self._ended(exited.result())
        finally:
            for task_ in (watching, output, exited):
                task_.cancel()
            await asyncio.gather(watching, output, exited, return_exceptions=True)

    async def end(self) -> None:
        """Kill all of it, at once."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def give_back(self) -> None:
        """What was said and not told yet is said again: a turn of its own, right after this one."""
        for message in self._queued:
            self._inbox.steer(message)

    def _told(self, message: str) -> tuple[str, list[str], str]:
        """The task as text, the command, and what this turn says."""
        task = prompts.task_text(self._spec)
        cli, session = self._cli, self._memory.session
        if session and cli.resume and message:
            return task, cli.resume, message
        for said in self._memory.said:
            task += f"\n# Said later\n\n{said}\n"
        return task, cli.oneshot, task

    def _write(self, text: str) -> None:
        """Say something on its standard input, which stays open only for one that takes more."""
        assert self._process is not None and self._process.stdin is not None
        if self._cli.prompt == "json":
            line = self._cli.input_line.replace("{message}", json.dumps(text))
            self._process.stdin.write(line.encode("utf-8", "replace") + b"\n")
            if self._echoes:
                self._unheard.append(text)
        else:
            self._process.stdin.write(text.encode("utf-8", "replace"))
        if not self._cli.steerable:
            self._process.stdin.close()

    # What it prints.

    async def _read_output(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            rest = rest[:LONGEST_LINE]
        self._line(rest)

    def _line(self, line: bytes) -> None:
        self._alive = time.monotonic()
        found = self._reader.feed(line)
        if not found:
            self._teller.line(line)
        for event in found:
            self._take(event)

    def _take(self, event: Event, *, shown: bool = True) -> None:
        if event.kind != "retrying":
            self._spoke = time.monotonic()
        if event.kind == "session" and (session := str(event.fields.get("id", ""))):
            if session != self._memory.session:
                self._log.write("session", id=session)
            self._memory.session = session
        elif event.kind == "heard":
            self._heard(event.text)
        self._teller.tell(event, shown=shown)
        if self._spec.direct:
            self._teller.count(event)
        self._authority.event(event)
        self._show()
        if event.kind in ("done", "failed") and not self._unheard:
            self._hang_up()
        elif not self._authority.finding.state.ended:
            self._leaves = float("inf")  # it goes on after all

    def _heard(self, text: str) -> None:
        """It took a line in; the first one was the task."""
        if not self._unheard:
            return
        first = self._unheard.pop(0)
        if first in self._queued:
            self._queued.remove(first)
            self._said(first)

    def _hang_up(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._leaves = min(self._leaves, time.monotonic() + LINGER)

    async def _read_errors(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while chunk := await self._process.stderr.read(CHUNK):
            self._alive = time.monotonic()
            self._words = (self._words + chunk)[-LAST_WORDS:]

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
                if now - self._alive > LINGER:
                    self._hang_up()
            elif now > self._ends:
                return TurnEnd(State.STOPPED, f"limit: {self._spec.limits.seconds:g} seconds", "limit")
            else:
                if not self._spec.direct and (end := await self._ask_gateway()) is not None:
                    return end
                self._look_idle()

    def _steer(self) -> None:
        for message in self._inbox.take():
            if self._cli.steerable and not self._authority.finding.state.ended:
                self._write(message)
                if self._echoes:
                    self._queued.append(message)
                    self._screen.notice(f"sent: {one_line(message)}")
                else:
                    self._said(message)
            else:
                self._queued.append(message)
                self._screen.notice(f"will be told when this turn ends: {one_line(message)}")

    def _said(self, message: str) -> None:
        """The user's words have reached it."""
        self._memory.said.append(message)
        self._log.write("steer", text=message)
        self._screen.steer(message)

    async def _ask_gateway(self) -> TurnEnd | None:
        sums = await self._meter.look()
        if sums.refused:
            return TurnEnd(State.STOPPED, sums.refused, "gateway")
        if sums.failing and sums.failing_for > FAILING and time.monotonic() - self._spoke > FAILING:
            return TurnEnd(State.FAILED, sums.failing, "gateway")
        return None

    def _look_idle(self) -> None:
        """Neither words nor traffic nor work: then nobody knows what it does."""
        assert self._process is not None
        used = seconds_used(self._process.pid)
        relay = self._start.relay
        busy = used - self._used > 0.02 or bool(self._meter.latest.open)
        self._used = used
        if busy:
            self._alive = time.monotonic()
        silent = time.monotonic() - max(self._alive, relay.spoke)
        self._authority.idle(silent, busy)
        self._show()

    def _show(self) -> None:
        finding = self._authority.finding
        if not finding.state.ended and finding.state is not State.STARTING:
            told = (self._progress.state, self._progress.reason)
            if told != (finding.state, finding.reason):
                self._progress.enter(finding.state, finding.reason, finding.rule, finding.evidence)

    async def _ended(self, code: int) -> TurnEnd:
        """It has ended: what it left behind, and how that ended its turn."""
        if self._cli.report:
            content = await self._start.read(self._start.filled(self._cli.report))
            for event in self._reader.report(content):
                self._take(event, shown=False)
        self._authority.process(False, code)
        finding = self._authority.finding
        reason = finding.reason
        if (
            finding.state is State.FAILED
            and finding.rule.startswith("process")
            and (why := self._last_words())
        ):
            reason = f"{reason}: {why}"
        if finding.state is State.FAILED and not self._spec.direct:
            sums = await self._meter.look(now=True)
            if sums.refused:
                return TurnEnd(State.STOPPED, sums.refused, "gateway", reason)
            if sums.failing:
                reason = f"{one_line(reason, 200)}; the gateway says: {sums.failing}"
        return TurnEnd(finding.state, reason, finding.rule, finding.evidence)

    def _last_words(self) -> str:
        said = self._words.decode("utf-8", "replace").strip()
        return one_line(said.rpartition("\n")[2]) if said else self._teller.last


class Memory(msgspec.Struct):
    """What has to be known of earlier turns: the conversation's id, and what the user said."""

    session: str = ""
    said: list[str] = []


def remembered(path: str) -> Memory:
    """The memory that a log holds; lines that are no events are passed over."""
    memory = Memory()
    for line in Path(path).read_bytes().split(b"\n") if Path(path).exists() else []:
        with contextlib.suppress(msgspec.MsgspecError, KeyError, TypeError):
            event = msgspec.json.decode(line)
            if event["kind"] == "session":
                memory.session = event["id"]
            elif event["kind"] == "steer":
                memory.said.append(event["text"])
    return memory
