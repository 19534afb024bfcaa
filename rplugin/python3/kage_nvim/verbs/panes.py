"""Where agents are seen."""

from __future__ import annotations

from typing import Any

from kage_nvim.orchestrator import control
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.tmux import views
from kage_nvim.verbs.table import In, Of, verb


@verb("focus", Of)
async def _focus(conductor: Conductor, peer: Peer, asked: Of) -> dict[str, Any]:
    run = await conductor.run(asked.cwd, asked.run)
    return await views.focus(run, control.chosen(run, asked.agent)[0], peer)


@verb("hide", In)
async def _hide(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return await views.hide(conductor, await conductor.run(asked.cwd, asked.run), peer)


@verb("attach", In)
async def _attach(conductor: Conductor, peer: Peer, asked: In) -> dict[str, Any]:
    return views.attach(await conductor.run(asked.cwd, asked.run), peer)
