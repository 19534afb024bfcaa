"""What a model may do: five tools here (``finish`` is the loop's), each with its effect inside the sandbox.

Files are read and written there too, by plain POSIX commands (8 ms each): the loop stands outside, where a
symlink planted in the worktree would lead it to the user's own files.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim.agent_runtime import edit
from kage_nvim.agent_runtime.context import FolderNotes
from kage_nvim.agent_runtime.files import FileError, Files
from kage_nvim.agent_runtime.schemas import WINDOW
from kage_nvim.agent_runtime.text import HeadTail, one_line, printed, shorten
from kage_nvim.model import AgentSpec

if TYPE_CHECKING:
    from kage_nvim.sandbox import Completed

LINE = 2_000
"""Characters of one line that are shown."""
MATCHES = 200


class Result(msgspec.Struct):
    """What a tool gave: ``text`` for the model, ``note`` for the tool's one line in the pane."""

    ok: bool
    text: str
    note: str = ""
    lines: int = 0


_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; fi; exec sh -c "$1"'
_SEARCH = """
if command -v rg >/dev/null 2>&1; then
  rg -n --no-heading --color never --max-columns 300 --max-columns-preview -e "$1" -- "$2"
elif git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git --no-pager grep -nIE --no-color --untracked -e "$1" -- "$2"
else
  grep -rnIE --exclude-dir=.git -e "$1" -- "$2"
fi
"""


class Toolbox:
    """Runs the tools of one agent, in its slot."""

    def __init__(self, spec: AgentSpec, notes: FolderNotes) -> None:
        self._notes = notes
        self._profile = spec.profile
        self._limit = spec.limits.command_seconds
        self._files = Files(spec.profile, spec.repository)
        self._running: HeadTail | None = None
        self._tools: dict[str, Callable[..., Awaitable[Result]]] = {
            "shell": self._shell,
            "read": self._read,
            "search": self._search,
            "edit": self._edit,
            "write": self._write,
        }

    async def call(self, name: str, args: dict[str, Any], seconds: float) -> Result:
        """Run one checked call (not ``finish``); commands get at most ``seconds``."""
        self._running = None
        try:
            if name in ("shell", "search"):
                return await self._tools[name](**args, seconds=seconds)
            result = await self._tools[name](**args)
            result.text += await self._notes.on_the_way(self._files.inside(args["path"]))
            return result
        except (FileError, edit.EditError) as error:
            return Result(False, str(error), note=one_line(str(error), 60))
        except (OSError, ValueError) as error:  # too long for an argument, or a NUL in it
            return Result(False, f"could not be run: {error}", note="could not be run")

    def partial(self) -> str:
        """What the command that was cut off had printed until then."""
        return self._running.text() if self._running else ""

    async def _run(self, command: list[str], seconds: float) -> tuple[Completed, HeadTail]:
        from kage_nvim import sandbox  # not before the first call of the model: that must come fast

        output = self._running = HeadTail()
        done = await sandbox.run(self._profile, command, timeout=seconds, on_output=output.feed)
        return done, output

    async def _shell(self, command: str, seconds: float, timeout: int = 0) -> Result:
        limit = min(self._limit, seconds, timeout if timeout > 0 else self._limit)
        started = time.monotonic()
        done, output = await self._run(["sh", "-c", _SHELL, "sh", command], limit)
        took = time.monotonic() - started
        if done.timed_out:
            head = f"killed after {limit:.0f} s; what it printed until then:"
            note = f"killed after {limit:.0f} s, {output.lines} lines"
            return Result(False, f"{head}\n{output.text()}", note, output.lines)
        text = output.text().rstrip("\n")
        long = f" after {took:.0f} s" if took >= 2 else ""
        return Result(
            done.returncode == 0,
            f"exit {done.returncode}{long}\n{text}" if text else f"exit {done.returncode}{long}, no output",
            f"exit {done.returncode}, {output.lines} {'line' if output.lines == 1 else 'lines'}",
            output.lines,
        )

    async def _search(self, pattern: str, seconds: float, path: str = ".") -> Result:
        where = self._files.inside(path or ".")
        done, output = await self._run(["sh", "-c", _SEARCH, "sh", pattern, where], min(self._limit, seconds))
        if done.returncode > 1 or done.timed_out:
            return Result(False, f"the search failed: {output.text()}", "failed")
        lines = [line if len(line) <= 300 else line[:300] + "…" for line in output.text().splitlines()]
        found = output.lines
        text = "\n".join(lines[:MATCHES]) if lines else "nothing found"
        if found > MATCHES:
            text += f"\n[… {found} lines match; narrow the pattern or the path …]"
        return Result(True, shorten(text), f"{found} found", found)

    async def _read(self, path: str, first: int = 1, count: int = WINDOW) -> Result:
        first, count = max(1, first), max(1, min(count, 2_000))
        window = await self._files.window(path, first, first + count - 1)
        if window.names is not None:
            text = shorten("\n".join(map(printed, window.names)))
            return Result(True, text or "(empty folder)", f"{len(window.names)} names", len(window.names))
        if not window.lines:
            return Result(window.total == 0, f"{path} has {window.total} lines", f"{window.total} lines")
        lines = [printed(line) if len(line) <= LINE else printed(line[:LINE]) + "…" for line in window.lines]
        lines = lines[: _fitting(lines)]
        last = first + len(lines) - 1
        head = f"{path}, lines {first}-{last} of {window.total}"
        text = f"{head}\n{edit.numbered(lines, first)}"
        return Result(True, text, f"lines {first}-{last} of {window.total}", len(lines))

    async def _edit(self, path: str, old: str, new: str) -> Result:
        before = await self._files.read(path)
        after = edit.replace(before.text, old, new)
        await self._files.write(path, before.encoded(after))
        added, removed = edit.changed(before.text, after)
        return Result(True, f"edited {path}: +{added} -{removed} lines", f"+{added} -{removed}", added)

    async def _write(self, path: str, content: str) -> Result:
        data, existed = await self._files.like_before(path, content)
        await self._files.write(path, data)
        lines = content.count("\n") + (content[-1:] not in ("", "\n"))
        what = "rewrote" if existed else "made"
        return Result(True, f"{what} {path}, {lines} lines", f"{lines} lines", lines)


def _fitting(lines: list[str], limit: int = 40_000) -> int:
    """How many of the lines fit into one answer; at least one."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line)
        if size > limit and count:
            return count
    return len(lines)
