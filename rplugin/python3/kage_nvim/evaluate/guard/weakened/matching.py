"""Tests of two versions held against each other: each of the base's finds itself again, then is compared.

A test is itself again by its file and name, else by its name elsewhere, else by what it does.
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.claims import claims_compared
from kage_nvim.evaluate.guard.weakened.drawn import narrowed
from kage_nvim.evaluate.guard.weakened.shapes import Case, short, weakening

ALIKE = 0.6
"""How alike two bodies are that count as one test under two names (0 to 1)."""
MOST = 100
"""Tests of unknown fate that each is held against by what they do."""
WORDS = 250
"""Words of a test that are compared."""
_MARKS = {
    "skipped": ("skipped", "is skipped"),
    "needs": ("skipped", "is skipped"),
    "conditional": ("skipped", "is there only under a condition"),
    "xfail": ("xfail", "is expected to fail"),
    "retries": ("retries", "is run again when it fails"),
    "timeout": ("timeout", "has another timeout"),
    "exit": ("exit", "ends the process as if all were well"),
    "wrapped": ("not run", "is wrapped by something that does not run it"),
    "async": ("not run", "is a coroutine that nothing awaits"),
    "guarded": ("guarded", "ends early under a condition"),
    "focused": ("skipped", "is not run, for others are focused"),
    "recovers": ("swallowed", "catches what fails"),
    "forced": ("tautology", "fails by itself, as it should"),
    "raises": ("expected failure", "passes when it fails"),
}


def compared(base: Sequence[Case], ours: Sequence[Case]) -> Iterator[Weakening]:
    """What was done to the tests of the base in the candidate's files."""
    kept = _kept(base, ours)
    there: dict[tuple[str, str], Case] = {}
    twice: dict[tuple[str, str], list[Case]] = {}
    for case in ours:
        twice.setdefault((case.path, case.name), []).append(case)
        there[case.path, case.name] = case
    taken: set[int] = set()
    left: list[Case] = []
    for case in base:
        if case.idle:
            continue
        same = there.get((case.path, case.name))
        if same is None:
            left.append(case)
            continue
        taken.add(id(same))
        hidden = max(twice[case.path, case.name], key=lambda other: _like(case, other))
        yield from _both(case, hidden if hidden.idle and _like(case, same) < 1 else same, kept)
    known = {(case.path, case.name) for case in base if not case.idle}
    free = [case for case in ours if id(case) not in taken and (case.path, case.name) not in known]
    for case in left:
        found = _again(case, [other for other in free if id(other) not in taken])
        if found is None:
            if case.marks.keys() & {"skipped"} or _absorbed(case, base, ours):
                continue
            yield weakening("deleted", case.path, case.line, f"{case.name} in {case.path} was deleted")
            continue
        taken.add(id(found))
        if not found.idle:
            yield from _both(case, found, kept)
            continue
        text = f"{case.name} in {case.path} is not collected any more: {found.idle}"
        if found.name != case.name:
            text += f" (now {found.name})"
        yield weakening("not collected", found.path, found.line, text)


def _kept(base: Sequence[Case], ours: Sequence[Case]) -> set[str]:
    """Claims that are made as often as before, be it in other tests."""
    before = Counter(claim.text for case in base if not case.idle for claim in case.claims)
    after = Counter(
        claim.text
        for case in ours
        if not case.idle and "skipped" not in case.marks
        for claim in case.claims
        if not claim.swallowed and not claim.guarded
    )
    return {text for text, count in before.items() if after[text] >= count}


def _again(case: Case, free: Sequence[Case]) -> Case | None:
    """The same test elsewhere, or under another name."""
    last = case.name.rpartition(".")[2]
    named = [other for other in free if other.name.rpartition(".")[2] == last]
    named.sort(key=lambda other: (bool(other.idle), -_like(case, other)))
    if named and (_like(case, named[0]) > 0.3 or len(named) == 1):
        return named[0]
    best = max(free[:MOST], key=lambda other: (_like(case, other), not other.idle), default=None)
    return best if best is not None and _like(case, best) >= ALIKE else None


def _like(one: Case, other: Case) -> float:
    if not one.words or not other.words:
        return float(one.words == other.words)
    first, second = one.words[:WORDS], other.words[:WORDS]
    common = sum((Counter(first) & Counter(second)).values())
    if 2 * common < ALIKE * (len(first) + len(second)):
        return common / (len(first) + len(second))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _absorbed(case: Case, base: Sequence[Case], ours: Sequence[Case]) -> bool:
    """Whether a test went into another one, which has more values now: all that it named is there."""
    before = {(other.path, other.name): other for other in base}
    needed = {value for claim in case.claims for value in claim.constants} | case.constants
    for other in ours:
        old = before.get((other.path, other.name))
        rounds = 0 if old is None else old.rounds or 0
        grew = other.rounds is None or other.rounds > rounds or (old and len(other.claims) > len(old.claims))
        if other.idle or not grew or not needed <= other.constants:
            continue
        about = {name for claim in case.claims for name in claim.calls} - set(dir(builtins))
        if about <= other.names | {name for claim in other.claims for name in claim.calls}:
            return True
    return False


def _both(old: Case, new: Case, kept: Collection[str]) -> Iterator[Weakening]:
    who = f"{old.name} in {old.path}" if old.path == new.path else f"{old.name} (now in {new.path})"
    if new.idle:
        yield weakening("not collected", new.path, new.line, f"{who} is not collected any more: {new.idle}")
        return
    for kind, words in new.marks.items():
        first, _, which = kind.partition(" ")
        if not words or old.marks.get(kind) == words or (kind == "needs" and _needed(old, words)):
            continue
        name, said = _MARKS[first]
        said = f"{said} for {which}" if which else said
        yield weakening(name, new.path, new.line, f"{who} {said}: {short(words)}")
    if "skipped" in new.marks:
        return
    yield from _rounds(old, new, who)
    if "assume" in new.calls - old.calls:
        yield weakening("guarded", new.path, new.line, f"{who} assumes something of what it is given")
    for was, now in zip(old.drawn, new.drawn, strict=False):
        if was != now and narrowed(was, now):
            text = f"{who} draws from less: `{short(was)}` became `{short(now)}`"
            yield weakening("fewer cases", new.path, new.line, text)
    for name, line in new.mocked.items():
        if name in old.names and name not in old.mocked:
            yield weakening("patched", new.path, line, f"{who} has a mock for {name}, which it tests")
    about = {name for claim in old.claims for name in claim.calls} - set(dir(builtins))
    for name, line in new.patched.items():
        if name in about and name not in old.patched:
            yield weakening("patched", new.path, line, f"{who} replaces {name}, which it tests")
            break
    if old.claims:
        yield from claims_compared(old, new, who, kept)
    elif len(old.words) > 3 and len(new.words) <= 3 and _trivial(new.words):
        yield weakening("emptied", new.path, new.line, f"{who} does nothing any more")
    elif _statements_lost(old, new):
        yield weakening("emptied", new.path, new.line, f"{who} calls nothing of what it called")


def _needed(old: Case, words: str) -> bool:
    """Whether a test depended on something before; the same thing asked the other way round is no such."""
    was = old.marks.get("needs", "")
    asked = [set(re.findall(r"\w+", text)) - {"not", "is"} for text in (was, words)]
    return "skipped" in old.marks or (bool(was) and asked[0] != asked[1])


def _words(text: str) -> list[str]:
    return re.findall(r"[\w.]+", text)


def _trivial(words: Sequence[str]) -> bool:
    return not words or "pass" in words or "." in words or "return" in words


def _statements_lost(old: Case, new: Case) -> bool:
    """A test without assertions holds by what it calls."""
    kept = Counter(old.words) & Counter(new.words)
    return (
        not new.claims
        and bool(old.names)
        and not old.names & new.names
        and sum(kept.values()) * 4 < len(old.words)
    )


def _rounds(old: Case, new: Case, who: str) -> Iterator[Weakening]:
    if new.rounds == -1 and old.rounds != -1:
        yield weakening("fewer cases", new.path, new.line, f"{who} leaves out some of its values")
    elif old.rounds is not None and new.rounds is not None and 0 <= new.rounds < old.rounds:
        text = f"{who} runs with {new.rounds} sets of values, at the base with {old.rounds}"
        yield weakening("fewer cases", new.path, new.line, text)
    elif lost := set(old.values) - set(new.values):
        gone = {word for value in lost for word in _words(value)} - {w for v in new.values for w in _words(v)}
        given = {_given(value): value for value in new.values}
        other = next(
            (value for value in sorted(lost) if given.get(_given(value)) not in (None, *old.values)), ""
        )
        if other and len(new.values) <= len(old.values):
            text = f"{who} expects something else: `{short(other)}` became `{short(given[_given(other)])}`"
            yield weakening("expectation", new.path, new.line, text)
        elif new.values and len(set(new.values)) < len(set(old.values)):
            yield weakening(
                "fewer cases", new.path, new.line, f"{who} runs with some values twice, not with others"
            )
        elif new.values and gone and len(new.values) <= len(old.values):
            yield weakening(
                "expectation", new.path, new.line, f"{who} does not run with `{short(min(lost))}` any more"
            )


def _given(value: str) -> str:
    """The first part of a set of values: what a test is given, before what it expects."""
    return value.partition(",")[0]
