"""What Kage needs and whether it is there, each with its fix."""

from __future__ import annotations

import asyncio
import platform
import re
import shutil
import subprocess
from typing import Any

from kage_nvim import config, discover, paths, sandbox
from kage_nvim.errors import KageError
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.version import __version__

NEEDED = {"git": (2, 38), "tmux": (3, 2)}


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
