"""What open editors hold of a repository: their buffers are part of what the user sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.errors import refused
from kage_nvim.orchestrator.peers import Peer, Peers
from kage_nvim.protocol import unb64


@dataclass(frozen=True)
class Buffer:
    """A loaded buffer of a file under a repository. ``content`` is set when it is modified: exact bytes."""

    peer: Peer
    path: Path
    tick: int
    content: bytes | None


async def open_buffers(peers: Peers, root: Path) -> list[Buffer]:
    """All loaded file buffers under ``root``, of all connected editors.

    Raises:
        KageError: two editors hold different unsaved versions of one file.
    """
    found: dict[Path, Buffer] = {}
    for peer in peers.editors():
        answer = await peer.call("editor.buffers", {"repository": str(root)})
        for entry in answer["buffers"]:
            path = Path(entry["path"])
            content = unb64(entry["b64"]) if entry["modified"] else None
            other = found.get(path)
            if other and other.content is not None and content is not None and other.content != content:
                raise refused(
                    f"{path.relative_to(root)} is open with different unsaved changes in two editors",
                    fix="Save it in one of them and reload it in the other.",
                )
            if other is None or content is not None:
                found[path] = Buffer(peer, path, int(entry["changedtick"]), content)
    return list(found.values())


def overlays(buffers: Iterable[Buffer], root: Path) -> dict[str, bytes]:
    """The unsaved contents among these buffers, by path from the root."""
    return {str(b.path.relative_to(root)): b.content for b in buffers if b.content is not None}
