"""Which parts of a text are secrets: detect-secrets' formats, whole private keys, and random looks by choice.

detect-secrets reads files line by line; here its regular expressions are used on texts as they are, so that
a call's megabyte takes a tenth of the time. Its guesses by keyword and by public address are not: they find
``password = input()``. Formats that it does not know yet are listed beside.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

STRIDE = 32_768
"""Characters that one expression reads at once: its thread lets others work in between."""
OVERLAP = 1_024
WINDOW = 200
"""Characters around a long word in which slow expressions look for "name = word"."""
SHORT = 10
"""A shorter secret (a password in a URL) is one in its own place only."""
LONG = 16
"""Groups below this are a token's prefix."""
MARK = "KAGE_SECRET_"

_NOT_USED = {"IPPublicDetector", "PrivateKeyDetector"}
_ASSIGNMENT = r"(?:(?<=\W)|(?<=^))"
"""How detect-secrets' expressions for "name = word" begin: tried at every place, they take the most time."""
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-]{24,}")
_RANDOM = re.compile(r"[A-Za-z0-9+/_\-]{20,}={0,2}")
_LINE = r"[ \t\d|:>→+\"',#/*-]*"
"""What may stand before a line of a key: a line number, a diff's sign, a quote, a comment's."""
_NEWLINE = r"(?:\r?\n|(?:\\r)?\\n)"
_BEGIN = r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_END = r"-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_WHOLE_KEY = re.compile(
    rf"{_BEGIN}.{{1,20000}}?{_END}|Private-Lines: \d+.{{1,20000}}?Private-MAC: \w+", re.DOTALL
)
_CUT_KEYS = (
    # What a tool shows of a long file may lack the end, or the beginning.
    re.compile(rf"{_BEGIN}(?:{_NEWLINE}{_LINE}[A-Za-z0-9+/=: ,.\-]{{0,100}}){{0,400}}"),
    re.compile(rf"(?:(?m:^)|(?<=\\n)){_LINE}(?:[A-Za-z0-9+/=]{{16,}}\"?{_NEWLINE}{_LINE}){{1,80}}{_END}"),
)
_MORE = (
    ("ANTHROPIC_KEY", re.compile(r"sk-ant-[A-Za-z0-9_\-]{20,}"), "sk-ant-"),
    ("OPENAI_KEY", re.compile(r"\bsk-(?=[A-Za-z_\-]*\d)[A-Za-z0-9_\-]{32,}"), "sk-"),
    ("JSON_WEB_TOKEN", re.compile(r"\beyJ[\w\-]{5,}\.[\w\-]{5,}(?:\.[\w\-]+)?"), "eyJ"),
    ("GOOGLE_KEY", re.compile(r"\bAIza[A-Za-z0-9_\-]{35}"), "AIza"),
    ("GITHUB_TOKEN", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,}"), "github_pat_"),
    ("HUGGINGFACE_TOKEN", re.compile(r"\bhf_[A-Za-z0-9]{30,}"), "hf_"),
    ("XAI_KEY", re.compile(r"\bxai-[A-Za-z0-9]{40,}"), "xai-"),
    ("GROQ_KEY", re.compile(r"\bgsk_[A-Za-z0-9]{40,}"), "gsk_"),
    ("AWS_SECRET_KEY", re.compile(r"(?i)aws_?secret_?(?:access_?)?key\W{1,5}([0-9a-zA-Z/+]{40})\b"), ""),
)


class Found(NamedTuple):
    """A secret: what it is, in words of a placeholder, and the secret itself."""

    kind: str
    value: str


def find(text: str, entropy: bool = False) -> list[Found]:
    """The secrets in a text, each once, longest first."""
    found: dict[str, str] = {}
    for kind, value in _all(text, entropy):
        if MARK not in value and len(value) > 3:
            found.setdefault(value, kind)
    return [Found(found[value], value) for value in sorted(found, key=len, reverse=True)]


def load() -> None:
    """Import the detectors now (0.5 s), rather than at the first call."""
    _detectors()


def _all(text: str, entropy: bool) -> Iterator[tuple[str, str]]:
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        yield from (("PRIVATE_KEY", match[0]) for match in _WHOLE_KEY.finditer(text))
        rest = _WHOLE_KEY.sub("", text)
        for block in _CUT_KEYS:
            yield from (("PRIVATE_KEY", match[0]) for match in block.finditer(rest))
    for kind, expression, sign in _MORE:
        if sign in text:
            yield from ((kind, match[match.re.groups]) for match in _strides(expression, text))
    quick, slow = _detectors()
    for kind, expression in quick:
        yield from ((kind, _value(match)) for match in _strides(expression, text))
    for start, end in _windows(text):
        for kind, expression in slow:
            yield from ((kind, _value(match)) for match in expression.finditer(text, start, end))
    if entropy:
        yield from _random(text)


def _strides(expression: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for start in range(0, len(text), STRIDE):
        yield from expression.finditer(text, start, min(len(text), start + STRIDE + OVERLAP))


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Where a long word stands, with what is before and after it on its line; neighbours together."""
    begin, end = 0, -1
    for match in _LONG_WORD.finditer(text):
        first = max(text.rfind("\n", 0, match.start()) + 1, match.start() - WINDOW)
        last = text.find("\n", match.end())
        last = min(len(text) if last < 0 else last, match.end() + WINDOW)
        if first > end:
            if end >= 0:
                yield begin, end
            begin = first
        end = max(end, last)
    if end >= 0:
        yield begin, end


def _value(match: re.Match[str]) -> str:
    """The secret of a match: the group that holds it (others hold a prefix), or all but the marks around."""
    given = next((group for group in match.groups() if group), "")
    if len(given) >= LONG or match[0].startswith("://"):
        return given
    return match[0].strip(" \t\r\n\"'=:")


def _random(text: str) -> Iterator[tuple[str, str]]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

    hexadecimal, any_word = HexHighEntropyString(), Base64HighEntropyString()
    for match in _strides(_RANDOM, text):
        word = match[0]
        judge = hexadecimal if re.fullmatch("[0-9a-fA-F]+", word) else any_word
        if judge.calculate_shannon_entropy(word) > judge.entropy_limit:
            yield "RANDOM", word


@lru_cache(maxsize=1)
def _detectors() -> tuple[list[tuple[str, re.Pattern[str]]], list[tuple[str, re.Pattern[str]]]]:
    """All of detect-secrets' expressions with their kinds: quick ones, and those for "name = word"."""
    from detect_secrets import plugins
    from detect_secrets.plugins.base import RegexBasedDetector

    for module in pkgutil.iter_modules(plugins.__path__):
        importlib.import_module(f"{plugins.__name__}.{module.name}")
    quick: list[tuple[str, re.Pattern[str]]] = []
    slow: list[tuple[str, re.Pattern[str]]] = []
    for detector in sorted(_below(RegexBasedDetector), key=lambda kind: str(kind.__name__)):
        if inspect.isabstract(detector) or detector.__name__ in _NOT_USED:
            continue
        kind = re.sub(r"[^A-Z0-9]+", "_", detector.secret_type.upper()).strip("_")
        for expression in detector().denylist:
            (slow if expression.pattern.startswith(_ASSIGNMENT) else quick).append((kind, expression))
    return quick, slow


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)
