"""What was asked to follow in a run by itself: whether that can be."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from kage_nvim.config import REPOSITORY_FILE, Check, UserConfig
from kage_nvim.errors import KageError, usage
from kage_nvim.evaluate.checks.kinds import is_required
from kage_nvim.model import STRATEGIES
from kage_nvim.orchestrator.checking.repairs import MOST
from kage_nvim.records import Course

BY_CHECKS = ("race", "cascade")
"""Strategies that nothing but checks can decide."""


def course(asked: Course, user: UserConfig) -> Course:
    """The course of a run with the user's defaults in it.

    Raises:
        KageError: a word or a number is none that can be; the message lists those that can.
    """
    strategy = asked.strategy or (user.defaults.strategy if asked.kind == "code" else "all")
    if strategy not in STRATEGIES:
        raise usage(f"`{strategy}` is no strategy", f"Choose one of {', '.join(STRATEGIES)}.")
    for name, word in (("until", asked.until), ("auto-accept", asked.auto_accept)):
        if word not in ("", "green"):
            raise usage(f"--{name} {word}: expected green", f"Write --{name} green, or leave it away.")
    if asked.retry is not None and not 0 <= asked.retry <= MOST:
        raise usage(f"{asked.retry} repair turns were asked for", f"Give a number from 0 to {MOST}.")
    if asked.usd is not None and not 0 < asked.usd < math.inf:
        raise usage(f"a budget of {asked.usd:g} US dollars", "Give an amount above 0, as in --budget 0.50.")
    return msgspec.structs.replace(asked, strategy=strategy, round_seconds=user.defaults.round_seconds)


def must_be_decidable(course: Course, checks: Mapping[str, Check], *, limited: bool) -> None:
    """Refuse a course that has nothing to decide on. ``checks`` are those known in the repository;
    ``limited``: something caps what the run may use.

    Raises:
        KageError: no required check is known, or nothing would ever end the run.
    """
    what = f"--strategy {course.strategy}" if course.strategy in BY_CHECKS else ""
    what = what or (f"--until {course.until}" if course.until else "")
    required = [check for name, check in checks.items() if is_required(name, check)]
    if what and not required:
        raise KageError(
            f"{what} goes by the project's checks, and no required one is known",
            fix=f'Name a check in {REPOSITORY_FILE}: [checks.test] command = "pytest" (:help kage-checks);'
            " or let every agent work to its end: --strategy all.",
            code="no_checks",
        )
    if course.until and not limited:
        raise usage(
            "--until green goes on until a candidate is green or the money is spent, and nothing limits it",
            "Say what it may cost, as in --budget 0.50, or set run_usd or run_tokens (:help kage-money).",
        )
