"""What tests are held against: golden files, snapshots, fixtures. The test stays, its answer is another."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.shapes import weakening

_GROWING = (".snap", ".ambr")
"""Files that hold the snapshots of many tests: those of new tests are added."""


def data_compared(path: str, base: bytes | None, ours: bytes | None) -> Iterator[Weakening]:
    """What became of a file of a test's data that the base has."""
    if base is None or base == ours:
        return
    if ours is None:
        yield weakening("golden", path, 0, f"{path}, which tests are held against, was deleted")
        return
    if base.split() == ours.split() or (path.endswith(_GROWING) and _grew(base, ours)):
        return
    if path.endswith(".json") and _more(base, ours):
        return
    yield weakening("golden", path, 0, f"{path}, which tests are held against, was changed")


def _grew(base: bytes, ours: bytes) -> bool:
    """Whether all lines of the base are still there, in their order."""
    lines = iter(ours.split(b"\n"))
    return all(line in lines for line in base.split(b"\n"))


def _more(base: bytes, ours: bytes) -> bool:
    """Whether a list of cases only became longer."""
    try:
        old, new = json.loads(base), json.loads(ours)
    except ValueError:
        return False
    return isinstance(old, list) and isinstance(new, list) and len(old) > 1 and new[: len(old)] == old
