"""What an agent says about itself: one state with its reason, what it does now, and what it has spent.

Each change goes to the log and to kaged from here and from nowhere else.
"""

from __future__ import annotations

from kage_nvim.agent_runtime.link import Link, Report
from kage_nvim.agent_runtime.log import Log, Past, Usage
from kage_nvim.agent_runtime.text import first_line, one_line
from kage_nvim.model import State

REASON = 600
"""Characters of a reason: a failure's holds what was found and, at its end, the fix."""

EVIDENCE = 300
"""Characters of what a rule saw."""


class Progress:
    """The agent's own account of itself."""

    def __init__(self, log: Log, link: Link, past: Past, *, priced: bool = True) -> None:
        self._log = log
        self._link = link
        self._usage = past.usage
        self._priced = priced
        self._calls = 1 if past.usage.tokens_in or past.usage.tokens_out else 0
        self._report = Report(turn=past.turn)
        self._count()

    @property
    def state(self) -> State:
        """The state that was told last."""
        return State(self._report.state)

    @property
    def reason(self) -> str:
        """The reason of that state."""
        return self._report.reason

    @property
    def warning(self) -> str:
        """What the user was told last of the budget."""
        return self._report.warning

    @property
    def cost_usd(self) -> float:
        """US dollars known to be spent."""
        return self._usage.cost_usd or 0.0

    @property
    def tokens(self) -> int:
        """Tokens used so far, in and out."""
        return self._usage.tokens_in + self._usage.tokens_out

    def begin_turn(self, *, again: bool = False) -> None:
        """A new turn starts, or (``again``) the one that a crash cut off goes on."""
        if not again or not self._report.turn:
            self._report.turn += 1
        self.enter(State.WORKING, "")

    def enter(self, state: State, reason: str, rule: str = "agent", evidence: str = "") -> None:
        """Take a state, for a reason that fits one line; ``rule`` and ``evidence`` say how it is known."""
        reason = first_line(reason, REASON)
        if (self._report.state, self._report.reason) == (state.value, reason) and state is not State.WORKING:
            return
        self._report.state = state.value
        self._report.reason = reason
        self._report.rule, self._report.evidence = rule, one_line(evidence, EVIDENCE)
        if state.ended:
            self._report.activity = ""
        try:
            self._log.write(
                "state",
                state=state.value,
                reason=reason,
                activity=self._report.activity,
                turn=self._report.turn,
                rule=self._report.rule,
                evidence=self._report.evidence,
            )
        finally:
            self._link.report(self._report)

    def doing(self, activity: str) -> None:
        """Say what happens now, in a few words."""
        self._report.activity = one_line(activity, 80)
        self._link.report(self._report)

    def spent(self, usage: Usage) -> None:
        """Add one model call."""
        self._log.write(
            "usage",
            tokens_in=usage.tokens_in,
            tokens_cached=usage.tokens_cached,
            tokens_out=usage.tokens_out,
            cost_usd=usage.cost_usd,
        )
        self._calls += 1
        self._usage.add(usage)
        self._count()
        self._link.report(self._report)

    def warn(self, warning: str) -> None:
        """What the user should know of the budget; an empty one takes it back."""
        if self._report.warning != warning:
            self._report.warning = warning
            self._link.report(self._report)

    def unpriced(self) -> None:
        """What this player spends is not known here."""
        self._calls += 1
        self._count()

    def _count(self) -> None:
        self._report.tokens_in = self._usage.tokens_in
        self._report.tokens_cached = self._usage.tokens_cached
        self._report.tokens_out = self._usage.tokens_out
        self._report.cost_usd = self._usage.cost_usd if self._calls or not self._priced else 0.0
