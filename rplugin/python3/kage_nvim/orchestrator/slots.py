"""Slots: worktrees with a shadow repository each, made once and used again.

The host checks files out with its own git directory (the store) and its own index, and never lets git look
at what lies in ``repo.git`` or at ``tree/.git``: those belong to the agent, who may write there as it likes.

    slots/K/claim      who uses it: pid and start of a process; gone when the slot is free
    slots/K/index      the host's index of tree/
    slots/K/tree/      the agent's worktree         slots/K/repo.git   the agent's git directory
    slots/K/home/      the agent's HOME             slots/K/tmp/       its TMPDIR
    slots/K/included   files copied in by .worktreeinclude, which are never part of a candidate
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kage_nvim import processes
from kage_nvim.errors import KageError
from kage_nvim.failpoints import fail_point
from kage_nvim.git import fields, run_git
from kage_nvim.orchestrator import folders, include
from kage_nvim.orchestrator.repository import user_config
from kage_nvim.orchestrator.shadow import Store, bare_repository
from kage_nvim.orchestrator.snapshot import exclude_files
from kage_nvim.orchestrator.view import joined

_LINK = "tree"
"""The name of the one linked worktree inside ``repo.git/worktrees``."""
FIRST_PORT = 20000
"""Slot 0's; each slot has ten."""
_LITTLE = 16 * 1024 * 1024
"""Bytes; a disk with less than this left is called full."""


@dataclass(frozen=True)
class Slot:
    """One slot by number; every path derives from its folder."""

    number: int
    folder: Path

    @property
    def tree(self) -> Path:
        """The agent's worktree."""
        return self.folder / "tree"

    @property
    def repo_git(self) -> Path:
        """The agent's own git directory."""
        return self.folder / "repo.git"

    @property
    def index(self) -> Path:
        """The host's index of the worktree."""
        return self.folder / "index"

    @property
    def home(self) -> Path:
        """The agent's HOME."""
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        """The agent's TMPDIR."""
        return self.folder / "tmp"

    @property
    def ports(self) -> int:
        """The first of the ten ports that are its own."""
        return FIRST_PORT + 10 * self.number

    @property
    def claim(self) -> Path:
        """Says which process took the slot."""
        return self.folder / "claim"

    def included(self) -> list[str]:
        """Files that were copied in and are never part of a candidate."""
        try:
            found: list[str] = json.loads((self.folder / "included").read_text())
        except FileNotFoundError:
            return []
        return found


def slot(store: Store, number: int) -> Slot:
    """The slot of that number, whether it exists or not."""
    return Slot(number, store.folder / "slots" / str(number))


def acquire(store: Store, snapshot_commit: str, *, held: set[int]) -> Slot:
    """Take a free slot, or make the next one, and check the snapshot out in it.

    A slot is free when its number is not in ``held`` (the slots of live runs) and no living process claims
    it. Safe among threads and processes; slots are filled in parallel.

    Raises:
        KageError: code ``slot``; nothing half-made is left.
    """
    taken = _claim(store, held)
    try:
        fail_point("slot.acquire.intent")
        fill(store, taken, snapshot_commit)
        fail_point("slot.acquire.done")
    except (KageError, OSError) as error:
        failed = _slot_error(taken, error)
        _give_up(taken)
        raise failed from error
    return taken


def fill(store: Store, taken: Slot, commit: str) -> None:
    """Put a slot's files, git directory and homes into the state that an agent begins with."""
    _checkout(store, taken, commit)
    fail_point("slot.acquire.action")
    _agent_repository(store, taken, commit)
    folders.fresh(taken.home)
    folders.fresh(taken.tmp)
    (taken.folder / "included").unlink(missing_ok=True)


def refresh(store: Store, taken: Slot, commit: str) -> None:
    """Make a slot's files those of a commit, but leave what git ignores, such as caches."""
    folders.remove(taken.folder / "index.lock")
    try:
        _reset(store, taken, commit, ("--exclude-standard",))
    except (KageError, OSError):
        fill(store, taken, commit)
        return
    _agent_repository(store, taken, commit)
    folders.fresh(taken.tmp)
    (taken.folder / "included").unlink(missing_ok=True)


def prepare(store: Store, taken: Slot, files: Iterable[str]) -> list[str]:
    """Copy files named by ``.worktreeinclude`` into a slot; returns those copied.

    Raises:
        KageError: code ``slot``, when the disk does not take them.
    """
    try:
        done = include.copy(store.repository.root, taken.tree, files)
        (taken.folder / "included").write_text(json.dumps(done))
    except OSError as error:
        raise _slot_error(taken, error) from error
    return done


def set_aside(taken: Slot, files: Iterable[str]) -> None:
    """Keep more files out of the slot's candidates: what a setup command made is not the agent's work."""
    (taken.folder / "included").write_text(json.dumps(sorted({*taken.included(), *files})))


def release(taken: Slot) -> None:
    """Free a slot for the next run: the tree stays for reuse, the agent's home, tmp and git go."""
    for folder in (taken.home, taken.tmp, taken.repo_git):
        folders.remove(folder)
    taken.claim.unlink(missing_ok=True)


def release_unclaimed(store: Store) -> None:
    """Free the slots that an earlier kaged had taken for checks and could not give back."""
    with folders.locked(store.folder / "slots.lock"):
        for number in numbers(store):
            found = slot(store, number)
            if not _claimed(found):
                release(found)


def destroy(taken: Slot) -> None:
    """Remove a slot with everything in it."""
    folders.remove(taken.folder)


def numbers(store: Store) -> list[int]:
    """The slots that exist, in use or free."""
    folder = store.folder / "slots"
    if not folder.is_dir():
        return []
    return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())


def _claim(store: Store, held: set[int]) -> Slot:
    top = store.folder / "slots"
    with folders.locked(store.folder / "slots.lock"):
        existing = numbers(store)
        free = [number for number in existing if number not in held and not _claimed(slot(store, number))]
        number = free[0] if free else max([0, *existing, *held]) + 1
        taken = Slot(number, top / str(number))
        half = taken.folder / "claim.half"
        try:
            taken.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            half.write_text(json.dumps({"pid": os.getpid(), "start": processes.born(os.getpid())}))
            half.replace(taken.claim)
        except OSError as error:
            with suppress(OSError):
                half.unlink(missing_ok=True)
                taken.folder.rmdir()  # when it was made for this
            raise _slot_error(taken, error) from error
    return taken


def _claimed(found: Slot) -> bool:
    """True while the process that took the slot lives."""
    try:
        claim = json.loads(found.claim.read_text())
    except (FileNotFoundError, ValueError):
        return False
    return processes.alive(claim["pid"], claim["start"])


def _checkout(store: Store, taken: Slot, commit: str) -> None:
    """Make the worktree equal to a commit, reusing what is there when that works."""
    folders.remove(taken.folder / "index.lock")
    if folders.is_folder(taken.tree) and taken.index.is_file():
        try:
            _reset(store, taken, commit)
            return
        except (KageError, OSError):
            # An earlier agent left what git cannot work with (permissions, a broken index): start afresh.
            pass
    folders.remove(taken.index)
    folders.remove(taken.tree)
    taken.tree.mkdir(mode=0o700)
    _read_tree(store, taken, commit)


def _reset(store: Store, taken: Slot, commit: str, left: Sequence[str] = ()) -> None:
    """``left`` are options of ls-files that say which untracked files stay; by default none do."""
    for folder in ("", *folders.open_up(taken.tree, [])):
        folders.remove(taken.tree / folder / ".git")
    _read_tree(store, taken, commit)
    # Ignored files too, or agents would inherit them. Not git clean: it takes a minute over a deep tree.
    extra = run_git(
        ["ls-files", "-z", "-o", "--directory", *left],
        git_dir=store.git_dir,
        work_tree=taken.tree,
        env={"GIT_INDEX_FILE": str(taken.index)},
    )
    for path in fields(extra):
        folders.remove(taken.tree / path.rstrip("/"))


def _read_tree(store: Store, taken: Slot, commit: str) -> None:
    env = {"GIT_INDEX_FILE": str(taken.index)}
    # A worker for each core: 6,000 files take half the time, even when other slots are filled beside.
    several = ["-c", "checkout.workers=0"]
    run_git(
        [*several, "read-tree", "--reset", "-u", "--no-recurse-submodules", commit],
        git_dir=store.git_dir,
        work_tree=taken.tree,
        env=env,
    )


def _agent_repository(store: Store, taken: Slot, commit: str) -> None:
    """A bare repository with one linked worktree, whose index is the host's: its status is clean at once."""
    folders.remove(taken.repo_git)
    repository = store.repository
    config = user_config(repository)
    identity = (
        f"[user]\n\tname = Kage agent {taken.number}\n\temail = kage@localhost\n"
        "[advice]\n\tdetachedHead = false\n[commit]\n\tgpgSign = false\n"
    )
    bare_repository(taken.repo_git, repository, config, store.lent(commit), identity)
    if store.apart(commit).is_dir():
        (taken.repo_git / "shallow").write_text(f"{commit}\n")  # what is before it is not there
    (taken.repo_git / "info" / "exclude").write_bytes(joined(exclude_files(repository, config)))
    link = taken.repo_git / "worktrees" / _LINK
    link.mkdir(parents=True)
    (link / "HEAD").write_text(f"{commit}\n")
    (link / "commondir").write_text("../..\n")
    (link / "gitdir").write_text(f"{taken.tree / '.git'}\n")
    (link / "ORIG_HEAD").write_text(f"{commit}\n")
    shutil.copy2(taken.index, link / "index")
    folders.remove(taken.tree / ".git")
    (taken.tree / ".git").write_text(f"gitdir: {link}\n")


def _give_up(taken: Slot) -> None:
    """Remove a half-made slot; if even that fails, its claim dies with this process."""
    try:
        folders.remove(taken.folder)
    except KageError:
        taken.claim.unlink(missing_ok=True)


def _slot_error(taken: Slot, error: KageError | OSError) -> KageError:
    words = error.message if isinstance(error, KageError) else str(error)
    fix = f"Look at {taken.folder.parent} and try again; kage clean --all starts afresh."
    # git says no more than "unable to write file" when a disk is full.
    free = shutil.disk_usage(taken.folder.parent).free
    if free < _LITTLE or "No space left" in words or "Disk quota" in words:
        fix = f"Free some space on the disk that holds {taken.folder.parent}; kage clean frees old slots."
    return KageError(f"slot {taken.number} could not be made: {words}", fix=fix, code="slot")
