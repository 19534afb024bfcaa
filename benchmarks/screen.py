"""From a state change in an agent (the time in its log) to the statusline of a real Neovim in tmux.

    .venv/bin/python benchmarks/screen.py [RUNS]

Prints the delay of each run's last change and the worst. Reading the screen costs some 4 ms of it.
"""

from __future__ import annotations

import json
import sys
import time

from ground import machine

LIMIT = 100
"""Milliseconds that a change may take."""


def main(runs: int) -> None:
    """Time ``runs`` agents from their end to its sign on the screen."""
    delays = []
    with machine(100) as stage:
        from kage_nvim import paths
        from tests.e2e.desk import Desk
        from tests.e2e.stage import Stage, tape
        from tests.fixtures.model_server import Reply

        assert isinstance(stage, Stage)
        replies = [Reply(tool_calls=[("finish", {"summary": "nothing to do"})])]
        stage.recorded(quick=tape(stage.home / "quick.jsonl", replies, delay=1.0))
        with Desk(stage, columns=120, rows=30, files=()) as desk:
            for _ in range(runs):
                desk.command("KageSpawn 1 look")
                desk.until_screen("1●")
                while "1✓" not in desk.screen():
                    pass
                seen = time.time()
                run = stage.json("status")["runs"][0]["id"]
                log = (paths.run_folder(run) / "agents" / "1" / "log.jsonl").read_text()
                events = [json.loads(line) for line in log.splitlines()]
                ended = next(e["t"] for e in events if e["kind"] == "state" and e["state"] == "done")
                delays.append(1000 * (seen - ended))
                print(f"{delays[-1]:.0f} ms", flush=True)
    print(f"worst of {runs}: {max(delays):.0f} ms")
    if max(delays) > LIMIT:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
