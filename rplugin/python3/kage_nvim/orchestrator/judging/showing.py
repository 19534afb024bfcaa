"""What a judge is shown of a run's candidates, read from the store, without what tells whose they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from kage_nvim import trees
from kage_nvim.evaluate.judging.anonymity import Names
from kage_nvim.evaluate.judging.exhibit import ROOM, WORDS, Exhibit, exhibit
from kage_nvim.evaluate.verdict import Standing
from kage_nvim.orchestrator import summary
from kage_nvim.orchestrator.runs import Run

CHARACTERS = 3
"""Of a token, at least: what a model's window holds is counted so."""


async def of_heads(run: Run, heads: Sequence[Standing], window: int) -> list[Exhibit]:
    """The candidates as they stand, for a model that reads ``window`` tokens at once (0: nobody knows)."""
    return await of_commits(
        run, heads, {head.number: run.candidate(head.number).commit for head in heads}, window
    )


async def of_commits(
    run: Run, heads: Sequence[Standing], commits: Mapping[int, str], window: int
) -> list[Exhibit]:
    """The same of commits, by number: what each changes of that which its agents began from."""
    room = ROOM if not window else max(3_000, min(ROOM, window * CHARACTERS // 3 - WORDS))
    names = _names(run)

    def one(head: Standing) -> Exhibit:
        patch = trees.patch(run.store, run.start, commits[head.number]).decode("utf-8", "replace")
        agent = run.agents.get(head.number)
        words = summary.of_agent(agent).words if agent else ""
        return exhibit(head, patch, words, names, room=room)

    return list(await asyncio.gather(*(asyncio.to_thread(partial(one, head)) for head in heads)))


def _names(run: Run) -> Names:
    """What would tell a judge whose a candidate is."""
    words: dict[str | None, None] = {}
    for agent in run.agents.values():
        status = agent.record.status
        model = status.model.split(" ")[0]
        words |= dict.fromkeys((status.player, status.role, status.model, model, model.rpartition("/")[2]))
    folders = [str(agent.slot.tree) for agent in run.agents.values()]
    return Names(
        words=tuple(word for word in words if word),
        folders=tuple(folder for folder in (*folders, str(run.root), str(Path.home())) if len(folder) > 1),
        task=run.record.task.text,
    )
