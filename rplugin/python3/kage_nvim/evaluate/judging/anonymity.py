"""What a judge must not see: who made a candidate, and words in it that speak to the judge.

Text of candidates is data. Names, numbers and folders that tell whose it is are taken out; so are lines that
ask for a good mark, and each of them is remembered, for it is worth knowing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import msgspec

REMOVED = "[removed: a line that speaks to the judge]"

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
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ONE = r"(?:candidate|solution|version|answer|option|change|patch|diff|implementation|submission|one)"
_SPEAKS = re.compile(
    rf"""
    \b(?:ignore|disregard|forget|override)\b.{{0,40}}\b(?:instructions?|rubric|criteria|prompt)\b
    | \b(?:choose|pick|prefer|select|favou?r|rank|vote\s+for)\s+
        (?:me\b|this\s+{_ONE}\b|{_ONE}\s+[AB]\b|[AB]\b\W*$)
    | \b(?:note|message|hint|instructions?|attention|dear|hey)\W+(?:to|for)?\W*(?:the\s+|all\s+)?
        (?:judges?|graders?|evaluators?)\b
    | \b(?:you\s+are|as)\s+(?:a|the)\s+(?:judge|grader|evaluator)\b
    | \b(?:judges?|graders?|evaluators?)\b.{{0,30}}\b(?:must|should|choose|pick|prefer|select|answer|rank)\b
    | \b(?:must|should|choose|pick|prefer|answer)\b.{{0,30}}\b(?:judges?|graders?|evaluators?)\b
    | \bthis\s+{_ONE}\s+(?:is|must|should)\s+(?:be\s+)?(?:the\s+)?
        (?:best|winner|chosen|preferred|superior|ranked|selected|better\s+one)\b
    | \bthe\s+other\s+{_ONE}\b.{{0,30}}\b(?:worse|wrong|fails?|broken|cheats?|incorrect)\b
    | ["']?\bwinner["']?\s*[:=]\s*["']?[AB]\b
    | <\|?/?(?:im_start|im_end|system|assistant|user)\|?>
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Names(msgspec.Struct, frozen=True):
    """What tells whose something is: ``words`` are players, models and roles, ``folders`` paths of slots and
    homes. A word that the ``task`` itself uses is no sign in code."""

    words: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    task: str = ""


def speaks(line: str) -> bool:
    """Whether a line is meant for whoever judges it."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", line))
    return bool(_SPEAKS.search(plain))


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


def without_pleas(lines: Sequence[str]) -> tuple[list[str], int]:
    """Lines without those that speak to the judge, also where such a sentence goes over two of them."""
    told, count = list(lines), 0
    for at, line in enumerate(told):
        if speaks(line):
            told[at], count = REMOVED, count + 1
    for at in range(len(told) - 1):
        one, two = told[at], told[at + 1]
        if REMOVED not in (one, two) and speaks(f"{one.strip()} {two.strip(' #/*+-;')}"):
            told[at], told[at + 1], count = REMOVED, REMOVED, count + 1
    return told, count


def _is_comment(text: str) -> bool:
    return bool(re.match(r"\s*(?:#|//|/\*|\*|--|;|%|<!--|\"\"\"|''')", text)) or " #" in text or "//" in text


def _without(text: str, names: Names) -> str:
    for folder in sorted(names.folders, key=len, reverse=True):
        text = text.replace(folder, "")
    return _BRANCH.sub("a branch", text)


def _as_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![\w]){re.escape(word)}(?![\w])")
