"""What Kage needs and whether it is there, each with its fix."""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kage_nvim import config, discover, paths, sandbox
from kage_nvim.errors import KageError
from kage_nvim.orchestrator import cli_seats
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.version import __version__

NEEDED = {"git": (2, 38), "tmux": (3, 2)}
VERSION_SECONDS = 8.0
"""How long a CLI may take to say its version; those of Python take seconds."""


async def checks(conductor: Conductor, peer: Peer) -> list[dict[str, Any]]:
    """One entry a check: ``name``, ``ok``, ``found``, ``fix``."""
    path = peer.hello.env.get("PATH", "")
    found = [_program(name, least, path) for name, least in NEEDED.items()]
    found.append(_check("python", True, f"{platform.python_version()} ({paths.python()})"))
    count = len(conductor.runs)
    runs = "1 run" if count == 1 else f"{count} runs"
    found.append(_check("kaged", True, f"{__version__}, {runs}, state in {paths.state()}"))
    found.append(await asyncio.to_thread(_sandbox))
    found.append(await _players(peer))
    found.append(await asyncio.to_thread(_clis, path))
    integrity = conductor.database.integrity()
    found.append(_check("database", integrity == "ok", integrity, "Move kage.db away; refs and logs stay."))
    return found


def _check(name: str, ok: bool, found: str, fix: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "found": found, "fix": "" if ok else fix}


def _program(name: str, least: tuple[int, int], path: str) -> dict[str, Any]:
    wanted = ".".join(map(str, least))
    program = shutil.which(name, path=path)
    if program is None:
        return _check(name, False, "not on PATH", f"Install {name} {wanted} or newer.")
    flag = "-V" if name == "tmux" else "--version"
    said = subprocess.run([program, flag], capture_output=True, text=True, check=False).stdout.strip()
    version = re.search(r"(\d+)\.(\d+)", said)
    ok = version is not None and (int(version[1]), int(version[2])) >= least
    return _check(name, ok, said, f"Kage needs {name} {wanted} or newer.")


def _sandbox() -> dict[str, Any]:
    try:
        if config.load_user().sandbox == "off":
            return _check("sandbox", True, 'off: agents\' commands run unconfined (sandbox = "off")')
        sandbox.check()
    except KageError as error:
        return _check("sandbox", False, error.message, error.fix)
    return _check("sandbox", True, "bubblewrap works")


def _clis(path: str) -> dict[str, Any]:
    """The third-party CLIs that are on PATH, with their versions; that none is there is no fault."""
    try:
        own = config.load_user().clis
        described = [cli_seats.describe(name, own) for name in cli_seats.known(own)]
    except KageError as error:
        return _check("clis", False, error.message, error.fix)
    programs = [(cli.name, program) for cli in described if (program := shutil.which(cli.program, path=path))]
    # They may write into HOME even to say their version: it is not the user's.
    with ThreadPoolExecutor() as pool, tempfile.TemporaryDirectory(prefix="kage-") as home:
        env = {"PATH": path, "HOME": home}
        versions = list(pool.map(lambda entry: _version(entry[0], entry[1], env), programs))
    return _check("clis", True, ", ".join(versions) or "none on PATH")


def _version(name: str, program: str, env: dict[str, str]) -> str:
    command = [program, "--version"]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=VERSION_SECONDS,
            stdin=subprocess.DEVNULL,
            env=env,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return f"{name} (its version is not known)"
    number = re.search(r"\d+(?:\.\d+)+", done.stdout.decode("utf-8", "replace"))
    return f"{name} {number[0]}" if number else f"{name} (its version is not known)"


async def _players(peer: Peer) -> dict[str, Any]:
    try:
        user = config.load_user()
    except KageError as error:
        return _check("players", False, error.message, error.fix)
    if user.players:
        return _check("players", True, ", ".join(sorted(user.players)))
    found = await discover.found_async(dict.fromkeys(peer.hello.keys, "set"), probe=True)
    fix = "Export a key, start a local server, or add [players.NAME] to config.toml (:help kage-players)."
    return _check("players", bool(found), ", ".join(entry.what for entry in found) or "none", fix)
