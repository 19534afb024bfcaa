"""The bench: one slot of a repository in which checks are run, kept from one check to the next.

What checks leave there and git ignores (installed packages, compiled files, caches) stays, so that the next
check is quick; tracked files are made equal to the tree, other files go.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path

import msgspec

from kage_nvim import sandbox
from kage_nvim.config import RepositoryConfig, Setup, UserConfig
from kage_nvim.errors import KageError
from kage_nvim.evaluate.checks.found import OWN_PROGRAMS
from kage_nvim.evaluate.results import shown
from kage_nvim.git import fields, run_git
from kage_nvim.model import Profile
from kage_nvim.orchestrator import include, setup, slots
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.slots import Slot

_INSTALLS = re.compile(
    r"(?:dev-|test-)?requirements.*\.(?:txt|in)|constraints.*\.txt|pyproject\.toml|setup\.(?:py|cfg)|Pipfile"
    r"|environment\.ya?ml|package\.json|npm-shrinkwrap\.json|package-lock\.json|pnpm-(?:lock|workspace)\.yaml"
    r"|.*\.lockb?|\.npmrc|Cargo\.toml|rust-toolchain.*|go\.(?:mod|sum|work)|Gemfile|composer\.json|pom\.xml"
    r"|.*\.gradle(?:\.kts)?|libs\.versions\.toml|CMakeLists\.txt|conanfile\..*|vcpkg\.json|mix\.exs"
)


class Bench:
    """One repository's slot for checks; made with the first one, released with ``close``."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.slot: Slot | None = None
        self.commit = ""
        self._prepared: bytes | None = None

    async def lay(
        self,
        commit: str,
        held: set[int],
        user: UserConfig,
        settings: RepositoryConfig,
        client_env: dict[str, str],
    ) -> Profile:
        """Put a commit's files there, set up as agents' slots are; returns how to run commands in it.

        Raises:
            KageError: the slot cannot be made, or the setup command fails in it.
        """
        self.commit = ""
        if self.slot is None or not self.slot.repo_git.is_dir():
            self.slot = await asyncio.to_thread(slots.acquire, self.store, commit, held=held)
            self._prepared = None
        else:
            await asyncio.to_thread(slots.refresh, self.store, self.slot, commit)
        await asyncio.to_thread(self._copy_in, self.slot, commit)
        profile = await asyncio.to_thread(self._profile, self.slot, commit, user, settings, client_env)
        if settings.setup:
            wanted = await asyncio.to_thread(_set_up_for, self.store, commit, settings.setup)
            if self._prepared != wanted:
                self._prepared = None
                await setup.prepare(settings.setup, profile, "where checks are run")
            self._prepared = wanted
        self.commit = commit
        return profile

    async def close(self) -> None:
        """Give the slot back."""
        taken, self.slot = self.slot, None
        if taken is not None:
            await asyncio.to_thread(slots.release, taken)

    def _copy_in(self, slot: Slot, commit: str) -> None:
        repository = self.store.repository
        files = include.included(repository, self.store, self.store.scratch)
        files += include.submodule_files(repository, self.store, commit, self.store.scratch)
        if files:
            slots.prepare(self.store, slot, files)

    def _profile(
        self,
        slot: Slot,
        commit: str,
        user: UserConfig,
        settings: RepositoryConfig,
        client_env: dict[str, str],
    ) -> Profile:
        profile = sandbox.profile(
            mode=user.sandbox,
            slot_tree=slot.tree,
            slot_git=slot.repo_git,
            slot_home=slot.home,
            slot_tmp=slot.tmp,
            objects=self.store.object_folders(commit),
            repository=Path(self.store.repository.root),
            client_env=client_env,
            number=0,
            ports=slot.ports,
            environments=settings.setup is None,
        )
        # Python takes a source for unchanged when its size and its second are: what one check compiled must
        # not be there for the next. What is installed was compiled where it lies.
        unwritten = {"PYTHONPYCACHEPREFIX": "", "PYTHONDONTWRITEBYTECODE": "1"}
        path = _path(self.store, slot.tree, commit, profile, client_env)
        return msgspec.structs.replace(profile, env=profile.env | unwritten | {"PATH": path})


def _path(store: Store, tree: Path, commit: str, profile: Profile, client_env: dict[str, str]) -> str:
    """PATH with the programs of the repository's own environments: first, unless the user works in another.
    What a candidate brings itself is none of them."""
    root = Path(store.repository.root)
    tops = [name for name in OWN_PROGRAMS if (root / name).is_dir()]
    if not tops:
        return profile.env["PATH"]
    named = run_git(["ls-tree", "-z", "--name-only", commit], git_dir=store.git_dir)
    tracked = set(fields(named))
    where = root if profile.mode == "off" else tree
    own = [str(where / name) for name in tops if name.partition("/")[0] not in tracked]
    parts = profile.env["PATH"].split(":")
    elsewhere = any(client_env.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX"))
    return ":".join(dict.fromkeys([*parts, *own] if elsewhere else [*own, *parts]))


def is_changed(store: Store, tree: str) -> bool:
    """Whether a tracked file of a bench is another than when it was laid out; said of what cannot be
    looked at, too."""
    env = {"GIT_INDEX_FILE": str(Path(tree).parent / "index")}
    run = partial(run_git, git_dir=store.git_dir, work_tree=Path(tree), env=env)
    try:
        run(["update-index", "-q", "--refresh"])
        return bool(run(["diff-files", "--name-only", "-z", "--ignore-submodules=all"]))
    except (KageError, OSError):
        return True


def _set_up_for(store: Store, commit: str, asked: Setup) -> bytes:
    """What decides what the setup command makes of a tree: itself, the files that it names, and those that
    say what is installed. A candidate may have changed them."""
    entries = run_git(["ls-tree", "-r", "-z", commit], git_dir=store.git_dir)
    words = shown(asked.command)
    told = sorted(entry for entry in fields(entries) if is_named(entry.partition("\t")[2], words))
    return msgspec.json.encode((asked, told))


def is_named(path: str, command: str) -> bool:
    """Whether a file decides what a setup command with these words installs."""
    name = path.rpartition("/")[2]
    return _INSTALLS.fullmatch(name) is not None or path in command
