"""Weakened tests, read in a process of its own that has so long and no longer."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kage_nvim import paths
from kage_nvim.errors import KageError
from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.git import HasGitDir

SECONDS = 60.0
"""What reading one change may take; thousands of changed tests take some ten."""


class Asked(msgspec.Struct, frozen=True):
    """A question: two trees of a store, and globs of files that are tests there."""

    folder: str
    base: str
    tree: str
    more: list[str]

    @property
    def git_dir(self) -> Path:
        """The store's."""
        return Path(self.folder)


def weakened(store: HasGitDir, base: str, tree: str, more: Sequence[str] = ()) -> list[Weakening]:
    """What weakens tests between two trees. Blocks: for a thread. A change that cannot be read in time is no
    good change: that is what is named of it then.

    Raises:
        KageError: the reading itself failed.
    """
    if base == tree:
        return []
    asked = msgspec.json.encode(Asked(str(store.git_dir), base, tree, list(more)))
    argv = [paths.python(), "-I", "-m", "kage_nvim.evaluate.guard.weakened"]
    try:
        done = subprocess.run(argv, input=asked, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        text = f"the change could not be read for weakened tests within {SECONDS:g} s"
        return [Weakening("unread", "", 0, text)]
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise KageError(f"the change could not be read for weakened tests: {said}")
    return msgspec.json.decode(done.stdout, type=list[Weakening])
