"""What a model may do: five tools here (``finish`` is the loop's), each with its effect inside the sandbox.

Files are read and written there too, by plain POSIX commands (8 ms each): the loop stands outside, where a
symlink planted in the worktree would lead it to the user's own files.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim.agent_runtime.builtin import edit, searching
from kage_nvim.agent_runtime.builtin.files import FileError, Files
from kage_nvim.agent_runtime.builtin.schemas import WINDOW
from kage_nvim.agent_runtime.builtin.window import Window
from kage_nvim.agent_runtime.context import NOTES_LIMIT, FolderNotes
from kage_nvim.agent_runtime.text import LIMIT, HeadTail, fitting, one_line, printed, shorten
from kage_nvim.model import AgentSpec

if TYPE_CHECKING:
    from kage_nvim.sandbox import Completed

LINE = 2_000
"""Characters of one line that are shown."""
SHOWN = 0.12
"""The part of the model's window that a tool's output may fill; a file that is read, twice that."""


class Result(msgspec.Struct):
    """What a tool gave: ``text`` for the model, ``note`` for the tool's one line in the pane."""

    ok: bool
    text: str
    note: str = ""
    lines: int = 0


_SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; fi; exec sh -c "$1"'


class Toolbox:
    """Runs the tools of one agent, in its slot."""

    def __init__(self, spec: AgentSpec, notes: FolderNotes, window: Window) -> None:
        self._notes = notes
        self._window = window
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
            notes = await self._notes.on_the_way(self._files.inside(args["path"]))
            result.text += shorten(notes, self._room(SHOWN, NOTES_LIMIT)) if notes else ""
            return result
        except (FileError, edit.EditError) as error:
            return Result(False, str(error), note=one_line(str(error), 60))
        except (OSError, ValueError) as error:  # too long for an argument, or a NUL in it
            return Result(False, f"could not be run: {error}", note="could not be run")

    def partial(self) -> str:
        """What the command that was cut off had printed until then."""
        return self._running.text() if self._running else ""

    def _room(self, part: float, most: int = LIMIT) -> int:
        """Characters of an answer that suit the model's window."""
        return max(1_000, self._window.characters(part, most))

    async def _run(self, command: list[str], seconds: float) -> tuple[Completed, HeadTail]:
        from kage_nvim import sandbox  # not before the first call of the model: that must come fast

        output = self._running = HeadTail(self._room(SHOWN))
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
        said = ""
        for kind in (searching.EXPRESSION, searching.WORDS):
            command = searching.command(pattern, where, kind)
            done, output = await self._run(command, min(self._limit, seconds))
            if done.returncode <= 1 and not done.timed_out:
                break
            said = said or output.text()
        else:
            return Result(False, f"the search failed: {said}", "failed")
        text = searching.shown(output, self._room(SHOWN), plain=bool(said))
        return Result(True, text, f"{output.lines} found", output.lines)

    async def _read(self, path: str, first: int = 1, count: int = WINDOW) -> Result:
        first, count = max(1, first), max(1, min(count, 2_000))
        window = await self._files.window(path, first, first + count - 1)
        if window.names is not None:
            text = shorten("\n".join(map(printed, window.names)), self._room(SHOWN))
            return Result(True, text or "(empty folder)", f"{len(window.names)} names", len(window.names))
        if not window.lines:
            return Result(window.total == 0, f"{path} has {window.total} lines", f"{window.total} lines")
        lines = [printed(line) if len(line) <= LINE else printed(line[:LINE]) + "…" for line in window.lines]
        lines = lines[: fitting(lines, self._room(2 * SHOWN, 40_000))]
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
