"""Converge: an agent that has come to the same change as another, or fails in the same step again and again,
brings nothing more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kage_nvim.model import State
from kage_nvim.orchestrator.strategies.seen import Act, Seen
from kage_nvim.orchestrator.summary import exit_code

REPEATS = 3
"""How often a step fails in the same way until it is certain that the agent is stuck."""
# What differs from one run of a command to the next and means nothing: addresses, names of scratch, times of
# day and how long it took. Other numbers tell: with 3 failures where there were 5, an agent gets on.
_FLEETING = re.compile(
    r"0x[0-9a-f]+|/tmp/\S+|\d{4}-\d\d-\d\d|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?"
    r"|\b\d+(?:\.\d+)?(?: ?(?:[mnuµ]?s|m|min|secs?|seconds?)\b)|\bpid[ =:]*\d+",
    re.IGNORECASE,
)
_WORDS = 60
"""Characters of a command that are shown."""


def decide(agents: Sequence[Seen]) -> list[Act]:
    """What follows from how the agents stand. Of those with the same change the one that is further goes on,
    then the one that has spent least."""
    acts = []
    for agent in agents:
        if not agent.at_work:
            continue
        if agent.stuck:
            acts.append(Act("stop", agent.number, agent.stuck))
            continue
        others = [a for a in agents if a.change == agent.change and not a.stuck and _counts(a)]
        keeps = min(others, key=_merit) if agent.change else agent
        if keeps is not agent:
            acts.append(Act("stop", agent.number, f"the same change as agent {keeps.number}"))
    return acts


def _counts(agent: Seen) -> bool:
    """Whether its change will be a candidate."""
    return agent.state is State.DONE or not agent.state.ended


def _merit(agent: Seen) -> tuple[bool, bool, float, int, int]:
    return (
        agent.state is not State.DONE,
        agent.at_work,
        agent.usd if agent.usd is not None else 0.0,
        agent.tokens,
        agent.number,
    )


def stuck(events: Iterable[dict[str, Any]]) -> str:
    """Which step of an agent fails again and again, from its log; empty when none does.

    A step is a tool's call with its arguments and what came of it, times and addresses aside; it counts
    when the tool says that it failed, or a command ended with another code than 0.
    """
    calls: dict[str, tuple[str, str]] = {}
    seen: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        if event.get("kind") == "tool":
            calls[str(event.get("id"))] = _call(event)
        elif event.get("kind") == "result":
            step = calls.pop(str(event.get("id")), None)
            text = str(event.get("text", ""))
            code = event.get("exit", exit_code(text, 0 if event.get("ok", True) else None))
            if step is None or code == 0:
                continue
            key = (*step, _FLEETING.sub("#", text))
            seen[key] += 1
            if seen[key] >= REPEATS:
                shown = step[0] if len(step[0]) <= _WORDS else step[0][: _WORDS - 1] + "…"
                return f"`{shown}` failed {seen[key]} times in the same way"
    return ""


def _call(event: dict[str, Any]) -> tuple[str, str]:
    """How a tool's call is shown, and all that tells it from another: a command as it is, of another tool its
    name and the path."""
    name, given = str(event.get("name")), event.get("args")
    words = given if isinstance(given, dict) else {"": given}
    shown = words["command"] if "command" in words else f"{name} {words.get('path', '')}"
    return " ".join(str(shown).split()), f"{name} {words}"
