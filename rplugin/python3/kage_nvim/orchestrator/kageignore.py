"""``.kageignore``: files of the repository that no agent gets, in gitignore's syntax, tracked or not.

It is read from the user's working tree when a run begins. The base of a run lacks what it names; so nothing
of it is ever missing from a candidate. And as long as it names anything, the slots of a run borrow objects
from a folder that holds the base and nothing else (``Store.set_apart``): history would have the files, too.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from kage_nvim.errors import KageError, refused
from kage_nvim.git import HasGitDir
from kage_nvim.model import Task
from kage_nvim.orchestrator.repository import Repository, user_config
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.orchestrator.snapshot import Snapshot
from kage_nvim.orchestrator.view import view
from kage_nvim.trees import ABSENT, SUBMODULE, Entry, commit_tree, edit_tree, entries

NAME = ".kageignore"
_AROUND = "`'\"()<>[]{},;:!?@"
"""What stands around a path in a sentence."""
SHOWN = 5
"""Paths that a note names."""


def used(repository: Repository) -> bool:
    """True when there is a ``.kageignore`` that names anything.

    Raises:
        KageError: it cannot be read; what it would keep back is unknown then.
    """
    file = repository.root / NAME
    if not os.path.lexists(file):
        return False
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise KageError(
            f"{file} cannot be read: {error.strerror}",
            fix="Make it a readable file.",
            code="ignored",
        ) from error
    return any(line.strip() and not line.startswith(b"#") for line in lines)


def named(repository: Repository, store: HasGitDir, paths: Iterable[str], scratch: Path) -> set[str]:
    """Those of the paths (seen from the root; folders with a ``/`` at the end) that no agent gets."""
    asked = {path + "." if path.endswith("/") else path: path for path in paths}
    if not asked or not used(repository):
        return set()
    # An empty folder to look at: no .gitignore, no symbolic link is in the way.
    empty = scratch / f"empty-{secrets.token_hex(4)}"
    empty.mkdir(parents=True)
    try:
        with view(
            empty,
            store,
            scratch=scratch,
            object_format=repository.object_format,
            config=user_config(repository),
            exclude=[repository.root / NAME],
        ) as look:
            return {asked[path] for path in look.ignored(asked)}
    finally:
        empty.rmdir()


def without(store: Store, taken: Snapshot) -> Snapshot:
    """The snapshot without what no agent gets."""
    found = entries(store, taken.commit)
    hidden = _hidden(store, found)
    if not hidden:
        return taken
    edits = [Entry(ABSENT, entry.sha, entry.path) for entry in found if entry.path in hidden]
    tree = edit_tree(store, taken.tree, edits, store.scratch / f"ignored-{secrets.token_hex(4)}")
    commit = commit_tree(store, tree, taken.parent, "Kage: the working tree as it was")
    names = ", ".join(sorted(hidden)[:SHOWN]) + (", …" if len(hidden) > SHOWN else "")
    notes = [*taken.notes, f"kept from the agents by {NAME}: {names}"]
    return Snapshot(commit, tree, taken.parent, notes, [*taken.skipped, *sorted(hidden)])


def must_lack(store: Store, commit: str, what: str) -> None:
    """Make sure that a tree from earlier holds nothing that is named meanwhile.

    Raises:
        KageError: code ``ignored``.
    """
    hidden = _hidden(store, entries(store, commit))
    if hidden:
        raise refused(
            f"{what} holds files that {NAME} keeps from agents now: {', '.join(sorted(hidden)[:SHOWN])}",
            fix=f"Accept it and start a run from your own files, or change {NAME}.",
            code="ignored",
        )


def checked(repository: Repository, store: Store, task: Task) -> tuple[Task, list[str]]:
    """The task without diagnostics of files that no agent gets, and what to tell of that, and of such files
    that its words name: agents will not find them.

    Raises:
        KageError: its selection or a file that it names is one of these.
    """
    if not used(repository):
        return task, []
    selected = [repository.inside(task.selection.path)] if task.selection else []
    messages = {line: repository.inside(line.partition(":")[0]) for line in task.diagnostics}
    said = _paths_in([task.text, *task.variants.values()], repository.root)
    hidden = named(repository, store, [*selected, *task.files, *messages.values(), *said], store.scratch)
    for path in (*selected, *task.files):
        if path in hidden:
            raise refused(
                f"{path} is kept from agents by {NAME}, and this task would send it",
                fix=f"Select something else, or take {path} out of {NAME}.",
                code="ignored",
            )
    notes = [f"the task names {path}, which {NAME} keeps from agents" for path in said if path in hidden]
    kept = [line for line in task.diagnostics if messages[line] not in hidden]
    if len(kept) < len(task.diagnostics):
        task = msgspec.structs.replace(task, diagnostics=kept)
        notes.append(f"diagnostics of files that {NAME} names were left out")
    return task, notes


def _paths_in(texts: Iterable[str], root: Path) -> list[str]:
    """Words that are paths of files in the repository."""
    words = {word.strip(_AROUND).removeprefix("./").rstrip(".:") for text in texts for word in text.split()}
    return sorted(word for word in words if 0 < len(word) < 1000 and _is_file(root, word))


def _is_file(root: Path, word: str) -> bool:
    try:
        path = Path(os.path.normpath(root / word))
        return not word.startswith("/") and path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):
        return False


def _hidden(store: Store, found: Sequence[Entry]) -> set[str]:
    asked = (f"{entry.path}/" if entry.mode == SUBMODULE else entry.path for entry in found)
    return {path.rstrip("/") for path in named(store.repository, store, asked, store.scratch)}
