"""Run one command, and end every process that it left behind: ``contain.py make test``.

Kage's daemons detach themselves, so a test that forgets one would leave it running. On Linux this process
adopts whatever its descendants leave, gives it a moment to end, names and kills the rest. What the command
printed passes through; its summary line (pytest's) is printed again when something followed it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

PR_SET_CHILD_SUBREAPER = 36
GRACE = 10.0
SUMMARY = re.compile(r"^(=+ )?\d+ (passed|failed|skipped|error).* in [\d.]+s")


def main(argv: list[str]) -> int:
    """Run ``argv`` and return its exit code, or 1 when it left processes behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    summary: list[str] = []
    # A thread, because a process left behind may hold the pipe open for ever.
    reader = threading.Thread(target=relay, args=(child.stdout, summary), daemon=True)
    reader.start()
    code = ended(child)
    left = survivors(GRACE)
    for pid in left:
        print(f"left behind: {pid} {command(pid)}", flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    reader.join(5)
    if left and summary:
        print(summary[-1], end="", flush=True)
    return code or (1 if left else 0)


def ended(child: subprocess.Popen[str]) -> int:
    """Wait for the command; what it left behind is reaped as it ends, not kept by the thousand until then."""
    while child.returncode is None:
        pid, status = os.waitpid(-1, 0)
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode


def relay(lines: IO[str] | None, summary: list[str]) -> None:
    """Print what the command prints, and remember its summary lines."""
    for line in lines or ():
        print(line, end="", flush=True)
        if SUMMARY.match(line):
            summary.append(line)


def survivors(seconds: float) -> list[int]:
    """Descendants that are still alive after ``seconds``; those that ended are reaped meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        reap()
        left = descendants(os.getpid())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def reap() -> None:
    """Collect adopted children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def descendants(pid: int) -> list[int]:
    """Every process below ``pid``, read from /proc; empty on other systems."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    below, todo = [], [pid]
    while todo:
        parent = todo.pop()
        children = [child for child, its in parents.items() if its == parent]
        below += children
        todo += children
    return below


def command(pid: int) -> str:
    """A process's command line, as far as it can still be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return "(ended)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
