"""What can be read of runs: logs, candidates, explanations. Nothing here changes anything."""

from __future__ import annotations

import json
import time
from typing import Any

from kage_nvim.model import AgentStatus, CandidateStatus
from kage_nvim.orchestrator.runs import Agent, Run

LOG_WINDOW = 4 * 1024 * 1024
"""The most bytes of a log that one answer holds."""

HIDDEN = ("log", "message", "conversation")
"""Lines of a log that are for Kage itself, or say again what others say."""


def log_events(agent: Agent, after: int, limit: int) -> dict[str, Any]:
    """Events of an agent's log from byte ``after`` on (negative: the last ``limit``), and where to go on."""
    path = agent.folder / "log.jsonl"
    if not path.exists():
        return {"events": [], "next": max(after, 0)}
    size = path.stat().st_size
    start = max(0, size - LOG_WINDOW) if after < 0 else min(after, size)
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(LOG_WINDOW)
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.splitlines()
    if after < 0 and start > 0:
        lines = lines[1:]
    events = [event for line in lines if (event := _event(line))]
    shown = events[-limit:] if after < 0 and limit else events
    return {"events": shown, "next": start + len(whole)}


def _event(line: bytes) -> dict[str, Any] | None:
    """A line of the log without the conversation itself, which only a resumed agent reads."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("kind") not in HIDDEN else None


def shown_candidates(run: Run, numbers: list[int], *, early: bool = False) -> list[CandidateStatus]:
    """The candidates of those numbers, or all that there are; live ones of agents at work among them.
    ``early``: agents at work that have none yet are passed over.

    Raises:
        KageError: one does not exist, or there is none at all.
    """
    known = {candidate.number for candidate in run.shown()}

    def to_come(number: int) -> bool:
        return early and number in run.agents and not run.agents[number].record.status.state.ended

    if not numbers and not known and not any(map(to_come, run.agents)):
        return [run.candidate(min(run.agents))]
    wanted = numbers or sorted(known)
    return [run.seen(number) for number in wanted if number in known or not to_come(number)]


def made_by_none(run: Run, which: object) -> CandidateStatus | None:
    """The candidate of that number that no agent made."""
    found = (one for one in run.record.status.candidates if str(one.number) == str(which).strip())
    return next((one for one in found if one.number not in run.agents), None)


def explain_made(run: Run, candidate: CandidateStatus) -> list[str]:
    """Where a candidate comes from that no agent made, as lines to read."""
    lines = [
        f"candidate {candidate.number} of run {run.id}: {candidate.kind}, no agent made it",
        f"of: {candidate.note or 'the parts of all agents'}",
        f"checks: {candidate.checked or 'none ran'}",
        *(f"tests weakened: {text}" for text in candidate.weakened),
    ]
    for hunk in run.record.provenance.get(candidate.number, []):
        first, last = hunk["first"], hunk["past"] - 1
        where = hunk["path"] + (f":{first}" if first else "") + (f"-{last}" if last > first else "")
        kind = f" ({hunk['kind']})" if hunk["kind"] != "hunk" else ""
        lines.append(f"  {where}{kind}  from {', '.join(map(str, hunk['agents']))}")
    return lines


def explain(run: Run, agent: Agent) -> list[str]:
    """Why an agent is in the state it is in, with the evidence, as lines to read."""
    status, record = agent.record.status, agent.record
    lines = [
        f"agent {agent.number} of run {run.id}: {status.state.value}",
        f"because: {status.reason or 'nothing was reported yet'}",
        *_known_by(status),
        f"player: {status.player} ({status.model})" + (f", role {status.role}" if status.role else ""),
        f"process: {record.pid or 'none'}, {'connected' if agent.peer else 'not connected'}",
        f"pane: {status.pane or 'none'} on {record.tmux or 'no tmux server'}",
        *_improves(agent),
        f"files read up to turn {record.captured}; worktree {status.worktree}",
    ]
    if status.angle:
        lines.append(f"angle: {status.angle}")
    states = [e for e in log_events(agent, -1, 0)["events"] if e.get("kind") in ("state", "error")]
    for event in states[-10:]:
        when = time.strftime("%H:%M:%S", time.localtime(event.get("t", 0)))
        what = event.get("state") or "error"
        why = event.get("reason") or event.get("text") or event.get("activity") or ""
        by = f"  [{rule}]" if (rule := event.get("rule", "")) not in ("", "agent") else ""
        lines.append((f"  {when} {what}: {why}" if why else f"  {when} {what}") + by)
    return lines


def _improves(agent: Agent) -> list[str]:
    """What an agent on a winner is held against, and what came of that."""
    synthesis = agent.record.synthesis
    if synthesis is None:
        return []
    others = ", ".join(map(str, synthesis.others))
    return [f"improves candidate {synthesis.winner} by {others}: {synthesis.said or 'not judged yet'}"]


def _known_by(status: AgentStatus) -> list[str]:
    """What decided the state, when, and what it saw."""
    lines = []
    if status.rule:
        since = f", since {time.strftime('%H:%M:%S', time.localtime(status.since))}" if status.since else ""
        lines.append(f"rule: {status.rule}{since}")
    if status.evidence:
        lines.append(f"evidence: {status.evidence}")
    return lines


def explained(agent: Agent) -> dict[str, Any]:
    """The same as data: the state, what decided it, and the last transitions, oldest first."""
    status = agent.record.status
    states = [e for e in log_events(agent, -1, 0)["events"] if e.get("kind") == "state"]
    names = ("t", "state", "reason", "rule", "evidence")
    return {
        "agent": agent.number,
        "state": status.state.value,
        "reason": status.reason,
        "rule": status.rule,
        "evidence": status.evidence,
        "since": status.since,
        "transitions": [{name: event.get(name, "") for name in names} for event in states[-10:]],
    }
