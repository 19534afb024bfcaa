"""``kage spawn``: what is asked of kaged, and the questions that it asks back."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from kage_nvim.cli import dividing
from kage_nvim.cli.asking import confirmed, typed
from kage_nvim.cli.render import clean
from kage_nvim.cli.words import inside
from kage_nvim.errors import usage


async def spawn(ask: Callable[..., Awaitable[Any]], given: argparse.Namespace) -> Any:
    """Start a run, once what has to be confirmed is; returns kaged's answer."""
    if given.on is not None and not given.on.strip():
        raise usage("--on names no candidate", "Write --on 2, or --on RUN:2 for another run.")
    text = " ".join(given.task)
    if given.task == ["-"]:
        text = typed(whole=True)
    asked: dict[str, Any] = {
        "task": {
            "text": text,
            "files": [_existing(path) for path in given.file],
            "variants": {str(number): text for number, text in enumerate(given.variant, 1)},
        },
        "count": given.count,
        "players": given.player,
        "on": given.on or "",
        "record": given.record or "",
        "course": _course(given),
        "layout": {"place": "hidden" if given.hidden else "beside"},
    }
    if given.parts or given.part:
        await dividing.divide(ask, given, asked)
    answer = await confirmed(ask, "spawn", asked, yes=given.yes)
    for note in answer["notes"]:
        print(f"note: {clean(note)}", file=sys.stderr)
    return answer


def _course(given: argparse.Namespace) -> dict[str, Any]:
    """What follows in the run by itself: only what was said."""
    said = {
        "strategy": given.strategy,
        "until": given.until,
        "retry": given.retry,
        "auto_accept": given.auto_accept,
        "usd": given.budget,
        "proposals": given.document or ("PROPOSAL.md" if given.proposals else None),
    }
    return {name: value for name, value in said.items() if value is not None}


def _existing(path: str) -> str:
    if not os.path.exists(path):  # noqa: PTH110
        raise usage(f"there is no file {path}", "Name files that the agents should read.")
    return inside(path)
