"""Single hunks of candidates as one tree: what ``kage accept --patch`` lands.

The client has seen candidates and base and says which it saw; picks of anything else are refused, so that a
hunk is never taken from other lines than those that were shown.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from kage_nvim.compare import compose
from kage_nvim.compare.hunks import Hunk, split
from kage_nvim.errors import refused, usage
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import (
    ABSENT,
    Change,
    Entry,
    changes,
    edit_tree,
    entries,
    read_blobs,
    trees_of,
    write_blob,
)


class Pick(msgspec.Struct, frozen=True):
    """One choice: a ``hunk`` of an agent's file (base lines [a0, a1) become its lines [b0, b1), 1-based), its
    ``mode``, or the ``whole`` of what it does to the file. ``commit`` is the candidate that was shown."""

    path: str
    agent: int
    commit: str
    what: Literal["hunk", "mode", "whole"] = "hunk"
    hunk: tuple[int, int, int, int] = (1, 1, 1, 1)


def numbers(picks: Iterable[Pick]) -> list[int]:
    """The candidates that something is picked from."""
    return sorted({pick.agent for pick in picks})


def composed(
    store: Store, shown: str, base: str, candidates: Iterable[CandidateStatus], picks: Iterable[Pick]
) -> str:
    """The base's tree with the picks in it.

    ``shown`` is the base that the client saw, ``base`` what it is now.

    Raises:
        KageError: a candidate or the base is not what was shown (exit 4), or two picks overlap (exit 2).
    """
    was, tree = trees_of(store, [shown or base, base])
    commits = {candidate.number: candidate.commit for candidate in candidates}
    picks = list(picks)
    if was != tree or any(commits.get(pick.agent) != pick.commit for pick in picks):
        raise refused(
            "a candidate was made anew since its hunks were shown; nothing was changed",
            fix="Choose again.",
            code="changed",
        )
    by_path: dict[str, list[Pick]] = defaultdict(list)
    for pick in picks:
        by_path[pick.path].append(pick)
    made: dict[int, dict[str, Change]] = {}
    for number in numbers(picks):
        made[number] = {change.path: change for change in changes(store, tree, commits[number])}
    edits = [edit for path, mine in by_path.items() for edit in _file(store, tree, path, mine, made)]
    return edit_tree(store, tree, edits, store.scratch / f"picks-{secrets.token_hex(4)}")


def _file(
    store: Store, tree: str, path: str, picks: list[Pick], made: dict[int, dict[str, Change]]
) -> list[Entry]:
    for pick in picks:
        if path not in made[pick.agent]:
            raise usage(f"candidate {pick.agent} does not change {path}", "Choose among what is shown.")
    if any(pick.what == "whole" for pick in picks):
        if len(picks) > 1:
            raise usage(f"{path} is picked twice", "Take one agent's version of it.")
        return _whole(made[picks[0].agent][path])
    found = [entry for entry in entries(store, tree, [path]) if entry.path == path]
    if not found:
        raise usage(f"{path} is not in the base: it has no hunks", "Take the whole file.")
    mode, sha = found[0].mode, found[0].sha
    for pick in picks:
        if pick.what == "mode":
            mode = made[pick.agent][path].new_mode
    hunks = [pick for pick in picks if pick.what == "hunk"]
    if hunks:
        shas = {pick.agent: made[pick.agent][path].new_sha for pick in hunks}
        blobs = read_blobs(store, [sha, *shas.values()])
        lines = {agent: split(blobs[name]) for agent, name in shas.items()}
        sha = write_blob(store, _taken(path, split(blobs[sha]), lines, hunks))
    return [Entry(mode, sha, path)]


def _taken(path: str, base: list[bytes], lines: dict[int, list[bytes]], picks: list[Pick]) -> bytes:
    taken = []
    for pick in picks:
        hunk = Hunk(*pick.hunk)
        inside = 1 <= hunk.a0 <= hunk.a1 <= len(base) + 1
        if not inside or not 1 <= hunk.b0 <= hunk.b1 <= len(lines[pick.agent]) + 1:
            raise usage(f"{path} has no lines {tuple(hunk)}", "Choose among what is shown.")
        taken.append((hunk, lines[pick.agent][hunk.b0 - 1 : hunk.b1 - 1]))
    try:
        return b"".join(compose.take(base, taken))
    except ValueError as error:
        raise usage(f"{path}: {error}", "Take one version of each place.") from None


def _whole(change: Change) -> list[Entry]:
    """What a candidate does to a file; a rename also takes the old name away."""
    gone = (
        [Entry(ABSENT, change.old_sha, change.old_path)] if change.old_path and change.status == "R" else []
    )
    if change.new_mode == ABSENT:
        return [Entry(ABSENT, change.old_sha, change.path)]
    return [*gone, Entry(change.new_mode, change.new_sha, change.path)]
