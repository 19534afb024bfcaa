"""Files that agents need and that no snapshot holds: what ``.worktreeinclude`` names, and submodules' files.

``.worktreeinclude`` lists ignored files (``.env.test``, a local settings file). Of a submodule a snapshot has
only the pointer, but tests that need its files shall run in a slot too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from kage_nvim.git import HasGitDir, fields, run_git
from kage_nvim.orchestrator import folders, kageignore
from kage_nvim.orchestrator.repository import Repository, user_config
from kage_nvim.orchestrator.snapshot import exclude_files
from kage_nvim.orchestrator.view import view
from kage_nvim.trees import SUBMODULE, entries

NAME = ".worktreeinclude"


def included(repository: Repository, store: HasGitDir, scratch: Path) -> list[str]:
    """Paths of files that git ignores and that ``.worktreeinclude`` (gitignore syntax) names.

    ``store`` is the repository's store, ``scratch`` a folder of ours.
    """
    wanted = repository.root / NAME
    if not wanted.is_file():
        return []
    config = user_config(repository)
    with view(
        repository.root,
        store,
        scratch=scratch,
        object_format=repository.object_format,
        config=config,
        index=repository.git_dir / "index",
        exclude=exclude_files(repository, config),
    ) as look:
        named = fields(look.git("ls-files", "-z", "-o", "-i", f"--exclude-from={wanted}"))
        files = [path for path in named if not path.endswith("/")]
        found = look.ignored(files) if files else set()
    return sorted(found - kageignore.named(repository, store, found, scratch))


def submodule_files(repository: Repository, store: HasGitDir, commit: str, scratch: Path) -> list[str]:
    """Paths of the files in the user's checked-out submodules, ignored ones left out."""
    if not (repository.root / ".gitmodules").is_file():
        return []
    found = []
    for entry in entries(store, commit):
        folder = repository.root / entry.path
        if entry.mode == SUBMODULE and (folder / ".git").exists():
            out = run_git(["ls-files", "-z", "-c", "-o", "--exclude-standard"], cwd=folder)
            found += [f"{entry.path}/{path}" for path in fields(out)]
    hidden = kageignore.named(repository, store, found, scratch)
    return [path for path in found if path not in hidden]


def copy(root: Path, tree: Path, files: Iterable[str]) -> list[str]:
    """Copy these files into a slot's tree; returns those copied. Nothing there is overwritten.

    Symbolic links are copied as links; anything else than a file or link is left out.
    """
    done = []
    for path in files:
        source, target = root / path, tree / path
        if not (source.is_symlink() or source.is_file()) or os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if all(folders.is_folder(tree / parent) for parent in Path(path).parents):
            shutil.copy2(source, target, follow_symlinks=False)
            done.append(path)
    return done
