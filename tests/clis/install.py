"""Install the CLIs of the table, each into a folder of its own, and say where they are.

    python -m tests.clis.install [NAME…]     prints the folder, and on stderr what a registry did not give

The folder is a cache: a CLI that is there in the version wanted, with all its files, is left as it is; what
an interrupted or damaged installation left is made anew. Two calls at once wait for each other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.clis.table import CLIS, Cli
from tools import environment

STARTS = 60
"""Seconds in which a program must have shown its help."""


def folder() -> Path:
    """Where they are kept between runs."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("KAGE_CLIS") or Path(cache) / "kage" / "clis")


def path_of(place: Path) -> str:
    """The search path for the programs of one CLI's folder."""
    return os.pathsep.join(str(place / bin) for bin in ("bin", "node_modules/.bin"))


def main(names: list[str]) -> int:
    """See the module. Only a name that is in no table is an error."""
    known = {cli.name: cli for cli in CLIS}
    if unknown := [name for name in names if name not in known]:
        print(f"no such CLI in tests/clis/table.py: {', '.join(unknown)}", file=sys.stderr)
        return 2
    wanted = [known[name] for name in names or known]
    if not os.environ.get("KAGE_CLIS"):
        folder().mkdir(parents=True, exist_ok=True)
        said = contextlib.redirect_stdout(sys.stderr)
        with said, environment.locked(folder()), ThreadPoolExecutor(2) as pool:
            for cli, why in zip(wanted, pool.map(install, wanted), strict=True):
                if why:
                    print(f"not installed, its tests are skipped: {cli.name}: {why}", file=sys.stderr)
    print(folder())
    return 0


def install(cli: Cli) -> str:
    """Install one CLI, unless it is there; returns why it could not be, or nothing."""
    place = folder() / cli.name
    stamp = place / ".kage-version"
    wanted = " ".join([f"{cli.package} {cli.version}", *cli.extra])
    if stamp.is_file() and stamp.read_text("utf-8") == f"{wanted} {digest(place)}":
        return ""
    environment.say(f"installing {cli.name} ({cli.registry}: {cli.package} {cli.version})")
    shutil.rmtree(place, ignore_errors=True)
    try:
        fetch(cli, place)
    except (environment.Failed, OSError) as error:
        shutil.rmtree(place, ignore_errors=True)
        return str(error)[:600]
    if why := broken(cli, place):
        return why
    stamp.write_text(f"{wanted} {digest(place)}", "utf-8")
    return ""


def digest(place: Path) -> str:
    """A hash of the names and sizes of all files; what Python compiles while it runs does not count."""
    total = hashlib.sha256()
    for at, folders, names in os.walk(place):
        folders[:] = sorted(set(folders) - {"__pycache__"})
        for name in sorted(set(names) - {".kage-version"}):
            path = Path(at, name)
            total.update(f"{path.relative_to(place)} {path.lstat().st_size}\n".encode())
    return total.hexdigest()


def fetch(cli: Cli, place: Path) -> None:
    """Get it from its registry.

    Raises:
        Failed: the registry did not give it.
    """
    if cli.registry == "npm":
        place.mkdir(parents=True)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--fetch-timeout=60000"]
        environment.run(["npm", "install", *quiet, "--prefix", str(place), f"{cli.package}@{cli.version}"])
        return
    uv = environment.working_uv()
    environment.create(place, uv)
    environment.install(place, uv, [f"{cli.package}=={cli.version}", *cli.extra])


def broken(cli: Cli, place: Path) -> str:
    """Why it does not start, or nothing."""
    program = shutil.which(cli.name, path=path_of(place))
    if program is None:
        return f"{place} has no program {cli.name}"
    with tempfile.TemporaryDirectory() as home:
        try:
            done = subprocess.run(
                [program, "--help"],
                env={"PATH": os.environ["PATH"], "HOME": home},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=STARTS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    return "" if done.returncode == 0 else f"exit {done.returncode}: {(done.stderr or done.stdout)[-400:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
