"""Keys on their way from clients, which hold them in their environments, to the gateway. They never pass
here: kaged only says which names are wanted, and where to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kage_nvim.errors import KageError
from kage_nvim.model import State
from kage_nvim.orchestrator.peers import Peer

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

log = logging.getLogger("kaged")

WAITS = "keys: "
"""How the reason of an agent that waits for keys begins; the names follow."""


async def deliver(conductor: Conductor, names: list[str], peers: list[Peer]) -> set[str]:
    """Have clients hand the variables they hold to the gateway; returns the names that were brought."""
    socket = await conductor.gateway.ensure()
    brought: set[str] = set()
    for peer in peers:
        try:
            answer = await peer.call("keys.deliver", {"names": names, "socket": socket})
            brought |= set(answer["delivered"])
        except KageError as error:
            log.warning("keys were not delivered: %s", error)
    return brought


async def renew(conductor: Conductor, peer: Peer) -> None:
    """Have the client that sets agents to work again bring its keys: they may have changed since."""
    try:
        if names := await conductor.gateway.known_keys():
            await deliver(conductor, names, [peer])
    except (KageError, OSError) as error:
        log.warning("keys were not renewed: %s", error)


async def bring(conductor: Conductor, peers: list[Peer]) -> None:
    """Have clients bring what agents wait for."""
    names: set[str] = set()
    for run in conductor.runs.values():
        for agent in run.agents.values():
            status = agent.record.status
            if status.state is State.WAITING and status.reason.startswith(WAITS):
                names |= set(status.reason.removeprefix(WAITS).replace(",", " ").split())
    if names:
        await deliver(conductor, sorted(names), peers)
