"""A review as it is kept: one JSON file in the store's folder, which the shell and the editor open again."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from kage_nvim.compare.hunks import Hunk, of_patches
from kage_nvim.errors import Exit, KageError
from kage_nvim.evaluate.reviewing.findings import Finding
from kage_nvim.orchestrator.reviewing.loop import Reviewer
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.protocol import dumps, loads
from kage_nvim.trees import changes_with_patches, entries

KEPT = 50
"""Reviews of a repository that are kept, the newest ones."""

_ID = re.compile(r"r\d{6}-\d{6}-[0-9a-f]{4}")


class Review(msgspec.Struct, kw_only=True):
    """What was reviewed, by whom, and what was found; ``kage review --json`` is this as it is.

    ``kind`` is ``yours``, ``candidate`` or ``revision`` (see ``scope``); ``new`` the reviewed tree, ``head``
    its commit. ``findings`` come worst first, refuted ones with them. ``cost_usd`` is ``None`` when nothing
    had a price; ``seconds`` how long it took.
    """

    id: str
    repository: str
    created: float
    kind: str
    title: str
    base: str
    head: str
    new: str
    run: str = ""
    number: int | None = None
    findings: list[Finding] = []
    reviewers: list[Reviewer] = []
    files: list[str] = []
    notes: list[str] = []
    cost_usd: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    schema: int = 1


def new_id() -> str:
    """A name that sorts by time, to 15 microseconds."""
    now = time.time()
    return time.strftime("r%y%m%d-%H%M%S-", time.localtime(now)) + f"{int(now % 1 * 0x10000):04x}"


def write(store: Store, review: Review) -> None:
    """Keep it, and drop the oldest."""
    folder = _folder(store)
    folder.mkdir(mode=0o700, exist_ok=True)
    half = folder / f"{review.id}.half"
    half.write_bytes(dumps(review))
    half.replace(folder / f"{review.id}.json")
    for old in sorted(folder.glob("r*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def read(store: Store, name: str = "") -> Review:
    """The review of that name, or the newest.

    Raises:
        KageError: there is none.
    """
    names = sorted(path.stem for path in _folder(store).glob("r*.json"))
    wanted = name or (names[-1] if names else "")
    if _ID.fullmatch(wanted) and wanted in names:
        with suppress(OSError, ValueError):
            return loads((_folder(store) / f"{wanted}.json").read_bytes(), Review)
    raise KageError(
        f"there is no review {wanted}" if wanted else "nothing was reviewed here yet",
        fix=f"The newest is {names[-1]}." if names and wanted else "Review what you have: kage review.",
        code="no_review",
        exit=Exit.NOTHING,
    )


def mapped(store: Store, review: Review, now: str) -> list[Finding]:
    """The findings with the lines of the user's files (tree or commit ``now``) where each stands; ``None``
    where those lines were changed meanwhile, or are not there."""
    changed, patches = changes_with_patches(store, review.new, now)
    paths = {finding.path for finding in review.findings}
    there = {entry.path for entry in entries(store, now, paths)} if paths else set()
    hunks = {change.path: found for change, found in zip(changed, of_patches(changed, patches), strict=True)}
    return [
        msgspec.structs.replace(
            finding, yours=moved(finding, hunks.get(finding.path, ())) if finding.path in there else None
        )
        for finding in review.findings
    ]


def moved(finding: Finding, hunks: list[Hunk] | tuple[Hunk, ...] | None) -> tuple[int, int] | None:
    """Where the lines of a finding are after these hunks; ``None`` when one of them was touched."""
    if hunks is None:
        return None
    by = 0
    for hunk in hunks:
        if hunk.a0 > finding.last:
            break
        if hunk.a1 > finding.first or (hunk.a0 == hunk.a1 and hunk.a0 > finding.first):
            return None
        by += (hunk.b1 - hunk.b0) - (hunk.a1 - hunk.a0)
    return finding.first + by, finding.last + by


def _folder(store: Store) -> Path:
    return store.folder / "reviews"
