"""The conversation: what joins it, what of it is sent, and how calls and their results hold together.

It is kept in one shape, OpenAI's chat messages, natively called or not. What a provider needs beyond that is
added on the way out and never kept: cache markers, or the words of the text protocol.
"""

from __future__ import annotations

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.builtin.model_client import Answer
from kage_nvim.agent_runtime.builtin.protocol_text import FormatError, has_shell_block, parse
from kage_nvim.agent_runtime.builtin.wire import (
    Call,
    Message,
    as_text,
    checked,
    marked,
    native_call,
    wordless,
)
from kage_nvim.agent_runtime.log import Log, Past, still_open
from kage_nvim.cache_marks import reads_marks
from kage_nvim.model import AgentSpec


class Conversation:
    """The messages of one agent, each in its log before it is sent."""

    def __init__(self, spec: AgentSpec, past: Past, log: Log) -> None:
        self._spec = spec
        self._log = log
        self._open: list[Call] = []
        self._results: list[str] = []
        self.messages: list[Message] = past.messages
        self.steers = past.steers
        self.native = True
        self.called_natively = any(message.get("tool_calls") for message in past.messages)
        self.worked = any(message["role"] == "assistant" for message in past.messages)

    @property
    def begun(self) -> bool:
        """Whether the task stands in it."""
        return len(self.messages) > 1

    def begin(self, surroundings: str) -> None:
        """Start with the system's words and the task; ``surroundings`` are the run's notes and map."""
        self.messages.clear()
        for message in prompts.conversation(self._spec, surroundings):
            self._add(message)

    def tell(self, text: str) -> None:
        """A word of Kage's own."""
        self._add({"role": "user", "content": text})

    def steer(self, text: str) -> None:
        """A word of the user's: *open*, that is kept whatever else must go, until a turn is done."""
        self._log.write("steer", text=text)
        self.steers = still_open(self.steers, text)
        self.tell(text)

    def said(self, text: str) -> None:
        """What the model said before it was cut off."""
        self._add({"role": "assistant", "content": text})

    def heard(self, answer: Answer, step: int) -> list[Call]:
        """Take in an answer; returns its calls, native ones or those written as text.

        Raises:
            FormatError: a call written as text cannot be read.
        """
        calls = [
            checked(native.id or f"call_{step}_{number}", native.name, native.arguments)
            for number, native in enumerate(answer.calls)
        ]
        message: Message = {"role": "assistant", "content": answer.text}
        if calls:
            self.called_natively = True
            message["tool_calls"] = [native_call(call.id, call.name, call.args) for call in calls]
        if answer.text or calls:
            self._add(message)
        if not calls:
            calls = [checked("", call.name, call.args) for call in parse(answer.text)]
            if not calls and not self.called_natively and has_shell_block(answer.text):
                raise FormatError(prompts.SHELL_BLOCK, "a shell block is no call")
        self._open = list(calls)
        return calls

    def result(self, call: Call, text: str) -> None:
        """What a call gave; results of calls written as text are told together, by ``close``."""
        self._open.remove(call)
        if call.id:
            self._add({"role": "tool", "tool_call_id": call.id, "content": text})
        else:
            self._results.append(f"{prompts.RESULT}{call.name}:\n{text}")

    def close(self, why: str) -> None:
        """An answer is dealt with: calls that were not run are told ``why``."""
        for call in list(self._open):
            self.result(call, why)
        self.worked = True
        if self._results:
            self.tell("\n\n".join(self._results))
            self._results.clear()

    def finished(self, summary: str) -> None:
        """A turn is done, with what the user wrote for it."""
        self._log.write("summary", text=summary)
        self.steers = still_open(self.steers)

    def replace(self, messages: list[Message]) -> None:
        """Go on with other messages; one line of the log, so that a crash leaves the old ones or the new."""
        self.messages = messages
        self._log.write("conversation", messages=messages)

    def mentions(self, text: str) -> bool:
        """Whether a text stands anywhere in it."""
        return any(text in (message.get("content") or "") for message in self.messages)

    def wire(self) -> list[Message]:
        """The messages as they are sent."""
        if not self.native:
            sent = [as_text(message) for message in self.messages]
            sent[0] = {**sent[0], "content": f"{sent[0]['content']}\n\n{prompts.TEXT_PROTOCOL}"}
            return sent
        sent = [wordless(message) for message in self.messages]
        if reads_marks(self._spec.model):
            return marked(sent, prompts.shared(self._spec, self.messages[1]["content"]))
        return sent

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._log.write("message", message=message)
