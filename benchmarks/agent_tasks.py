"""Twenty scripted tasks, played by one loopback model that answers the built-in agent and mini-swe-agent.

    .venv/bin/python benchmarks/agent_tasks.py [--mini PATH]

The model (``agent_policy``) decides from what it is shown and errs alike for both; only the tongue differs.
A token is four characters of the request's JSON (messages and tools). Both have the same time for a command.
Exit code 1 when the built-in agent succeeds less often, or sends more tokens. Without mini it plays alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from agent_jobs import JOBS
from agent_policy import Job, Kage, Mini, Said, play
from ground import ROOT  # noqa: F401  (makes the tests' fixtures importable)

from kage_nvim.model import Limits, Task
from tests.conftest import until
from tests.fixtures.model_server import ModelServer, Reply
from tests.unit.agent.world import Exchange, World

SECONDS = 20


class Model:
    """Plays one job with one agent, and counts what it is sent."""

    def __init__(self, job: Job, tongue: Kage | Mini) -> None:
        self._policy: Generator[Said, str, None] = play(job, tongue)
        next(self._policy)
        self._shown = 0
        self.tokens = self.calls = 0

    def answer(self, body: dict[str, Any]) -> Said:
        """The next answer; what is new in the request decides."""
        self.calls += 1
        self.tokens += len(json.dumps([body["messages"], body.get("tools")], ensure_ascii=False)) // 4
        new = body["messages"][self._shown :]
        self._shown = len(body["messages"]) + 1
        return self._policy.send("\n".join(str(message.get("content")) for message in new))


def repository(job: Job, root: Path) -> None:
    """The job's files, committed."""
    for path, text in job.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, newline="")
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True)


def done(job: Job, root: Path) -> bool:
    """Whether the job's own check says so."""
    return (
        subprocess.run(["bash", "-c", job.check], cwd=root, capture_output=True, check=False).returncode == 0
    )


def by_kage(job: Job, folder: Path) -> tuple[bool, Model]:
    """The built-in agent as a process, with its context gathered as kaged does it."""
    world = World(folder, mode="on")
    model = Model(job, Kage())
    repository(job, world.worktree)
    task = Task(text=job.text)
    asked = {
        "git_dir": str(world.worktree / ".git"),
        "tree": "HEAD",
        "task": {"text": job.text},
        "cache": str(folder / "symbols.db"),
        "out": str(folder / "context.md"),
    }
    run = [sys.executable, "-I", "-m"]
    subprocess.run(
        [*run, "kage_nvim.agent_runtime.context"],
        input=json.dumps(asked).encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )

    def script(exchange: Exchange) -> None:
        words, calls = model.answer(exchange.body)
        exchange.answer(words, calls, 0.0, "tool_calls" if calls else "stop")

    world.gateway.scripts = [script] * 60
    limits = Limits(steps=40, command_seconds=job.seconds or SECONDS)
    spec = world.spec_file(task=task, limits=limits, context=asked["out"])
    process = subprocess.Popen(
        [*run, "kage_nvim.agent_runtime", "--spec", str(spec)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: world.daemon.state in ("done", "failed", "stopped"), 60, "the agent's end")
    finally:
        process.terminate()
        process.wait(10)
        world.close()
    return done(job, world.worktree) and world.daemon.state == "done", model


def by_mini(job: Job, folder: Path, mini: str) -> tuple[bool, Model]:
    """mini-swe-agent as its users run it, without its questions."""
    root, home = folder / "worktree", folder / "home"
    root.mkdir(parents=True)
    home.mkdir()
    model = Model(job, Mini())
    repository(job, root)

    def script(body: dict[str, Any], headers: dict[str, str]) -> Reply:
        words, calls = model.answer(body)
        return Reply(words, tool_calls=[(call["name"], json.loads(call["arguments"])) for call in calls])

    with ModelServer(script) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "MSWEA_CONFIGURED": "true",
            "MSWEA_COST_TRACKING": "ignore_errors",
            "MSWEA_GLOBAL_CONFIG_DIR": str(home),
            "OPENAI_API_BASE": server.url,
            "OPENAI_API_KEY": "x",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        timeout = f"environment.timeout={job.seconds or SECONDS:.0f}"
        words = [
            "-y",
            "--exit-immediately",
            "-m",
            "openai/test-model",
            "-t",
            job.text,
            "-o",
            str(home / "t.json"),
        ]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [mini, *words, "-c", "mini.yaml", "-c", timeout, "-c", "agent.step_limit=40"],
                cwd=root,
                env=environment,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=180,
                check=False,
            )
    submitted = "Submitted" in (home / "t.json").read_text() if (home / "t.json").exists() else False
    return done(job, root) and submitted, model


def main() -> int:
    """Play all tasks, print the table; the exit code."""
    parser = argparse.ArgumentParser(description="the built-in agent against mini-swe-agent")
    parser.add_argument("--mini", default=shutil.which("mini"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    won = {"kage": 0, "mini": 0}
    tokens = {"kage": 0, "mini": 0}
    print(f"{'task':32}{'kage':>22}{'mini':>22}")
    for job in JOBS:
        if options.only not in job.name:
            continue
        line = f"{job.name:32}"
        for name in ("kage", "mini") if options.mini else ("kage",):
            with tempfile.TemporaryDirectory(prefix="kage-task-") as folder:
                place = Path(folder) / "place"
                if name == "kage":
                    place.mkdir()
                    good, model = by_kage(job, place)
                else:
                    good, model = by_mini(job, place, options.mini)
            won[name] += good
            tokens[name] += model.tokens
            line += f"{'ok' if good else 'NO':>6}{model.calls:>4} calls{model.tokens:>8}"[:24].rjust(22)
        print(line, flush=True)
    print(f"{'together':32}{won['kage']:>6} ok{tokens['kage']:>13}{won['mini']:>6} ok{tokens['mini']:>13}")
    if not options.mini:
        print("mini was not found: give --mini PATH to compare")
        return 0
    return 0 if won["kage"] >= won["mini"] and tokens["kage"] <= tokens["mini"] else 1


if __name__ == "__main__":
    sys.exit(main())
