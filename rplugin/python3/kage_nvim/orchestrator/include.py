"""``.worktreeinclude``: ignored files that agents need all the same (``.env.test``, local settings)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from kage_nvim.git import HasGitDir, fields
from kage_nvim.orchestrator import folders
from kage_nvim.orchestrator.repository import Repository, user_config
from kage_nvim.orchestrator.snapshot import exclude_files
from kage_nvim.orchestrator.view import view

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
        return sorted(look.ignored(files)) if files else []


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
