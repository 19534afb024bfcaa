"""What lies around a tree and decides what a check says of it: with other packages it may say something else.

Of what is installed only the times are looked at, for a virtual environment has thousands of files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from kage_nvim import config
from kage_nvim.config import RepositoryConfig
from kage_nvim.orchestrator import include
from kage_nvim.orchestrator.checking.trials import Ground
from kage_nvim.orchestrator.shadow import Store

_PYTHONS = (".venv", "venv")
_NODE = (
    "node_modules",
    "node_modules/.package-lock.json",
    "node_modules/.yarn-integrity",
    "node_modules/.modules.yaml",
)


async def ground(store: Store, settings: RepositoryConfig, env: Mapping[str, str]) -> Ground:
    """What trials need to know of a repository as it is now.

    Raises:
        KageError: the user's configuration cannot be read.
    """
    return Ground(store, settings, env, await asyncio.to_thread(marks, store, settings, env))


def marks(store: Store, settings: RepositoryConfig, env: Mapping[str, str]) -> bytes:
    """Bytes that are the same as long as nothing around the trees of a repository has changed: the sandbox's
    mode, what is installed where slots see it, ignored files that are copied in."""
    repository = store.repository
    root = Path(repository.root)
    found: list[object] = [config.load_user().sandbox]
    if settings.setup is None:  # else a slot has what its own setup makes
        found += [_time(root / name) for name in _NODE]
        found += [list(_packages(root / name)) for name in _PYTHONS]
    found += [
        (env[name], list(_packages(Path(env[name]))))
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX")
        if env.get(name)
    ]
    found += [(name, _time(root / name)) for name in include.included(repository, store, store.scratch)]
    return msgspec.json.encode(found)


def _packages(environment: Path) -> Iterator[tuple[str, int]]:
    for folder in sorted(environment.glob("lib/python*/site-packages")):
        yield str(folder), _time(folder)


def _time(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return 0
