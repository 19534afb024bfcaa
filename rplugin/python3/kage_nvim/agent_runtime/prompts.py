"""What an agent is told. The N agents of a run get the same text up to the last part, so that a provider's
prompt cache serves them all; what differs (role, variant, angle) comes at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kage_nvim import sandbox
from kage_nvim.agent_runtime.text import HeadTail
from kage_nvim.model import AgentSpec, Profile

NOTES = ("AGENTS.md", "CLAUDE.md")
NOTES_LIMIT = 24_000
"""Characters of the repository's own notes that are sent."""

SYSTEM = """\
You are a software engineer at work in a git worktree of your own. You finish the task by calling tools; \
nobody answers questions meanwhile, so decide what is sensible and say so at the end.

How to work
- Look first: search and read what the task touches before you change it.
- Make the smallest change that does the whole task, in the style of the code around it. Leave no scratch \
files and no unrelated changes behind. There is no need to commit.
- Then check it: run the project's own tests or the changed code. If a test fails, read why, mend it and run \
it again.
- Commands run in the repository's root, in a sandbox: no network, nothing of the user's home. Each command \
is a fresh shell and is killed after {seconds:.0f} seconds. Servers for tests may use the ten ports from \
$KAGE_PORT.
- Several independent calls may stand in one answer; they run in order.
- When you are done, or cannot go on, call finish. Its first line says what was done; then why, and what is \
left or unsure. Say only what you have seen: never that tests pass if you did not see them pass.

The user may write to you while you work; the newest message counts.

If you cannot call tools natively, write each call as a block of this form, and nothing after the last one:
```json
{{"tool": "shell", "args": {{"command": "ls"}}}}
```
The tools and their arguments: shell(command, timeout?), read(path, first?, count?), search(pattern, path?), \
edit(path, old, new), write(path, content), finish(summary)."""

NUDGE = (
    "That was no tool call. Go on with the task by calling a tool, natively or as a ```json block "
    '{"tool": …, "args": {…}}; if the task is done, or needs no change, call finish.'
)
CUT = "Your answer was cut off at the token limit, before a complete tool call. Do it in smaller steps."
INTERRUPTED = "[The user interrupted you here. Wait for what they say next and follow that.]"
GO_ON = "[Kage was restarted here; a command may have been cut off. Look where you are, then go on.]"

_READ_NOTES = """
for name; do
  [ -f "$name" ] || continue
  [ "$name" != AGENTS.md ] && [ -f AGENTS.md ] && cmp -s "$name" AGENTS.md && continue
  printf '## %s\\n\\n' "$name"
  cat -- "$name"
  printf '\\n'
done
"""


async def notes(profile: Profile) -> str:
    """AGENTS.md and CLAUDE.md of the worktree's root, read inside the sandbox, equal ones once."""
    if not _has_notes(profile.worktree):
        return ""
    output = HeadTail(NOTES_LIMIT)
    await sandbox.run(profile, ["sh", "-c", _READ_NOTES, "sh", *NOTES], timeout=10, on_output=output.feed)
    return output.text().strip()


def _has_notes(worktree: str) -> bool:
    """Whether there is a name to read at all, which most often saves starting a sandbox."""
    return any(path.name in NOTES for path in Path(worktree).iterdir())


def conversation(spec: AgentSpec, notes: str) -> list[dict[str, Any]]:
    """The messages that a new agent begins with."""
    system = SYSTEM.format(seconds=spec.limits.command_seconds)
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": "\n\n".join(_parts(spec, notes))},
    ]


def task_text(spec: AgentSpec) -> str:
    """The task with its context, for a player that is a command."""
    return "\n\n".join(_parts(spec, "")) + "\n"


def _parts(spec: AgentSpec, notes: str) -> list[str]:
    task = spec.task
    parts = [f"# Notes of this repository\n\n{notes}"] if notes else []
    parts.append(f"# Task\n\n{task.text}")
    if selection := task.selection:
        where = f"{selection.path}, lines {selection.first} to {selection.last}"
        parts.append(f"# Selected by the user: {where}\n\n{_fenced(selection.text)}")
    if task.files:
        parts.append("# Files that the user named\n\n" + "\n".join(f"- {path}" for path in task.files))
    if task.diagnostics:
        parts.append("# Diagnostics\n\n" + "\n".join(f"- {line}" for line in task.diagnostics))
    if spec.role:
        parts.append(f"# Your role\n\n{spec.role}")
    if variant := task.variants.get(spec.number):
        parts.append(f"# For you in particular\n\n{variant}")
    if spec.angle:
        parts.append(f"# Your angle\n\n{spec.angle}")
    return parts


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"
