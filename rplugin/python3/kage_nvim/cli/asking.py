"""What has to be confirmed first: asked on a terminal, answered beforehand with ``--yes``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from kage_nvim.cli.render import clean
from kage_nvim.errors import KageError


async def confirmed(
    ask: Callable[..., Awaitable[Any]], method: str, asked: dict[str, Any], *, yes: bool
) -> Any:
    """Ask kaged, and again with the user's yes where it wants one; returns its answer.

    Raises:
        KageError: code ``confirm``, nobody said yes.
    """
    given: list[str] = []
    while True:
        try:
            return await ask(method, **asked, confirmed=given)
        except KageError as error:
            if error.code != "confirm":
                raise
            questions = error.data["questions"]
            if not yes and not await asyncio.to_thread(agreed, questions):
                raise
            given += [question["id"] for question in questions]


def typed(*, whole: bool = False) -> str:
    """The next line of the input, or the ``whole`` of it; empty at its end. Its bytes need not be UTF-8."""
    try:
        data = sys.stdin.buffer.read() if whole else sys.stdin.buffer.readline()
    except OSError:  # a folder, or a terminal that has hung up
        return ""
    return data.decode("utf-8", "replace")


def agreed(questions: Sequence[dict[str, str]]) -> bool:
    """Ask on the terminal; False without one, and at the first answer that is no yes."""
    if not sys.stdin.isatty():
        return False
    for question in questions:
        print(f"{clean(question['text'])} [y/N] ", end="", file=sys.stderr, flush=True)
        if typed().strip().lower() not in ("y", "yes"):
            return False
    return True
