"""A model of the benchmark's own: it decides from what it is shown, and errs as models do.

It knows how each bug is mended (so does a good model, once it has read the code) and nothing else: where a
thing is, it has to be told by a map, a search or a listing; what it edits, it has to have read; that it is
done, it has to have seen. The same decisions are spoken in two tongues: Kage's six tools, and one ``bash``.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

Said = tuple[str, list[dict[str, Any]]]
"""Words and calls."""


@dataclass
class Job:
    """A small repository with something to do. ``edits`` are (path, symbol, old, new); ``check`` ends with 0
    when it is done. ``slips`` are the mistakes that this model makes here."""

    name: str
    text: str
    files: dict[str, str]
    edits: list[tuple[str, str, str, str]]
    check: str = "python3 -m unittest -q"
    slips: frozenset[str] = field(default_factory=frozenset)
    new: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Kage:
    """The six tools."""

    def search(self, word: str) -> dict[str, Any]:
        return _call("search", pattern=word)

    def read(self, path: str, first: int = 0) -> dict[str, Any]:
        return _call("read", path=path, **({"first": first, "count": 60} if first else {}))

    def edit(self, path: str, old: str, new: str) -> dict[str, Any]:
        return _call("edit", path=path, old=old, new=new)

    def write(self, path: str, content: str) -> dict[str, Any]:
        return _call("write", path=path, content=content)

    def run(self, command: str) -> dict[str, Any]:
        return _call("shell", command=command)

    def finish(self, summary: str) -> Said:
        return "", [_call("finish", summary=summary)]


class Mini:
    """One tool, ``bash``, used as mini-swe-agent's prompt teaches it."""

    def search(self, word: str) -> dict[str, Any]:
        return self.run(f"grep -rnE {shlex.quote(word)} .")

    def read(self, path: str, first: int = 0) -> dict[str, Any]:
        if first:
            return self.run(f"nl -ba {path} | sed -n '{first},{first + 59}p'")
        return self.run(f"cat {path}")

    def edit(self, path: str, old: str, new: str) -> dict[str, Any]:
        if "\n" not in old + new and not re.search(r"[/\[\]*.^$\\&]", old + new):
            once = f"test $(grep -c {shlex.quote(old)} {path}) = 1"
            return self.run(f"{once} && sed -i {shlex.quote(f's/{old}/{new}/')} {path}")
        return self.run(
            "python3 - <<'EOF'\nfrom pathlib import Path\n"
            f"p = Path({path!r})\ns = p.read_text()\nold = {old!r}\n"
            f"assert s.count(old) == 1, s.count(old)\np.write_text(s.replace(old, {new!r}))\nEOF"
        )

    def write(self, path: str, content: str) -> dict[str, Any]:
        return self.run(f"cat <<'EOF' > {path}\n{content}EOF")

    def run(self, command: str) -> dict[str, Any]:
        return _call("bash", command=command)

    def finish(self, summary: str) -> Said:
        return summary, [self.run("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT")]


def _call(name: str, /, **args: Any) -> dict[str, Any]:
    return {"name": name, "arguments": json.dumps(args)}


def play(job: Job, tongue: Kage | Mini) -> Generator[Said, str, None]:
    """The conversation: yields answers, is sent all that the next request shows of their results; the first
    thing it is sent is the whole first request."""
    shown = yield from _look(job, tongue)
    if "hang" in job.slips:
        yield "I start the server to see what it says.", [tongue.run("python3 serve.py")]
    if "long" in job.slips:
        yield "The log may tell.", [tongue.run("cat build.log")]
    for path, content in job.new.items():
        yield f"{path} is missing.", [tongue.write(path, content)]
    for number, (path, _, old, new) in enumerate(job.edits):
        if "partly" in job.slips and number == len(job.edits) - 1:
            break
        yield from _mend(job, tongue, path, old, new, shown)
    seen = yield "Now the tests.", [tongue.run(job.check)]
    if "partly" in job.slips:
        path, _, old, new = job.edits[-1]
        yield from _mend(job, tongue, path, old, new, shown)
        seen = yield "Again.", [tongue.run(job.check)]
    summary = f"Mended: {job.name}; the tests pass." if _passed(seen) else f"Could not mend {job.name}."
    if "forget" in job.slips:
        yield f"I have changed what was asked. {summary}", []
    while True:
        yield tongue.finish(summary)


def _look(job: Job, tongue: Kage | Mini) -> Generator[Said, str, dict[str, str]]:
    """Find and read what has to be changed; several files in one answer."""
    request = yield "", []
    shown: dict[str, str] = {}
    places: dict[str, int] = {}
    for path, symbol, _, _ in job.edits:
        told = re.search(rf"{re.escape(path)}: .*?\b{symbol}:(\d+)", request)
        if told and "wide" not in job.slips:  # that slip is to search, whatever one was told
            places[path] = int(told[1])
        elif path not in places:
            word = "def|class" if "wide" in job.slips else rf"\b{symbol}\b"
            result = yield f"Where is {symbol}?", [tongue.search(word)]
            line = re.search(rf"{re.escape(path)}:(\d+):.*{symbol}", result)
            if line is None:  # too much was asked for
                result = yield "That was too wide.", [tongue.search(rf"\b{symbol}\b")]
                line = re.search(rf"{re.escape(path)}:(\d+):.*{symbol}", result)
            places[path] = int(line[1]) if line else 1
    if "absent" in job.slips:
        yield "Let me read it.", [tongue.read("src/" + job.edits[0][0])]
    paths = list(dict.fromkeys(path for path, *_ in job.edits))
    if not paths:
        return shown
    result = yield "I read it first.", [tongue.read(path) for path in paths]
    for path, _, old, _ in job.edits:
        if _flat(old.split("\n")[0]) not in _flat(result):
            first = max(1, places[path] - 10)
            result += yield "I need the lines around it.", [tongue.read(path, first)]
        shown[path] = result
    return shown


def _mend(
    job: Job, tongue: Kage | Mini, path: str, old: str, new: str, shown: dict[str, str]
) -> Generator[Said, str, None]:
    """One edit; when it is refused, the file is quoted as it stands."""
    tries = [(old, new)]
    if "depth" in job.slips:  # quoted without its indentation
        tries.insert(
            0, ("\n".join(map(str.strip, old.split("\n"))), "\n".join(map(str.strip, new.split("\n"))))
        )
        if "\n" not in old:
            tries[0] = ("  " + old, "  " + new)
    if "ambiguous" in job.slips:
        tries.insert(0, (old.split("\n")[-1], new.split("\n")[-1]))
    for quoted, instead in tries:
        result = yield "", [tongue.edit(path, quoted, instead)]
        if not re.search(
            r"AssertionError|fits \d+ places|no such text|lacks the indentation|\"returncode\": 1", result
        ):
            return


def _flat(text: str) -> str:
    return " ".join(text.replace("\\n", " ").replace('\\"', '"').split())


def _passed(seen: str) -> bool:
    return "exit 0" in seen or '"returncode": 0' in seen
