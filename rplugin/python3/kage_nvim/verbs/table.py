"""The table of verbs: what each takes and the function that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer


class In(msgspec.Struct):
    """Any verb's repository (a folder in it) and run (the newest when not said)."""

    cwd: str = ""
    run: str | None = None

    def __post_init__(self) -> None:
        if self.run is not None and not self.run.strip():
            raise ValueError("`run` is empty: it must name a run, or be left away")


class Of(In):
    agent: int | str | list[int] = "all"


@dataclass(frozen=True)
class Verb:
    """What a method takes and what it does."""

    params: type[Any]
    run: Callable[[Conductor, Peer, Any], Awaitable[Any]]


VERBS: dict[str, Verb] = {}


def verb(name: str, params: type[Any]) -> Callable[[Any], Any]:
    """Put a function into the table under the protocol's name."""

    def put(function: Any) -> Any:
        VERBS[name] = Verb(params, function)
        return function

    return put
