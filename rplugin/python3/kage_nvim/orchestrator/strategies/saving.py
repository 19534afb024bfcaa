"""What a strategy saved: what the agents that it ended would have spent, less what they did spend.

It can only be guessed, from finished agents of the same player: those of this run, then those of the past,
else from others of this run at its own price. So it is said with "about", in dollars where those are known,
else in tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from kage_nvim.model import AgentStatus, State
from kage_nvim.orchestrator import experience, past
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.store import Database

LEAST_SECONDS = 1.0
"""Seconds that are not worth telling."""


def line(database: Database, run: Run) -> str:
    """``race saved about $0.31, 2 min``; empty when it ended nobody."""
    spared = [agent for agent in run.agents.values() if agent.record.spared]
    if not spared:
        return ""
    agents = past.read(database).agents
    usd, tokens, seconds, unpriced = 0.0, 0.0, [0.0], False
    for agent in spared:
        status = agent.record.status
        likely = _likely(run, agent, agents)
        if likely is None:
            unpriced = True
            continue
        expected_usd, expected_tokens, expected_seconds = likely
        tokens += max(0.0, expected_tokens - status.tokens_in - status.tokens_out)
        if expected_usd is None:
            unpriced = True
        else:
            usd += max(0.0, expected_usd - (status.cost_usd or 0.0))
        if agent.record.pid is not None and status.started and status.ended:
            seconds.append(expected_seconds - (status.ended - status.started))
    parts = [_money(usd, tokens, unpriced)]
    if max(seconds) >= LEAST_SECONDS:
        parts.append(duration(max(seconds)))
    name = run.record.course.strategy
    name = "--until green" if name == "all" else name
    told = ", ".join(filter(None, parts))
    if told:
        return f"{name} saved about {told}"
    begun = any(agent.record.pid is not None for agent in spared)
    count = f"{len(spared)} agent{'s' * (len(spared) > 1)}"
    return f"{name} ended {count} early" if begun else f"{name} did without {count}"


def _likely(run: Run, agent: Agent, agents: Sequence[past.Past]) -> tuple[float | None, float, float] | None:
    """US dollars, tokens and seconds that an agent would have spent; ``None``: nobody knows."""
    player = agent.record.status.player
    own = [a.record for a in run.agents.values() if a.record.synthesis is None]
    done = [record.status for record in own if record.status.state is State.DONE]
    like = [status for status in done if status.player == player]
    if like:
        usd = [s.cost_usd for s in like if s.cost_usd is not None and not s.unmetered]
        seconds = [(s.ended or 0.0) - (s.started or 0.0) for s in like if s.ended and s.started]
        return (
            mean(usd) if usd else None,
            mean(s.tokens_in + s.tokens_out for s in like),
            mean(seconds) if seconds else 0.0,
        )
    others = experience.like(agents, player, str(run.root), "")
    if not others:
        return _by_its_price(agent, done)
    usd = [agent.usd for agent in others if agent.usd is not None]
    return (
        mean(usd) if usd else None,
        mean(other.tokens for other in others),
        mean(other.seconds for other in others),
    )


def _by_its_price(agent: Agent, done: Sequence[AgentStatus]) -> tuple[float | None, float, float] | None:
    """As many tokens and seconds as others of the run needed, at what this one's own tokens cost so far."""
    if not done:
        return None
    status, tokens = agent.record.status, mean(s.tokens_in + s.tokens_out for s in done)
    own = status.tokens_in + status.tokens_out
    usd = tokens * status.cost_usd / own if own and status.cost_usd else None
    seconds = [s.ended - s.started for s in done if s.ended and s.started]
    return usd, tokens, mean(seconds) if seconds else 0.0


def _money(usd: float, tokens: float, unpriced: bool) -> str:
    if usd >= 0.005 or (usd > 0 and not unpriced):
        return f"${usd:.2f}" if usd >= 0.005 else f"${usd:.4f}"
    return f"{tokens:,.0f} tokens" if tokens >= 1 else ""


def duration(seconds: float) -> str:
    """``40 s``, ``2 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
