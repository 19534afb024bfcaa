"""Three agents against a model server with fixed delays, versus one: the ratio of their wall times.

Each round is one run with one agent and one with three, in turns; a time goes from `kage spawn` to the return
of `kage wait`. Exits 1 when the median ratio is above 1.15.

    .venv/bin/python benchmarks/parallel.py [ROUNDS [DELAY_SECONDS]]
"""

from __future__ import annotations

import statistics
import sys

from ground import machine, seconds

from tests.fixtures.model_server import ModelServer, Reply

MOST = 1.15
CALLS = 6


def main(rounds: int, delay: float) -> int:
    """Measure and print; the exit code."""
    command = {"command": "cat package0/module1.py; git status --short"}
    script = [Reply(delay=delay, tool_calls=[("shell", command)]) for _ in range(CALLS - 1)]
    script.append(Reply(delay=delay, tool_calls=[("finish", {"summary": "Done."})]))
    ratios = []
    with machine(50) as stage, ModelServer(script) as server:
        stage.player(server.url)

        def run(count: int) -> float:
            def whole() -> None:
                stage.shell("spawn", "-n", str(count), "do it")
                stage.shell("wait", "--timeout", "120")

            took = seconds(whole)
            stage.shell("clean")
            return took

        print(f"{CALLS} model calls of {delay} s each, one command in between; the first pair is cold")
        for number in range(rounds + 1):
            one, three = run(1), run(3)
            print(f"one {one:.2f} s, three {three:.2f} s, ratio {three / one:.3f}")
            if number:
                ratios.append(three / one)
    median = statistics.median(ratios)
    print(f"median of {rounds} warm ratios {median:.3f}, at most {MOST}")
    return 0 if median <= MOST else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(int(given[0]) if given else 5, float(given[1]) if len(given) > 1 else 0.5))
