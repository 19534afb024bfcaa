"""What candidates, and the user's own files, are worth."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from kage_nvim import trees
from kage_nvim.errors import Exit, KageError
from kage_nvim.evaluate.judging.document import document
from kage_nvim.evaluate.verdict import Verdict
from kage_nvim.orchestrator import keys
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.judging import deciding, verdicts
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.verbs.table import In, verb


class Check(In):
    """``agent``: a candidate's number, or none for what the user has now."""

    agent: int | None = None
    confirmed: list[str] = []


@verb("check", Check)
async def _check(conductor: Conductor, peer: Peer, asked: Check) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run) if asked.agent is not None or asked.run else None
    return await conductor.checks.check(peer, asked.cwd, run, asked.agent, asked.confirmed)


class Judge(In):
    confirmed: list[str] = []


@verb("judge", Judge)
async def _judge(conductor: Conductor, peer: Peer, asked: Judge) -> dict[str, Any]:
    """Make the verdict on a run now."""
    run = await conductor.run(asked.cwd, asked.run)
    await conductor.checks.confirm(run.root, peer.hello.env, asked.confirmed)
    await keys.renew(conductor, peer)
    return await _told(run, await deciding.verdict(conductor, run))


@verb("verdict", In)
async def _verdict(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    """The verdict on a run as it stands; nothing is judged."""
    run = await conductor.run(asked.cwd, asked.run)
    verdict = verdicts.of(run)
    if verdict is None:
        raise KageError(
            f"run {run.id} has no verdict yet",
            fix="Make one: :Kage judge, or kage judge.",
            code="no_verdict",
            exit=Exit.NOTHING,
        )
    return await _told(run, verdict)


async def _told(run: Run, verdict: Verdict) -> dict[str, Any]:
    players = {number: agent.record.status.player for number, agent in run.agents.items()}
    made = {c.number: c.kind for c in run.record.status.candidates if c.number not in players}
    files = await asyncio.to_thread(_files, run, verdict)
    return {"verdict": verdict, "document": document(verdict, made | players, files)}


def _files(run: Run, verdict: Verdict) -> dict[int, set[str]]:
    """What each candidate changed, as its diff shows it; nothing of one that is gone."""
    found: dict[int, set[str]] = {}
    for number, commit in verdict.commits.items():
        with suppress(KageError):
            changed = trees.changes(run.store, run.base, commit, renames=False)
            found[number] = {change.path for change in changed}
    return found
