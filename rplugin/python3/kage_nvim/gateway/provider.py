"""The seam to litellm: the only file that imports it, and it does so in a thread, when first needed.

litellm (pinned) makes up what a server did not say: an answer that broke off gets ``finish_reason="stop"``
and a guessed usage. So the ends of streams are read from what its wrapper really received: no finish reason
means that the stream ended midway. Without usage it may have been cut just before its end, or come from a
server that does not count (some local ones): it is an error once, and what such a server leaves out twice in
a row, or in an answer that is no stream, is estimated from then on, unpriced. A CLI, which may give up where
Kage's own agent asks again, sees that error only of a server that has counted before. Gemini is the
exception: litellm gives each of its chunks a finish reason, so there the usage has to be the sign of the end.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import msgspec

from kage_nvim.gateway import egress
from kage_nvim.gateway.failures import explain, midway, uncounted
from kage_nvim.gateway.pieces import Delta, End, Usage
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player

SILENCE = 600.0
"""Seconds that a provider may stay silent: long reasoning, or a local model that reads a long prompt."""
CONNECT = 10.0
PASSED_ON = ("tools", "tool_choice", "parallel_tool_calls", "response_format", "stop", "seed", "top_p")
"""What an agent may set besides its messages; the model and its settings are the player's."""


Answer = AsyncGenerator[Delta | End, None]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it goes to the provider. ``key_from`` names the key's source for error messages; each
    request that is sent for it, the first or another, has its answer read through ``watch``."""

    name: str
    player: Player
    body: dict[str, Any]
    key: str | None
    key_from: str
    stream: bool
    max_tokens: int | None
    watch: Callable[[Answer], Answer] = lambda answer: answer


class Provider:
    """Any model that litellm knows."""

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._loading: asyncio.Future[Any] | None = None
        self._counting: dict[tuple[str | None, str | None], bool] = {}

    @property
    def ready(self) -> bool:
        """False only while litellm is being imported."""
        return self._loading is None or self._loading.done()

    def load(self) -> asyncio.Future[Any]:
        """Begin to import litellm, unless that was done; the future holds the module."""
        if self._loading is None or (self._loading.done() and self._loading.exception()):
            executor = ThreadPoolExecutor(1, "litellm")
            self._loading = asyncio.get_running_loop().run_in_executor(executor, _import)
            executor.shutdown(wait=False)
            self._loading.add_done_callback(lambda future: future.exception())
        return self._loading

    async def answer(self, ask: Ask) -> AsyncGenerator[Delta | End, None]:
        """The model's answer as it comes; in one piece when it is not streamed.

        Raises:
            Problem: whatever went wrong, in words for the user.
        """
        try:
            litellm = await asyncio.shield(self.load())
        except ImportError as error:
            raise Problem(
                "provider", f"litellm could not be loaded: {error}. Install Kage again (make install)."
            ) from error
        try:
            for read in (self._streamed, self._at_once) if ask.stream else (self._at_once,):
                came = False
                async with aclosing(ask.watch(read(litellm, ask))) as pieces:
                    async for piece in pieces:
                        came = True
                        yield piece
                if came:  # else it was no stream: some servers answer such requests whole
                    return
        except Problem:
            raise
        except Exception as error:
            raise explain(error, ask.name, ask.player, ask.key_from, self._silence) from error

    async def _streamed(self, litellm: Any, ask: Ask) -> Answer:
        answer = await litellm.acompletion(**self._arguments(ask, stream=True))
        async for chunk in answer:
            if delta := _delta(chunk):
                yield delta
        usage = _counted(answer.chunks)
        finish = answer.received_finish_reason or (usage and answer.intermittent_finish_reason)
        if finish:
            if not self._counts(ask.player, usage):
                raise uncounted(ask.name, ask.player)
            yield End(finish, usage)
        elif answer.chunks:
            raise midway(ask.name, ask.player)

    async def _at_once(self, litellm: Any, ask: Ask) -> Answer:
        for piece in _whole(await litellm.acompletion(**self._arguments(ask, stream=False))):
            if isinstance(piece, End):
                self._counts(ask.player, piece.usage)
            yield piece

    def _counts(self, player: Player, usage: Usage | None) -> bool:
        """Whether a stream may end like this; keeps in mind which servers count."""
        server = (player.api_base, player.model)
        before = self._counting.get(server)
        self._counting[server] = usage is not None
        return usage is not None or before is False or (before is None and player.cli is not None)

    def _arguments(self, ask: Ask, *, stream: bool) -> dict[str, Any]:
        from httpx import Timeout

        body, player = ask.body, ask.player
        arguments: dict[str, Any] = {name: body[name] for name in PASSED_ON if body.get(name) is not None}
        temperature = player.temperature if player.temperature is not None else body.get("temperature")
        return arguments | {
            "model": player.model,
            "messages": body["messages"],
            "api_base": player.api_base,
            "api_key": ask.key,
            "temperature": temperature,
            "max_tokens": ask.max_tokens,
            "stream": stream,
            "stream_options": {"include_usage": True} if stream else None,
            "timeout": Timeout(self._silence, connect=CONNECT),
            "max_retries": 0,
            "num_retries": 0,
        }


def _import() -> Any:
    """Import litellm without network, telemetry, or a word on the terminal; and what its first call would
    import on the event loop (0.5 s)."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    egress.keep_straight()
    gc.disable()  # it would look again and again through 300,000 objects that stay: a third of the time
    try:
        litellm: Any = importlib.import_module("litellm")
        importlib.import_module("openai.resources.chat")
        gc.freeze()  # nor has it anything to find there later (0.5 s), while answers wait to be passed on
    finally:
        gc.enable()
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.turn_off_message_logging = True
    litellm.drop_params = True
    return litellm


def _delta(chunk: Any) -> Delta | None:
    """What a chunk adds to the answer, if it adds anything."""
    if not chunk.choices:
        return None
    delta: Delta = chunk.choices[0].delta.model_dump(exclude_none=True)
    delta.pop("role", None)
    return {name: value for name, value in delta.items() if value} or None


def _counted(chunks: list[Any]) -> Usage | None:
    """The usage that the server sent, if any; litellm's own guess is not among the chunks. Each number is the
    highest seen: Anthropic counts the input in the first event and the output in the last."""
    counted = [Usage.from_openai(used.model_dump()) for c in chunks if (used := getattr(c, "usage", None))]
    if not counted:
        return None
    return Usage(
        tokens_in=max(usage.tokens_in for usage in counted),
        tokens_cached=max(usage.tokens_cached for usage in counted),
        tokens_written=max(usage.tokens_written for usage in counted),
        tokens_out=max(usage.tokens_out for usage in counted),
    )


def _whole(answer: Any) -> list[Delta | End]:
    choice = answer.choices[0]
    delta: Delta = choice.message.model_dump(exclude_none=True)
    for index, call in enumerate(delta.get("tool_calls") or []):
        call["index"] = index
    for name in ("role", "provider_specific_fields"):
        delta.pop(name, None)
    usage = Usage.from_openai(answer.usage.model_dump())
    counted = usage if usage.tokens_in or usage.tokens_out else None
    return [{name: value for name, value in delta.items() if value}, End(choice.finish_reason, counted)]
