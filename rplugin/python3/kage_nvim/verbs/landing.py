"""Candidates into the user's files, and out again; and what is freed afterwards."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator import clean
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.landing import accepting, picking, undoing
from kage_nvim.orchestrator.landing.branches import Wish
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.verbs.table import In, verb


class Accept(In):
    """``agents`` (or ``agent`` alone) land together; ``how`` is ``merge``, ``rebase`` or ``squash``.
    ``picks`` are single hunks, of what was ``shown`` as the base; they name their agents."""

    agent: int = 0
    agents: list[int] = []
    paths: list[str] = []
    force: bool = False
    commit: bool = False
    message: str = ""
    branch: str = ""
    how: str = ""
    picks: list[picking.Pick] = []
    shown: str = ""

    @property
    def numbers(self) -> list[int]:
        """The candidates in the order given, each once."""
        return picking.numbers(self.picks) or list(dict.fromkeys(self.agents or [self.agent]))


class Undo(In):
    count: int = 1


class Clean(In):
    all: bool = False


@verb("accept", Accept)
async def _accept(conductor: Conductor, peer: Peer, asked: Accept) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    wish = Wish(asked.commit, asked.message, asked.branch, asked.how)
    wish.check()
    return await accepting.accept(
        conductor,
        run,
        asked.numbers,
        asked.paths,
        force=asked.force,
        peer=peer,
        wish=wish,
        picks=asked.picks,
        shown=asked.shown,
    )


@verb("undo", Undo)
async def _undo(conductor: Conductor, peer: Peer, asked: Undo) -> dict[str, Any]:
    return await undoing.undo(conductor, asked.cwd, asked.count)


@verb("history", In)
async def _history(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    root = (await conductor.repository(asked.cwd)).root
    found = conductor.database.landings(str(root))
    return {"landings": [entry for entry in found if entry.undoes is None]}


@verb("clean", Clean)
async def _clean(conductor: Conductor, peer: Peer, asked: Clean) -> dict[str, Any]:
    if asked.run or not asked.all:
        return await clean.clean(conductor, [await conductor.run(asked.cwd, asked.run)])
    root = (await conductor.repository(asked.cwd)).root
    return await clean.clean(conductor, conductor.of_repository(root))
