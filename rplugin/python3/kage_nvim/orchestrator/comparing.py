"""Candidates beside each other: the files that they change, one file's versions, and where these agree.

Texts are compared with the base's file *at the same path*, as the editor compares them: a renamed file is a
new one there, and the old one is gone. What a commit changes never changes itself, so it is read once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from kage_nvim import trees
from kage_nvim.compare.align import Place, align, alike
from kage_nvim.compare.hunks import Hunk, of_patches, split
from kage_nvim.errors import KageError, usage
from kage_nvim.model import CandidateStatus
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.views import shown_candidates
from kage_nvim.protocol import b64
from kage_nvim.trees import ABSENT, SUBMODULE, Change

REMEMBERED = 64
"""Comparisons of two trees that are kept in memory."""
AT_ONCE = 50
"""Files whose versions are in memory at a time."""


_READING = tuple(Lock() for _ in range(8))


class _Dir(NamedTuple):
    """A store, as something to remember by."""

    git_dir: Path


class _Edit(NamedTuple):
    """What a candidate does to the file at a path; ``hunks`` is ``None`` when it is no text."""

    change: Change
    hunks: list[Hunk] | None


_Edits = dict[str, _Edit]


@lru_cache(REMEMBERED)
def _changes(store: _Dir, base: str, commit: str) -> list[Change]:
    return trees.changes(store, base, commit)


def _edits(store: _Dir, base: str, commit: str) -> _Edits:
    with _READING[hash(commit) % len(_READING)]:  # whoever comes while it is read waits for that
        return _read_edits(store, base, commit)


@lru_cache(REMEMBERED)
def _read_edits(store: _Dir, base: str, commit: str) -> _Edits:
    changes, patches = trees.changes_with_patches(store, base, commit)
    found = of_patches(changes, patches)
    return {change.path: _Edit(change, hunks) for change, hunks in zip(changes, found, strict=True)}


async def _all_edits(run: Run, base: str, shown: Sequence[CandidateStatus]) -> dict[int, _Edits]:
    store = _Dir(run.store.git_dir)
    found = await asyncio.gather(*(asyncio.to_thread(_edits, store, base, c.commit) for c in shown))
    return {candidate.number: edits for candidate, edits in zip(shown, found, strict=True)}


def warm(run: Run, number: int) -> None:
    """Read a candidate before anybody asks, so that the first look at it waits for nothing."""
    store = _Dir(run.store.git_dir)
    commit = run.seen(number).commit
    _changes(store, run.base, commit)
    _edits(store, run.base, commit)


async def diff(run: Run, numbers: list[int], base: str, *, early: bool = False) -> dict[str, Any]:
    """The files that candidates change from ``base`` on, each with what every candidate does to it."""
    shown = shown_candidates(run, numbers, early=early)
    store = _Dir(run.store.git_dir)
    jobs = [asyncio.to_thread(_changes, store, base, candidate.commit) for candidate in shown]
    files: dict[str, dict[str, Any]] = {}
    for candidate, changes in zip(shown, await asyncio.gather(*jobs), strict=True):
        for change in changes:
            entry = files.setdefault(change.path, {"path": change.path, "kind": change.kind, "agents": {}})
            if change.kind != "text":
                entry["kind"] = change.kind
            entry["agents"][str(candidate.number)] = {
                "status": change.status,
                "old_path": change.old_path,
                "added": change.added,
                "removed": change.removed,
                "old_mode": change.old_mode,
                "new_mode": change.new_mode,
                "new_sha": change.new_sha,
            }
    for candidate in shown:
        # One of the files is asked for next, mostly.
        asyncio.get_running_loop().run_in_executor(None, _ahead, store, base, candidate.commit)
    return {
        "run": run.id,
        "repository": str(run.root),
        "store": str(run.store.git_dir),
        "base": base,
        "agents": [candidate.number for candidate in shown],
        "voices": voices(shown),
        "commits": {str(candidate.number): candidate.commit for candidate in shown},
        "files": [files[path] for path in sorted(files)],
    }


def _ahead(store: _Dir, base: str, commit: str) -> None:
    with suppress(KageError, ValueError):
        _edits(store, base, commit)


async def diff_file(run: Run, path: str, numbers: list[int], base: str) -> dict[str, Any]:
    """One file's exact bytes at the base and in each candidate (``None`` = absent), and its places."""
    shown = shown_candidates(run, numbers)
    edits = await _all_edits(run, base, shown)
    return await asyncio.to_thread(_file, run, path, base, shown, edits)


def change_of(run: Run, path: str, base: str, commit: str) -> dict[str, Any] | None:
    """What a commit makes of one file: mode, blob, hunks and text; ``None`` when it leaves the base's."""
    edit = _edits(_Dir(run.store.git_dir), base, commit).get(path)
    if edit is None:
        return None
    mode, sha = edit.change.new_mode, edit.change.new_sha
    blobs = trees.read_blobs(run.store, [sha] if edit.hunks and mode != ABSENT else [])
    data = blobs.get(sha, b"")
    return {"mode": mode, "sha": sha, "hunks": [list(hunk) for hunk in edit.hunks or []], "b64": b64(data)}


def file_at(run: Run, tree: str, path: str) -> dict[str, Any]:
    """A file's bytes in a tree of the run's store, as base64 under ``b64``.

    Raises:
        KageError: it is not there.
    """
    if not re.fullmatch(r"[0-9a-f]{40,64}", tree):
        raise usage(f"`{tree}` is no tree", "Give the `tree` that kage check answers.")
    found = [entry for entry in trees.entries(run.store, tree, [path]) if entry.path == path]
    if not found or found[0].mode == SUBMODULE:
        raise KageError(f"{path} is no file of that tree", code="no_file")
    return {"path": path, "b64": b64(trees.read_blobs(run.store, [found[0].sha])[found[0].sha])}


def _file(
    run: Run, path: str, base: str, shown: Sequence[CandidateStatus], edits: dict[int, _Edits]
) -> dict[str, Any]:
    own = {number: found[path] for number, found in edits.items() if path in found}
    if own:
        change = next(iter(own.values())).change
        before = (change.old_mode, change.old_sha)
    else:
        at_path = [entry for entry in trees.entries(run.store, base, [path]) if entry.path == path]
        before = (at_path[0].mode, at_path[0].sha) if at_path else (ABSENT, "")
    files = {number: (edit.change.new_mode, edit.change.new_sha) for number, edit in own.items()}
    wanted = [sha for mode, sha in (before, *files.values()) if mode not in (ABSENT, SUBMODULE)]
    blobs = trees.read_blobs(run.store, wanted)
    text = _is_text(own.values())
    versions = {}
    for candidate in shown:
        mode, sha = files.get(candidate.number, before)
        edit = own.get(candidate.number)
        versions[str(candidate.number)] = {
            **_content(mode, blobs.get(sha)),
            "commit": candidate.commit,
            "hunks": [list(hunk) for hunk in edit.hunks or []] if edit and text else [],
        }
    base_content = _content(before[0], blobs.get(before[1]))
    return {
        "path": path,
        "base_b64": base_content["b64"],
        "base_mode": base_content["mode"],
        "of": [candidate.number for candidate in shown],
        "voices": voices(shown),
        "places": _told(_places(path, own, blobs), voices(shown)) if text else [],
        "versions": versions,
    }


def _content(mode: str, data: bytes | None) -> dict[str, Any]:
    return {"b64": None if data is None else b64(data), "mode": None if data is None else mode}


def _is_text(edits: Iterable[_Edit]) -> bool:
    return all(edit.hunks is not None for edit in edits)


def _places(path: str, own: dict[int, _Edit], blobs: dict[str, bytes]) -> list[Place]:
    """The places of a text; of a file that all changers made the same of, no content is needed."""
    hunks = {number: edit.hunks or [] for number, edit in own.items()}
    if not _differ(own):
        return alike(hunks)
    old = next(iter(own.values())).change.old_sha
    lines = {sha: split(blobs.get(sha, b"")) for sha in {edit.change.new_sha for edit in own.values()}}
    sides = {number: (lines[edit.change.new_sha], hunks[number]) for number, edit in own.items()}
    gone = {number for number, edit in own.items() if edit.change.new_mode == ABSENT}
    return align(split(blobs.get(old, b"")), sides, path, gone=gone)


def _differ(own: dict[int, _Edit]) -> bool:
    return len({edit.change.new_sha for edit in own.values()}) > 1


async def aligned(run: Run, numbers: list[int], paths: Sequence[str], base: str) -> dict[str, Any]:
    """The places of all texts that the candidates change, or of those at ``paths``."""
    shown = shown_candidates(run, numbers)
    edits = await _all_edits(run, base, shown)
    among = voices(shown)
    files = await asyncio.to_thread(_aligned, run, set(paths), edits, among)
    return {"of": [candidate.number for candidate in shown], "voices": among, "files": files}


def voices(shown: Sequence[CandidateStatus]) -> list[int]:
    """The candidates that count where it is said how many agree: those that agents made by themselves, for
    what was put together of others only repeats them. All of them where fewer than two are such."""
    own = [candidate.number for candidate in shown if candidate.kind == "agent"]
    return own if len(own) > 1 else [candidate.number for candidate in shown]


def _told(places: Iterable[Place], among: Sequence[int]) -> list[dict[str, Any]]:
    """Places as they are sent: the version first that most voices are for."""
    told = [place.json() for place in places]
    for place in told:
        place["versions"].sort(key=lambda one: (-len(set(one["agents"]) & set(among)), one["agents"]))
    return told


def _aligned(
    run: Run, paths: set[str], edits: dict[int, _Edits], among: Sequence[int]
) -> list[dict[str, Any]]:
    everywhere = sorted({path for own in edits.values() for path in own if path in paths or not paths})
    found = []
    for at in range(0, len(everywhere), AT_ONCE):
        texts: dict[str, dict[int, _Edit]] = {}
        for path in everywhere[at : at + AT_ONCE]:
            own = {number: those[path] for number, those in edits.items() if path in those}
            if _is_text(own.values()):
                texts[path] = own
        changes = [edit.change for own in texts.values() if _differ(own) for edit in own.values()]
        versions = [(change.old_mode, change.old_sha) for change in changes]
        versions += [(change.new_mode, change.new_sha) for change in changes]
        blobs = trees.read_blobs(run.store, [sha for mode, sha in versions if mode != ABSENT])
        for path, own in texts.items():
            found.append({"path": path, "places": _told(_places(path, own, blobs), among)})
    return found


async def diff_text(run: Run, number: int, form: str, base: str) -> dict[str, Any]:
    """A candidate as text: a ``patch`` that ``git apply`` takes, or a ``stat``."""
    candidate = run.seen(number)
    if form not in ("patch", "stat"):
        raise usage(f"`{form}` is no form of a diff", "Use patch or stat.")
    make = trees.patch if form == "patch" else trees.diffstat
    return {"text_b64": b64(await asyncio.to_thread(make, run.store, base, candidate.commit))}
