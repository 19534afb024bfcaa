"""Which parts of a text are secrets: detect-secrets' formats, whole private keys, and random looks by choice.

detect-secrets reads files line by line; here its regular expressions are used on texts as they are, so that
a call's megabyte takes a tenth of the time. Its guesses by keyword and by public address are not: they find
``password = input()``. Formats that it does not know, or knows too narrowly, are in ``formats``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from kage_nvim.gateway import formats, pem

STRIDE = 32_768
"""Characters that one expression reads at once: its thread lets others work in between."""
OVERLAP = 1_024
"""Characters that are read twice, for secrets with spaces in them; words are never cut."""
WINDOW = 200
"""Characters around a long word in which slow expressions look for "name = word"."""
LONG = 16
"""Groups below this are a token's prefix."""
MARK = "KAGE_SECRET_"

_NOT_USED = {"BasicAuthDetector", "IPPublicDetector", "NpmDetector", "PrivateKeyDetector"}
_ASSIGNMENT = r"(?:(?<=\W)|(?<=^))"
"""How detect-secrets' expressions for "name = word" begin: tried at every place, they take the most time."""
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-]{24,}")
_RANDOM = re.compile(r"[A-Za-z0-9+/_\-]{20,}={0,2}")
_SPACE = re.compile(r"\s")
_BEGINS = re.compile(rf"{formats.BEGINS}(?<![_-])")
_GOES_ON = re.compile(r"[\w-]|\.\w")
_TELLING = re.compile(r"(?i)artif|jfrog|passw|auth|key|token")


def _stands_alone(match: re.Match[str]) -> bool:
    """True when no letter or digit goes on before or after it: names of tasks and of pictures hold hashes."""
    ends = not _GOES_ON.match(match.string, match.end())
    return ends and bool(_BEGINS.match(match.string, match.start())) and bool(re.search(r"\d", match[0]))


def _is_artifactory(match: re.Match[str]) -> bool:
    """What begins with AP or AKC is the name of a class more often than a password."""
    if _TELLING.search(match.string, max(0, match.start() - 40), match.start() + 1):
        return bool(re.search(r"\d|xxx", match[0]))
    return len(match[0]) > 20 and formats.keyish(match[0])


_ACCEPTS: dict[str, Callable[[re.Match[str]], bool]] = {
    "ARTIFACTORY_CREDENTIALS": _is_artifactory,
    "IBM_CLOUD_IAM_KEY": lambda match: formats.keyish(_value(match)),
    "MAILCHIMP_ACCESS_KEY": _stands_alone,
    "TELEGRAM_BOT_TOKEN": _stands_alone,
    "TWILIO_API_KEY": _stands_alone,
}
"""detect-secrets' formats that ordinary names fit, too."""


class Found(NamedTuple):
    """A secret: what it is, in words of a placeholder, and the secret itself. One that is ``in_place`` is a
    secret only between a URL's ``:`` and ``@``."""

    kind: str
    value: str
    in_place: bool = False


def find(text: str, entropy: bool = False) -> list[Found]:
    """The secrets in a text, each once, longest first."""
    found: dict[str, Found] = {}
    for secret in _all(text, entropy):
        if MARK not in secret.value and len(secret.value) > 3:
            known = found.get(secret.value)
            if known is None or (known.in_place and not secret.in_place):
                found[secret.value] = secret
    return [found[value] for value in sorted(found, key=len, reverse=True)]


def load() -> None:
    """Import the detectors now (0.5 s), rather than at the first call."""
    _detectors()


def _all(text: str, entropy: bool) -> Iterator[Found]:
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        yield from (Found("PRIVATE_KEY", key) for key in pem.keys(text))
    for one, value in formats.matches(text):
        yield Found(one.kind, value, one.in_place)
    quick, slow = _detectors()
    for kind, expression in quick:
        yield from _accepted(kind, _strides(expression, text))
    for start, end in _windows(text):
        for kind, expression in slow:
            yield from _accepted(kind, expression.finditer(text, start, end))
    if entropy:
        yield from _random(text)


def _accepted(kind: str, matches: Iterator[re.Match[str]]) -> Iterator[Found]:
    accepts = _ACCEPTS.get(kind)
    return (Found(kind, _value(match)) for match in matches if accepts is None or accepts(match))


def _strides(expression: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """All matches; a stride ends where a word ends, however long that is."""
    start = end = 0
    while end < len(text):
        space = _SPACE.search(text, start + STRIDE)
        end = space.start() if space else len(text)
        yield from expression.finditer(text, max(0, start - OVERLAP), end)
        start = end


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
    if len(given) >= LONG:
        return given
    return match[0].strip(" \t\r\n\"'=:")


def _random(text: str) -> Iterator[Found]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

    hexadecimal, any_word = HexHighEntropyString(), Base64HighEntropyString()
    for match in _strides(_RANDOM, text):
        word = match[0]
        judge = hexadecimal if re.fullmatch("[0-9a-fA-F]+", word) else any_word
        if judge.calculate_shannon_entropy(word) > judge.entropy_limit:
            yield Found("RANDOM", word)


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
