"""How a command ended, where that is more than a code: it could not be started, or a signal ended it."""

from __future__ import annotations

import re
import signal

from kage_nvim.config import Check
from kage_nvim.sandbox import Completed

_STARTS = re.compile(rb"\A\s*bwrap: execvp [^\n]*\s*\Z")
_NOT_RUN = (126, 127)
"""Codes with which a shell says that a program is not there, or cannot be run."""
_ABOVE = 128
"""A shell, and bubblewrap, add a signal's number to this."""
_SIGNALS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL", "SIGSEGV", "SIGSYS", "SIGTERM", "SIGXCPU")
"""Those that end a program though it did not ask for it; other codes above are its own."""


def not_started(check: Check, done: Completed) -> bool:
    """Whether the command, or the last thing in it, is no program that can be run."""
    if isinstance(check.command, str):
        return done.returncode in _NOT_RUN
    return done.returncode == 1 and _STARTS.match(done.output) is not None


def ended_by(code: int | None) -> str:
    """The name of the signal that ended a command, empty: it ended by itself."""
    number = -code if code is not None and code < 0 else (code or 0) - _ABOVE
    try:
        name = signal.Signals(number).name
    except ValueError:
        return ""
    return name if name in _SIGNALS else ""


def summary(code: int, said: str) -> str:
    """``said`` with the signal before it; a kernel that is out of memory says no more than SIGKILL. What
    failed without a word has its code."""
    name = ended_by(code)
    if not name:
        return said if said or not code else f"it ended with code {code}, and said nothing"
    why = " (out of memory?)" if name == "SIGKILL" else ""
    return f"ended by {name}{why}{f': {said}' if said else ''}"


def lasts(state: str, code: int | None) -> bool:
    """Whether a result can be kept: what could not be run, and what somebody killed, may do better."""
    return state in ("pass", "fail") and ended_by(code) not in ("SIGKILL", "SIGTERM")
