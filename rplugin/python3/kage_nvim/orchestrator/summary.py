"""What an agent did, made from the lines of its log: files, commands, tests seen, cost, its own last words.

Kage's own agent and the third-party CLIs log alike, but name tools and arguments as they please; so a call is
told by what its arguments hold. Nothing here looks at files: a summary says what the log shows. What commands
changed shows once a turn has ended, by the line that ``note_candidate`` adds.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import paths
from kage_nvim.model import AgentStatus
from kage_nvim.orchestrator.runs import Agent, Run

WORDS = 2000
"""Characters of an agent's own words."""
SHOWN = 12
"""Commands and files that a text lists."""

_WRITES = re.compile(r"edit|write|patch|create|replace|insert|delete|file_change", re.IGNORECASE)
_PATHS = ("path", "file_path", "filePath", "absolute_path", "filename", "file", "notebook_path")
_COMMANDS = ("command", "cmd", "script")
_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)
_NODE = "^[#\u2139] "
_EXIT = re.compile(
    r"^\W{0,3}(?:process )?exit(?:ed)?(?: (?:code|status)| with(?: code)?)?[ :=]+(-?\d+)", re.I | re.M
)
_OUTPUT = re.compile(r"^(?:Output|Stdout):", re.MULTILINE)
"""Where a CLI's own lines on a command end and what the command printed begins."""


class Ran(msgspec.Struct):
    """One command; ``exit`` is None when the log does not tell how it ended."""

    command: str
    exit: int | None = None
    seconds: float = 0.0


class Tests(msgspec.Struct):
    """What a test runner's own last lines said, and which command it was."""

    runner: str
    passed: int
    failed: int
    command: str = ""


class Summary(msgspec.Struct, kw_only=True):
    """One agent's work. ``tests`` are in the order in which they were run, the last one counts; ``seconds``
    is the time between the first line of the log and the last; ``cost_usd`` None means unpriced. Calls,
    tokens and cost are of the whole agent, those before its ``restarts`` included; the rest is of the last
    start."""

    number: int
    player: str
    model: str
    role: str | None
    state: str
    reason: str
    words: str = ""
    files: list[str] = []
    commands: list[Ran] = []
    tests: list[Tests] = []
    steers: list[str] = []
    calls: int = 0
    restarts: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0


def note_candidate(agent: Agent, commit: str, files: list[str]) -> None:
    """Add to the agent's log which files its candidate changes: one line, appended whole as its own are.

    A run that is being cleaned, or an agent that never started, has no log any more or yet.
    """
    line = {"t": round(time.time(), 3), "kind": "candidate", "commit": commit, "files": files}
    with suppress(FileNotFoundError):
        log = os.open(agent.folder / "log.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(log, json.dumps(line).encode() + b"\n")
        finally:
            os.close(log)


def read(path: Path) -> list[dict[str, Any]]:
    """The events of a log; lines that are none are passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def summarise(events: Iterable[dict[str, Any]], status: AgentStatus, worktree: str = "") -> Summary:
    """The summary of one log. Paths below ``worktree`` are shown relative to it."""
    made = Summary(
        number=status.number,
        player=status.player,
        model=status.model,
        role=status.role,
        state=status.state.value,
        reason=status.reason,
        tokens_in=status.tokens_in,
        tokens_cached=status.tokens_cached,
        tokens_out=status.tokens_out,
        cost_usd=status.cost_usd,
    )
    open_calls: dict[str, dict[str, Any]] = {}
    said, stale = "", False
    times = []
    for event in events:
        kind = event.get("kind")
        if kind != "message" and isinstance(event.get("t"), (int, float)):
            times.append(event["t"])
        if kind == "tool":
            open_calls[str(event.get("id"))] = event
        elif kind == "result":
            call = open_calls.pop(str(event.get("id")), {"name": event.get("name", "")})
            _take(made, call, event, worktree)
        elif kind == "usage":
            made.calls += 1
        elif kind == "summary":
            made.words, stale = str(event.get("text", ""))[:WORDS], False
        elif kind == "text":
            said = str(event.get("text", ""))
        elif kind == "steer":
            made.steers.append(str(event.get("text", "")))
            stale = bool(made.words)
        elif kind == "candidate":
            made.files = [str(path) for path in event.get("files", [])]
    made.words = made.words or said[-WORDS:].strip()
    if stale:
        made.words = f"Before the last message to it: {made.words}"
    made.seconds = round(times[-1] - times[0], 1) if times else 0.0
    return made


def _take(made: Summary, call: dict[str, Any], result: dict[str, Any], worktree: str) -> None:
    """One call with its result: a change of files, a command, or nothing to tell."""
    args = _arguments(call.get("args"))
    text, ok = str(result.get("text") or ""), result.get("ok") is not False
    command = next((_line(args[key]) for key in _COMMANDS if args.get(key)), "")
    if command:
        code = result.get("exit", exit_code(text, 0 if ok else None))
        made.commands.append(Ran(command, code, float(result.get("seconds") or 0.0)))
        if seen := seen_in(text):
            seen.command = command
            made.tests.append(seen)
    patched = _PATCHED.findall("\n".join(str(value) for value in args.values()))
    if ok and (patched or _WRITES.search(str(call.get("name", "")))) and not (command and not patched):
        for path in patched or _paths(args):
            shown = path.removeprefix(worktree.rstrip("/") + "/") if worktree else path
            if shown not in made.files:
                made.files.append(shown)


def exit_code(text: str, unsaid: int | None) -> int | None:
    """The exit code in a tool's own words, for the command may print such words as well: on the first line,
    among the lines before the output, or, of a tool that marks the output, on one of the last."""
    output = _OUTPUT.search(text[:500])
    own = text[: output.start()] if output else text.partition("\n")[0]
    match = _EXIT.search(own) or (_EXIT.search(text[-200:]) if output else None)
    return int(match[1]) if match else unsaid


def _arguments(args: object) -> dict[str, Any]:
    if isinstance(args, str):
        try:
            args = json.loads(args)
        except ValueError:
            return {}
    return args if isinstance(args, dict) else {}


def _paths(args: dict[str, Any]) -> list[str]:
    """The files that a call names: one by one of the usual keys, or a list or table of changes."""
    changes = args.get("changes")
    if isinstance(changes, dict):
        return list(changes)
    if isinstance(changes, list):
        return [str(entry["path"]) for entry in changes if isinstance(entry, dict) and entry.get("path")]
    return [str(args[key]) for key in _PATHS if args.get(key)][:1]


def _line(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list) else str(command)


def _number(pattern: str, text: str) -> int:
    """The newest number that a pattern finds."""
    found: list[str] = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def seen_in(text: str) -> Tests | None:
    """What a test runner said at the end of a command's output: pytest, unittest, cargo, go, and npm's jest,
    vitest, mocha and node's own. None when there is no such line."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if found := re.findall(r"^=*\s*((?:\d+ \w+,? ?)+) in [\d.]+ ?s", text, re.MULTILINE):
        passed = _number(r"(\d+) passed", found[-1])
        failed = _number(r"(\d+) failed", found[-1]) + _number(r"(\d+) errors?\b", found[-1])
        return Tests("pytest", passed, failed)
    if found := re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed", text, re.MULTILINE):
        return Tests("cargo", sum(int(a) for a, _ in found), sum(int(b) for _, b in found))
    if ran := re.findall(r"^Ran (\d+) tests? in ", text, re.MULTILINE):
        bad = sum(map(int, re.findall(r"(?:failures|errors)=(\d+)", text)))
        return Tests("unittest", int(ran[-1]) - bad, bad)
    return _of_go(text) or _of_npm(text)


def _of_go(text: str) -> Tests | None:
    """go counts tests only when asked to (-v); otherwise packages stand for them."""
    packages = re.findall(r"^(ok|FAIL)\s+\S+\s+(?:\d|\(cached\)|\[)", text, re.MULTILINE)
    if not packages:
        return None
    passed = len(re.findall(r"^--- PASS: ", text, re.MULTILINE)) or packages.count("ok")
    failed = len(re.findall(r"^--- FAIL: ", text, re.MULTILINE)) or packages.count("FAIL")
    return Tests("go", passed, failed)


def _of_npm(text: str) -> Tests | None:
    if found := re.findall(r"^\s*Tests:?\s+(.*\b(?:passed|failed)\b.*)$", text, re.MULTILINE):
        runner = "jest" if "total" in found[-1] else "vitest"
        return Tests(runner, _number(r"(\d+) passed", found[-1]), _number(r"(\d+) failed", found[-1]))
    if re.search(r"^\s*\d+ passing\b", text, re.MULTILINE):
        return Tests("mocha", _number(r"^\s*(\d+) passing", text), _number(r"^\s*(\d+) failing", text))
    if re.search(rf"{_NODE}pass \d+$", text, re.MULTILINE):
        return Tests("node", _number(rf"{_NODE}pass (\d+)$", text), _number(rf"{_NODE}fail (\d+)$", text))
    return None


def told(made: Summary) -> str:
    """A summary as another agent is told it: what was done, in plain words, without what it cost."""
    parts = [f"It ended as {made.state}." + (f" Its own account:\n\n{made.words}" if made.words else "")]
    if made.files:
        parts.append("Files that it changed: " + _some(made.files))
    if made.commands:
        ran = [f"{run.command.splitlines()[0][:120]} (exit {run.exit})" for run in made.commands[-SHOWN:]]
        parts.append("Commands that it ran at the end:\n" + "\n".join(f"- {line}" for line in ran))
    if made.tests:
        last = made.tests[-1]
        parts.append(f"Tests that it saw last: {last.passed} passed, {last.failed} failed ({last.runner})")
    if made.steers:
        parts.append("What the user told it meanwhile:\n" + "\n".join(f"- {text}" for text in made.steers))
    return "\n\n".join(parts)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def of_run(run: Run, agents: list[Agent]) -> dict[str, Any]:
    """The summaries of agents with what they were asked for; the task before it was changed comes first."""
    history = [str(event["text"]) for event in read(paths.run_folder(run.id) / "log.jsonl")]
    return {
        "run": run.id,
        "task": run.record.task.text,
        "tasks": history,
        "on": run.record.status.on,
        "agents": [of_agent(agent) for agent in agents],
    }


def of_agent(agent: Agent) -> Summary:
    """The summary of one agent, from its log as it is now."""
    made = summarise(read(agent.folder / "log.jsonl"), agent.record.status, str(agent.slot.tree))
    before = list(agent.folder.glob("log-*.jsonl"))  # put aside by restarts
    made.restarts = len(before)
    made.calls += sum(event.get("kind") == "usage" for path in before for event in read(path))
    return made
