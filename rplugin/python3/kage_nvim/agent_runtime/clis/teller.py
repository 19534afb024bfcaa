"""What a CLI's events look like: in the pane as the built-in agent's do, and as lines of the log."""

from __future__ import annotations

from typing import Any

from kage_nvim.agent_runtime.clis.events import Event
from kage_nvim.agent_runtime.log import Log, Usage
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.agent_runtime.text import first_line, one_line, plain, shorten
from kage_nvim.description import Description

TELLING = ("command", "file_path", "filePath", "path", "pattern", "query", "url", "description", "prompt")
"""Arguments that tell a call from others, the best first."""


class Teller:
    """Shows and logs events. ``last`` is the last line that was none, for a reason."""

    def __init__(self, cli: Description, screen: Screen, log: Log, progress: Progress) -> None:
        self._cli = cli
        self._screen = screen
        self._log = log
        self._progress = progress
        self._open: dict[str, str] = {}
        self.last = ""

    def line(self, line: bytes) -> None:
        """A line that is no event. JSON of a kind that no rule names is the tool's own business."""
        text = plain(line.decode("utf-8", "replace")).rstrip()
        if text and not text.startswith("{"):
            self.last = one_line(text)
            self._screen.words(f"{text}\n")

    def tell(self, event: Event, *, shown: bool) -> None:
        """One event; not ``shown`` when the pane has had it as plain lines."""
        if event.kind == "text" and event.text.strip():
            self._log.write("text", text=event.text)
            if shown:
                self._screen.words(f"{event.text.strip()}\n")
        elif event.kind == "tool":
            self._call(event, shown)
        elif event.kind == "result":
            self._result(event, shown)
        elif event.kind == "usage":
            self._log.write("tool_usage", **{k: v for k, v in event.fields.items() if k != "text"})
        elif event.kind == "retrying":
            self._log.write("error", text=f"retrying: {event.text}")
            self._screen.notice(f"retrying: {event.text}")
        elif event.kind == "working" and event.text:
            self._progress.doing(event.text)
            if shown and event.evidence and not event.evidence.startswith("{"):
                self._screen.words(f"{event.evidence}\n")

    def count(self, event: Event) -> None:
        """Of a CLI with a login of its own, its own count is all that is known."""
        if event.kind == "usage":
            counted = {k: v for k, v in event.fields.items() if k in Usage.__struct_fields__}
            self._progress.spent(Usage(**counted))

    def _call(self, event: Event, shown: bool) -> None:
        name = str(event.fields.get("name") or "tool")
        args = event.fields.get("args")
        call = str(event.fields.get("id") or name)
        shown_as = described(name, args)
        self._open[call] = name
        self._log.write("tool", id=call, name=name, args=args if isinstance(args, dict) else {"args": args})
        self._progress.doing(shown_as)
        if shown:
            self._screen.call(shown_as)

    def _result(self, event: Event, shown: bool) -> None:
        call = str(event.fields.get("id") or "")
        ok, text = bool(event.fields.get("ok", True)), event.text
        lines = text.count("\n") + 1 if text else 0
        name = self._open.pop(call, "")
        self._log.write("result", id=call, name=name, ok=ok, text=shorten(text), lines=lines)
        self._progress.doing(self._cli.title)
        if shown:
            self._screen.result(ok, first_line(text) or ("ok" if ok else "failed"))


def described(name: str, args: Any) -> str:
    """A call in a few words."""
    if isinstance(args, dict):
        for key in TELLING:
            if isinstance(args.get(key), str) and args[key].strip():
                return f"{name}: {first_line(args[key])}"
        args = next((value for value in args.values() if isinstance(value, str)), "")
    return f"{name}: {first_line(args)}" if isinstance(args, str) and args else name
