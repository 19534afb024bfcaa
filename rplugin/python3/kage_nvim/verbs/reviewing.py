"""Reviews: of what the user has, of candidates, of revisions."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.reviewing.reviews import Wish
from kage_nvim.orchestrator.reviewing.scope import Asked
from kage_nvim.verbs.table import In, verb


class Ask(In):
    """``base``: a revision, a range, a candidate (``2``, ``RUN:2``) or nothing; ``head``: a revision."""

    base: str = ""
    head: str = ""
    roles: list[str] = []
    players: list[str] = []
    confirmed: list[str] = []


class Kept(In):
    """``id``: a review, or nothing for the newest."""

    id: str = ""


class Dismiss(Kept):
    finding: str = ""
    dismissed: bool = True


class File(Kept):
    path: str = ""


@verb("review", Ask)
async def _review(conductor: Conductor, peer: Peer, asked: Ask) -> dict[str, Any]:
    what = Asked(asked.base, asked.head, asked.run)
    wish = Wish(asked.roles, asked.players, asked.confirmed)
    return await conductor.reviews.review(peer, asked.cwd, what, wish)


@verb("review_again", Kept)
async def _again(conductor: Conductor, peer: Peer, asked: Kept) -> dict[str, Any]:
    return await conductor.reviews.again(asked.cwd, asked.id)


@verb("review_dismiss", Dismiss)
async def _dismiss(conductor: Conductor, peer: Peer, asked: Dismiss) -> dict[str, Any]:
    await conductor.reviews.dismiss(asked.cwd, asked.id, asked.finding, asked.dismissed)
    return {}


@verb("review_file", File)
async def _file(conductor: Conductor, peer: Peer, asked: File) -> dict[str, Any]:
    return {"lines": await conductor.reviews.file(asked.cwd, asked.id, asked.path)}


@verb("review_stop", In)
async def _stop(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return {"stopped": await conductor.reviews.stop(asked.cwd)}
