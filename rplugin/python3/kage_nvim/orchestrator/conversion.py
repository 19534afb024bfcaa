"""Which tracked files git converts on their way in, so that a clean file need not hold its blob's bytes.

Line ends and ``$Id$`` only ever *shrink* a file on its way into git: a clean file as big as its blob is equal
to it. Filters and encodings are *opaque*: nothing short of hashing tells.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from kage_nvim.git import HasGitDir, fields, run_git
from kage_nvim.orchestrator.repository import UserConfig
from kage_nvim.orchestrator.view import View

_ANY = ":(exclude,attr:!text !eol !crlf !filter !ident !working-tree-encoding)"
_OPAQUE = ":(exclude,attr:!filter !working-tree-encoding)"
_FILTERED = ":(exclude,attr:!filter)"
_CACHE = "blob-sizes"


@dataclass(frozen=True)
class Converted:
    """Tracked paths that git may convert; ``opaque`` and, of these, ``filtered`` are subsets."""

    paths: list[str] = field(default_factory=list)
    opaque: set[str] = field(default_factory=set)
    filtered: set[str] = field(default_factory=set)


def find_converted(look: View, config: UserConfig) -> Converted:
    """Ask git which tracked paths have an attribute that converts; with ``core.autocrlf`` all may."""
    settings = [f"core.attributesFile={config.attributes}"] if config.attributes else []

    def matching(*spec: str) -> list[str]:
        return fields(look.git("ls-files", "-z", "--", ".", *spec, config=settings))

    paths = matching() if config.autocrlf else matching(_ANY)
    if not paths:
        return Converted()
    opaque = set(matching(_OPAQUE))
    return Converted(paths, opaque, set(matching(_FILTERED)) if opaque else set())


def blob_sizes(store: HasGitDir, shas: Iterable[str]) -> dict[str, int]:
    """Bytes of each blob. They never change, so a file in the store keeps those once asked for."""
    wanted = set(shas)
    if not wanted:
        return {}
    cache = store.git_dir / _CACHE
    try:
        known = msgspec.msgpack.decode(cache.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        known = {}
    new = wanted - known.keys()
    if new:
        out = run_git(
            ["cat-file", "--batch-check=%(objectname) %(objectsize)"],
            git_dir=store.git_dir,
            input="".join(f"{sha}\n" for sha in new).encode(),
        )
        rows = (text.split() for text in out.decode().splitlines() if not text.endswith(" missing"))
        found = {sha: int(size) for sha, size in rows}
        # Only the current blobs are kept: the file stays as small as the tree.
        known = {sha: size for sha, size in known.items() if sha in wanted} | found
        half = cache.with_name(f"{_CACHE}.{os.getpid()}.{id(known)}")
        half.write_bytes(msgspec.msgpack.encode(known))
        half.replace(cache)
    return known
