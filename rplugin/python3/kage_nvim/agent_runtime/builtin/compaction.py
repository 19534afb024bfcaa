"""Room in the model's window: how full it is, and what goes when it is three quarters full.

    system · task │ old calls and results … │ the last messages
                    1. long results become one line each, oldest first
                    2. if that is not enough, a summary by the model itself takes the place of all of it,
                       with the user's open messages as they were written
                                              3. if these alone are too long, their middles go

A call and its result are never torn apart, for providers refuse that. The parts are parts of what the window
holds beside the task, so that a long task in a small window does not mean a summary at each step.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kage_nvim.agent_runtime import prompts
from kage_nvim.agent_runtime.builtin.schemas import describe
from kage_nvim.agent_runtime.builtin.shorter import LONG, is_result, stub, told
from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.builtin.wire import Message
from kage_nvim.agent_runtime.text import shorten

FULL = 0.75
"""The part at which room is made."""
TARGET = 0.5
"""The part that is in use afterwards."""
LAST = 8
"""Messages at the end that stay whole, as far as they fit into half of the target."""
WORTH = 0.15
"""The part that a summary must free to be worth its price."""


def filled(messages: list[Message], window: Window) -> float:
    """The part in use of what the window holds beside the system's words and the task."""
    fixed = window.used(messages[:2])
    return (window.used(messages) - fixed) / max(0.1, 1.0 - fixed)


async def make_room(
    messages: list[Message],
    window: Window,
    open_messages: Sequence[str],
    summarise: Callable[[str], Awaitable[str]],
) -> list[Message]:
    """The messages again, shorter; ``summarise`` asks the model for a summary of a text."""
    start = _boundary(messages, window)
    shorter, enough = _without_old_results(messages, start, window)
    if enough:
        return shorter
    if filled([*shorter[:2], *shorter[2:start]], window) > WORTH:
        summary = await summarise(_to_summarise(shorter[:start], window, open_messages))
        gone = {message["content"] for message in shorter[2:start] if message["role"] == "user"}
        kept = [{"role": "user", "content": text} for text in open_messages if text in gone]
        words = prompts.SUMMARY + summary if summary.strip() else prompts.LOST
        shorter = [*shorter[:2], {"role": "user", "content": words}, *kept, *shorter[start:]]
    return _within(shorter, window)


def _to_summarise(old: list[Message], window: Window, open_messages: Sequence[str]) -> str:
    task = "\n\n".join([shorten(old[1]["content"], 4_000), *open_messages])
    work = shorten("\n\n".join(map(told, old[2:])), window.characters(TARGET, 200_000))
    return f"{prompts.SUMMARISE}\n\n# The task\n\n{task}\n\n# The work\n\n{work}"


def _without_old_results(messages: list[Message], start: int, window: Window) -> tuple[list[Message], bool]:
    """The results before ``start`` in one line each, oldest first, until the target is reached."""
    shorter = list(messages)
    names: dict[str, str] = {}
    for at, message in enumerate(messages[:start]):
        for call in message.get("tool_calls") or []:
            names[call["id"]] = describe(
                call["function"]["name"], msgspec.json.decode(call["function"]["arguments"])
            )
        if at >= 2:
            shorter[at] = stub(message, names)
            if filled(shorter, window) <= TARGET:
                return shorter, True
    return shorter, False


def _boundary(messages: list[Message], window: Window) -> int:
    """Where the last messages begin: never between a call and its result, and at least one answer's."""
    best = len(messages)
    for at in range(len(messages) - 1, max(1, len(messages) - LAST - 1), -1):
        if messages[at]["role"] == "tool":
            continue
        if best < len(messages) and filled([*messages[:2], *messages[at:]], window) > TARGET / 2:
            break
        best = at
        if messages[at]["role"] == "assistant" and window.used(messages[at:]) > TARGET:
            break
    return max(2, best)


def _within(messages: list[Message], window: Window) -> list[Message]:
    """The results at the end cut in their middles, ever shorter, until all is below the mark."""
    shorter = messages
    for limit in (8_000, 4_000, 2_000, 1_000, LONG):
        if filled(shorter, window) <= (TARGET + FULL) / 2:
            break
        shorter = [
            {**message, "content": shorten(message["content"], limit)} if is_result(message) else message
            for message in shorter
        ]
    return shorter
