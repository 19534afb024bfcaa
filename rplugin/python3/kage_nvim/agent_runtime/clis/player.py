"""A player that is a third-party CLI: one turn is one run of it, inside the sandbox from its first byte on.

What it prints becomes events, and events become lines in the pane, in the log, and a state. What the user
says while it works reaches it at once where it takes such lines, else in a turn of its own right after.
"""

from __future__ import annotations

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.clis.memory import remembered
from kage_nvim.agent_runtime.clis.run import Around, Run
from kage_nvim.agent_runtime.clis.start import Start
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.clis.usage import Meter
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.model import AgentSpec

INTERRUPTED = "[The user interrupted you here.]"


class CliPlayer:
    """Takes turns by running the CLI."""

    def __init__(
        self, spec: AgentSpec, past: Past, log: Log, screen: Screen, inbox: Inbox, progress: Progress
    ) -> None:
        assert spec.cli is not None
        start = Start(spec, spec.cli)
        self._around = Around(
            spec=spec,
            cli=spec.cli,
            log=log,
            screen=screen,
            inbox=inbox,
            progress=progress,
            start=start,
            meter=Meter(start.relay, spec.token, progress, past.usage),
            authority=Authority(spec.cli),
            memory=remembered(spec.log),
        )
        self._interrupted = False

    async def turn(self, *, again: bool) -> TurnEnd:
        """One run, to its end; ``again`` goes on with the conversation that was cut off."""
        around = self._around
        message = self._message(again)
        await around.start.relay.start()
        around.authority.begin()
        run = Run(around)
        try:
            return await around.inbox.guard(run.live(message))
        except Halt as halt:
            self._interrupted = True
            return halt
        finally:
            await run.end()
            if not around.spec.direct:
                await around.meter.look(now=True)
            await around.start.relay.close()
            around.screen.end_words()

    def _message(self, again: bool) -> str:
        """What the user said since the last turn, with what the CLI cannot know."""
        said = self._around.inbox.take()
        for message in said:
            self._around.log.write("steer", text=message)
            self._around.screen.steer(message)
        self._around.memory.said += said
        if again and not said:
            said = [prompts.GO_ON]
        if self._interrupted and said:
            said[0] = f"{INTERRUPTED}\n\n{said[0]}"
        self._interrupted = False
        return "\n\n".join(said)
