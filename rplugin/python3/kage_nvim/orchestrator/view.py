"""A git directory for one look at a folder of files: private index, our attributes, the store's objects.

git reads its index, split index, exclude list and attributes from the git directory that it is given, and
refreshes some of them while reading. A directory made for one look keeps all that away from the user's and
from the agent's; what is written, goes into the store's objects only.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kage_nvim.git import RAW_ATTRIBUTES, HasGitDir, failure, fields, git_result, run_git
from kage_nvim.orchestrator.repository import UserConfig
from kage_nvim.trees import Entry, bring, index_info, writing


@dataclass
class Listing:
    """What differs between an index and the files beside it, by path."""

    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class View:
    """One private git directory looking at ``work_tree``."""

    git_dir: Path
    work_tree: Path
    store: HasGitDir

    def git(
        self, *args: str, input: bytes | None = None, config: Sequence[str] = (), write: bool = False
    ) -> bytes:
        """Run git in this view; ``config`` holds settings for this call, ``write`` lets it write objects."""
        env = writing(self.store.git_dir) if write else self._reading
        return run_git(
            args, git_dir=self.git_dir, work_tree=self.work_tree, env=env, input=input, config=config
        )

    @property
    def _reading(self) -> dict[str, str]:
        return {"GIT_OBJECT_DIRECTORY": str(self.store.git_dir / "objects")}

    def listing(self, excluding: Sequence[str] = ()) -> Listing:
        """Compare index and files, with the usual ignore rules; ``excluding`` adds patterns."""
        found = Listing()
        extra = [f"--exclude={pattern}" for pattern in excluding]
        seen: set[str] = set()
        for text in fields(self.git("ls-files", "-z", "-t", "-m", "-d", "-o", "--exclude-standard", *extra)):
            tag, path = text[0], text[2:]
            if tag == "?":
                (found.nested if path.endswith("/") else found.untracked).append(path)
            elif tag == "R":
                found.deleted.append(path)
                seen.add(path)
            elif path not in seen:
                found.changed.append(path)
                seen.add(path)
        return found

    def files_below(self, folder: str, excluding: Sequence[str] = ()) -> list[str]:
        """Files below a folder that its own ignore rules let through, as if it were a tree of its own."""
        out = run_git(
            ["ls-files", "-z", "-o", "--exclude-standard", *(f"--exclude={it}" for it in excluding)],
            git_dir=self.git_dir,
            work_tree=self.work_tree / folder,
            env={"GIT_INDEX_FILE": str(self.git_dir / "index.none")},
        )
        return [f"{folder}/{path}" for path in fields(out) if not path.endswith("/")]

    def overlook(self, paths: Iterable[str]) -> None:
        """From now on these entries are taken to be unchanged, whatever lies there."""
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self.git("update-index", "-z", "--skip-worktree", "--stdin", input=data)

    def unfold(self, head: str | None) -> None:
        """Write a sparse index in full. git writes trees for it, so those of ``head`` are brought first."""
        if not _is_sparse(self.git_dir / "index"):
            return
        if head:
            bring(self.store, [head], blobs=False)
        self.git("update-index", "--force-write-index", write=True)

    def entries(self) -> list[Entry]:
        """Every entry of the index, with its tag."""
        found = []
        for text in fields(self.git("ls-files", "-z", "-s", "-v")):
            meta, path = text.split("\t", 1)
            tag, mode, sha, stage = meta.split(" ")
            found.append(Entry(mode, sha, path, int(stage), tag))
        return found

    def exclude(self, patterns: Iterable[str]) -> None:
        """From now on new files that these patterns name are ignored, unless a ``.gitignore`` has them."""
        with (self.git_dir / "info" / "exclude").open("a") as file:
            file.writelines(f"{pattern}\n" for pattern in patterns)

    def set_raw(self) -> None:
        """From now on bytes go in as they are, whatever attributes say."""
        (self.git_dir / "info" / "attributes").write_text(RAW_ATTRIBUTES)

    def put(self, found: Iterable[Entry]) -> None:
        """Set (or, with mode ``000000``, remove) entries; a set entry is hashed anew by ``take``."""
        self.git("update-index", "-z", "--replace", "--index-info", input=index_info(found))

    def take(self, paths: Iterable[str]) -> None:
        """Bring these paths' files into the index as they are on disk; absent ones are removed."""
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        self.git("update-index", "-z", "--add", "--remove", "--replace", "--stdin", input=data, write=True)

    def write_tree(self) -> str:
        """The index as a tree; blobs that a partial clone lacks are no error."""
        return self.git("write-tree", "--missing-ok", write=True).decode().strip()

    def ignored(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that the ignore rules exclude."""
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        done = git_result(
            ["check-ignore", "-z", "--no-index", "--stdin"],
            git_dir=self.git_dir,
            work_tree=self.work_tree,
            env=self._reading,
            input=data,
        )
        if done.code > 1:  # 1: none of them is ignored
            raise failure("check-ignore", done)
        return set(fields(done.out))


@contextmanager
def view(
    work_tree: Path,
    store: HasGitDir,
    *,
    scratch: Path,
    object_format: str,
    config: UserConfig,
    index: Path | None = None,
    exclude: Sequence[Path] = (),
    attributes: Path | None = None,
) -> Iterator[View]:
    """Make a view, and remove it afterwards.

    ``store`` takes the objects, ``scratch`` a folder of ours for the view,
    ``index`` the index to copy (none: empty), ``exclude`` the exclude files, weakest first, ``attributes``
    the ``info/attributes`` to read with (none: raw bytes).
    """
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        (folder / "info").mkdir()
        (folder / "refs").mkdir()
        (folder / "objects").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        (folder / "config").write_text(repository_config(object_format, config, bare=False))
        (folder / "info" / "exclude").write_bytes(joined(exclude))
        if attributes is None:
            (folder / "info" / "attributes").write_text(RAW_ATTRIBUTES)
        elif attributes.is_file():
            shutil.copyfile(attributes, folder / "info" / "attributes")
        if index is not None:
            copy_index(index, folder / "index")
        yield View(folder, work_tree, store)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_index(source: Path, target: Path) -> None:
    """Copy an index with its time stamp, by which git knows which entries it must not trust.

    An absent index is an empty one. The shared part of a split index lies beside it and comes along.
    """
    try:
        with source.open("rb") as file:
            found = os.fstat(file.fileno())
            target.write_bytes(file.read())
    except FileNotFoundError:
        return
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    for shared in source.parent.glob("sharedindex.*"):
        shutil.copy2(shared, target.parent / shared.name)


def _is_sparse(index: Path) -> bool:
    """True when folders are folded away in an index (or its bytes happen to look so, which costs 5 ms)."""
    return index.is_file() and b"sdir\0\0\0\0" in index.read_bytes()[-4096:]


def repository_config(object_format: str, config: UserConfig, *, bare: bool, more: str = "") -> str:
    """The text of a ``config`` file that treats files as the user's own repository does."""
    version, extension = (0, "") if object_format == "sha1" else (1, object_format)
    text = (
        f"[core]\n\trepositoryformatversion = {version}\n\tbare = {str(bare).lower()}\n"
        f"\tfilemode = {str(config.file_mode).lower()}\n\tsymlinks = {str(config.symlinks).lower()}\n"
        f"\tignorecase = {str(config.ignore_case).lower()}\n"
        f"\tprecomposeunicode = {str(config.precompose).lower()}\n"
        "\tlogAllRefUpdates = false\n\tautocrlf = false\n[gc]\n\tauto = 0\n"
    )
    if extension:
        text += f"[extensions]\n\tobjectformat = {extension}\n"
    return text + more


def pattern(path: str) -> str:
    """The ignore pattern for exactly this folder, seen from the root."""
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path) + "/"


def joined(files: Iterable[Path]) -> bytes:
    """The texts of those files that exist, one after another, each ended by a newline."""
    return b"\n".join(file.read_bytes() for file in files if file.is_file()) + b"\n"
