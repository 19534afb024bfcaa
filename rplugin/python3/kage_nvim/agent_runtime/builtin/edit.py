"""How an ``edit`` finds its place: exactly, then by line whatever its whitespace, then not at all.

Models quote code nearly right: a tab for spaces, the wrong depth, LF for CRLF. A quote that differs only in
whitespace and fits one place is taken as that place; anything less certain is an error that shows the
nearest text, so that the model can quote again.
"""

from __future__ import annotations


class EditError(Exception):
    """The text to replace was not found, or was found more than once; says what would help."""


def replace(text: str, old: str, new: str) -> str:
    """``text`` with the one place that ``old`` describes replaced by ``new``.

    Raises:
        EditError: no place or several fit.
    """
    if not old.strip():
        raise EditError("'old' is empty; quote the text to replace, or use write for a whole file")
    if old == new:
        raise EditError("'old' and 'new' are the same; nothing would change")
    old, new = _with_line_ends(text, old, new)
    places = text.count(old)
    if places == 1:
        return text.replace(old, new)
    if places > 1:
        raise EditError(_ambiguous(_line_numbers(text, old)))
    return _by_lines(text, old, new)


def _with_line_ends(text: str, old: str, new: str) -> tuple[str, str]:
    """Both with the line ends of the place that ``old`` describes, where that has ``\\r\\n``."""
    windows = old.replace("\r\n", "\n").replace("\n", "\r\n")
    at = text.find(windows)
    if at < 0:
        return old, new
    end = text.find("\n", at)
    if end < 0:
        end = text.find("\n")
    if end < 1 or text[end - 1] != "\r":
        return old, new
    return windows, new.replace("\r\n", "\n").replace("\n", "\r\n")


def _by_lines(text: str, old: str, new: str) -> str:
    new = new.removesuffix("\n")
    if old.startswith("\n"):
        new = new.removeprefix("\n")
    wanted = _trimmed(old.split("\n"))
    lines = text.split("\n")
    keys = [_key(line) for line in lines]
    sought = [_key(line) for line in wanted]
    count = len(wanted)
    starts = [at for at in range(len(lines) - count + 1) if keys[at : at + count] == sought]
    if len(starts) > 1:
        raise EditError(_ambiguous([at + 1 for at in starts]))
    if not starts:
        raise EditError(f"no such text in the file; the nearest is\n{_nearest(lines, wanted)}")
    at = starts[0]
    found = lines[at : at + count]
    added = _reindent(new.split("\n"), wanted, found) if new else []
    if any(line.endswith("\r") for line in lines[max(0, at - 1) : at + count]):
        last = at + count == len(lines) and not found[-1].endswith("\r")
        added = [line.rstrip("\r") + "\r" for line in added]
        added[-1:] = [line.rstrip("\r") for line in added[-1:]] if last else added[-1:]
    else:
        added = [line.rstrip("\r") for line in added]
    return "\n".join(lines[:at] + added + lines[at + count :])


def _key(line: str) -> str:
    return " ".join(line.split())


def _trimmed(lines: list[str]) -> list[str]:
    full = [at for at, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _reindent(new: list[str], quoted: list[str], found: list[str]) -> list[str]:
    """Each new line at the depth that the file has where the quote had the line's depth.

    A quote without any indentation has one depth for several of the file's: then each new line takes the
    depth of the line that it stands for.

    Raises:
        EditError: it stands for none, so that its depth is anybody's guess.
    """
    depths: dict[str, set[str]] = {}
    for q, f in zip(quoted, found, strict=True):
        if q.strip():
            depths.setdefault(_indent(q), set()).add(_indent(f))
    known = sorted(depths, key=len, reverse=True)
    result = []
    for line, at in zip(new, _standing_for(new, quoted), strict=True):
        own = _indent(line)
        nearest = next((prefix for prefix in known if own.startswith(prefix)), None)
        if line.strip() and nearest is not None:
            if len(depths[nearest]) > 1 and at < 0:
                shown = "\n".join(found)
                raise EditError(f"'old' lacks the indentation that the file has; quote it as it is:\n{shown}")
            there = _indent(found[at]) if len(depths[nearest]) > 1 else next(iter(depths[nearest]))
            line = there + line[len(nearest) :]
        result.append(line)
    return result


def _standing_for(new: list[str], quoted: list[str]) -> list[int]:
    """For each new line the quoted one that it is or replaces; -1 when it is neither."""
    if len(new) == len(quoted):
        return list(range(len(new)))
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, list(map(_key, quoted)), list(map(_key, new)), autojunk=False)
    places = []
    for _, first, last, start, end in matcher.get_opcodes():
        places += [first + step if first + step < last else -1 for step in range(end - start)]
    return places


def _line_numbers(text: str, old: str) -> list[int]:
    numbers, at = [], text.find(old)
    while at >= 0:
        numbers.append(text.count("\n", 0, at) + 1)
        at = text.find(old, at + len(old))
    return numbers


def _ambiguous(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:10])) + (", …" if len(lines) > 10 else "")
    return f"'old' fits {len(lines)} places (lines {shown}); quote more lines around the one you mean"


def _nearest(lines: list[str], wanted: list[str]) -> str:
    """The part of the file around the line most like the longest one of the quote, numbered."""
    from difflib import SequenceMatcher

    anchor = max(range(len(wanted)), key=lambda at: len(wanted[at].strip()))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted[anchor].strip()[:400])
    best, where = -1.0, 0
    for number, line in enumerate(lines[:20_000]):
        matcher.set_seq1(line.strip()[:400])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            if ratio > best:
                best, where = ratio, number
    first = max(0, where - anchor - 1)
    return numbered(lines[first : where - anchor + len(wanted) + 1][:40], first + 1)


def numbered(lines: list[str], first: int) -> str:
    """Lines as ``read`` shows them: number, tab, text."""
    return "\n".join(f"{at}\t{line}" for at, line in enumerate(lines, first))


def changed(before: str, after: str) -> tuple[int, int]:
    """Lines added and removed between two texts that differ in one place."""
    old, new = before.split("\n"), after.split("\n")
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return len(new) - same - tail, len(old) - same - tail
