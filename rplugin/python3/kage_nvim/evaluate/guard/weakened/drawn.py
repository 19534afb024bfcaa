"""What a property is tried with (hypothesis' strategies), where it came to be less. Pure."""

from __future__ import annotations

import re

_BOUND = re.compile(r"\b(min|max)_(?:value|size)=(-?[\d._e]+)")


def narrowed(was: str, now: str) -> bool:
    """Whether a strategy gives less than the one before: other kinds of it are no matter of width."""
    for name in (".filter(", "just(", "none(", "sampled_from("):
        if now.count(name) > was.count(name):
            return True
    before, after = dict(_BOUND.findall(was)), dict(_BOUND.findall(now))
    if re.sub(_BOUND, "", was).replace(",", "").split() != re.sub(_BOUND, "", now).replace(",", "").split():
        return False
    return any(
        end not in before or _less(end, float(before[end]), float(value)) for end, value in after.items()
    )


def _less(end: str, was: float, now: float) -> bool:
    return now < was if end == "max" else now > was
