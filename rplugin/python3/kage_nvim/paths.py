"""Where Kage keeps things: XDG folders on every system, and one short private folder for sockets.

Sockets do not live under ``XDG_RUNTIME_DIR``: it differs between ssh, cron, sudo and the desktop, vanishes
at logout while agents go on, and can be too deep to bind (107 bytes). The state folder decides who is kaged,
so the sockets' folder is derived from the state folder's path.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path

from platformdirs.unix import Unix

from kage_nvim.errors import KageError


def config_file() -> Path:
    """The user's ``config.toml``; it need not exist."""
    return Path(Unix("kage", appauthor=False).user_config_dir) / "config.toml"


def data() -> Path:
    """Shadow stores and slots: what is big and must outlive a reboot. Created 0700."""
    return _private(Path(Unix("kage", appauthor=False).user_data_dir))


def state() -> Path:
    """Database, run folders, logs, the daemon's lock. Created 0700."""
    return _private(Path(Unix("kage", appauthor=False).user_state_dir))


def cache() -> Path:
    """What may be deleted at any time, and is made again. Created 0700."""
    return _private(Path(Unix("kage", appauthor=False).user_cache_dir))


def run_folder(run: str) -> Path:
    """The folder of one run's files (specifications, logs); not created here."""
    return state() / "runs" / run


def daemon_file() -> Path:
    """The small JSON file that says who is kaged: pid, start, socket, protocol, version."""
    return state() / "kaged.json"


def gateway_file() -> Path:
    """The same for the gateway: its two sockets and its port on loopback."""
    return state() / "gateway.json"


def gateway_port_file() -> Path:
    """Which port on loopback the gateway has, or had last."""
    return state() / "gateway.port"


def sockets() -> Path:
    """A short folder of mode 0700 owned by this user, made again whenever it vanished.

    Raises:
        KageError: somebody else owns that name.
    """
    digest = hashlib.sha256(os.fsencode(state())).hexdigest()[:10]
    folder = Path("/tmp") / f"kage-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise KageError(
            f"{folder} is not a private folder of yours",
            fix=f"Look who made it (ls -ld {folder}), remove it and try again.",
            code="sockets",
        )
    return folder


def gateway_socket() -> Path:
    """Where kaged and clients reach the gateway."""
    return sockets() / "gateway.sock"


def models_socket() -> Path:
    """Where agents reach the gateway: models, and nothing else."""
    return sockets() / "models.sock"


def leave_sockets() -> None:
    """Remove the sockets' folder with what servers that have ended left there, unless one still listens."""
    folder = sockets()
    for path in folder.iterdir():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                continue
    with suppress(OSError):
        folder.rmdir()


def _private(folder: Path) -> Path:
    """Nobody else may look inside, so that what lies in it can have the user's usual permissions."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def python() -> str:
    """The interpreter that Kage's own processes are started with."""
    return sys.executable
