"""One turn of the built-in agent: turn → step → query → execute, until it finishes or reaches a limit.

    turn ── step ── take in what the user wrote
              │     check the limits
              ├──── query: one model call
              └──── execute: its tool calls, in order ── finish, or a plain answer, ends the turn

What ends a turn is an exception (``TurnEnd``, with ``Halt`` for the user's own), so the loop has no flags.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from kage_nvim.agent_runtime import prompts, tools
from kage_nvim.agent_runtime.inbox import Halt, Inbox, TurnEnd
from kage_nvim.agent_runtime.limits import Allowance
from kage_nvim.agent_runtime.log import Log, Past
from kage_nvim.agent_runtime.model_client import Answer, Gateway, ModelError
from kage_nvim.agent_runtime.patience import ask
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.protocol_text import FormatError, arguments, parse
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import first_line, joined, plain
from kage_nvim.model import AgentSpec, State


class Call(msgspec.Struct):
    """One tool call to execute; ``id`` is empty if it was written as text, ``wrong`` says what is."""

    id: str
    name: str
    args: object
    wrong: str = ""


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
        self._messages = past.messages
        self._gateway = Gateway(spec.gateway, spec.token)
        self._tools = tools.Toolbox(spec)
        self._native = True
        self._called_natively = any(message.get("tool_calls") for message in past.messages)
        self._worked = any(message["role"] == "assistant" for message in past.messages)
        self._allowance = Allowance(spec.limits)
        self._steps = past.steps

    async def turn(self, *, again: bool) -> TurnEnd:
        """Work until the turn ends; ``again`` goes on with one that a crash cut off."""
        self._allowance = Allowance(self._spec.limits)
        try:
            if len(self._messages) < 2:
                await self._inbox.guard(self._begin())
            elif again:
                self._add({"role": "user", "content": prompts.GO_ON})
            while True:
                await self._step()
        except TurnEnd as end:
            if end.state is State.INTERRUPTED:
                self._add({"role": "user", "content": prompts.INTERRUPTED})
            return end
        except ModelError as error:
            return TurnEnd(State.FAILED, error.message)

    async def _begin(self) -> None:
        notes = await prompts.notes(self._spec.profile)
        self._log.write("task", text=self._spec.task.text)
        self._messages.clear()
        for message in prompts.conversation(self._spec, notes):
            self._add(message)

    async def _step(self) -> None:
        for text in self._inbox.take():
            self._log.write("steer", text=text)
            self._screen.steer(text)
            self._add({"role": "user", "content": text})
        self._allowance.check(self._progress.cost_usd)
        answer = await self._query()
        try:
            await self._execute(answer)
        except FormatError as error:
            self._add({"role": "user", "content": f"{error} {prompts.NUDGE}"})
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
            answer = await self._inbox.guard(self._ask(on_text))
        except Halt:
            self._screen.end_words()
            if spoken := "".join(said):
                self._log.write("text", text=plain(spoken))
                self._add({"role": "assistant", "content": spoken})
            raise
        self._screen.end_words()
        self._progress.spent(answer.usage)
        if answer.text:
            self._log.write("text", text=plain(answer.text))
        return answer

    async def _ask(self, on_text: Callable[[str], None]) -> Answer:
        """One answer; a server that knows no tools is asked again without them, once and for good."""
        try:
            return await self._patiently(on_text)
        except ModelError as error:
            if not (
                self._native and error.kind in ("bad_request", "provider") and _about_tools(error.message)
            ):
                raise
            self._native = False
            self._screen.notice("this model takes no tools; it is asked to write its calls as text")
            return await self._patiently(on_text)

    async def _patiently(self, on_text: Callable[[str], None]) -> Answer:
        spec = self._spec
        body: dict[str, Any] = {"model": spec.model, "messages": self._messages, "stream": spec.stream}
        if self._native:
            body["tools"] = tools.SCHEMAS
        else:
            body["messages"] = [_as_text(message) for message in self._messages]
        if spec.stream:
            body["stream_options"] = {"include_usage": True}
        if spec.temperature is not None:
            body["temperature"] = spec.temperature
        if spec.max_tokens is not None:
            body["max_tokens"] = spec.max_tokens
        return await ask(
            lambda: self._gateway.complete(body, on_text),
            progress=self._progress,
            allowance=self._allowance,
            notice=self._screen.notice,
        )

    async def _execute(self, answer: Answer) -> None:
        calls = self._calls(answer)
        if not calls:
            self._plain_answer(answer)
            return
        results: list[str] = []
        end: TurnEnd | None = None
        try:
            for call in calls:
                if end is not None:
                    self._answer(call, "not run: it came after finish", results)
                    continue
                end = await self._one(call, results)
        except Exception as why:
            for call in calls[len(results) :]:
                self._answer(call, f"not run: {why}", results)
            raise
        finally:
            if not calls[0].id:
                self._add({"role": "user", "content": "\n\n".join(results)})
        if any(call.wrong for call in calls):
            self._allowance.malformed()
        else:
            self._allowance.well_formed()
        self._worked = True
        if end is not None and not self._inbox.pending:
            raise end

    async def _one(self, call: Call, results: list[str]) -> TurnEnd | None:
        """Run one call and answer it; returns the end that a ``finish`` asks for."""
        if call.wrong:
            self._screen.call(call.name or "a call without a name")
            self._note(call, tools.Result(False, call.wrong, "not understood"), 0.0)
            self._answer(call, call.wrong, results)
            return None
        args: Any = call.args
        if call.name == "finish":
            self._answer(call, "ok", results)
            self._screen.words(args["summary"])
            return self._finished(args["summary"])
        self._inbox.check()
        description = tools.describe(call.name, args)
        self._progress.doing(description)
        self._screen.call(description)
        self._log.write("tool", id=call.id, name=call.name, args=args)
        began = time.monotonic()
        try:
            result = await self._inbox.guard(self._tools.call(call.name, args, self._allowance.remaining()))
        except Halt as halt:
            text = f"killed: {halt.reason}; what it printed until then:\n{self._tools.partial()}"
            self._note(call, tools.Result(False, text, "interrupted"), time.monotonic() - began)
            self._answer(call, text, results)
            raise
        self._note(call, result, time.monotonic() - began)
        self._answer(call, result.text, results)
        return None

    def _calls(self, answer: Answer) -> list[Call]:
        """The calls of an answer, native or written as text; the answer joins the conversation."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        calls = []
        for number, native in enumerate(answer.calls):
            call = _checked(native.id or f"call_{self._steps}_{number}", native.name, native.arguments)
            calls.append(call)
        if calls:
            self._called_natively = True
            message["tool_calls"] = [_wire(call) for call in calls]
        if answer.text or calls:
            self._add(message)
        if not calls:
            found = parse(answer.text, shell_blocks=not self._called_natively)
            calls = [_checked("", call.name, call.args) for call in found]
        return calls

    def _plain_answer(self, answer: Answer) -> None:
        """Words alone: the end of the turn when work was done before, otherwise a mistake of form."""
        if answer.finish == "length":
            raise FormatError(prompts.CUT)
        if not answer.text.strip() or not self._worked:
            raise FormatError("")
        end = self._finished(answer.text)
        if not self._inbox.pending:
            raise end

    def _finished(self, summary: str) -> TurnEnd:
        summary = plain(summary).strip()
        self._log.write("summary", text=summary)
        return TurnEnd(State.DONE, first_line(summary))

    def _note(self, call: Call, result: tools.Result, seconds: float) -> None:
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

    def _answer(self, call: Call, text: str, results: list[str]) -> None:
        """Tell the model what a call gave; results of calls written as text are told together."""
        results.append(f"Result of {call.name}:\n{text}")
        if call.id:
            self._add({"role": "tool", "tool_call_id": call.id, "content": text})

    def _add(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        self._log.write("message", message=message)


def _checked(id: str, name: str, args: object) -> Call:
    name = joined(name)
    try:
        given = arguments(args) if isinstance(args, str) else args
        return Call(id, name, tools.check(name, given))
    except (FormatError, tools.CallError) as error:
        return Call(id, name, {}, wrong=str(error))


def _wire(call: Call) -> dict[str, Any]:
    """The call as it stands in the conversation; malformed arguments would make providers refuse it all."""
    args = msgspec.json.encode(call.args).decode()
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name or "unknown", "arguments": args},
    }


def _as_text(message: dict[str, Any]) -> dict[str, Any]:
    """A message of a native conversation for a model that knows no tools."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"Result:\n{message['content']}"}
    calls = [call["function"] for call in message.get("tool_calls") or []]
    blocks = [f'```json\n{{"tool": "{call["name"]}", "args": {call["arguments"]}}}\n```' for call in calls]
    content = "\n".join([message["content"], *blocks]) if blocks else message["content"]
    return {"role": message["role"], "content": content}


def _about_tools(message: str) -> bool:
    text = message.lower()
    return "tool" in text or "function call" in text
