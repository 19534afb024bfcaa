"""What calls of the same inputs say of candidates: examples met, agreement with others, oddities. Pure."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kage_nvim.evaluate.ranking.probes.driver import canonical
from kage_nvim.evaluate.ranking.probes.inputs import Probe
from kage_nvim.evaluate.ranking.probes.subjects import Subject

Call = Mapping[str, Any]
"""What the driver tells of one call: ``kind`` (value, raise, timeout, died), ``type``, ``key``, ``printed``,
``mutated``."""


def equal(call: Call | None, wanted: str) -> bool:
    """Did the call return what an example wants?"""
    if call is None or call.get("kind") != "value":
        return False
    value = ast.literal_eval(wanted)
    return call.get("key") in {canonical(value), *_numbers(value)}


def _numbers(value: Any) -> list[str]:
    """How the same number is written in other types: ``2 == 2.0``."""
    if isinstance(value, float) and value == int(value):
        return [canonical(int(value))]
    return [canonical(float(value))] if isinstance(value, int) and not isinstance(value, bool) else []


def unsteady() -> Call:
    """What stands for a call that gave different results each time."""
    return {"kind": "unsteady", "type": "", "key": "", "mutated": False, "printed": ""}


def strict(call: Call | None) -> tuple[Any, ...]:
    """All that can be seen of a call's outcome: two that are equal here behave the same."""
    if call is None:
        return ("missing",)
    kind = call.get("kind")
    words = call.get("key") if kind == "value" else ""
    return (kind, call.get("type"), words, bool(call.get("mutated")), call.get("printed"))


def loose(call: Call | None) -> tuple[Any, ...] | None:
    """What outcomes agree on: ``None`` for one that nobody can agree with."""
    if call is None or call.get("kind") in ("timeout", "died", "unsteady"):
        return None
    if call["kind"] == "raise":
        return ("raise", call.get("type"))
    key = str(call.get("key"))
    return ("value", key[:-2] if call.get("type") == "float" and key.endswith(".0") else key)


class Agreement(msgspec.Struct, frozen=True):
    """Of one candidate, over all inputs: ``share`` (0 to 1) of the votes of the others that came to the same,
    where they did not all; ``raised`` calls that raised, broke off or took too long where at least half of
    all returned, of ``calls``; ``first`` is the first such call."""

    share: float = 1.0
    raised: int = 0
    calls: int = 0
    first: str = ""


def agreements(
    probes: Sequence[Probe], outcomes: Mapping[int, Sequence[Call | None]], votes: Mapping[int, float]
) -> dict[int, Agreement]:
    """How much candidates agree; ``votes`` is what each one's word counts.

    An input on which all agree tells nothing, nor does one on which nobody returns.
    """
    parts: dict[int, list[float]] = {number: [] for number in outcomes}
    failed: dict[int, list[str]] = {number: [] for number in outcomes}
    total: list[float] = []
    for at, probe in enumerate(probes):
        said = {number: loose(calls[at]) for number, calls in outcomes.items()}
        returned = [number for number, key in said.items() if key is not None and key[0] == "value"]
        if len(returned) * 2 >= len(said):
            for number in set(said) - set(returned):
                failed[number].append(probe.call)
        if not returned or len(set(said.values())) == 1:
            continue
        total.append(probe.weight)
        for number in said:
            parts[number].append(probe.weight * _agreed(number, said, votes))
    whole = math.fsum(total)
    return {
        number: Agreement(
            share=round(math.fsum(parts[number]) / whole, 9) if whole else 1.0,
            raised=len(failed[number]),
            calls=len(probes),
            first=next(iter(failed[number]), ""),
        )
        for number in outcomes
    }


def _agreed(number: int, said: Mapping[int, tuple[Any, ...] | None], votes: Mapping[int, float]) -> float:
    """The share of the others' votes that came to the same; added in no order that tells who they are."""
    others = [other for other in said if other != number]
    weight = math.fsum(votes[other] for other in others)
    if not weight or said[number] is None:
        return 0.0
    return math.fsum(votes[other] for other in others if said[other] == said[number]) / weight


_TYPES = {
    "int": {"int", "bool"},
    "float": {"float", "int"},
    "complex": {"complex", "float", "int"},
    "str": {"str"},
    "bool": {"bool"},
    "bytes": {"bytes"},
    "list": {"list"},
    "dict": {"dict", "defaultdict", "OrderedDict", "Counter"},
    "tuple": {"tuple"},
    "set": {"set", "frozenset"},
}


def oddities(subject: Subject, outcomes: Mapping[int, Sequence[Call | None]]) -> dict[int, list[str]]:
    """What candidates' calls of one function do that most others' do not: a type that the annotation does
    not name, changed arguments, printed words."""
    found: dict[int, list[str]] = {number: [] for number in outcomes}
    wanted = _TYPES.get(subject.returns.strip("'\"").partition("[")[0].rpartition(".")[2].lower())
    shows: dict[str, set[int]] = {}
    for number, calls in outcomes.items():
        values = [call for call in calls if call is not None and call.get("kind") == "value"]
        wrong = {str(call.get("type")) for call in values} - (wanted or set())
        if wanted and wrong:
            shows.setdefault(f"{subject.name}() gives {', '.join(sorted(wrong))}, not {subject.returns}",
                             set()).add(number)  # fmt: skip
        if any(call.get("mutated") for call in values):
            shows.setdefault(f"{subject.name}() changes its arguments", set()).add(number)
        if any(call.get("printed") for call in values):
            shows.setdefault(f"{subject.name}() prints", set()).add(number)
    for text, numbers in sorted(shows.items()):
        for number in numbers if len(numbers) * 2 <= len(outcomes) else ():
            found[number].append(text)
    return found
