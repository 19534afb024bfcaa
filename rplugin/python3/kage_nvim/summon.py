"""Starting kaged, and what of a client's environment travels to it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from kage_nvim import paths
from kage_nvim.git import IDENTITY

TOOLCHAIN = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "SHELL",
    "TERM",
    "TZ",
    "TMUX",
    "TMUX_PANE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "NVM_DIR",
    "NVM_BIN",
    "FNM_DIR",
    "VOLTA_HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "SDKMAN_DIR",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "NODE_PATH",
]
"""What of a client's environment travels with it: never anything that could be a key."""

SIGNING = ["GNUPGHOME", "GPG_TTY", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"]
"""What the user's own git needs to sign a commit that they ask for; no agent gets it, nor IDENTITY."""

NETWORK = [
    *(name for each in ("http", "https", "all", "no") for name in (f"{each}_proxy", f"{each.upper()}_PROXY")),
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
]
"""How the user's network is reached. A proxy's address may hold a password, so that it goes to kaged and the
gateway alone, and never to an agent or its pane."""

DAEMON = [
    *NETWORK,
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "SHELL",
    "TZ",
    "TMPDIR",
    "PYTHONDONTWRITEBYTECODE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "KAGE_TRACE",
    "KAGE_LINGER",
    "KAGE_FAIL_AT",
]
"""What kaged and the gateway inherit: exact names, for anything else could be somebody's key."""


def client_environment() -> dict[str, str]:
    """The part of this process's environment that belongs to the client's requests."""
    return {
        name: os.environ[name] for name in (*TOOLCHAIN, *SIGNING, "EMAIL", *IDENTITY) if name in os.environ
    }


def daemon_environment() -> dict[str, str]:
    """The environment for long-lived processes: an allow-list, so that no key is inherited."""
    return {name: os.environ[name] for name in DAEMON if name in os.environ}


def start_daemon() -> subprocess.Popen[bytes]:
    """Start kaged detached from this process; a second one finds the lock taken and ends at once."""
    with (paths.state() / "kaged.log").open("ab") as log:
        return subprocess.Popen(
            [paths.python(), "-I", "-m", "kage_nvim.daemon"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=daemon_environment(),
            start_new_session=True,
        )


def daemon_socket() -> Path | None:
    """The socket that kaged's state file names, if there is such a file."""
    try:
        return Path(json.loads(paths.daemon_file().read_text("utf-8"))["socket"])
    except (OSError, ValueError, KeyError):
        return None
