"""What an agent is told. The N agents of a run get the same text up to the last part, so that a provider's
prompt cache serves them all; what differs (role, variant, angle) comes at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kage_nvim.model import AgentSpec

SYSTEM = """\
You are a software engineer in a git worktree of your own. Finish the task by calling tools; nobody answers \
questions meanwhile, so decide what is sensible and say so at the end.

- Read what the task touches before you change it.
- Make the smallest change that does the whole task, in the style of the code around it. Leave no scratch \
files; do not commit.
- Then run the project's tests or the changed code; if that fails, mend it and run it again.
- Commands run in a sandbox without network and are killed after {seconds:.0f} seconds. Servers may use the \
ten ports from $KAGE_PORT. Long output is cut in the middle.
- Independent calls may stand in one answer; they run in order.
- Call finish when you are done or cannot go on. Say only what you have seen: never that tests pass if you \
did not see them pass.

The user may write to you while you work; the newest message counts."""

TEXT_PROTOCOL = """\
Write each tool call as a block of this form, and nothing after the last one:
```json
{"tool": "shell", "args": {"command": "ls"}}
```
The tools: shell(command, timeout?), read(path, first?, count?), search(pattern, path?), \
edit(path, old, new), write(path, content), finish(summary)."""

NUDGE = (
    "That was no tool call. Go on with the task by calling a tool; if the task is done, or needs no change, "
    f"call finish. {TEXT_PROTOCOL}"
)
SHELL_BLOCK = (
    "A shell block is not run. To run it, write a call of shell; if it was only an example, call finish. "
    f"{TEXT_PROTOCOL}"
)
NOT_FINISHED = "not finished: a call before this one, in the same answer, failed; look at that first"
CUT = "Your answer was cut off at the token limit, before a complete tool call. Do it in smaller steps."
INTERRUPTED = "[The user interrupted you here. Wait for what they say next and follow that.]"
GO_ON = "[Kage was restarted here; a command may have been cut off. Look where you are, then go on.]"
RESULT = "Result of "
"""What the result of a call written as text begins with."""

SUMMARISE = """\
Below is the first part of a software engineer's work on a task, which is put aside for want of room. \
Write what they need to go on without it: what was found out and where (paths, names, lines), what was \
changed, what was tried and failed, what the user asked for, what is left. No preface; at most 600 words."""
SUMMARY = "[The first part of this work was put aside for want of room. In short:]\n\n"
LOST = "[The first part of this work was put aside for want of room; the files show what was done.]"


def conversation(spec: AgentSpec, surroundings: str) -> list[dict[str, Any]]:
    """The messages that a new agent begins with; ``surroundings`` are the run's notes and map."""
    system = SYSTEM.format(seconds=spec.limits.command_seconds)
    task = "\n\n".join([*([surroundings] if surroundings else []), *_task(spec), *_own(spec)])
    return [{"role": "system", "content": system}, {"role": "user", "content": task}]


def shared(spec: AgentSpec, task: str) -> int:
    """How many characters of the task's message all agents of the run have in common."""
    own = "".join(f"\n\n{part}" for part in _own(spec))
    return len(task) - len(own) if task.endswith(own) else len(task)


def task_text(spec: AgentSpec) -> str:
    """The task with its context, for a player that is a command."""
    return "\n\n".join([*_task(spec), *_own(spec)]) + "\n"


def _task(spec: AgentSpec) -> list[str]:
    """What all agents of the run are told."""
    task = spec.task
    parts = [f"# Task\n\n{task.text}"]
    if task.wanted:
        parts.append(f"# What to hand in\n\n{task.wanted}")
    if task.proposal:
        parts.append(
            "# The proposal that was chosen\n\nCarry this document out; where it and the task differ, the"
            " task counts. It is a plan, not yet done, and no file of the repository."
            f"\n\n{_fenced(task.proposal)}"
        )
    if task.before:
        parts.append(
            f"# What you find\n\nThe files are as another agent left them; build on that. {task.before}"
        )
    if selection := task.selection:
        where = f"{selection.path}, lines {selection.first} to {selection.last}"
        parts.append(f"# Selected by the user: {where}\n\n{_fenced(selection.text)}")
    if task.files:
        parts.append("# Files that the user named\n\n" + "\n".join(f"- {path}" for path in task.files))
    if task.diagnostics:
        parts.append("# Diagnostics\n\n" + "\n".join(f"- {line}" for line in task.diagnostics))
    return parts


def said_later(messages: Sequence[str]) -> str:
    """What the user said after the task, for a tool that is told everything anew."""
    return "".join(f"\n# Said later\n\n{message}\n" for message in messages)


def _own(spec: AgentSpec) -> list[str]:
    """What this agent alone is told."""
    parts = []
    if spec.role:
        parts.append(f"# Your role: {spec.role}\n\n{spec.instructions}")
    if variant := spec.task.variants.get(spec.number):
        parts.append(f"# For you in particular\n\n{variant}")
    if spec.angle:
        parts.append(f"# Your angle\n\n{spec.angle}")
    return parts


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"
