"""What an ACP agent tells: its words, calls, plans and questions, for the pane, the log and its state."""

from __future__ import annotations

import time
from typing import Any

from kage_nvim.agent_runtime.acp import updates
from kage_nvim.agent_runtime.acp.permissions import Permissions, Question
from kage_nvim.agent_runtime.clis.events import Event
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.clis.teller import Teller
from kage_nvim.agent_runtime.log import Log
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import one_line
from kage_nvim.model import AgentSpec, State


class Listener:
    """Hears one session after the other; ``said_last`` is the first line of the agent's newest words,
    ``spoke`` when it last told anything."""

    def __init__(
        self,
        spec: AgentSpec,
        log: Log,
        screen: Screen,
        progress: Progress,
        authority: Authority,
        teller: Teller,
    ) -> None:
        self._direct = spec.direct
        self._log, self._screen, self._progress = log, screen, progress
        self._authority, self._teller = authority, teller
        self.permissions = Permissions(spec.permissions == "ask", log, screen, self._asked)
        self.said_last = ""
        self.spoke = 0.0
        self._text = ""
        self.begin()

    def begin(self) -> None:
        """Another session: its calls and its count begin anew."""
        self._calls, self._counted = updates.Calls(), (0, 0, 0)

    def update(self, update: Any) -> None:
        """One update of the session, or of a call that leave is asked for."""
        self.spoke = time.monotonic()
        what = getattr(update, "session_update", "tool_call_update")
        if what == "agent_message_chunk":
            self._words(updates.words(update.content))
        elif what in ("tool_call", "tool_call_update"):
            self.flush()
            for event in self._calls.take(update):
                self._take(event)
        elif what == "plan":
            self._plan(update.entries)
        elif what == "current_mode_update":
            self.flush()
            self._screen.notice(f"mode: {update.current_mode_id}")
        elif what == "usage_update":
            cost = update.cost
            known = {"cost_usd": cost.amount} if cost is not None and cost.currency == "USD" else {}
            self._log.write("tool_usage", context=update.used, window=update.size, **known)
        elif what == "agent_thought_chunk":
            self._take(updates.event("working", what))

    async def leave(self, call: Any, options: list[Any]) -> str | None:
        """What a call is answered that leave is asked for: an option's id."""
        self.update(call)
        return await self.permissions.decide(self._calls.title(call.tool_call_id), options)

    def flush(self) -> None:
        """The model's words are over: they are one text."""
        text, self._text = self._text, ""
        if text.strip():
            self.said_last = one_line(text.strip().splitlines()[0], 300)
            self._screen.end_words()
            self._teller.tell(updates.event("text", "agent_message_chunk", text=text), shown=False)

    def count(self, usage: Any) -> None:
        """Its own count, which adds up over a session: all that is known of one with a login of its own."""
        if usage is None:
            return
        sums = usage.input_tokens, usage.cached_read_tokens or 0, usage.output_tokens
        names = ("tokens_in", "tokens_cached", "tokens_out")
        fields = {n: max(0, new - old) for n, new, old in zip(names, sums, self._counted, strict=True)}
        self._counted = sums
        event = updates.event("usage", "session/prompt", **fields)
        self._teller.tell(event, shown=False)
        if self._direct:
            self._teller.count(event)

    def show(self) -> None:
        """Pass on what is known, when it is something else than before."""
        if not self.permissions.active:
            return  # what it tells between turns is no turn
        finding = self._authority.finding
        if not finding.state.ended and finding.state is not State.STARTING:
            told = (self._progress.state, self._progress.reason)
            if told != (finding.state, finding.reason):
                self._progress.enter(finding.state, finding.reason, finding.rule, finding.evidence)

    def _words(self, piece: str) -> None:
        if piece:
            self._text += piece
            self._screen.words(piece)
            self._authority.event(updates.event("text", "agent_message_chunk", piece, text=piece))
            self.show()

    def _plan(self, entries: list[Any]) -> None:
        self.flush()
        lines, where = updates.plan(entries)
        self._log.write("plan", entries=[{"text": e.content, "status": e.status} for e in entries])
        self._screen.end_words()
        self._screen.words("".join(f"{line}\n" for line in [where, *lines]))
        self._take(updates.event("working", "plan", where, text=where), shown=False)

    def _take(self, event: Event, *, shown: bool = True) -> None:
        self._teller.tell(event, shown=shown)
        if not self.permissions.waiting:
            self._authority.event(event)
            self.show()

    def _asked(self, question: Question | None) -> None:
        """The user is asked something, or nothing any more."""
        if question is None:
            event = updates.event("working", "session/request_permission", "answered")
        else:
            fields = {"name": "permission", "text": question.text}
            event = updates.event("waiting", "session/request_permission", question.text, **fields)
        self._authority.event(event)
        self.show()
