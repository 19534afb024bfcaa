"""A third-party CLI with its own screen in the pane: the user types there, and so does Kage.

One turn of this player is one life of the program; within it each time that it begins to work anew counts as
a turn of the agent.
"""

from __future__ import annotations

import os

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.clis.memory import remembered
from kage_nvim.agent_runtime.clis.start import Start
from kage_nvim.agent_runtime.clis.usage import Meter
from kage_nvim.agent_runtime.inbox import Inbox, TurnEnd
from kage_nvim.agent_runtime.interactive.life import Life
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.description import Description
from kage_nvim.errors import KageError
from kage_nvim.model import AgentSpec


class InteractivePlayer:
    """Runs the CLI's own screen."""

    def __init__(
        self, spec: AgentSpec, past: Past, log: Log, screen: Screen, inbox: Inbox, progress: Progress
    ) -> None:
        assert spec.cli is not None
        self._spec = spec
        self._cli: Description = spec.cli
        self._log, self._screen, self._inbox, self._progress = log, screen, inbox, progress
        self._start = Start(spec, spec.cli)
        self._meter = Meter(self._start.relay, spec.token, progress, past.usage)
        self._memory = remembered(spec.log)
        self._began = past.turn > 0

    async def turn(self, *, again: bool) -> TurnEnd:
        """One life of the program.

        Raises:
            KageError: its description has no command for this.
        """
        cli = self._cli
        if not cli.interactive:
            raise KageError(
                f"{cli.title} has no screen of its own that Kage knows of",
                fix=f"Leave `mode` out, or give [clis.{cli.name}] an `interactive` command.",
                code="config",
            )
        resumes = self._began and bool(cli.resume_interactive)
        said = [] if again else self._inbox.take()
        template = cli.resume_interactive if resumes else cli.interactive
        task = prompts.task_text(self._spec)
        if not resumes:
            task = "\n\n".join([task, *said])
            said = []
        if not any("{task" in word or "{message}" in word for word in template):
            said = said if resumes else [task]
        elif resumes and not any("{message}" in word for word in template):
            said = said or [prompts.GO_ON]
        await self._start.relay.start()
        life = Life(self._spec, self._cli, self._log, self._inbox, self._progress, self._start, self._meter)
        try:
            argv = self._start.argv(
                template,
                task=task,
                message="\n\n".join(said),
                session=self._memory.session,
                env={"TERM": os.environ.get("TERM", "xterm-256color"), "COLUMNS": "", "LINES": ""},
            )
            if any("{message}" in word for word in template):
                said = []
            self._log.write("task", text=task)
            self._began = True
            return await life.live(argv, said)
        finally:
            self._memory = remembered(self._spec.log)
            await self._start.relay.close()
            self._screen.end_words()
