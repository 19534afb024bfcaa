"""What an agent is doing, decided by the best witness there is: the process, then what the tool itself
tells, then its terminal's title, then what its screen looks like.

A witness is heard only where no better one can know. A dead process is dead, whatever its last screen
shows. A tool that speaks in events says when it works and when it has finished; of such a tool the screen
tells only what its events do not: that it asks the user something, that the question was answered, and,
once the events have been silent for a moment, that it has ended somehow. Nothing here reads, waits or
writes, so that a recorded stream or screen is judged exactly like a living one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import msgspec

from kage_nvim.agent_runtime.clis.events import Event
from kage_nvim.agent_runtime.text import one_line, plain
from kage_nvim.description import Description, ScreenRule
from kage_nvim.model import State

SILENCE = 30.0
"""Seconds without a word and without work after which nobody knows what an agent does."""
STEP = 10.0
"""Seconds by which the idle time that is told grows: each step is a line in the log."""
FRESH = 1.0
"""Seconds in which an event's word stands against a screen that says otherwise."""
EVIDENCE = 300
REASON = 300

Witness = Literal["process", "events", "title", "screen"]

_WORKING = frozenset({"text", "tool", "working", "retrying"})
"""Events that say that a turn goes on, even after one had ended."""
_ENDS = {"done": State.DONE, "failed": State.FAILED, "interrupted": State.INTERRUPTED}


class Finding(msgspec.Struct, frozen=True):
    """A state and why. ``rule`` names what decided, ``evidence`` is what it saw, in the tool's own words on
    one line, ``at`` is when (Unix seconds); ``waiting`` is for what: permission, question or trust."""

    state: State
    reason: str
    rule: str
    evidence: str
    at: float
    waiting: str = ""


class Authority:
    """The one judge of one agent's state. ``finding`` is what holds now. ``ends``: the tool's events, if it
    tells any, tell how a turn ends; else its screen does."""

    def __init__(
        self, description: Description, *, clock: Callable[[], float] = time.time, ends: bool = True
    ) -> None:
        self._description = description
        self._clock = clock
        self._ends = ends
        self._tells_done = any(rule.kind == "done" for rule in description.events)
        self._turns = 0
        self._alive: bool | None = None
        self._spoken = False
        self._title = ""
        self._screen = ""
        self.interrupting = ""
        """Why Kage has typed an interrupt, until it has worked or something else is told."""
        self.unanswered = ""
        """Why its model has not answered for long, by the gateway's word; its screen would go on for ever."""
        self._silent: Finding | None = None
        self._heard = 0.0
        self._by: Witness = "process"
        self._known = self._found(State.STARTING, "", "process: not started")

    @property
    def finding(self) -> Finding:
        """The state as it is known now."""
        if self.unanswered and self._known.state in (State.STARTING, State.WORKING):
            return self._found(State.UNKNOWN, self.unanswered, "gateway: no answer", self._known.evidence)
        return self._silent or self._known

    @property
    def title_seen(self) -> str:
        """The terminal's title, as it was set last."""
        return self._title

    @property
    def ready(self) -> bool:
        """The screen shows that the tool waits for something to do."""
        seen = classify(self._description, self._screen, self._title)
        return seen is not None and seen[0].state in ("starting", "done", "failed", "interrupted")

    def interrupted(self) -> bool:
        """Whether the interrupt that Kage has typed worked; the screen must say so, too."""
        if not self._known.state.ended:
            seen = classify(self._description, self._screen, self._title)
            if seen is None or seen[0].state in ("working", "waiting"):
                return False
            self._set("screen", self._found(State.INTERRUPTED, self.interrupting, name_of(seen[0]), seen[1]))
        return True

    def begin(self) -> None:
        """The tool is told something: a turn starts, and what was known of the one before is over."""
        self._turns += 1
        self._spoken = False
        self._silent = None
        self.interrupting = ""
        self._alive = None if self._alive is False else self._alive
        state = State.STARTING if self._turns == 1 else State.WORKING
        self._set("process", self._found(state, "", "turn begins"))

    def process(self, alive: bool, code: int | None = None) -> None:
        """The tool's process lives, or has ended with this exit code (negative: by that signal)."""
        if alive:
            if self._alive is not True and not self._spoken:
                self._set("process", self._found(self._known.state, self._known.reason, "process: alive"))
            self._alive = True
            return
        if self._alive is False:
            return
        self._alive = False
        self._silent = None
        if self._known.state.ended and self._by in ("events", "screen", "title"):
            return  # it had said how the turn ended before it went
        self._set("process", self._ended(code))

    def event(self, event: Event) -> None:
        """The tool told something."""
        if self._alive is False:
            return
        self._silent = None
        self._spoken = True
        self._heard = self._clock()
        found = self._from_event(event)
        if found is not None:
            self._set("events", found)

    def title(self, title: str) -> None:
        """The tool set its terminal's title."""
        self._title = one_line(title)
        self._look()

    def screen(self, text: str) -> None:
        """The tool's screen, as lines of text, after it has changed."""
        self._screen = text
        self._silent = None
        self._look()

    def idle(self, seconds: float, computing: bool) -> None:
        """For so long the tool has neither told nor shown anything; ``computing``: but it is at work."""
        if self._alive is False:
            return
        self._look()
        if computing or seconds < SILENCE:
            self._silent = None
        elif self._known.state in (State.STARTING, State.WORKING):
            was = self._known
            steps = seconds // STEP * STEP or seconds
            why = f"silent for {steps:.0f} s: no output and no work, after {was.state.value}"
            seen = was.evidence or was.rule
            at = self._silent.at if self._silent else self._clock()
            self._silent = Finding(State.UNKNOWN, why, f"watchdog: {SILENCE:g} s", seen, at)

    def _found(self, state: State, reason: str, rule: str, evidence: str = "", waiting: str = "") -> Finding:
        return Finding(
            state, one_line(reason, REASON), rule, one_line(evidence, EVIDENCE), self._clock(), waiting
        )

    def _set(self, by: Witness, found: Finding) -> None:
        """Take a finding; one that says what was known already leaves the time at which it began."""
        was = self._known
        self._by = by
        if (was.state, was.reason, was.waiting) == (found.state, found.reason, found.waiting):
            found = msgspec.structs.replace(found, at=was.at)
        self._known = found

    def _ended(self, code: int | None) -> Finding:
        """A process that ended without having said how its turn did."""
        how = "its process is gone" if code is None else _exit(code)
        last = self._known.evidence
        if code == 0 and not self._tells_done and not self._screen:
            return self._found(State.DONE, how, "process: exit 0")
        if code == 0 and self._screen and self._known.state is State.STARTING:
            return self._found(State.STOPPED, "its program was closed", "process: exit 0", last)
        rule = "process: gone" if code is None else f"process: exit {code}"
        return self._found(State.FAILED, f"{how} before it said that it had finished", rule, last)

    def _from_event(self, event: Event) -> Finding | None:
        text, kind = event.text, event.kind
        rule = f"events: {event.rule or kind}"
        evidence = event.evidence or text
        if kind in _ENDS:
            return self._found(_ENDS[kind], text, rule, evidence)
        if kind == "waiting":
            name = str(event.fields.get("name") or "question")
            name = name if name in ("permission", "question", "trust") else "question"
            return self._found(State.WAITING, f"{name}: {text}" if text else name, rule, evidence, name)
        if kind in _WORKING:
            reason = f"retrying: {text}" if kind == "retrying" else ""
            return self._found(State.WORKING, reason, rule, evidence)
        if kind in ("result", "usage") and self._known.state in (State.STARTING, State.WAITING):
            return self._found(State.WORKING, "", rule, evidence)
        if kind == "session" and self._known.state is State.STARTING:
            return self._found(State.STARTING, "", rule, evidence)
        return None

    def _look(self) -> None:
        """What title and screen say now, and whether that counts."""
        if self._alive is False:
            return
        seen = classify(self._description, self._screen, self._title)
        if seen is None:
            return
        rule, evidence = seen
        by: Witness = "title" if rule.title else "screen"
        state = State(rule.state)
        if not self._counts(state, by):
            return
        reason = f"{rule.waiting}: {evidence}" if rule.waiting else rule.reason
        if state is State.INTERRUPTED and self.interrupting:
            reason = self.interrupting
        self._set(by, self._found(state, reason, name_of(rule), evidence, rule.waiting))

    def _counts(self, state: State, by: Witness) -> bool:
        if not self._spoken:
            return True
        known = self._known.state
        if known.ended:
            return self._by != "events" and state in (State.WORKING, State.WAITING)
        if state is State.WAITING:
            return True
        if self._by != "events":
            # The question that only the screen told of is gone from it.
            return state in (State.WORKING, State.INTERRUPTED, State.FAILED) or self._is_end(state)
        if self._clock() - self._heard < FRESH:
            return False
        if state is State.WORKING:
            return known is State.WAITING
        return state in (State.INTERRUPTED, State.FAILED) or self._is_end(state)

    def _is_end(self, state: State) -> bool:
        return state is State.DONE and not self._ends


def name_of(rule: ScreenRule) -> str:
    """A screen rule as a few words."""
    where = "title" if rule.title else "screen"
    return f"{where}: {rule.reason or rule.waiting or rule.state}"


def classify(description: Description, screen: str, title: str = "") -> tuple[ScreenRule, str] | None:
    """The first rule that fits the title, else the first that fits the screen, with the line that it saw.

    ``screen`` is text of a terminal, colours are taken off; ``None`` when no rule fits.
    """
    lines = [line.rstrip() for line in plain(screen).splitlines()]
    lines = [line for line in lines if line]
    for rule in description.screens:
        if rule.title and title and (seen := _fits(rule, [plain(title)])) is not None:
            return rule, seen
    for rule in description.screens:
        if not rule.title and (seen := _fits(rule, lines[-rule.lines :])) is not None:
            return rule, seen
    return None


def _fits(rule: ScreenRule, lines: list[str]) -> str | None:
    """The line that tells, or ``None`` when the rule does not fit."""
    if any(_line(pattern, lines) is not None for pattern in rule.none):
        return None
    found: list[str | None] = [_line(pattern, lines) for pattern in rule.all]
    if rule.any:
        found.append(next((line for p in rule.any if (line := _line(p, lines)) is not None), None))
    if rule.last:
        newest = _line(rule.last[0], lines) or ""
        found.append(newest if _compiled(rule.last[-1]).search(newest) else None)
    if not lines or None in found:
        return None
    return (found[0] or lines[-1]).strip()


def _line(pattern: str, lines: list[str]) -> str | None:
    """The last line that the pattern is found in."""
    search = _compiled(pattern).search
    return next((line for line in reversed(lines) if search(line)), None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _exit(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit {code}"
