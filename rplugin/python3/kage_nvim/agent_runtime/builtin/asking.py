"""One model call, whatever it takes: a conversation that is too long is made shorter, a server that knows no
tools is asked in words, the gateway and the provider are waited for."""

from __future__ import annotations

from collections.abc import Callable

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.builtin import compaction
from kage_nvim.agent_runtime.builtin.limits import Allowance
from kage_nvim.agent_runtime.builtin.messages import Conversation
from kage_nvim.agent_runtime.builtin.model_client import Answer, Gateway, ModelError
from kage_nvim.agent_runtime.builtin.patience import ask
from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.builtin.wire import Message, request
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.model import AgentSpec

REFUSALS = ("bad_request", "provider")
"""Errors that may mean that a server knows no tools."""
CHANGES = 3
"""How often a call is changed and made again after such an error, or for want of room."""


class Asker:
    """Asks the model of one agent for the next answer of its conversation."""

    def __init__(
        self,
        spec: AgentSpec,
        talk: Conversation,
        window: Window,
        log: Log,
        screen: Screen,
        progress: Progress,
    ) -> None:
        self._spec = spec
        self._talk = talk
        self._window = window
        self._log = log
        self._screen = screen
        self._progress = progress
        self._gateway = Gateway(spec.gateway, spec.token)

    @property
    def full(self) -> bool:
        """Whether room must be made before the next answer."""
        return compaction.filled(self._talk.messages, self._window) >= compaction.FULL

    async def answer(self, allowance: Allowance, on_text: Callable[[str], None]) -> Answer:
        """One answer. A server that knows no tools is asked again without them, once and for good; one whose
        window was too small is asked again with less."""
        changes = 0
        while True:
            try:
                return await self._call(allowance, self._talk.wire(), on_text)
            except ModelError as error:
                changes += 1
                if changes > CHANGES:
                    raise
                if self._window.refused(self._talk.messages, error.message):
                    await self.make_room(allowance)
                elif self._talk.native and error.kind in REFUSALS and _about_tools(error.message):
                    self._talk.native = False
                    self._window.beside = len(prompts.TEXT_PROTOCOL)
                    self._screen.notice("this model takes no tools; it is asked to write its calls as text")
                else:
                    raise

    async def make_room(self, allowance: Allowance) -> None:
        """Compact the conversation; the summary, if one is needed, is a call that counts as any other."""
        talk, before = self._talk, self._window.used(self._talk.messages)
        self._progress.doing("making room in the conversation")

        async def summarise(text: str) -> str:
            allowance.check(self._progress)
            sent = [talk.messages[0], {"role": "user", "content": text}]
            try:
                answer = await self._call(allowance, sent, lambda text: None, tools=False)
            except ModelError:
                return ""
            self._progress.spent(answer.usage)
            return answer.text

        talk.replace(await compaction.make_room(talk.messages, self._window, talk.steers, summarise))
        after = self._window.used(talk.messages)
        self._log.write(
            "compaction", before=round(before, 3), after=round(after, 3), window=self._window.tokens
        )
        self._screen.notice(f"made room: {before:.0%} of the model's window was full, now {after:.0%}")

    async def _call(
        self,
        allowance: Allowance,
        messages: list[Message],
        on_text: Callable[[str], None],
        *,
        tools: bool = True,
    ) -> Answer:
        body = request(self._spec, messages, tools=tools and self._talk.native)
        return await ask(
            lambda: self._gateway.complete(body, on_text),
            waiting=self._gateway.waiting,
            progress=self._progress,
            allowance=allowance,
            notice=self._screen.notice,
        )


def _about_tools(message: str) -> bool:
    text = message.lower()
    return "tool" in text or "function call" in text
