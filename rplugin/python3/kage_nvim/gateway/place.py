"""The gateway's place on this machine: one per user, found by a small file, reached by one socket.

The lock decides who is the gateway; the state file says so to others; the socket always has the same path, so
that agents find a restarted gateway where the last one was. What a crash left behind is simply replaced.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from kage_nvim import paths
from kage_nvim.version import __version__

BACKLOG = 128


class Place:
    """The lock, held. ``claim`` is how to get one."""

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._start = time.time()
        self._bound: tuple[Path, int] | None = None

    @classmethod
    def claim(cls) -> Place | None:
        """The place, unless another gateway has it."""
        lock = os.open(paths.state() / "gateway.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return cls(lock)

    def bind(self) -> socket.socket:
        """A listening socket at the usual path, and the state file that names it."""
        path = paths.sockets() / "gateway.sock"
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        self._bound = (path, path.stat().st_ino)
        self._announce(path)
        return listening

    def lost(self) -> bool:
        """True when the socket is gone from its path (its folder was cleaned up, say)."""
        if self._bound is None:
            return True
        path, inode = self._bound
        try:
            return path.stat().st_ino != inode
        except OSError:
            return True

    def leave(self) -> None:
        """Take down socket and file, and let another gateway begin."""
        if self._bound and not self.lost():
            self._bound[0].unlink(missing_ok=True)
        paths.gateway_file().unlink(missing_ok=True)
        paths.leave_sockets()
        os.close(self._lock)

    def _announce(self, path: Path) -> None:
        text = json.dumps(
            {"pid": os.getpid(), "start": self._start, "socket": str(path), "version": __version__}
        )
        draft = paths.gateway_file().with_suffix(".new")
        draft.write_text(text, "utf-8")
        draft.replace(paths.gateway_file())


def kaged_listens() -> bool:
    """True when kaged accepts connections where its file says."""
    try:
        path = json.loads(paths.daemon_file().read_text("utf-8"))["socket"]
    except (OSError, ValueError, KeyError):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, suppress(OSError):
        probe.settimeout(1.0)
        probe.connect(path)
        return True
    return False
