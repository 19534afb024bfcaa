"""From what a CLI prints to what it means: its lines, JSON or plain, read by the rules of its description.

    reader = read(description)
    for event in reader.feed(line): …

A description is data that others wrote, and so is what a CLI prints: whatever does not fit makes no event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from kage_nvim.agent_runtime.text import one_line, plain
from kage_nvim.description import Description, EventRule, Kind

NUMBERS = frozenset({"tokens_in", "tokens_cached", "tokens_out"})
EVIDENCE = 300


class Event(msgspec.Struct, kw_only=True):
    """Something that the CLI told. ``fields`` holds the names that ``Kind`` lists, texts without control
    characters; ``rule`` names the rule that saw it, ``evidence`` is what it saw, cut to a line."""

    kind: Kind
    fields: dict[str, Any] = {}
    rule: str = ""
    evidence: str = ""

    @property
    def text(self) -> str:
        """The field of that name."""
        return str(self.fields.get("text", ""))


def read(description: Description) -> Reader:
    """A reader for what this CLI prints."""
    return Reader(description)


class Reader:
    """Applies the rules of one description."""

    def __init__(self, description: Description) -> None:
        self._name = description.name
        rules = list(enumerate(description.events))
        # Rules that look into the same list are asked item by item, so that events keep their order.
        self._groups = [(each, list(group)) for each, group in groupby(rules, lambda pair: pair[1].each)]

    def feed(self, line: bytes) -> list[Event]:
        """The events of one line."""
        shown = line.decode("utf-8", "replace")
        if not shown.strip():
            return []
        whole = _decoded(line)
        if whole is None:
            whole = {"line": plain(shown).rstrip()}
        return list(self._events(whole, shown))

    def report(self, content: bytes) -> list[Event]:
        """The events of a whole file: one JSON object, or one a line."""
        if (whole := _decoded(content)) is not None:
            return list(self._events(whole, ""))
        return [event for line in content.splitlines() for event in self.feed(line)]

    def _events(self, whole: dict[str, Any], shown: str) -> Iterator[Event]:
        for each, rules in self._groups:
            found = _at(whole, each) if each else [whole]
            for item in found if isinstance(found, list) else []:
                for index, rule in rules:
                    groups = _matched(rule, item, whole)
                    if groups is not None:
                        yield self._event(index, rule, item, whole, groups, shown)

    def _event(
        self,
        index: int,
        rule: EventRule,
        item: Any,
        whole: dict[str, Any],
        groups: dict[str, str],
        shown: str,
    ) -> Event:
        fields = {name: _field(name, path, item, whole, groups) for name, path in rule.fields.items()}
        seen = shown or msgspec.json.encode(rule.when | fields).decode()
        return Event(
            kind=rule.kind,
            fields={name: value for name, value in fields.items() if value is not None},
            rule=f"{self._name} event {index + 1} ({rule.kind})",
            evidence=one_line(seen, EVIDENCE),
        )


def _decoded(text: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _matched(rule: EventRule, item: Any, whole: dict[str, Any]) -> dict[str, str] | None:
    """What the regular expressions' groups hold when everything fits, else ``None``."""
    groups: dict[str, str] = {}
    for path, wanted in rule.when.items():
        value = _lookup(path, item, whole)
        if isinstance(wanted, bool):
            fits = bool(value) is wanted
        elif isinstance(wanted, str) and wanted.startswith("~"):
            match = re.search(wanted[1:], plain(_text(value)))
            groups |= {k: v for k, v in match.groupdict().items() if v is not None} if match else {}
            fits = match is not None
        elif isinstance(wanted, list):
            fits = value in wanted
        else:
            fits = value == wanted
        if not fits:
            return None
    return groups


def _field(name: str, path: str, item: Any, whole: dict[str, Any], groups: dict[str, str]) -> Any:
    """A field's value: numbers for counts, a bool for ``ok``, anything for ``args``, else plain text."""
    value: Any
    if path.startswith("="):
        value = path[1:]
    elif path.startswith("?"):
        value = groups.get(path[1:])
    elif path.startswith("!"):
        value = not _lookup(path[1:], item, whole)
    else:
        value = _sum([_lookup(part, item, whole) for part in path.split("+")])
    if value is None:
        return None
    if name in NUMBERS:
        return int(number) if (number := _number(value)) is not None else None
    if name == "cost_usd":
        return _number(value)
    if name in ("ok", "args"):
        return value
    return plain(_text(value))


def _sum(values: list[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return sum(numbers) if numbers else next((value for value in values if value), None)


def _number(value: Any) -> float | None:
    """Counts come as numbers or, from text, as ``1,234``, ``$0.02`` and ``2.5k``."""
    if isinstance(value, int | float):
        return float(value)
    match = re.fullmatch(r"\$?([\d,]+\.?\d*|\.\d+)([kKM]?)", str(value).strip())
    if match is None:
        return None
    return float(match[1].replace(",", "")) * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6}[match[2]]


def _lookup(path: str, item: Any, whole: dict[str, Any]) -> Any:
    return _at(whole, path[1:]) if path.startswith("^") else _at(item, path)


def _at(value: Any, path: str) -> Any:
    """What lies at a dotted path; a number is an index into a list, ``-1`` its last item."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and re.fullmatch(r"-?\d+", step):
            index = int(step)
            value = value[index] if -len(value) <= index < len(value) else None
        else:
            return None
    return value


def _text(value: Any) -> str:
    """Text of a value; of content blocks, the texts in them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    return msgspec.json.encode(value).decode()
