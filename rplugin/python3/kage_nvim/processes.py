"""Whether a process that we know of is still that process: pids are used again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil


def born(pid: int) -> str:
    """When the process began, as an exact text to compare; empty when there is none (or a zombie)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return repr(process.create_time())
    except psutil.Error:
        return ""


def alive(pid: int | None, began: str) -> bool:
    """True when ``pid`` still is the process that began at ``began``."""
    return pid is not None and began != "" and born(pid) == began


def ended(pid: int | None, began: str, seconds: float) -> bool:
    """Wait up to ``seconds`` for the process to end; returns whether it has."""
    if pid is None or not alive(pid, began):
        return True
    try:
        psutil.Process(pid).wait(seconds)
    except psutil.TimeoutExpired:
        return not alive(pid, began)
    except psutil.NoSuchProcess:
        return True
    return True


def end(pid: int | None, began: str) -> None:
    """Kill the process, if it is still the one that began at ``began``."""
    if pid is not None and alive(pid, began):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
