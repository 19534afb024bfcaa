"""Repair turns: an agent whose candidate fails its checks is sent the failures and gets another turn.

How many it gets by itself is said at the spawn, or by the checks (``retry``); the user can always ask for one
more. Each is costed: what the agent had spent before is kept, so that the difference can be told.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kage_nvim.errors import Exit, KageError
from kage_nvim.evaluate.evaluation import Evaluation
from kage_nvim.evaluate.results import Result
from kage_nvim.model import State
from kage_nvim.orchestrator import players
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.strategies import until
from kage_nvim.records import Repair
from kage_nvim.visible import visible

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor
    from kage_nvim.orchestrator.control import Which

MOST = 20
"""Repair turns that one agent may be given by itself, whatever is configured."""
PLACES = 10
"""Failures of one check that the agent is told."""
TAIL = 1_500
"""Characters of the end of a check's output that it is told."""
WHOLE = 8_000
"""Characters of all that it is told at once."""


def due(run: Run, agent: Agent, evaluation: Evaluation, retry: dict[str, int]) -> bool:
    """Whether an agent is to be sent its failures by itself; ``retry`` is what each check grants."""
    if not (failing(evaluation, part=bool(run.record.course.parts)) or evaluation.weakened):
        return False
    return by_itself(agent) < allowed(run, evaluation, retry)


def allowed(run: Run, evaluation: Evaluation, retry: dict[str, int]) -> int:
    """The turns that an agent gets by itself for these failures; ``retry`` is what each check grants."""
    course = run.record.course
    if course.retry is not None:
        granted = course.retry
    elif course.until:
        granted = until.REPAIRS
    else:
        # Which check it was that the weakened tests belong to is not known: any that is granted turns.
        part = bool(course.parts)
        complaints = evaluation.results if evaluation.weakened else failing(evaluation, part=part)
        granted = max((retry.get(result.name, 0) for result in complaints), default=0)
    return min(granted, MOST)


def failing(evaluation: Evaluation, *, part: bool = False) -> list[Result]:
    """The checks that a candidate has to mend: required ones that do not pass, and what it broke anew.

    What could not be run at all, or only failed where a rerun passed, is not the agent's to mend. One that
    does a ``part`` of the task has to mend only what it broke: the rest is what the other parts are for.
    """
    return [
        result
        for result in evaluation.results
        if (result.regressed or (result.required and not result.good and not part))
        and result.state != "error"
    ]


def message(evaluation: Evaluation, *, part: bool = False) -> str:
    """What the agent is told of its failures: bounded, and what it broke itself first."""
    parts = [f"The project's checks do not pass on what you have made ({evaluation.line})."]
    if evaluation.weakened:
        named = "\n".join(f"- {weakening.text}" for weakening in evaluation.weakened[:PLACES])
        parts.append(f"Tests were weakened. Put them back as they were:\n{named}")
    parts += [_told(result) for result in failing(evaluation, part=part)]
    if part:
        parts.append("Others do the other parts of the task: what failed before your change is theirs.")
    parts.append("Mend that in the code, not in the tests, and end your turn when it is done.")
    *rest, last = parts
    text = "\n\n".join(rest)
    if len(text) > WHOLE:
        text = text[: WHOLE - 1] + "…"
    return players.tidy_task(f"{text}\n\n{last}")


def _told(result: Result) -> str:
    lines = [f"{result.name} ({result.command}): {result.summary or result.state}"]
    if result.regressed:
        names = [name for name in result.regressed if name != result.name]
        if names:
            lines.append("passed before your change, and fails now: " + ", ".join(names[:PLACES]))
    for failure in result.failures[:PLACES]:
        lines.append(f"  {failure.path}:{failure.line}: {failure.text}")
    if len(result.failures) > PLACES:
        lines.append(f"  and {len(result.failures) - PLACES} more")
    if result.tail:
        lines.append("The end of its output:\n" + result.tail[-TAIL:])
    return "\n".join(visible(line) for line in "\n".join(lines).split("\n"))


def send(conductor: Conductor, run: Run, agent: Agent, text: str, *, asked: bool) -> bool:
    """Send an agent its failures as its next turn; ``False`` when there is no process to hear it."""
    from kage_nvim.orchestrator import control

    if not control.hears(agent):
        return False
    status = agent.record.status
    tokens = status.tokens_in + status.tokens_out
    agent.record.repairs = [
        *agent.record.repairs,
        Repair(tokens=tokens, usd=status.cost_usd, asked=asked),
    ]
    # Seen at work at once: nobody is to take it for done in the moment before it says so itself.
    status.state, status.activity, status.ended = State.WORKING, "", None
    status.reason, status.since = "mends what the checks complain of", time.time()
    control.say(conductor, run, agent, text)
    conductor.agent_changed(run, agent)
    return True


def by_itself(agent: Agent) -> int:
    """The repair turns that it has had without being asked for."""
    return sum(not repair.asked for repair in agent.record.repairs)


def settle(agent: Agent) -> None:
    """The turn that was a repair is over: note what it took."""
    if not agent.record.repairs or agent.record.repairs[-1].took_tokens is not None:
        return
    status, last = agent.record.status, agent.record.repairs[-1]
    last.took_tokens = max(0, status.tokens_in + status.tokens_out - last.tokens)
    if status.cost_usd is not None:
        last.took_usd = max(0.0, status.cost_usd - (last.usd or 0.0))


def under_way(agent: Agent) -> bool:
    """Whether a repair turn is going on, or about to begin."""
    return bool(agent.record.repairs) and agent.record.repairs[-1].took_tokens is None


def words(agent: Agent, green: bool | None) -> str:
    """``repaired in 1 turn, $0.02``; empty for an agent that had none."""
    ended = [repair for repair in agent.record.repairs if repair.took_tokens is not None]
    if not ended:
        return ""
    turns = f"{len(ended)} turn{'s' * (len(ended) > 1)}"
    how = f"repaired in {turns}" if green else f"not green after {turns} of repair"
    return ", ".join(filter(None, [how, cost(ended)]))


def cost(ended: list[Repair]) -> str:
    """What repair turns took: dollars where they are known, else tokens; empty for what uses neither."""
    usd = [repair.took_usd for repair in ended if repair.took_usd is not None]
    if usd and len(usd) == len(ended):
        return f"${sum(usd):.4f}" if 0 < sum(usd) < 0.01 else f"${sum(usd):.2f}"
    tokens = sum(repair.took_tokens or 0 for repair in ended)
    return f"{tokens:,} tokens" if tokens else ""


async def ask(conductor: Conductor, run: Run, which: Which) -> list[int]:
    """Send agents the failures of their candidates because the user says so.

    Raises:
        KageError: nothing fails, nobody can hear it, or no check is known or trusted.
    """
    from kage_nvim.orchestrator import control

    told, why = [], []
    for agent in control.chosen(run, which):
        number = agent.number
        if not agent.record.status.state.ended:
            why.append(f"agent {number} is at work")
            continue
        if not any(c.files for c in run.record.status.candidates if c.number == number):
            why.append(f"agent {number} has changed nothing")
            continue
        evaluation, part = await conductor.checks.candidate(run, number), bool(run.record.course.parts)
        if evaluation is None:
            raise KageError(
                "no check is known, or none that you have trusted",
                fix=f"kage check {number} runs the checks, and asks before it does.",
                code="no_checks",
                exit=Exit.NOTHING,
            )
        if not failing(evaluation, part=part) and not evaluation.weakened:
            why.append(f"agent {number} " + ("broke no check" if part else "fails no check"))
        elif send(conductor, run, agent, message(evaluation, part=part), asked=True):
            told.append(number)
        else:
            why.append(f"agent {number} has no process: kage resume {number} starts it again")
    if not told:
        raise KageError(
            f"nothing to mend: {'; '.join(why)}",
            fix="kage check N shows what fails.",
            code="nothing",
            exit=Exit.NOTHING,
        )
    return told
