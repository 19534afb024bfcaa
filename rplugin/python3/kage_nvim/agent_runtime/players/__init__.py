"""Third-party CLIs by name: those that Kage knows, those that other packages bring, those of the user's.

A module of this package holds ``CLI``, a ``Description``, and is loaded when it is asked for. Another
package names one as an entry point of the group ``kage.players``. A ``[clis.NAME]`` table in ``config.toml``
wins over both, for it is the user's word.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module, metadata

from kage_nvim.description import Description
from kage_nvim.errors import KageError

GROUP = "kage.players"


def known(clis: Mapping[str, Description]) -> list[str]:
    """The names of all CLIs; ``clis`` are the user's own, from ``config.toml``."""
    return sorted({*_built_in(), *_entry_points(), *clis})


def describe(name: str, clis: Mapping[str, Description]) -> Description:
    """The CLI of that name.

    Raises:
        KageError: there is none, or the package that brings it is broken.
    """
    if name in clis:
        return clis[name]
    if name in (brought := _entry_points()):
        return _loaded(name, brought[name])
    if name in _built_in():
        found = import_module(f"{__name__}.{name}").CLI
        assert isinstance(found, Description)
        return found
    names = ", ".join(known(clis))
    raise KageError(
        f"there is no CLI `{name}` (known: {names})",
        fix=f"Correct `cli`, or describe it in a [clis.{name}] table: :help kage-clis.",
        code="config",
    )


def _built_in() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}


def _loaded(name: str, entry: metadata.EntryPoint) -> Description:
    package = entry.dist.name if entry.dist else entry.value
    try:
        found = entry.load()
    except Exception as error:  # whatever another package raises is its own failure, told as such
        raise _broken(name, package, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, Description):
        raise _broken(name, package, f"{entry.value} is no kage_nvim.description.Description")
    return found


def _broken(name: str, package: str, why: str) -> KageError:
    return KageError(
        f"the CLI `{name}`, which the package {package} brings, cannot be loaded: {why}",
        fix=f"Upgrade or remove {package}, or describe the CLI in a [clis.{name}] table.",
        code="config",
    )
