"""Install the CLIs of the table, each into a folder of its own, and say where they are.

    python -m tests.clis.install [NAME…]     prints the folder, and on stderr what a registry did not give

The folder is a cache: a CLI that is there in the version wanted is left as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clis.table import CLIS, Cli

SECONDS = 600


def folder() -> Path:
    """Where they are kept between runs."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("KAGE_CLIS") or Path(cache) / "kage" / "clis")


def main(names: list[str]) -> int:
    """See the module. Only a name that is in no table is an error."""
    known = {cli.name: cli for cli in CLIS}
    if unknown := [name for name in names if name not in known]:
        print(f"no such CLI in tests/clis/table.py: {', '.join(unknown)}", file=sys.stderr)
        return 2
    for name in names or known:
        why = install(known[name])
        if why:
            print(f"not installed, its tests are skipped: {name}: {why}", file=sys.stderr)
    print(folder())
    return 0


def install(cli: Cli) -> str:
    """Install one CLI, unless it is there; returns why it could not be, or nothing."""
    place = folder() / cli.name
    stamp = place / ".kage-version"
    wanted = " ".join([f"{cli.package} {cli.version}", *cli.extra])
    if os.environ.get("KAGE_CLIS") or (stamp.is_file() and stamp.read_text("utf-8") == wanted):
        return ""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for command in commands(cli, place):
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode:
            return (done.stderr or done.stdout).strip()[-400:]
    stamp.write_text(wanted, "utf-8")
    return ""


def commands(cli: Cli, place: Path) -> list[list[str]]:
    """What installs it, by registry."""
    if cli.registry == "npm":
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        return [["npm", "install", *quiet, "--prefix", str(place), f"{cli.package}@{cli.version}"]]
    pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [
        [sys.executable, "-m", "venv", str(place)],
        [*pip, f"{cli.package}=={cli.version}", *cli.extra],
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
