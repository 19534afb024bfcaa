"""The claims of one test in two versions: which were removed, loosened, swallowed, replaced. Pure."""

from __future__ import annotations

import ast
import builtins
import math
import re
from collections.abc import Collection, Iterator, Sequence

from kage_nvim.evaluate.evaluation import Weakening
from kage_nvim.evaluate.guard.weakened.shapes import EQUAL, NOTHING, Case, Claim, short, weakening

_LOSSY = re.compile(
    r"\b(round|int|len|type|abs|set|sorted|bool|hash|max|min|any|all|lower|upper|strip|sum|next|casefold|trunc|floor|ceil"
    r"|toLowerCase|toUpperCase|trim|downcase|upcase|to_lowercase|to_uppercase|sort|keys|typeof|startswith|endswith)\("
    r"|\[[^\]\[]*:[^\]\[]*\]|\[0\]$|\btypeof "
)
_LESS = 0.15
"""A difference of strength that is none."""


def claims_compared(old: Case, new: Case, who: str, kept: Collection[str] = ()) -> Iterator[Weakening]:
    """What was done to the claims of ``old`` in ``new``; ``who`` names the test, ``kept`` are claims that are
    made now by others."""
    fresh = list(new.claims)
    lost: list[Claim] = []
    for claim in old.claims:
        same = next((other for other in fresh if other.text == claim.text), None)
        if same is None:
            lost += [claim] if claim.text not in kept and claim.strength > NOTHING else []
            continue
        # Of several alike the one that is made in the same manner is meant, else one that holds.
        alike = [other for other in fresh if other.text == claim.text]
        held = min(alike, key=lambda o: (_held(o) != _held(claim), o.swallowed, o.guarded))
        fresh.remove(held)
        yield from _manner(claim, held, new.path, who)
        if held.strength <= NOTHING < claim.strength:
            yield from _tautologies([held], new, who)
    yield from _tautologies(fresh, new, who)
    fresh = [claim for claim in fresh if claim.strength > NOTHING]
    pairs, alone = _paired(lost, fresh)
    for claim, other in pairs:
        yield from _manner(claim, other, new.path, who)
        yield from _judged(claim, other, new.path, who)
    free = [claim for claim in fresh if not any(claim is other for _, other in pairs)]
    yield from _removed(alone, free, old, new, who)


def _held(claim: Claim) -> tuple[bool, bool]:
    return claim.swallowed, claim.guarded


def _tautologies(fresh: Sequence[Claim], new: Case, who: str) -> Iterator[Weakening]:
    for claim in fresh:
        if claim.strength <= NOTHING:
            yield weakening(
                "tautology", new.path, claim.line, f"{who} asserts `{short(claim.text)}`, always true"
            )


def _manner(claim: Claim, other: Claim, path: str, who: str) -> Iterator[Weakening]:
    if other.swallowed and not claim.swallowed:
        yield weakening("swallowed", path, other.line, f"{who} catches the failure of `{short(other.text)}`")
    if other.guarded and not claim.guarded:
        yield weakening(
            "guarded", path, other.line, f"{who} asserts `{short(other.text)}` only under a condition"
        )


def _paired(lost: Sequence[Claim], fresh: Sequence[Claim]) -> tuple[list[tuple[Claim, Claim]], list[Claim]]:
    """Lost claims with those that stand in their place: about the same, else of the same form."""
    pairs: list[tuple[Claim, Claim]] = []
    left = list(fresh)
    alone = []
    for claim in lost:
        near = [other for other in left if other.subject == claim.subject]
        if not near:
            near = [other for other in left if other.expected == claim.expected and claim.calls & other.calls]
        if not near:
            near = [other for other in left if claim.subject and _within(claim.subject, other.subject)]
        if near:
            best = max(near, key=lambda other: (other.expected == claim.expected, other.strength))
            left.remove(best)
            pairs.append((claim, best))
        else:
            alone.append(claim)
    return pairs, alone


def _within(one: str, other: str) -> bool:
    """``total(cart)`` and ``str(total(cart))``; a short name is in too much."""
    first, second = sorted((one, other), key=len)
    return len(first) > 3 and first in second


def _judged(claim: Claim, other: Claim, path: str, who: str) -> Iterator[Weakening]:
    was, now = short(claim.text), short(other.text)
    if claim.slack is not None and other.slack is not None:
        if other.slack > claim.slack and not math.isclose(other.slack, claim.slack):
            yield weakening("tolerance", path, other.line, f"{who} is less exact: `{was}` became `{now}`")
            return
        if other.strength >= claim.strength - _LESS:
            if other.expected.split()[-1:] != claim.expected.split()[-1:] and other.slack == claim.slack:
                yield from _expected(claim, other, path, who)
            return
    if _truth(claim, other):
        return
    if _matches_more(claim, other) or ("ANY" in other.text and "ANY" not in claim.text):
        yield weakening("loosened", path, other.line, f"{who} claims less: `{was}` became `{now}`")
        return
    lossy = set(_LOSSY.findall(other.subject)) - set(_LOSSY.findall(claim.subject))
    if lossy and claim.subject != other.subject and other.strength <= claim.strength:
        yield weakening("loosened", path, other.line, f"{who} claims less: `{was}` became `{now}`")
        return
    if other.strength < claim.strength - _LESS:
        yield weakening("loosened", path, other.line, f"{who} claims less: `{was}` became `{now}`")
        return
    if claim.expected == other.expected and claim.subject != other.subject and _given(claim, other):
        text = f"{who} asks for something else: `{was}` became `{now}`"
        yield weakening("expectation", path, other.line, text)
        return
    yield from _expected(claim, other, path, who)


def _matches_more(claim: Claim, other: Claim) -> bool:
    """Whether of the message of an exception less is asked than before."""
    if claim.subject != "what is raised" or claim.expected != other.expected:
        return False
    was, now = claim.constants - other.constants, other.constants - claim.constants
    return any(
        re.fullmatch(r"[.*^$]*", text.strip("'\"")) or any(text.strip("'\"") in old for old in was)
        for text in now
        if was
    )


def _given(claim: Claim, other: Claim) -> bool:
    """Whether the same answer is claimed of other literal values: ``add(2, 3)`` and ``add(7, 2)`` are 5."""
    calls = [re.fullmatch(r"([\w.]+)\((.*)\)", one.subject, re.S) for one in (claim, other)]
    if not (calls[0] and calls[1]) or calls[0][1] != calls[1][1] or not re.search(r"[\d'\"]", claim.expected):
        return False
    try:
        was, now = (ast.literal_eval(f"({found[2]},)") for found in calls if found)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return len(was) == len(now) and bool(was != now)


def _expected(claim: Claim, other: Claim, path: str, who: str) -> Iterator[Weakening]:
    """The same is claimed of something else: the test was made to fit."""
    if claim.subject == other.subject and claim.expected != other.expected:
        changed = bool(claim.constants - other.constants) and bool(other.constants - claim.constants)
        opposite = "not" in (claim.expected, other.expected) or "raises" in claim.expected
        if (changed and other.strength <= claim.strength) or (opposite and claim.strength >= other.strength):
            text = f"{who} expects something else: `{short(claim.text)}` became `{short(other.text)}`"
            yield weakening("expectation", path, other.line, text)


def _truth(claim: Claim, other: Claim) -> bool:
    """``x == True`` and ``x``, ``len(x) == 0`` and ``not x``: ways of writing."""
    if claim.expected.endswith((" True", " False")):
        return (other.expected == "not") == claim.expected.endswith("False")
    empty = claim.expected in ("Eq 0", "Eq []", "Eq {}", "Eq ''", "Eq ()")
    return empty and other.expected == "not"


def _removed(
    alone: Sequence[Claim], free: Sequence[Claim], old: Case, new: Case, who: str
) -> Iterator[Weakening]:
    left = sorted(free, key=lambda claim: claim.strength)
    strong = {value for claim in free if claim.strength >= EQUAL - 0.5 for value in claim.constants}
    called = {name for claim in free for name in claim.calls}
    matched = " ".join(claim.text for claim in new.claims if "match=" in claim.text)
    for claim in sorted(alone, key=lambda claim: claim.strength):
        instead = next((other for other in left if other.strength >= claim.strength - _LESS), None)
        if instead is not None:
            left.remove(instead)
            yield from _manner(claim, instead, new.path, who)
            yield from _replaced(claim, instead, old, new, who)
        elif claim.constants and all(value.strip("\"'") in matched for value in claim.constants):
            continue  # the message is matched where the exception is expected
        elif claim.constants and claim.constants <= strong:
            continue  # several claims became one
        elif (
            left
            and (new.rounds is None or new.rounds > (old.rounds or 0))
            and claim.calls <= called | new.names
        ):
            continue  # several claims became one with more values
        elif left:
            other = left.pop()
            text = f"{who} claims less: `{short(claim.text)}` became `{short(other.text)}`"
            yield weakening("loosened", new.path, other.line, text)
        elif not claim.swallowed:
            yield weakening("assertion removed", new.path, new.line, f"{who} lost `{short(claim.text)}`")


def _replaced(claim: Claim, other: Claim, old: Case, new: Case, who: str) -> Iterator[Weakening]:
    """Another claim in its place, about less: what the test looked at it does not look at any more, and at
    nothing new."""
    known = set(dir(builtins))
    if claim.expected and claim.expected == other.expected and other.calls - known:
        return
    about = claim.calls - known
    if about and not about & new.names and not (other.calls | new.calls) - known - old.calls - old.names:
        text = f"{who} looks at something else: `{short(claim.text)}` became `{short(other.text)}`"
        yield weakening("loosened", new.path, other.line, text)
        return
    values = claim.constants - other.constants and other.constants - claim.constants
    same = bool(claim.calls) and claim.calls == other.calls and claim.expected != other.expected
    if values and same and len(claim.constants) >= len(other.constants):
        text = f"{who} expects something else: `{short(claim.text)}` became `{short(other.text)}`"
        yield weakening("expectation", new.path, other.line, text)
