"""``kage diff --tool``: a candidate in any difftool, beside the user's own files.

git's ``difftool--helper`` starts the tool, so what is configured for ``git difftool`` holds here. Left are
read-only copies of the candidate's files, right the user's real ones: what is changed there is changed.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.errors import KageError

SETTINGS = ("diff.tool", "merge.tool", "diff.guitool")


@dataclass
class Pair:
    """One file: its path in the repository, the candidate's bytes (``None``: deleted), and whether it is to
    be executable."""

    path: str
    theirs: bytes | None
    executable: bool = False


def chosen(root: Path, name: str) -> None:
    """Is there a tool to start?

    Raises:
        KageError: none is named or configured.
    """
    if name:
        return
    for setting in SETTINGS:
        done = subprocess.run(["git", "config", "--get", setting], cwd=root, capture_output=True, check=False)
        if done.stdout.strip():
            return
    raise KageError(
        "no difftool is configured",
        fix="Name one: kage diff --tool=vimdiff; or git config --global diff.tool NAME. "
        "git difftool --tool-help lists them.",
    )


def mine(root: Path, path: str) -> bytes | None:
    """The user's own file, ``None`` when there is none.

    Raises:
        NotADirectoryError: a link or a folder is in its place, or a link on the way.
    """
    real = root / path
    linked = any((root / parent).is_symlink() for parent in Path(path).parents)
    if linked or real.is_symlink() or real.is_dir():
        raise NotADirectoryError(path)
    return real.read_bytes() if real.is_file() else None


def show(root: Path, name: str, pairs: Sequence[Pair], *, whole: bool, say: Callable[[str], None]) -> None:
    """Start the tool for each file in turn, or once for all of them (``whole``); ``say`` is told what became
    of files that the tool replaced or made.

    Raises:
        KageError: the tool could not be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="kage-diff-"))
    left, right = folder / "theirs", folder / "yours"
    sides = [_Side(root, left, right, pair) for pair in pairs]
    try:
        for side in sides:
            side.write(link=whole)
        if whole:
            _start(root, name, [str(left), str(right)], GIT_DIFFTOOL_DIRDIFF="true")
        for side in [] if whole else sides:
            yours = side.right if side.absent else side.real
            _start(root, name, [side.pair.path, str(side.left), ".", ".", str(yours), ".", "."])
    finally:
        # However it ended: what the user made in the tool is theirs.
        for note in filter(None, [side.bring_back() for side in sides]):
            say(note)
        if not any(side.kept for side in sides):
            shutil.rmtree(folder, ignore_errors=True)


class _Side:
    """One file on both sides."""

    def __init__(self, root: Path, left: Path, right: Path, pair: Pair) -> None:
        self.pair = pair
        self.kept = False
        self.real = root / pair.path
        self.left, self.right = left / pair.path, right / pair.path
        self.absent = not os.path.lexists(self.real)
        self.before = b"" if self.absent else self.real.read_bytes()

    def write(self, *, link: bool) -> None:
        self.left.parent.mkdir(parents=True, exist_ok=True)
        self.left.write_bytes(self.pair.theirs or b"")
        self.left.chmod(stat.S_IRUSR | (stat.S_IXUSR if self.pair.executable else 0))
        if self.absent:
            # A file that you do not have: what is put into its empty place becomes yours.
            self.right.parent.mkdir(parents=True, exist_ok=True)
            self.right.write_bytes(b"")
        elif link:
            self.right.parent.mkdir(parents=True, exist_ok=True)
            self.right.symlink_to(self.real)

    def bring_back(self) -> str:
        """What the tool wrote in another place than the real file is put there; returns what to tell."""
        if self.right.is_symlink() or not self.right.is_file():
            return ""
        made = self.right.read_bytes()
        if made == self.before:
            return ""
        now = self.real.read_bytes() if self.real.is_file() else None
        if now != (None if self.absent else self.before) or self.real.is_symlink():
            self.kept = True
            return f"{self.pair.path} changed meanwhile: what the tool wrote is kept in {self.right}"
        self.real.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.real.with_name(f".kage-{os.getpid()}-{self.real.name}"[:250])
        mode = (0o755 if self.pair.executable else 0o644) if self.absent else self.real.stat().st_mode
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(made)
        temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(self.real)
        return f"{self.pair.path}: {'made' if self.absent else 'changed'}"


def _start(root: Path, name: str, words: list[str], **more: str) -> None:
    env = dict(os.environ) | {"GIT_DIFFTOOL_NO_PROMPT": "true", "GIT_PREFIX": ""} | more
    if name:
        env["GIT_DIFF_TOOL"] = name
    done = subprocess.run(["git", "difftool--helper", *words], cwd=root, env=env, check=False)
    if done.returncode:
        raise KageError(
            f"the difftool{f' {name}' if name else ''} ended with {done.returncode}",
            fix="git difftool --tool-help lists the tools that are known; "
            "git config difftool.NAME.cmd defines one.",
        )
