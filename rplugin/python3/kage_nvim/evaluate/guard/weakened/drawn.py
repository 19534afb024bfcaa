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
    for end, value in after.items():
        known = before.get(end)
        if known is None or (float(value) < float(known)) == (end == "max") != (float(value) == float(known)):
            return True
    return False
