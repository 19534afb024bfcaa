"""What a judge must not see: who made a candidate. Names, numbers and folders that tell it are taken out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from kage_nvim.evaluate.judging.pleas import without_pleas

_VENDORS = (
    *("anthropic", "openai", "claude code", "claude", "chatgpt", "codex", "gemini", "deepseek", "qwen"),
    *("mistral", "llama", "copilot", "aider", "opencode", "goose"),
)
_SIGNED = re.compile(
    r"^\W*(?:co-authored-by|signed-off-by|author|(?:authored|made|written)[ -]by|generated[ -](?:by|with))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\b(agent|candidate|slot|player|worktree)[ #-]*\d+\b", re.IGNORECASE)
_BRANCH = re.compile(r"\bkage/[\w./-]+|\brefs/kage/[\w./-]+")


class Names(msgspec.Struct, frozen=True):
    """What tells whose something is: ``words`` are players, models and roles, ``folders`` paths of slots and
    homes. A word that the ``task`` itself uses is no sign in code."""

    words: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    task: str = ""


def prose(text: str, names: Names) -> tuple[str, int]:
    """An agent's own words without what tells whose they are; and how many lines spoke to the judge."""
    lines = [line for line in _without(text, names).splitlines() if not _SIGNED.match(line)]
    cleaned, count = without_pleas(lines)
    told = "\n".join(cleaned)
    for word in sorted({*names.words, *_VENDORS}, key=len, reverse=True):
        told = _as_word(word).sub("somebody", told)
    return _NUMBERED.sub(r"\1", told), count


def code(lines: Sequence[str], names: Names) -> list[str]:
    """Lines of a file without what tells whose they are. Code keeps its words but for names that can be
    nothing else, and those that stand where an author is named."""
    told = []
    for line in lines:
        sign, text = line[:1], line[1:]
        if _SIGNED.match(text.lstrip(" \t#/*;-<!%\"'")):
            told.append(f"{sign}[removed: who wrote it]")
            continue
        text = _without(text, names)
        for word in names.words:
            if word.lower() in names.task.lower():
                continue
            if re.search(r"[\d/.:-]", word):
                text = _as_word(word).sub("somebody", text)
            text = re.sub(
                rf"(?i)\b(by|author|agent|player|model)(\W{{1,3}}){re.escape(word)}\b", r"\1\2somebody", text
            )
        told.append(sign + _NUMBERED.sub(r"\1", text) if _is_comment(text) else sign + text)
    return told


def _is_comment(text: str) -> bool:
    return bool(re.match(r"\s*(?:#|//|/\*|\*|--|;|%|<!--|\"\"\"|''')", text)) or " #" in text or "//" in text


def _without(text: str, names: Names) -> str:
    for folder in sorted(names.folders, key=len, reverse=True):
        text = text.replace(folder, "")
    return _BRANCH.sub("a branch", text)


def _as_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![\w]){re.escape(word)}(?![\w])")
