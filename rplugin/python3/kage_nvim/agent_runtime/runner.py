"""The process in a pane: reads its specification, runs turns, waits idle between them, ends when told.

It outlives kaged, the gateway and the editor; it ends on ``stop``, on Ctrl-C twice, or with its pane.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.keyboard import Keyboard
from kage_nvim.agent_runtime.link import Link
from kage_nvim.agent_runtime.log import Log, Past, recover, spent_before
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen, complain
from kage_nvim.errors import Exit, KageError
from kage_nvim.model import AgentSpec, State
from kage_nvim.protocol import loads

USAGE = "usage: kage agent --spec PATH [--resume]"
PASTE = 0.03
"""Seconds in which the other lines arrive of a text that a terminal without bracketed paste pastes."""
TWICE = 2.0
"""Seconds within which a second Ctrl-C ends the process."""


class Player(Protocol):
    """What takes turns: a model, a third-party CLI or a command."""

    async def turn(self, *, again: bool) -> TurnEnd:
        """Work until the turn ends."""


def main(argv: Sequence[str]) -> int:
    """Run the agent that ``--spec PATH`` describes, until it is stopped. Returns the exit code.

    ``--resume`` takes up the conversation from its log: an idle agent waits, a turn that was cut off by a
    crash, a stop or an error goes on.
    """
    words = list(argv)
    resume = "--resume" in words
    if resume:
        words.remove("--resume")
    if len(words) != 2 or words[0] != "--spec":
        complain(USAGE)
        return Exit.USAGE
    try:
        spec = loads(Path(words[1]).read_bytes(), AgentSpec)
        past = recover(spec.log) if resume else Past()
        past.usage.add(spent_before(spec.log))
        log = Log(spec.log)
    except (OSError, ValueError) as error:
        complain(f"This agent cannot start: {error}")
        return Exit.ERROR
    try:
        asyncio.run(Process(spec, past, log, resumed=resume).live())
    except Exception as error:
        log.write("error", text=traceback.format_exc())
        complain(f"This agent ended: {type(error).__name__}: {error}")
        return Exit.ERROR
    return Exit.DONE


class Process:
    """Everything one agent is made of, and the order in which it happens."""

    def __init__(self, spec: AgentSpec, past: Past, log: Log, *, resumed: bool) -> None:
        self._spec = spec
        self._past = past
        self._log = log
        self._resumed = resumed
        self._screen = Screen()
        self._inbox = Inbox()
        self._link = Link(spec, self._inbox)
        self._progress = Progress(log, self._link, past, priced=spec.priced)
        gone = partial(self._inbox.stop, "its pane was closed")
        self._keyboard = Keyboard(self._screen, self._inbox.steer, gone)
        self._last_interrupt = float("-inf")

    async def live(self) -> None:
        """Take turns until a stop."""
        player = self._player()
        self._screen.header(self._spec, resumed=self._resumed)
        if self._spec.once:
            asyncio.get_running_loop().add_reader(0, self._let_go)
        else:
            self._link.start()
        with self._signals(), self._keyboard.attached():
            await self._turns(player)
        await self._link.close()

    def _player(self) -> Player:
        """The player that the specification asks for; only that one's modules are loaded."""
        spec = self._spec
        if spec.cli is not None and spec.mode == "interactive":
            from kage_nvim.agent_runtime.interactive.player import InteractivePlayer

            return InteractivePlayer(spec, self._past, self._log, self._screen, self._inbox, self._progress)
        if spec.cli is not None and spec.mode == "acp":
            from kage_nvim.agent_runtime.acp.player import AcpPlayer

            return AcpPlayer(spec, self._past, self._log, self._screen, self._inbox, self._progress)
        if spec.cli is not None:
            from kage_nvim.agent_runtime.clis.player import CliPlayer

            return CliPlayer(spec, self._past, self._log, self._screen, self._inbox, self._progress)
        if spec.command is not None:
            from kage_nvim.agent_runtime.command import CommandPlayer

            return CommandPlayer(spec, self._log, self._screen, self._inbox, self._progress)
        from kage_nvim.agent_runtime.builtin.loop import ModelPlayer

        return ModelPlayer(spec, self._past, self._log, self._screen, self._inbox, self._progress)

    async def _turns(self, player: Player) -> None:
        again = self._resumed and self._past.turn > 0
        if again and self._past.state in (State.DONE, State.INTERRUPTED):
            self._enter(TurnEnd(self._past.state, self._past.reason))
            again = False
            await self._idle()
        while not self._inbox.stopping:
            self._inbox.begin()
            self._enter(await self._turn(player, again))
            self._keyboard.listen()
            again = False
            if self._spec.once:
                return
            if not self._inbox.stopping:
                await self._idle()
        if not self._progress.state.ended:
            self._enter(TurnEnd(State.STOPPED, self._inbox.stopping))

    async def _turn(self, player: Player, again: bool) -> TurnEnd:
        """One turn; whatever goes wrong inside becomes a state and a line, never a traceback."""
        try:
            self._progress.begin_turn(again=again)
            return await player.turn(again=again)
        except KageError as error:
            self._log_error(str(error))
            self._screen.notice(error.fix)
            return TurnEnd(State.FAILED, error.message)
        except Exception as error:
            self._log_error(traceback.format_exc())
            return TurnEnd(State.FAILED, f"internal error: {type(error).__name__}: {error}")

    def _log_error(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._log.write("error", text=text)

    def _enter(self, end: TurnEnd) -> None:
        if end.state is State.FAILED:
            self._log_error(end.reason)
        with contextlib.suppress(OSError):
            self._progress.enter(end.state, end.reason, end.rule, end.evidence)
        self._screen.state(end.state, end.reason)

    async def _idle(self) -> None:
        if not self._inbox.pending:
            self._screen.prompt()
        await self._inbox.news()
        await asyncio.sleep(PASTE)

    def _let_go(self) -> None:
        asyncio.get_running_loop().remove_reader(0)
        self._inbox.stop("nobody waits for it any more")

    def _interrupt(self) -> None:
        self._keyboard.interrupted()
        now = time.monotonic()
        if now - self._last_interrupt < TWICE:
            self._inbox.stop("stopped by Ctrl-C")
        else:
            self._inbox.interrupt("interrupted by Ctrl-C")
        self._last_interrupt = now

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._inbox.stop, "its process was told to end")
        loop.add_signal_handler(signal.SIGHUP, self._inbox.stop, "its pane was closed")
        yield
