"""One turn of the built-in agent: turn → step → query → execute, until it finishes or reaches a limit.

    turn ── step ── take in what the user wrote
              │     check the limits
              ├──── query: one model call
              └──── execute: its tool calls, in order ── finish, or a plain answer, ends the turn

What ends a turn is an exception (``TurnEnd``, with ``Halt`` for the user's own), so the loop has no flags.
"""

from __future__ import annotations

import time
from typing import Any

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.builtin import tools
from kage_nvim.agent_runtime.builtin.asking import Asker
from kage_nvim.agent_runtime.builtin.limits import Allowance
from kage_nvim.agent_runtime.builtin.messages import Conversation
from kage_nvim.agent_runtime.builtin.model_client import Answer, ModelError
from kage_nvim.agent_runtime.builtin.protocol_text import FormatError
from kage_nvim.agent_runtime.builtin.schemas import describe
from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.builtin.wire import Call
from kage_nvim.agent_runtime.context import CONTEXT_LIMIT, FolderNotes, surroundings
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import first_line, plain
from kage_nvim.model import AgentSpec, State


class ModelPlayer:
    """An agent whose player is a model: a conversation, its tools and its limits."""

    def __init__(
        self, spec: AgentSpec, past: Past, log: Log, screen: Screen, inbox: Inbox, progress: Progress
    ) -> None:
        self._spec = spec
        self._log = log
        self._screen = screen
        self._inbox = inbox
        self._progress = progress
        self._talk = Conversation(spec, past, log)
        self._window = Window(spec.window)
        self._asker = Asker(spec, self._talk, self._window, log, screen, progress)
        notes = FolderNotes(spec.profile, self._talk.mentions)
        self._tools = tools.Toolbox(spec, notes, self._window)
        self._allowance = Allowance(spec.limits)
        self._steps = past.steps

    async def turn(self, *, again: bool) -> TurnEnd:
        """Work until the turn ends; ``again`` goes on with one that a crash cut off."""
        self._allowance = Allowance(self._spec.limits)
        try:
            if not self._talk.begun:
                self._log.write("task", text=self._spec.task.text)
                self._talk.begin(
                    surroundings(self._spec.context, self._window.characters(0.2, CONTEXT_LIMIT))
                )
            elif again:
                self._talk.tell(prompts.GO_ON)
            while True:
                await self._step()
        except TurnEnd as end:
            if end.state is State.INTERRUPTED:
                self._talk.tell(prompts.INTERRUPTED)
            return end
        except ModelError as error:
            return TurnEnd(State.FAILED, error.message)

    async def _step(self) -> None:
        for text in self._inbox.take():
            self._screen.steer(text)
            self._talk.steer(text)
        if self._asker.full:
            await self._inbox.guard(self._asker.make_room(self._allowance))
        self._allowance.check(self._progress)
        answer = await self._query()
        try:
            await self._execute(answer)
        except FormatError as error:
            self._talk.tell(f"{error} {prompts.NUDGE}".strip())
            self._screen.notice(f"{error.found}; told the model")
            self._allowance.malformed()

    async def _query(self) -> Answer:
        self._steps += 1
        self._log.write("call", step=self._steps)
        self._progress.doing("thinking")
        said: list[str] = []

        def on_text(text: str) -> None:
            said.append(text)
            self._screen.words(text)

        try:
            answer = await self._inbox.guard(self._asker.answer(self._allowance, on_text))
        except Halt:
            self._screen.end_words()
            if spoken := "".join(said):
                self._log.write("text", text=plain(spoken))
                self._talk.said(spoken)
            raise
        self._screen.end_words()
        self._window.counted(self._talk.messages, answer.usage.tokens_in, answer.window)
        self._progress.spent(answer.usage)
        if answer.text:
            self._log.write("text", text=plain(answer.text))
        return answer

    async def _execute(self, answer: Answer) -> None:
        """Run an answer's calls in order; each gets a result, whatever happens."""
        calls = self._talk.heard(answer, self._steps)
        if not calls:
            self._plain_answer(answer)
            return
        end: TurnEnd | None = None
        why = "it came after finish"
        failed = False
        try:
            for call in calls:
                if call.name == "finish" and not call.wrong:
                    if failed:
                        self._answer(call, tools.Result(False, prompts.NOT_FINISHED, "not finished"), 0.0)
                        continue
                    end = self._finish(call)
                    break
                failed = not await self._one(call) or failed
        except Exception as error:
            why = str(error)
            raise
        finally:
            self._talk.close(f"not run: {why}")
        if any(call.wrong for call in calls):
            self._allowance.malformed()
        else:
            self._allowance.well_formed()
        if end is not None and not self._inbox.pending:
            raise end

    def _finish(self, call: Call) -> TurnEnd:
        args: Any = call.args
        self._talk.result(call, "ok")
        self._screen.words(args["summary"])
        return self._finished(args["summary"])

    async def _one(self, call: Call) -> bool:
        """Run one call and answer it; whether it went well."""
        if call.wrong:
            self._screen.call(call.name or "a call without a name")
            self._answer(call, tools.Result(False, call.wrong, "not understood"), 0.0)
            return False
        args: Any = call.args
        self._inbox.check()
        description = describe(call.name, args)
        self._progress.doing(description)
        self._screen.call(description)
        self._log.write("tool", id=call.id, name=call.name, args=args)
        began = time.monotonic()
        try:
            result = await self._inbox.guard(self._tools.call(call.name, args, self._allowance.remaining()))
        except Halt as halt:
            text = f"killed: {halt.reason}; what it printed until then:\n{self._tools.partial()}"
            self._answer(call, tools.Result(False, text, "interrupted"), time.monotonic() - began)
            raise
        self._answer(call, result, time.monotonic() - began)
        return result.ok

    def _plain_answer(self, answer: Answer) -> None:
        """Words alone: the end of the turn when work was done before, otherwise a mistake of form."""
        if answer.finish == "length":
            raise FormatError(prompts.CUT)
        if not answer.text.strip() or not self._talk.worked:
            raise FormatError("")
        end = self._finished(answer.text)
        if not self._inbox.pending:
            raise end

    def _finished(self, summary: str) -> TurnEnd:
        summary = plain(summary).strip()
        self._talk.finished(summary)
        return TurnEnd(State.DONE, first_line(summary))

    def _answer(self, call: Call, result: tools.Result, seconds: float) -> None:
        """Tell the pane, the log and the model what a call gave."""
        self._screen.result(result.ok, result.note)
        self._log.write(
            "result",
            id=call.id,
            name=call.name,
            ok=result.ok,
            text=result.text,
            lines=result.lines,
            seconds=round(seconds, 3),
        )
        self._talk.result(call, result.text)
