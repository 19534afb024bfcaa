"""What the tests of the git side share: real repositories, fingerprints, a store for each."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from kage_nvim.orchestrator.shadow import Store, discover
from kage_nvim.trees import entries, read_blobs
from tests.conftest import git


def fingerprint(root: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time of change and content of everything below a folder, ``.git`` included."""
    found = {}
    for top, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(top) / name
            seen = path.lstat()
            content = ""
            if stat.S_ISLNK(seen.st_mode):
                content = str(path.readlink())
            elif stat.S_ISREG(seen.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(root))] = (seen.st_mode, seen.st_mtime_ns, content)
    return found


def make(root: Path, **files: bytes) -> Path:
    """A repository with one commit of these files (``a__b`` is ``a/b``)."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q")
    put(root, {name.replace("__", "/"): data for name, data in files.items()})
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def put(root: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def store_of(root: Path) -> Store:
    """The store of the repository at ``root``."""
    return Store.open(discover(root))


def content(store: Store, tree: str) -> dict[str, tuple[str, bytes]]:
    """Everything in a tree: path → (mode, bytes)."""
    found = entries(store, tree)
    blobs = read_blobs(store, (entry.sha for entry in found if entry.mode != "160000"))
    return {entry.path: (entry.mode, blobs.get(entry.sha, b"")) for entry in found}


def on_disk(root: Path) -> dict[str, tuple[str, bytes]]:
    """The same of a folder, without ``.git``."""
    found = {}
    for top, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        for name in (*names, *links):
            path = Path(top) / name
            if name == ".git":
                continue
            if path.is_symlink():
                found[path.relative_to(root).as_posix()] = ("120000", os.fsencode(path.readlink()))
            elif path.is_file():
                mode = "100755" if path.stat().st_mode & 0o100 else "100644"
                found[path.relative_to(root).as_posix()] = (mode, path.read_bytes())
    return found
