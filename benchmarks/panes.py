"""Opening ten agents' panes: Kage, beside ten calls of bare tmux.

    .venv/bin/python benchmarks/panes.py [ROUNDS]

In turns on one private tmux server, in a window of its own each time. Exits 1 when Kage's best takes more
than 0.15 s. What it rests on, few calls of tmux for many panes, is held by tests/unit/panes/test_open.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ground import seconds

from kage_nvim.orchestrator.tmux.panes import PaneRequest, Panes

MOST = 0.15
PANES = 10
SHOWN = ["sh", "-c", "exec cat"]


def main(rounds: int) -> int:
    """Time both, print their best, and say whether Kage's is within its limit."""
    folder = Path(tempfile.mkdtemp(prefix="kb"))
    tmux = ["tmux", "-f", "/dev/null", "-S", str(folder / "t")]

    def bare() -> None:
        """As many windows, one call each."""
        for _ in range(PANES):
            subprocess.run([*tmux, "new-window", "-d", "-t", "bare:", *SHOWN], check=True)

    try:
        size = ["-x", "240", "-y", "50"]
        editor = _said([*tmux, "new-session", "-d", "-s", "work", *size, "-P", "-F", "#{pane_id}", "cat"])
        pid = _said([*tmux, "display-message", "-p", "#{pid}"])
        panes = Panes(f"{folder / 't'},{pid},0", editor, own_socket=folder / "own")
        wanted = [PaneRequest(n, f"kage {n}", SHOWN, {"KAGE_AGENT": str(n)}) for n in range(1, PANES + 1)]
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(seconds(lambda: panes.open(wanted, "window")))
            panes.kill([pane for pane in panes.list_all() if pane != editor])
            subprocess.run([*tmux, "new-session", "-d", "-s", "bare", *size, "cat"], check=True)
            theirs.append(seconds(bare))
            subprocess.run([*tmux, "kill-session", "-t", "bare"], check=True)
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
    best = min(ours)
    print(f"{PANES} panes: {best * 1000:.0f} ms; {PANES} calls of tmux {min(theirs) * 1000:.0f} ms")
    return int(best > MOST)


def _said(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
