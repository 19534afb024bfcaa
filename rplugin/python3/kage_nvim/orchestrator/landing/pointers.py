"""Submodules in a landing. A candidate can name another commit of one; the files are the submodule's own.

Moving a submodule means a checkout in a repository of its own, whose objects an agent cannot bring and whose
changes Kage does not know. So a landing in the working tree leaves it, and says what would do it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from kage_nvim.compare.land import Pointer
from kage_nvim.git import git_result


def notes(root: Path, found: Sequence[Pointer]) -> list[str]:
    """What to tell of each submodule that the candidate would move, and how the user can do it."""
    return [f"not landed, since it is a submodule: {_told(root, pointer)}" for pointer in found]


def _told(root: Path, pointer: Pointer) -> str:
    path, old, new = pointer.path, pointer.old, pointer.new
    where = shlex.quote(path)
    if new is None:
        return f"{path} would go; git rm {where} removes it"
    if old is None:
        return f"{path} would come, at {new[:12]}; git submodule add URL {where} adds it"
    checkout = f"git -C {where} checkout {new[:12]}"
    if not (root / path / ".git").exists():
        how = f"git submodule update --init {where}, then {checkout}"
    elif git_result(["cat-file", "-e", f"{new}^{{commit}}"], cwd=root / path, trusted=True).code == 0:
        how = checkout
    else:
        how = f"its repository here has no such commit yet; fetch it, then {checkout}"
    return f"{path} {old[:12]} → {new[:12]}; {how}"
