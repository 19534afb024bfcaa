"""The gateway's place on this machine: one per user, found by a small file, at two sockets and a port.

The lock decides who is the gateway; the state file says so to others; the sockets always have the same paths,
and the port is the last one if it is free, so that agents find a restarted gateway where the last one was.
What a crash left behind is simply replaced.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kage_nvim import paths
from kage_nvim.version import __version__

BACKLOG = 128


class Sockets(NamedTuple):
    """Where the gateway listens: ``whole`` for kaged and clients, ``models`` and ``port`` for agents."""

    whole: socket.socket
    models: socket.socket
    port: socket.socket


class Place:
    """The lock, held. ``claim`` is how to get one."""

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._start = time.time()
        self._bound: dict[Path, int] = {}

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

    def bind(self) -> Sockets:
        """Listening sockets at the usual places, and the state file that names them."""
        whole, models = paths.gateway_socket(), paths.models_socket()
        self._bound = {}
        sockets = Sockets(self._listen(whole), self._listen(models), _loopback(_last_port()))
        self._announce(whole, models, sockets.port.getsockname()[1])
        return sockets

    def _listen(self, path: Path) -> socket.socket:
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        self._bound[path] = path.stat().st_ino
        return listening

    def lost(self) -> bool:
        """True when a socket is gone from its path (its folder was cleaned up, say)."""
        try:
            return not self._bound or any(path.stat().st_ino != inode for path, inode in self._bound.items())
        except OSError:
            return True

    def leave(self) -> None:
        """Take down sockets and file, and let another gateway begin."""
        if not self.lost():
            for path in self._bound:
                path.unlink(missing_ok=True)
        paths.gateway_file().unlink(missing_ok=True)
        paths.leave_sockets()
        os.close(self._lock)

    def _announce(self, whole: Path, models: Path, port: int) -> None:
        facts = {
            "pid": os.getpid(),
            "start": self._start,
            "socket": str(whole),
            "models": str(models),
            "port": port,
            "version": __version__,
        }
        _write(paths.gateway_file(), json.dumps(facts))
        _write(paths.gateway_port_file(), str(port))


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def _last_port() -> int:
    """The port of the gateway before this one; 0, which is any, if it is not known."""
    try:
        return int(paths.gateway_port_file().read_text("utf-8"))
    except (OSError, ValueError):
        return 0


def _loopback(port: int) -> socket.socket:
    """A listening port on loopback: this one, or any if somebody else has it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        listening.bind(("127.0.0.1", 0))
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


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
