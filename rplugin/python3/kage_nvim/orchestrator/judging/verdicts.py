"""The verdict of a run as it is kept: it holds for the candidates that it was made of, and no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kage_nvim.errors import KageError
from kage_nvim.evaluate.verdict import Verdict
from kage_nvim.orchestrator.runs import Run
from kage_nvim.visible import visible

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor


def commits(run: Run) -> dict[int, str]:
    """The candidates that there are, by number."""
    return {candidate.number: candidate.commit for candidate in run.record.status.candidates}


def of(run: Run) -> Verdict | None:
    """The run's verdict, stale or not; ``None`` when there is none."""
    kept = run.record.verdict
    return None if kept is None else msgspec.convert(kept, Verdict, str_keys=True)


def keep(conductor: Conductor, run: Run, verdict: Verdict) -> None:
    """Make it the run's, in the place of an older one, and tell those who follow the repository."""
    status = run.record.status
    run.record.verdict = msgspec.to_builtins(verdict, str_keys=True)
    ranks = {standing.number: standing.rank for standing in verdict.ranking}
    alone = len(verdict.ranking) < 2  # it has won against nobody
    status.winner, status.verdict = None if alone else verdict.winner, line(verdict)
    for candidate in status.candidates:
        candidate.rank = ranks.get(candidate.number)
    conductor.changed(run)
    told = {"run": run.id, "winner": verdict.winner, "line": status.verdict, "landed": verdict.landed}
    conductor.audience.say(run.root, "verdict", told)


def failed(conductor: Conductor, run: Run, error: Exception) -> None:
    """Say that no verdict could be made, where it would stand; one that holds stays."""
    kept, status = run.record.verdict, run.record.status
    if kept is None or kept["stale"]:
        why = error.message.splitlines()[0] if isinstance(error, KageError) else type(error).__name__
        status.winner, status.verdict = None, f"no verdict: {visible(why)}"
        conductor.changed(run)


def follow(run: Run) -> None:
    """Called whenever something of a run changed: a verdict on other candidates than there are now is stale,
    and marks no winner."""
    kept, status = run.record.verdict, run.record.status
    if kept is None or kept["stale"]:
        return
    now = {str(number): commit for number, commit in commits(run).items()}
    before: dict[str, str] = kept["commits"]
    if now == before:
        return
    new = [number for number, commit in now.items() if before.get(number) != commit]
    gone = [number for number in before if number not in now]
    said = [f"candidate {number} is new" for number in new] + [f"candidate {n} is gone" for n in gone]
    kept["stale"] = ", ".join(said)
    status.winner, status.verdict = None, f"the verdict is out of date: {kept['stale']}"
    for candidate in status.candidates:
        candidate.rank = None


def line(verdict: Verdict) -> str:
    """The verdict in a line."""
    best = next((s for s in verdict.ranking if s.number == verdict.winner), None)
    if best is None:
        return "no candidate can be recommended"
    if verdict.both_orders:
        why = "preferred to all others compared, in both orders"
    elif verdict.basis == "judge":
        why = "by evidence and judge"
    else:
        why = "on evidence alone"
    found = f"candidate {best.number} is best" + (f" of these, but {best.doubt}" if best.doubt else "")
    said = [found, best.checked, why, verdict.landed]
    return ", ".join(part for part in said if part)
