"""A race on a spread of finishing times: what the others spend after the first one is known to be green.

Agents call a model server on loopback whose delays differ by agent, so that they would finish one after
another. The server sees for how long each call is really under way. Printed for each round: when the first
agent was green, and how long after that the last call of the others ended. Exits 1 when that is ever above
0.5 s.

    .venv/bin/python benchmarks/race.py [ROUNDS [AGENTS]]
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ground import machine

MOST = 0.5
"""Seconds that the others may spend after the first one is green."""
CALLS = 6
FIRST, STEP = 3.0, 1.0
"""Seconds in which the quickest agent's model answers all calls, and how much longer each next one takes."""


class SlowModel:
    """An OpenAI-protocol server: model ``mN`` takes the N-th place in the spread. ``calls`` holds the model,
    the beginning and the end (Unix seconds) of each call; a caller that hangs up ends it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, float]] = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line[15:]) for line in head.lower().splitlines() if b"content-length" in line
                )
                await self._call(json.loads(await reader.readexactly(length)), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, EOFError):
            pass
        finally:
            writer.close()

    async def _call(self, body: dict[str, Any], reader: asyncio.StreamReader, writer: Any) -> None:
        began, model = time.time(), str(body["model"])
        gone = asyncio.ensure_future(reader.read(1))
        delay = (FIRST + STEP * (int(model.rpartition("m")[2]) - 1)) / CALLS
        try:
            done, _ = await asyncio.wait([gone], timeout=delay)
        finally:
            self.calls.append((model, began, time.time()))
        if done:
            raise EOFError
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        answer = json.dumps(_answer(sum(m["role"] == "assistant" for m in body["messages"]))).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        writer.write(head.encode() + answer)
        await writer.drain()


def _answer(turn: int) -> dict[str, Any]:
    """The mending edit comes last but one."""
    calls = {
        CALLS - 2: ("edit", {"path": "calc.py", "old": "a - b", "new": "a + b"}),
        CALLS - 1: ("finish", {"summary": "Mended."}),
    }
    name, arguments = calls.get(turn, ("shell", {"command": f"echo step {turn}"}))
    call = {
        "id": f"c{turn}",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(arguments)},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": f"r{turn}",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200},
    }


def project(root: Path) -> None:
    """A defect, and the check that sees it."""
    (root / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (root / ".gitignore").write_text("__pycache__/\n")
    check = "command = \"python3 -c 'import calc; assert calc.add(1, 2) == 3'\""
    (root / ".kage.toml").write_text(f"[checks.sum]\n{check}\n")


def main(rounds: int, agents: int) -> int:
    """Measure and print; the exit code."""
    worst = 0.0
    with machine(50, project) as stage:
        server = SlowModel()
        tables = [
            f'[players.p{n}]\nmodel = "openai/m{n}"\napi_base = "{server.url}"\n'
            'api_key_env = "OPENAI_API_KEY"\n'
            "price_in = 1.0\nprice_out = 2.0\nstream = false\n"
            for n in range(1, agents + 1)
        ]
        stage.configure("\n".join(tables))
        stage.environment["OPENAI_API_KEY"] = "sk-benchmark"
        words = [word for n in range(1, agents + 1) for word in ("--player", f"p{n}")]
        for number in range(rounds + 1):
            server.calls.clear()
            stage.shell("spawn", "--hidden", "--yes", "--strategy", "race", *words, "--", "mend add")
            stage.shell("wait", "--timeout", "120")
            run = stage.json("status")["runs"][0]
            first = next(agent for agent in run["agents"] if agent["state"] == "done")
            mine = max(end for model, _, end in server.calls if model == f"m{first['number']}")
            others = [end for model, _, end in server.calls if model != f"m{first['number']}"]
            after = max(0.0, max(others) - first["ended"])
            spent = sum(agent["cost_usd"] or 0.0 for agent in run["agents"])
            print(
                f"agent {first['number']} green {first['ended'] - mine:.2f} s after its last call;"
                f" the others' last call ended {after:.3f} s after that; ${spent:.4f}; {run['saved']}"
                + (" (cold)" if number == 0 else "")
            )
            worst = max(worst, after)
            stage.shell("clean")
    print(f"the most in {rounds + 1} races of {agents}: {worst:.3f} s, at most {MOST} s")
    return 0 if worst <= MOST else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(int(given[0]) if given else 5, int(given[1]) if len(given) > 1 else 6))
