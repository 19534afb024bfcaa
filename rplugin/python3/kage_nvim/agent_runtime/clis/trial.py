"""A CLI's rules tried on a recording: the state that a stream of events, or a pane, would be named with."""

from __future__ import annotations

from typing import Any

from kage_nvim.agent_runtime.clis.events import read
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.description import Description
from kage_nvim.model import State

NOTHING = "no rule fits"


def of_events(description: Description, recorded: bytes) -> dict[str, Any]:
    """The state at the end of what the CLI printed, or of its ``report``."""
    authority, reader = Authority(description), read(description)
    authority.begin()
    authority.process(True)
    whole = reader.report(recorded) if description.report else []
    for event in whole or [event for line in recorded.splitlines() for event in reader.feed(line)]:
        authority.event(event)
    return _told(authority)


def of_screen(description: Description, screen: str, title: str = "") -> dict[str, Any]:
    """The state that a pane shows, when nothing better is known."""
    authority = Authority(description)
    authority.begin()
    authority.process(True)
    authority.title(title)
    authority.screen(screen)
    return _told(authority)


def _told(authority: Authority) -> dict[str, Any]:
    """``state``, ``waiting`` (for what, or empty), ``reason``, ``rule``, ``evidence``."""
    found = authority.finding
    if found.rule.startswith("process"):
        return {"state": State.UNKNOWN.value, "waiting": "", "reason": NOTHING, "rule": "", "evidence": ""}
    return {
        "state": found.state.value,
        "waiting": found.waiting,
        "reason": found.reason,
        "rule": found.rule,
        "evidence": found.evidence,
    }
