"""From what a command did to a result: its exit code, its output, the report that it wrote."""

from __future__ import annotations

import msgspec

from kage_nvim.config import Check
from kage_nvim.evaluate import text
from kage_nvim.evaluate.results import Result
from kage_nvim.model import Profile
from kage_nvim.sandbox import Completed
from kage_nvim.visible import visible


def read(begun: Result, check: Check, done: Completed, profile: Profile) -> Result:
    """The result of a check that was run with this profile."""
    roots = tuple(filter(None, (profile.worktree, profile.alias)))
    failures, passed, total, summary, tail = text.read(done.output, roots)
    state = "timeout" if done.timed_out else "pass" if done.returncode == 0 else "fail"
    return msgspec.structs.replace(
        begun,
        state=state,
        code=done.returncode,
        seconds=round(done.seconds, 2),
        passed=passed,
        total=total,
        summary=f"not done after {check.timeout:g} s" if done.timed_out else visible(summary),
        failures=failures if state != "pass" else [],
        tail=tail,
    )
