"""``--auto-accept green``: a landing that was asked for when the run began, and on strict terms only.

Every required check of the candidate is green, it weakens no test, and a judge preferred it to every other
that was compared, in both orders. Else nothing lands, and why is said. A run lands so once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kage_nvim.config import UserConfig
from kage_nvim.errors import KageError
from kage_nvim.evaluate.verdict import Verdict
from kage_nvim.orchestrator.judging import verdicts
from kage_nvim.orchestrator.runs import Run
from kage_nvim.records import Course

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor


def check(course: Course, user: UserConfig, agents: int, *, checks: bool) -> None:
    """Refuse what could never land: said at once, not when the agents are paid for.

    Raises:
        KageError: exit 2; the fix names what is missing.
    """
    if course.auto_accept != "green":
        return
    if course.kind != "code":
        why, fix = f"a run of {course.kind} is not ranked for landing", "Leave --auto-accept away."
    elif not user.judge.player:
        why, fix = "nobody could prefer one: no judge is configured", 'Set [judge] player = "NAME".'
    elif agents < 2:
        why, fix = "one agent wins against nobody", "Start two agents or more, or land it yourself."
    elif not checks:
        why, fix = "no check is known that could be green", "Name one in .kage.toml (:help kage-checks)."
    else:
        return
    raise KageError(f"--auto-accept green: {why}", fix=fix, code="auto_accept")


async def land(conductor: Conductor, run: Run, verdict: Verdict) -> None:
    """Land the winner of a verdict if the terms hold, and say in the verdict what came of it."""
    from kage_nvim.orchestrator.landing.accepting import accept

    if verdict.landed:
        return
    hindered = hindrance(conductor, run, verdict)
    if hindered or verdict.winner is None:
        verdict.landed = f"nothing landed by itself: {hindered}"
    else:
        try:
            # Whoever was quicker while this one waited for its turn is a hindrance, too.
            still = partial(hindrance, conductor, run, verdict)
            answer = await accept(conductor, run, [verdict.winner], [], force=False, hindrance=still)
        except KageError as error:
            verdict.landed = f"nothing landed by itself: {error.message.splitlines()[0].rstrip(':')}"
        else:
            verdict.landed = f"landed by itself (landing {answer['landing']})"
    verdicts.keep(conductor, run, verdict)


def hindrance(conductor: Conductor, run: Run, verdict: Verdict) -> str:
    """Why the winner does not land by itself; empty: nothing is against it."""
    best = next((standing for standing in verdict.ranking if standing.number == verdict.winner), None)
    if any(landing.run == run.id for landing in conductor.database.landings(str(run.root))):
        return "something of this run was landed already"
    if best is None:
        return "no candidate can be recommended"
    if best.green is not True:
        return f"candidate {best.number} is not green" + (f" ({best.checked})" if best.checked else "")
    if best.weakened or best.regressed:
        return f"candidate {best.number} weakened tests or broke what worked"
    if verdict.stale or verdicts.commits(run) != verdict.commits:
        return "a candidate changed since it was judged"
    working = [number for number, agent in run.agents.items() if not agent.record.status.state.ended]
    if working:
        return f"agent {working[0]} is at work again"
    if not verdict.both_orders:
        return f"candidate {best.number} did not win against every other in both orders"
    return ""
