"""The store: a bare repository of Kage's own for each of the user's, borrowing its objects.

Nothing is ever written into the user's repository. Refs of the store hold what Kage must not lose:
``refs/kage/RUN/base``, ``refs/kage/RUN/N``, and ``refs/kage/trash/DATE-…`` for what was thrown away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kage_nvim import paths
from kage_nvim.git import RAW_ATTRIBUTES, run_git
from kage_nvim.orchestrator import folders
from kage_nvim.orchestrator.repository import Repository, UserConfig, discover
from kage_nvim.orchestrator.snapshot import SIZE_LIMIT, Snapshot, take_snapshot
from kage_nvim.orchestrator.view import repository_config
from kage_nvim.trees import BROUGHT, SUBMODULE, bring, entries, own_objects, read_blobs, writing

__all__ = ["Repository", "Snapshot", "Store", "discover"]

TRASH = "refs/kage/trash/"
TRASH_DAYS = 30


@dataclass(frozen=True)
class Store:
    """The shadow of one repository. ``folder`` holds ``store.git``, the slots and short-lived scratch."""

    repository: Repository
    folder: Path

    @property
    def git_dir(self) -> Path:
        """The bare repository."""
        return self.folder / "store.git"

    @property
    def scratch(self) -> Path:
        """Where indexes and views live for a moment."""
        return self.folder / "scratch"

    @classmethod
    def open(cls, repository: Repository) -> Store:
        """The store of a repository, made when there is none; safe in parallel and after a crash."""
        top = paths.data() / "stores"
        store = cls(repository, top / _name(repository))
        with folders.locked(top / f".{store.folder.name}.lock"):
            store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            store.scratch.mkdir(mode=0o700, exist_ok=True)
            if not (store.git_dir / "HEAD").is_file():
                half = store.folder / "store.half"
                folders.remove(half)
                folders.remove(store.git_dir)
                bare_repository(
                    half, repository, UserConfig(), [own_objects(store.git_dir), repository.objects]
                )
                (own_objects(half) / "pack").mkdir(parents=True)
                half.rename(store.git_dir)
            mirror_shallow(repository, store.git_dir)
        return store

    def snapshot(self, overlays: Mapping[str, bytes], *, size_limit: int = SIZE_LIMIT) -> Snapshot:
        """Commit the user's working tree as it is, unsaved buffers included; see ``take_snapshot``."""
        return take_snapshot(self, self.repository, overlays, scratch=self.scratch, size_limit=size_limit)

    def pin(self, ref: str, commit: str) -> None:
        """Let a ref under ``refs/kage/`` hold a commit."""
        run_git(["update-ref", ref, commit], git_dir=self.git_dir)

    def unpin(self, ref: str) -> None:
        """Remove a ref under ``refs/kage/`` whose commit is held elsewhere, or need not be."""
        run_git(["update-ref", "-d", ref], git_dir=self.git_dir)

    def trash(self, ref: str) -> str | None:
        """Move a ref into the trash; the new name, or ``None`` when there is no such ref."""
        commit = self.refs(ref).get(ref)
        if commit is None:
            return None
        kept = f"{TRASH}{time.strftime('%Y%m%d-%H%M%S')}-{ref.removeprefix('refs/kage/').replace('/', '-')}"
        taken, name, number = self.refs(TRASH), kept, 2
        while name in taken:
            name, number = f"{kept}-{number}", number + 1
        steps = f"create {name}\0{commit}\0delete {ref}\0{commit}\0"
        run_git(["update-ref", "-z", "--stdin"], git_dir=self.git_dir, input=steps.encode())
        return name

    def expire_trash(self, days: int = TRASH_DAYS) -> list[str]:
        """Drop trash older than this and objects that nothing holds any more; the refs dropped."""
        oldest = time.strftime("%Y%m%d-%H%M%S", time.localtime(time.time() - days * 86400))
        old = [name for name in self.refs(TRASH) if name.removeprefix(TRASH) < oldest]
        if old:
            steps = "".join(f"delete {name}\0\0" for name in old)
            run_git(["update-ref", "-z", "--stdin"], git_dir=self.git_dir, input=steps.encode())
            folders.remove(self.git_dir / BROUGHT)
            env = writing(self.git_dir) | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.git_dir / "objects")}
            run_git(["prune", f"--expire={days}.days.ago"], git_dir=self.git_dir, env=env)
        for left in self.scratch.iterdir():
            if left.lstat().st_mtime < time.time() - 86400:
                folders.remove(left)
        return old

    def refs(self, prefix: str = "refs/kage/") -> dict[str, str]:
        """Refs that are this one or lie under it, with their commits."""
        form = "--format=%(refname) %(objectname)"
        out = run_git(["for-each-ref", form, prefix.rstrip("/")], git_dir=self.git_dir)
        return dict(text.split(" ") for text in out.decode().splitlines())

    def import_base_objects(self, commit: str) -> int:
        """Copy what a base consists of into the store, so that no gc of the user's can break a run.

        Returns the number of objects copied; meant for a thread in the background.
        """
        return bring(self, [commit])

    def set_apart(self, commit: str) -> None:
        """Copy a commit and its files, but not its history, into a folder of their own, for slots that may
        see nothing else."""
        folder = self.apart(commit)
        if folder.is_dir():
            return
        half = Path(tempfile.mkdtemp(dir=self.scratch))
        (half / "pack").mkdir()
        (half / "info").mkdir()
        options = ["--objects", "--no-object-names", "--missing=allow-any"]
        listed = run_git(["rev-list", *options, f"{commit}^{{tree}}"], git_dir=self.git_dir)
        run_git(
            ["pack-objects", "-q", "--window=0", str(half / "pack" / "pack")],
            git_dir=self.git_dir,
            input=f"{commit}\n".encode() + listed,
        )
        folder.parent.mkdir(exist_ok=True)
        with suppress(FileExistsError, OSError):  # another spawn may have been there first
            half.rename(folder)

    def apart(self, commit: str) -> Path:
        """Where such a commit's objects are, if it was set apart."""
        return self.folder / "apart" / commit

    def lent(self, commit: str) -> list[Path]:
        """The object folders that a slot with this commit borrows from."""
        apart = self.apart(commit)
        return [apart] if apart.is_dir() else [own_objects(self.git_dir), self.repository.objects]

    def expire_apart(self) -> None:
        """Remove what was set apart for runs that are gone."""
        folder = self.folder / "apart"
        held = set(self.refs().values()) - set(self.refs(TRASH).values())
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name not in held:
                folders.remove(entry)

    def object_folders(self, commit: str = "") -> list[Path]:
        """Every folder that objects of a slot with this commit may lie in, the user's alternates included.

        A sandbox has to let the agent's git read all of them.
        """
        if commit and self.apart(commit).is_dir():
            return [self.apart(commit)]
        found: list[Path] = []
        pending = [self.git_dir / "objects"]
        while pending:
            folder = pending.pop()
            if folder not in found:
                found.append(folder)
                pending += _borrowed(folder)
        return found

    def read_file(self, commit: str, path: str) -> tuple[bytes, str] | None:
        """Bytes and mode of a file in a commit; ``None`` when there is none (or it is a submodule)."""
        found = [entry for entry in entries(self, commit, [path]) if entry.path == path]
        if not found or found[0].mode == SUBMODULE:
            return None
        return read_blobs(self, [found[0].sha])[found[0].sha], found[0].mode


def bare_repository(
    folder: Path, repository: Repository, config: UserConfig, objects: list[Path], more: str = ""
) -> None:
    """Write an empty bare repository that borrows ``objects``; ``more`` is added to its configuration.

    Written by hand: ``git init`` takes templates (and their hooks) from outside, and 2 ms.
    """
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "objects" / "pack").mkdir()
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "refs" / "tags").mkdir()
    (folder / "info").mkdir()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(repository_config(repository.object_format, config, bare=True, more=more))
    (folder / "info" / "attributes").write_text(RAW_ATTRIBUTES)
    alternates = b"".join(_quoted(path) + b"\n" for path in objects)
    (folder / "objects" / "info" / "alternates").write_bytes(alternates)
    mirror_shallow(repository, folder)


def mirror_shallow(repository: Repository, git_dir: Path) -> None:
    """Tell a repository of ours where the user's shallow history ends, or its log would fail there."""
    source, target = repository.common_dir / "shallow", git_dir / "shallow"
    if source.is_file():
        half = git_dir / f"shallow.{os.getpid()}.half"
        shutil.copyfile(source, half)
        half.replace(target)
    else:
        target.unlink(missing_ok=True)


def _quoted(path: Path) -> bytes:
    """A path as a line of ``objects/info/alternates``; C-style quotes where a line could not hold it."""
    text = os.fsencode(path)
    if text[:1] not in (b"#", b'"') and b"\n" not in text:
        return text
    escaped = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _borrowed(objects: Path) -> list[Path]:
    """The folders that an object folder borrows from."""
    try:
        lines = (objects / "info" / "alternates").read_bytes().split(b"\n")
    except OSError:
        return []
    found = [_unquoted(text) for text in lines if text and not text.startswith(b"#")]
    return [(objects / os.fsdecode(text)).resolve() for text in found]


def _unquoted(text: bytes) -> bytes:
    if not (text.startswith(b'"') and text.endswith(b'"') and len(text) > 1):
        return text
    return text[1:-1].decode("unicode_escape").encode("latin-1")


def _name(repository: Repository) -> str:
    """A folder name that a person recognises and no other repository has."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", repository.root.name).strip("-.")[:40] or "repository"
    key = os.fsencode(repository.root.resolve()) + b"\0" + repository.object_format.encode()
    return f"{slug}-{hashlib.sha256(key).hexdigest()[:12]}"
