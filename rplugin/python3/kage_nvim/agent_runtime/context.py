"""What surrounds a task: the repository's own notes for agents, and the map of its symbols.

For a run both are put together once, by ``python -m kage_nvim.agent_runtime.context``: from the base's
tree, through git, in a process beside kaged that ends when the cache of symbols is whole. All agents of the
run read the same file, so that what they send begins with the same bytes. Notes in folders that the task does
not name are told later, with the first file that an agent touches there.
"""

from __future__ import annotations

import os
import posixpath
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kage_nvim.agent_runtime.text import HeadTail, shorten
from kage_nvim.model import Profile, Task

if TYPE_CHECKING:
    from kage_nvim.trees import Entry

NOTES = ("AGENTS.md", "CLAUDE.md")
NOTES_LIMIT = 24_000
"""Characters of notes that are sent at once."""
CONTEXT_LIMIT = 30_000
"""Characters of notes and map together, in a window that is large enough."""
GOES_ON = 60.0
"""Seconds that the process may go on filling its cache."""

_READ_NOTES = """
for name; do
  [ -f "$name" ] || continue
  other=${name%/*}/AGENTS.md
  [ "$name" != "$other" ] && [ -f "$other" ] && cmp -s -- "$name" "$other" && continue
  printf '## %s\\n\\n' "${name#./}"
  cat -- "$name"
  printf '\\n'
done
"""


class Request(msgspec.Struct, kw_only=True):
    """What is to be gathered: of which tree, for which task, into which file.

    ``seconds`` is how long files may be parsed before the map is drawn from what is known.
    """

    git_dir: str
    tree: str
    task: Task
    cache: str
    out: str
    seconds: float = 0.5


def surroundings(path: str, limit: int) -> str:
    """The context of a run as it was gathered, at most ``limit`` characters of it; without it an agent comes
    upon the notes as it works."""
    try:
        return shorten(Path(path).read_text("utf-8", "replace"), limit) if path else ""
    except OSError:
        return ""


def heading(name: str) -> str:
    """The line above the notes in a file, by which a conversation shows that they were told."""
    return f"## {name}\n"


def folders(path: str) -> list[str]:
    """The folders on the way to a path, from the root (``""``) down."""
    parts = posixpath.normpath(path).split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)]


def names(paths: Sequence[str]) -> list[str]:
    """Where notes may be that concern these paths, the root's first; no path leads out of the tree."""
    own = [path for path in map(posixpath.normpath, paths) if not path.startswith(("/", ".."))]
    found = dict.fromkeys(folder for path in ["x", *own] for folder in folders(path))
    return [f"{folder}/{name}" if folder else name for folder in found for name in NOTES]


class FolderNotes:
    """Notes that an agent comes upon while it works; ``told`` says whether a heading stands in what it was
    sent already."""

    def __init__(self, profile: Profile, told: Callable[[str], bool]) -> None:
        self._profile = profile
        self._told = told
        self._empty: set[str] = set()

    async def on_the_way(self, path: str) -> str:
        """What to add to a tool's answer about ``path``: the notes on the way to it that are news.

        Only their names are looked for out here; they are read inside the sandbox.
        """
        news = [name for name in names([path]) if self._is_news(name)]
        if not news:
            return ""
        from kage_nvim import sandbox

        output = HeadTail(NOTES_LIMIT)
        command = ["sh", "-c", _READ_NOTES, "sh", *(f"./{name}" for name in news)]
        await sandbox.run(self._profile, command, timeout=10, on_output=output.feed)
        text = output.text().strip()
        self._empty |= {name for name in news if heading(name) not in text}
        return f"\n\n[Notes of this repository for that folder]\n{text}" if text else ""

    def _is_news(self, name: str) -> bool:
        if name in self._empty or not os.path.lexists(f"{self._profile.worktree}/{name}"):
            return False
        return not self._told(heading(name))


def gather(request: Request) -> None:
    """Write the context of a run, say so on standard output, then fill the cache.

    It is written three times, with ever more in it: whoever ends this process leaves the notes, at least.
    """
    from kage_nvim import symbols, trees

    class Store:
        git_dir = Path(request.git_dir)

    started = time.monotonic()
    task = request.task
    named = ([task.selection.path] if task.selection else []) + task.files
    found = {e.path: e.sha for e in trees.entries(Store(), request.tree) if _plain_file(e)}

    def read(blobs: list[str]) -> dict[str, bytes]:
        return trees.read_blobs(Store(), trees.up_to(Store(), blobs, symbols.LARGEST))

    there = [name for name in names(named) if name in found]
    texts = read([found[name] for name in there])
    notes = _notes({name: texts.get(found[name], b"") for name in there})
    _put(request.out, notes)
    files = symbols.ordered([symbols.File(path, blob) for path, blob in found.items()], named)
    rounds = symbols.parsed(files, read, symbols.Cache(request.cache), started + request.seconds)
    kept = next(rounds)
    _put(request.out, notes, symbols.draw(files, kept, named, task.text))
    if len(known := next(rounds)) > len(kept):
        _put(request.out, notes, symbols.draw(files, known, named, task.text))
    print("written", flush=True)
    for _ in rounds:
        pass


def _plain_file(entry: Entry) -> bool:
    """No link, no submodule, and a name that fits on a line."""
    return entry.mode.startswith("100") and entry.path.isprintable()


def _notes(found: dict[str, bytes]) -> str:
    """The notes in order, a folder's equal ones once."""
    parts: list[str] = []
    seen = set()
    for name, data in found.items():
        if (place := (posixpath.dirname(name), data)) not in seen and data.strip():
            seen.add(place)
            parts.append(f"{heading(name)}\n{data.decode('utf-8', 'replace').strip()}")
    return shorten("\n\n".join(parts), NOTES_LIMIT)


def _put(out: str, notes: str, drawn: str = "") -> None:
    parts = [f"# Notes of this repository\n\n{notes}"] if notes else []
    if drawn:
        parts.append(f"# Files, with symbol:line\n\n{drawn}")
    draft = Path(f"{out}.new")
    draft.write_bytes("\n\n".join(parts).encode("utf-8", "replace"))
    draft.replace(out)


if __name__ == "__main__":
    import signal

    signal.alarm(int(GOES_ON))
    gather(msgspec.json.decode(sys.stdin.buffer.read(), type=Request))
