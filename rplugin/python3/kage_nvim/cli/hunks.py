"""What ``kage accept --patch`` asks: hunks with their versions, and how a terminal shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kage_nvim.cli.render import clean
from kage_nvim.compare.choose import choose, from_root
from kage_nvim.compare.hunks import split
from kage_nvim.errors import Exit, KageError
from kage_nvim.protocol import unb64

CONTEXT = 3
"""Lines shown around a hunk; hunks that are closer than twice that are one until they are split."""
WHOLE = {"A": "addition", "D": "deletion", "R": "rename", "T": "change of type"}
RED, GREEN, CYAN, BOLD = "31", "32", "36", "1"


@dataclass(frozen=True)
class Version:
    """What agents made of a place: their numbers, what is picked of the first one's, and its lines."""

    agents: list[int]
    commit: str
    hunk: tuple[int, int, int, int] = (1, 1, 1, 1)
    lines: tuple[bytes, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Question:
    """One thing to decide. ``what`` is hunk, mode or whole; ``base`` are the lines of the file's base.

    ``parts`` are the places that are shown as one: of one candidate, close to each other.
    """

    path: str
    what: str
    asked: str
    base: tuple[bytes, ...]
    parts: tuple[tuple[Version, ...], ...]

    @property
    def versions(self) -> tuple[Version, ...]:
        """What can be answered; of several places there is but one."""
        return self.parts[0]

    def split(self) -> list[Question]:
        """A question for each place."""
        return [replace(self, parts=(part,)) for part in self.parts]

    def picks(self, version: Version) -> list[dict[str, Any]]:
        """What is sent when the answer is this version."""
        chosen = [version] if len(self.parts) == 1 else [part[0] for part in self.parts]
        return [
            {
                "path": self.path,
                "agent": each.agents[0],
                "commit": each.commit,
                "what": self.what,
                "hunk": list(each.hunk),
            }
            for each in chosen
        ]

    @property
    def summary(self) -> str:
        """One line of it."""
        version = self.versions[0]
        lines = version.lines or self.base[version.hunk[0] - 1 : version.hunk[1] - 1]
        return f"-{version.hunk[0]} +{version.hunk[2]}  {_text(lines[0])[:60] if lines else version.said}"


def named(listed: dict[str, Any], wanted: Sequence[str]) -> list[dict[str, Any]]:
    """The files of a ``diff`` that the user's paths (absolute) name; all when there are none.

    Raises:
        KageError: ``not_changed``.
    """
    files: list[dict[str, Any]] = listed["files"]
    if not wanted:
        return files
    root = Path(listed["repository"])
    names = [from_root(path, root) or path for path in wanted]
    pairs = [(entry["path"], own["old_path"]) for entry in files for own in entry["agents"].values()]
    picked, missed = choose(pairs, names)
    if missed:
        raise KageError(
            f"not changed by what you chose from: {', '.join(missed)}",
            fix="kage diff --stat lists the files.",
            code="not_changed",
            exit=Exit.NOTHING,
        )
    return [entry for entry in files if entry["path"] in picked]


def questions(entry: dict[str, Any], answer: dict[str, Any]) -> tuple[list[Question], int]:
    """What is to be decided of a file, and how many hunks are left out, for the user has them already.
    ``entry`` is the file's row of ``diff``, ``answer`` that of ``diff_file``."""
    yours = answer.get("yours")
    path, agents = entry["path"], {int(number): own for number, own in entry["agents"].items()}
    base = tuple(split(unb64(answer["base_b64"] or "")))
    commits = {int(number): version["commit"] for number, version in answer["versions"].items()}
    plain = all(own["status"] == "M" for own in agents.values())
    if not plain or entry["kind"] != "text":
        if yours and any((yours["mode"], yours["sha"]) == _made(own) for own in agents.values()):
            return [], 1
        return [_whole(entry, agents, commits, answer)], 0
    found, had = [], 0
    modes = {number: own for number, own in agents.items() if own["old_mode"] != own["new_mode"]}
    if modes and yours and yours["mode"] == next(iter(modes.values()))["new_mode"]:
        had += 1
    elif modes:
        own = next(iter(modes.values()))
        said = f"old mode {own['old_mode']}, new mode {own['new_mode']}"
        version = Version(sorted(modes), commits[min(modes)], said=said)
        found.append(Question(path, "mode", "Land mode change", (), ((version,),)))
    lines = {
        int(number): split(unb64(version["b64"] or "")) for number, version in answer["versions"].items()
    }
    places = [_place(place, lines, commits, answer["voices"]) for place in answer["places"]]
    mine = _hunks(yours) if yours else set()
    asked_of = [place for place in places if not any((*v.hunk[:2], v.lines) in mine for v in place)]
    had += len(places) - len(asked_of)
    groups = _together(asked_of) if len(agents) == 1 else [[place] for place in asked_of]
    for group in groups:
        asked = "Land this hunk" if len(group[0]) == 1 else "Land which version"
        found.append(Question(path, "hunk", asked, base, tuple(group)))
    return found, had


def _made(own: dict[str, Any]) -> tuple[str, str]:
    return own["new_mode"], own["new_sha"]


def _hunks(yours: dict[str, Any]) -> set[tuple[int, int, tuple[bytes, ...]]]:
    """The user's own changes: lines of the base, and what stands in their place."""
    lines = split(unb64(yours["b64"]))
    return {(a0, a1, tuple(lines[b0 - 1 : b1 - 1])) for a0, a1, b0, b1 in yours["hunks"]}


def _place(
    place: dict[str, Any], lines: dict[int, list[bytes]], commits: dict[int, str], of: Sequence[int]
) -> tuple[Version, ...]:
    versions = []
    for version in place["versions"]:
        agent = version["agents"][0]
        b0, b1 = version["spans"][str(agent)]
        hunk = (place["first"], place["past"], b0, b1)
        made = tuple(lines[agent][b0 - 1 : b1 - 1])
        versions.append(Version(version["agents"], commits[agent], hunk, made, _agree(version["agents"], of)))
    return tuple(versions)


def _agree(agents: Sequence[int], of: Sequence[int]) -> str:
    """``2 of 3 agree (1 2)``, or ``agent 3``; of one candidate there is nothing to say. What repeats others
    is no further voice."""
    numbers, count = " ".join(map(str, agents)), len(set(agents) & set(of))
    if len(of) < 2:
        return ""
    return f"{count} of {len(of)} agree ({numbers})" if count > 1 else f"agent {numbers}"


def _together(places: Sequence[tuple[Version, ...]]) -> list[list[tuple[Version, ...]]]:
    """Places of one candidate in groups that git would show as one hunk."""
    groups: list[list[tuple[Version, ...]]] = []
    for place in places:
        if groups and place[0].hunk[0] - groups[-1][-1][0].hunk[1] <= 2 * CONTEXT:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _whole(
    entry: dict[str, Any],
    agents: dict[int, dict[str, Any]],
    commits: dict[int, str],
    answer: dict[str, Any],
) -> Question:
    """A file that is taken as it is or not at all."""
    same: dict[tuple[str, ...], list[int]] = {}
    for number, own in sorted(agents.items()):
        same.setdefault((own["new_mode"], own["new_sha"], own["old_path"] or ""), []).append(number)
    versions = []
    for numbers in sorted(same.values(), key=lambda group: (-len(group), group)):
        own = agents[numbers[0]]
        kind = "" if entry["kind"] == "text" else f"{entry['kind']} "
        said = f"{kind}{WHOLE.get(own['status'], 'file')}"
        if own["old_path"]:
            said += f" from {own['old_path']}"
        data = answer["versions"][str(numbers[0])]["b64"]
        text = entry["kind"] == "text" and data is not None
        lines = tuple(split(unb64(data))) if text else ()
        versions.append(Version(numbers, commits[numbers[0]], (1, 1, 1, len(lines) + 1), lines, said))
    base = split(unb64(answer["base_b64"] or "")) if entry["kind"] == "text" else []
    gone = all(own["status"] == "D" for own in agents.values())
    asked = f"Land this {versions[0].said}" if len(versions) == 1 else "Land which version"
    return Question(entry["path"], "whole", clean(asked), tuple(base) if gone else (), (tuple(versions),))


# How it looks.


def header(entry: dict[str, Any], colour: bool) -> str:
    """What stands above the hunks of a file."""
    numbers = " ".join(sorted(entry["agents"], key=int))
    return _painted(f"{clean(entry['path'])}  (agent{'s' if ' ' in numbers else ''} {numbers})", BOLD, colour)


def shown(question: Question, colour: bool) -> str:
    """A question's hunk, as a patch shows it; each version under the numbers of its agents."""
    if question.what != "hunk":
        return "\n".join(_whole_lines(question, colour))
    first, last = question.parts[0][0].hunk, question.parts[-1][0].hunk
    begin, end = max(1, first[0] - CONTEXT), min(len(question.base) + 1, last[1] + CONTEXT)
    lines = [_painted(_range(question, begin, end), CYAN, colour)]
    at = begin
    for part in question.parts:
        a0, a1 = part[0].hunk[:2]
        lines += [f" {_text(text)}" for text in question.base[at - 1 : a0 - 1]]
        lines += [_painted(each, RED, colour) for each in _marked("-", question.base[a0 - 1 : a1 - 1])]
        for version in part:
            if len(part) > 1:
                lines.append(_painted(_agents(version), CYAN, colour))
            lines += [_painted(each, GREEN, colour) for each in _marked("+", version.lines)]
        at = a1
    lines += [f" {_text(text)}" for text in question.base[at - 1 : end - 1]]
    return "\n".join(lines)


def _whole_lines(question: Question, colour: bool) -> list[str]:
    lines = [_painted(each, RED, colour) for each in _marked("-", question.base)]
    for version in question.versions:
        who = f"{_agents(version)} " if len(question.versions) > 1 else ""
        lines.append(_painted(f"{who}{clean(version.said)}", CYAN, colour))
        lines += [_painted(each, GREEN, colour) for each in _marked("+", version.lines)]
    return lines


def _range(question: Question, begin: int, end: int) -> str:
    """``@@ -3,7 +3,8 @@``; where versions differ in length only the base's side."""
    old = f"-{begin},{end - begin}"
    if len(question.versions) > 1:
        return f"@@ {old} @@"
    longer = sum(len(part[0].lines) - (part[0].hunk[1] - part[0].hunk[0]) for part in question.parts)
    first = question.versions[0].hunk
    said = question.versions[0].said
    return f"@@ {old} +{first[2] - (first[0] - begin)},{end - begin + longer} @@ {said}".rstrip()


def _agents(version: Version) -> str:
    numbers = " ".join(map(str, version.agents))
    return f"agent{'s' if len(version.agents) > 1 else ''} {numbers}:"


def _marked(sign: str, lines: Iterable[bytes]) -> list[str]:
    found = []
    for text in lines:
        found.append(sign + _text(text))
        if not text.endswith(b"\n"):
            found.append("\\ No newline at end of file")
    return found


def _text(data: bytes) -> str:
    """A line without its end, as a terminal may see it."""
    text = data.rstrip(b"\n").decode("utf-8", "replace")
    ended = text.removesuffix("\r")
    return clean(ended.replace("\t", "        ")) + ("^M" if ended != text else "")


def _painted(text: str, colour: str, on: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[m" if on and text else text
