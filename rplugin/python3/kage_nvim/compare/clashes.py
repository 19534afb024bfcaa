"""Where the parts of one task get in each other's way: overlaps, and contradictions that no line shows. Pure.

Two agents may change different lines and contradict each other all the same: one renames a function that the
other begins to use, both define the same name in different places. Different lines of one function, or one
name in two files, may be well; somebody should look at them as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

_DEFINES = r"\b(?:def|class|function|func|fn|interface|struct|enum|trait|type|sub|module)\s+"
"""What stands before a name where it is defined, in the languages known here."""
_NAME = re.compile(r"[A-Za-z_]\w*")
COMMON = frozenset({"main", "init", "new", "get", "set", "run", "test", "setup", "__init__"})
"""Names that say nothing of what they belong to."""


class Clash(msgspec.Struct, frozen=True):
    """Something that agents ``agents`` did at one place (line 1-based, 0: the file as a whole).

    ``kind`` is ``overlap`` (the same, or something about the same) or ``contradiction``; ``text`` is a
    sentence.
    """

    kind: str
    path: str
    line: int
    agents: list[int]
    text: str


class Edited(NamedTuple):
    """What one agent did to one file: (line, text) of its own lines, and of those of the base that went."""

    added: Sequence[tuple[int, str]]
    removed: Sequence[tuple[int, str]]


Work = Mapping[int, Mapping[str, Edited]]
"""Every agent's edits, by path."""


def overlaps(files: Iterable[Mapping[str, Any]]) -> list[Clash]:
    """The places (as ``orchestrator.comparing.aligned`` gives them) that several agents changed alike."""
    found = []
    for file in files:
        for place in file["places"]:
            versions = place["versions"]
            if len(versions) == 1 and len(versions[0]["agents"]) > 1:
                who = sorted(versions[0]["agents"])
                text = f"{_agents(who)} did the same here"
                found.append(Clash("overlap", file["path"], place["first"], who, text))
    return found


def shared(files: Sequence[Mapping[str, Any]], known: Sequence[Clash]) -> list[Clash]:
    """The definitions that several changed at different lines, and the names that several define in different
    files (``files`` as ``compare.contrast`` gives them); not where a contradiction of ``known`` says more."""
    found = []
    for file in files:
        symbols = [(min(one["line"] for one in s["agents"].values()), s) for s in file["symbols"]]
        for at, (first, symbol) in enumerate(symbols):
            who = sorted(int(n) for n, one in symbol["agents"].items() if one["how"] == "changed")
            past = next((line for line, _ in symbols[at + 1 :] if line > first), None)
            if len(who) < 2 or len(symbol["groups"]) < 2 or _said(known, file["path"], who, first, past):
                continue
            text = f"{_agents(who)} change `{symbol['name']}` at different places"
            found.append(Clash("overlap", file["path"], first, who, text))
    return found + _twice_defined(files)


def _said(known: Iterable[Clash], path: str, who: Sequence[int], first: int, past: int | None) -> bool:
    """Whether a contradiction in those lines says it already."""
    return any(
        clash.path == path
        and clash.kind == "contradiction"
        and set(clash.agents) & set(who)
        and first <= clash.line < (past or clash.line + 1)
        for clash in known
    )


def _twice_defined(files: Iterable[Mapping[str, Any]]) -> list[Clash]:
    added: dict[str, dict[int, tuple[str, int]]] = {}
    for file in files:
        for symbol in file["symbols"]:
            name = symbol["name"]
            if not _NAME.fullmatch(name) or len(name) < 3 or name in COMMON or name.startswith("test"):
                continue
            for number, one in symbol["agents"].items():
                if one["how"] == "added":
                    added.setdefault(name, {}).setdefault(int(number), (file["path"], one["line"]))
    found = []
    for name, places in added.items():
        if len({path for path, _ in places.values()}) < 2:
            continue
        who = sorted(places)
        where = ", ".join(f"{path}:{line}" for path, line in (places[number] for number in who))
        path, line = places[who[0]]
        found.append(Clash("overlap", path, line, who, f"{_agents(who)} each define `{name}` ({where})"))
    return found


def contradictions(files: Iterable[Mapping[str, Any]], work: Work) -> list[Clash]:
    """What the definitions of files (as ``compare.contrast`` gives them) show that lines do not: names that
    one agent takes away, or defines otherwise, and another begins to use; names that several define."""
    found: dict[tuple[str, tuple[int, ...]], Clash] = {}
    kept = _defined(work)
    for file in files:
        for symbol in file["symbols"]:
            name = _last(symbol["name"])
            if not name:
                continue
            for clash in _of_symbol(file["path"], symbol, name, work, kept):
                found.setdefault((name, tuple(clash.agents)), clash)
    return sorted(found.values(), key=lambda clash: (clash.path, clash.line, clash.agents))


def _of_symbol(
    path: str, symbol: Mapping[str, Any], name: str, work: Work, kept: Mapping[int, set[str]]
) -> Iterator[Clash]:
    hows = {int(number): (one["how"], one["line"]) for number, one in symbol["agents"].items()}
    adding = [number for number, (how, _) in hows.items() if how == "added"]
    if len(adding) > 1 and len(symbol["groups"]) > 1:
        text = f"{_agents(adding)} each add `{symbol['name']}`, differently"
        yield Clash("contradiction", path, hows[adding[0]][1], sorted(adding), text)
    for number, (how, line) in hows.items():
        if how == "removed" and name not in kept.get(number, set()):
            what = f"agent {number} takes `{symbol['name']}` away or renames it"
        elif how == "changed" and _signature_changed(work[number].get(path), name):
            what = f"agent {number} changes how `{symbol['name']}` is called"
        else:
            continue
        for other, where in _users(name, number, work):
            agents = sorted((number, other))
            text = f"{what}, which agent {other} uses ({where[0]}:{where[1]})"
            yield Clash("contradiction", path, line, agents, text)


def _users(name: str, owner: int, work: Work) -> Iterator[tuple[int, tuple[str, int]]]:
    """The other agents whose new lines name it, each with the first such place."""
    if name in COMMON or len(name) < 3:
        return
    word = re.compile(rf"(?<![\w]){re.escape(name)}(?!\w)")
    defines = re.compile(_DEFINES + re.escape(name) + r"\b")
    for other, files in work.items():
        if other == owner:
            continue
        places = (
            (path, line)
            for path, edited in sorted(files.items())
            for line, text in edited.added
            if word.search(text) and not defines.search(text)
        )
        place = next(places, None)
        if place is not None:
            yield other, place


def _signature_changed(edited: Edited | None, name: str) -> bool:
    """Whether the line that defines a name went and came back another."""
    if edited is None:
        return False
    defines = re.compile(_DEFINES + re.escape(name) + r"\b(.*)")
    before = [match[1].strip() for _, text in edited.removed if (match := defines.search(text))]
    after = [match[1].strip() for _, text in edited.added if (match := defines.search(text))]
    return bool(before) and bool(after) and before != after


def _defined(work: Work) -> dict[int, set[str]]:
    """The names that each agent's new lines define, so that what only moved is not said to be gone."""
    defines = re.compile(_DEFINES + rf"({_NAME.pattern})")
    return {
        number: {
            name for edited in files.values() for _, text in edited.added for name in defines.findall(text)
        }
        for number, files in work.items()
    }


def _last(name: str) -> str:
    """``add`` of ``Calculator.add`` or ``Calculator::add``."""
    names = _NAME.findall(name)
    return names[-1] if names else ""


def _agents(numbers: Sequence[int]) -> str:
    listed = [str(number) for number in sorted(numbers)]
    return f"agents {', '.join(listed[:-1])} and {listed[-1]}"
