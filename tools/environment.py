"""Make one of Kage's Python environments from a hash-locked list; the standard library is all it needs.

    environment.py FOLDER --lock LIST --editable CHECKOUT             the developer's .venv
    environment.py FOLDER --lock LIST --release CHECKOUT              a user's: FOLDER/DIGEST, named by what
                                                                      is in it, with FOLDER/current on it

It uses ``uv`` when one works and ``venv`` with ``pip`` otherwise, prints a line for every step, and leaves
a stamp that makes the next call instant. Two calls for one folder wait for each other.

A release is made beside the ones before it and never changed again, so what runs goes on with its own;
``current`` moves when the new one is whole. Releases that nothing runs from are removed, but for the last.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 10)
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "rplugin/python3/kage_nvim")


class Failed(Exception):
    """A step did not work; the text says what happened and what to do."""


def main() -> int:
    """Parse the arguments, make the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make one of Kage's Python environments.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--stamp", default="ready", help="name of this list's stamp inside the folder")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--editable", type=Path, metavar="CHECKOUT")
    kind.add_argument("--release", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    folder, lock = options.folder.absolute(), options.lock.absolute()
    try:
        if options.release:
            release(folder, lock, options.release.absolute())
        else:
            make(folder, lock, options.editable.absolute(), stamp=options.stamp)
    except Failed as error:
        print(f"kage: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def make(folder: Path, lock: Path, checkout: Path, *, stamp: str, editable: bool = True) -> None:
    """Bring the environment in ``folder`` to what ``lock`` and the checkout say.

    Raises:
        Failed: this Python is too old, or a step failed; the stamp is then gone and the next call goes on.
    """
    if sys.version_info < OLDEST:
        raise Failed(
            f"Python {sys.version.split()[0]} is too old: Kage needs 3.10 or newer.\n"
            "Install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python), "
            "or name it: make PYTHON=/path/to/python3.12"
        )
    mark = folder / f".kage-{stamp}"
    wanted = digest(lock, checkout, editable)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if mark.exists() and mark.read_text() == wanted:
            mark.touch()
            return
        mark.unlink(missing_ok=True)
        if not editable:
            shutil.rmtree(folder, ignore_errors=True)
        uv = working_uv()
        create(folder, uv)
        say(f"installing {count(lock)} locked packages with {'uv' if uv else 'pip'}")
        install(folder, uv, ["--require-hashes", "-r", str(lock)])
        say("installing Kage itself")
        install_kage(folder, uv, checkout, editable)
        mark.write_text(wanted)


def release(folder: Path, lock: Path, checkout: Path) -> None:
    """Make the environment of this version beside the others in ``folder``, then move ``current`` to it."""
    name = digest(lock, checkout, False)[:16]
    place, link = folder / name, folder / "current"
    make(place, lock, checkout, stamp="ready", editable=False)
    with locked(folder / "current"):
        before = link.readlink().name if link.is_symlink() else name
        draft = folder / f".current-{os.getpid()}"
        draft.symlink_to(name)
        draft.replace(link)
        sweep(folder, keep={name, before})
    say(f"ready: {place}")


def sweep(folder: Path, keep: set[str]) -> None:
    """Remove releases that no process was started from; all stay when the processes cannot be listed."""
    try:
        listing = subprocess.run(["ps", "-axww", "-o", "args="], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return
    for old in folder.iterdir():
        whole = not old.is_symlink() and (old / ".kage-ready").exists()
        if whole and old.name not in keep and f"{old}/" not in listing.stdout:
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside ``path``; the kernel frees it when this process ends, however that happens."""
    with (path.parent / f".{path.name.lstrip('.')}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def digest(lock: Path, checkout: Path, editable: bool) -> str:
    """A name for what the environment is made of: the list, and the package when it is copied in."""
    found = hashlib.sha256(lock.read_bytes())
    found.update(repr((sys.version_info[:2], editable, str(checkout) if editable else "")).encode())
    found.update((checkout / "pyproject.toml").read_bytes())
    if not editable:
        for path in sorted((checkout / SOURCES[-1]).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(os.fsencode(path.relative_to(checkout)) + b"\0" + path.read_bytes())
    return found.hexdigest()


def create(folder: Path, uv: str | None) -> None:
    """An empty environment in ``folder``; one that is there and works on this version of Python is kept."""
    python = folder / "bin" / "python"
    probe = "import sys; print(sys.version_info[:2])"
    if python.exists():
        found = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
        has_pip = uv is not None or (folder / "bin" / "pip").exists()
        if found.stdout.strip() == str(tuple(sys.version_info[:2])) and has_pip:
            return
    say(f"making an environment with Python {sys.version.split()[0]}")
    shutil.rmtree(folder, ignore_errors=True)
    if uv:
        run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)])
        return
    try:
        run([sys.executable, "-m", "venv", str(folder)])
    except Failed as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Failed(
            f"{error}\nOn Debian and Ubuntu: apt-get install -y python3-venv; or install uv."
        ) from None


def install(folder: Path, uv: str | None, arguments: list[str]) -> None:
    """``pip install`` of what the arguments name, into the environment and nowhere else."""
    python = str(folder / "bin" / "python")
    if uv:
        run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *arguments])
    else:
        run([python, "-m", "pip", "install", "--quiet", "--no-input", *arguments])


def install_kage(folder: Path, uv: str | None, checkout: Path, editable: bool) -> None:
    """The package, without its dependencies and with the setuptools that the list brought."""
    alone = ["--no-deps", "--no-build-isolation"]
    if editable:
        install(folder, uv, [*alone, "--editable", str(checkout)])
        return
    # Built from a copy: setuptools leaves build/ in the sources, and what an older build left there would
    # be installed again.
    with tempfile.TemporaryDirectory(prefix="kage-build-") as copy:
        for name in SOURCES:
            source, target = checkout / name, Path(copy) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        install(folder, uv, [*alone, "--force-reinstall", copy])


def run(argv: list[str]) -> None:
    """Run one command; its output is shown only when it fails."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET")}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    try:
        done = subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Failed(f"cannot run {argv[0]}: {error}") from error
    if done.returncode:
        words = " ".join([Path(argv[0]).name, *argv[1:4]])
        said = (done.stderr or done.stdout).strip()[-3000:]
        raise Failed(
            f"`{words} …` ended with {done.returncode}:\n{said}\nCheck the network and run it again."
        )


def working_uv() -> str | None:
    """The ``uv`` on PATH, if it runs: version managers leave shims there for programs they do not have."""
    uv = shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
        return uv
    return None


def count(lock: Path) -> int:
    """How many pins a list holds."""
    return sum("==" in line and not line.startswith((" ", "#")) for line in lock.read_text().splitlines())


def say(text: str) -> None:
    """One line of progress."""
    print(f"kage: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
