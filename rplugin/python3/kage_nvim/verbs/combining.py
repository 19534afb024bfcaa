"""One candidate out of several."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator.combining import composing, synthesising
from kage_nvim.orchestrator.combining.composing import Found
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.preparation import Layout
from kage_nvim.verbs.table import In, verb


class Compose(In):
    """``agents``: candidates' numbers, or none for all; ``seconds``: how long is searched at most."""

    agents: list[int] = []
    seconds: float | None = None
    confirmed: list[str] = []


@verb("compose", Compose)
async def _compose(conductor: Conductor, peer: Peer, asked: Compose) -> Found:
    run = await conductor.run(asked.cwd, asked.run)
    composing.chosen(run, asked.agents)
    await conductor.checks.confirm(run.root, peer.hello.env, asked.confirmed)
    return await conductor.checks.while_asked(
        peer, composing.compose(conductor, run, asked.agents, asked.seconds)
    )


class Synth(In):
    """``number``: the candidate to begin from (``None``: the winner); ``player``: as at a spawn."""

    number: int | None = None
    player: str = ""
    layout: Layout = Layout()
    confirmed: list[str] = []


@verb("synth", Synth)
async def _synth(conductor: Conductor, peer: Peer, asked: Synth) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    synthesising.fits(run)
    await conductor.checks.confirm(run.root, peer.hello.env, asked.confirmed)
    return await synthesising.begin(
        conductor,
        peer,
        run,
        number=asked.number,
        player=asked.player,
        confirmed=asked.confirmed,
        layout=asked.layout,
    )
