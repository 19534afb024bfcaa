"""What the orchestrator sees of the programs connected to kaged."""

from __future__ import annotations

from typing import Any, Protocol

from kage_nvim.protocol import Hello


class Peer(Protocol):
    """One connection: an editor, a command line or an agent."""

    hello: Hello

    async def call(self, method: str, params: object, timeout: float = 30.0) -> Any:
        """Ask the peer; returns its result.

        Raises:
            KageError: its error, or that it went away or did not answer in ``timeout`` seconds.
        """

    def push(self, name: str, params: object) -> None:
        """Tell the peer; nothing is answered."""


class Peers(Protocol):
    """Everyone connected."""

    def editors(self) -> list[Peer]:
        """The editors."""

    def clients(self) -> list[Peer]:
        """Editors and command lines: those that can deliver keys."""
