"""A player that is a command of the user's: run whole inside the sandbox, its output shown and logged."""

from __future__ import annotations

import shlex

from kage_nvim import sandbox
from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import HeadTail, first_line
from kage_nvim.model import AgentSpec, State

_PUT = 'umask 077; mkdir -p -- "${1%/*}" && cat > "$1"'


class CommandPlayer:
    """Runs the command once a turn; what the user writes later is a new turn with that text added."""

    def __init__(self, spec: AgentSpec, log: Log, screen: Screen, inbox: Inbox, progress: Progress) -> None:
        self._spec = spec
        self._log = log
        self._screen = screen
        self._inbox = inbox
        self._progress = progress
        self._task_file = f"{spec.profile.env.get('TMPDIR', '/tmp').rstrip('/')}/kage-task.md"

    async def turn(self, *, again: bool) -> TurnEnd:
        """Run the command to its end; ``again`` is the same as the first time, for it has no memory."""
        said = self._inbox.take()
        for message in said:
            self._log.write("steer", text=message)
            self._screen.steer(message)
        text = prompts.task_text(self._spec) + prompts.said_later(said)
        output = HeadTail()
        try:
            return await self._inbox.guard(self._run(text, output))
        except Halt as halt:
            return halt
        finally:
            self._screen.end_words()
            if shown := output.text().strip():
                self._log.write("text", text=shown)

    async def _run(self, text: str, output: HeadTail) -> TurnEnd:
        spec = self._spec
        self._log.write("task", text=text)
        put = ["sh", "-c", _PUT, "sh", self._task_file]
        if (done := await sandbox.run(spec.profile, put, stdin=text.encode("utf-8", "replace"))).returncode:
            why = first_line(done.output.decode("utf-8", "replace"))
            return TurnEnd(State.FAILED, f"the task could not be written to {self._task_file}: {why}")
        command, reads_file = self._command()
        self._progress.doing(spec.player)

        def on_output(chunk: bytes) -> None:
            output.feed(chunk)
            self._screen.output(chunk)

        done = await sandbox.run(
            spec.profile,
            command,
            stdin=b"" if reads_file else text.encode("utf-8", "replace"),
            timeout=spec.limits.seconds,
            on_output=on_output,
        )
        self._progress.unpriced()
        if done.timed_out:
            return TurnEnd(State.STOPPED, f"limit: {spec.limits.seconds:g} seconds")
        if done.returncode:
            last = output.text().strip().rpartition("\n")[2]
            return TurnEnd(
                State.FAILED, f"exit {done.returncode}: {last}" if last else f"exit {done.returncode}"
            )
        return TurnEnd(State.DONE, "exit 0")

    def _command(self) -> tuple[list[str], bool]:
        """The argument list, and whether it names the task's file; if not, the task comes on stdin."""
        given = self._spec.command or ""
        values = {"{task_file}": self._task_file, "{worktree}": self._spec.profile.worktree}
        if isinstance(given, str):
            for name, value in values.items():
                given = given.replace(name, shlex.quote(value))
            return ["sh", "-c", given], "{task_file}" in (self._spec.command or "")
        command = []
        for word in given:
            for name, value in values.items():
                word = word.replace(name, value)
            command.append(word)
        return command, any("{task_file}" in word for word in given)
