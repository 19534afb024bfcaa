"""Arguments to call a function with: those of known calls, and others made from them. Pure.

What is made depends on the function and its known calls alone, never on who wrote what: the numbers that
choose come from a hash of them.
"""

from __future__ import annotations

import ast
import hashlib
import random
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from kage_nvim.evaluate.ranking.probes.subjects import Subject

MOST = 160
"""Calls of one function."""
LARGEST = 400
"""Characters of one call."""
SEED, NEAR, EDGE = 3.0, 1.0, 0.25
"""What calls weigh: those that somebody wrote, those that are like them, those at the edge of what a function
is made for."""


class Probe(msgspec.Struct, frozen=True):
    """A call as an expression, and what its outcome weighs."""

    call: str
    weight: float


def probes(subject: Subject, calls: Iterable[str]) -> list[Probe]:
    """The calls to make, those known first."""
    known = list(dict.fromkeys(calls))
    seeds = [arguments for call in known if (arguments := _arguments(call, subject)) is not None]
    chance = random.Random(hashlib.sha256(repr((subject.name, sorted(known))).encode()).digest())
    found = dict.fromkeys(known, SEED)
    for arguments, weight in _made(seeds or _typed(subject, chance), chance, guessed=not seeds):
        call = f"{subject.name}({', '.join(map(repr, arguments))})"
        if len(call) <= LARGEST and len(found) < MOST:
            found.setdefault(call, weight)
    return [Probe(call, weight) for call, weight in found.items()]


def _arguments(call: str, subject: Subject) -> list[Any] | None:
    """The literal arguments of a call of the subject, in their order."""
    whole = ast.parse(call, mode="eval")
    inner = (node for node in ast.walk(whole) if isinstance(node, ast.Call))
    tree = next((node for node in inner if _calls(node, subject.name)), None)
    if tree is None:
        return None
    named = {word.arg: word.value for word in tree.keywords}
    nodes = [*tree.args]
    for name in subject.parameters[len(nodes) :]:
        if name not in named:
            break
        nodes.append(named.pop(name))
    try:
        return None if named else [ast.literal_eval(node) for node in nodes]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _calls(node: ast.Call, name: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == name


Made = Iterable[tuple[list[Any], float]]
"""Arguments, and what their call weighs."""


def _made(seeds: list[list[Any]], chance: random.Random, *, guessed: bool) -> Made:
    """Variations of argument lists, the most telling first."""
    if guessed:
        yield from ((seed, NEAR) for seed in seeds)
    if not seeds:
        return
    pool = _pool(seeds)
    for turn in range(6):
        for seed in seeds:
            if not seed:
                continue
            at = turn % len(seed) if turn < len(seed) else chance.randrange(len(seed))
            for _ in range(2):
                yield _with(seed, at, near(seed[at], pool, chance)), NEAR
        for _ in range(6):  # arguments of several calls together, and all of a call changed at once
            yield [near(value, pool, chance) for value in chance.choice(seeds)], NEAR
        for at in range(max(map(len, seeds))):
            seed = chance.choice([seed for seed in seeds if len(seed) > at])
            yield _with(seed, at, edge(seed[at], chance)), EDGE


def _with(seed: list[Any], at: int, value: Any) -> list[Any]:
    return [*seed[:at], value, *seed[at + 1 :]]


def _pool(seeds: list[list[Any]]) -> dict[type, list[Any]]:
    """All values of the seeds, those in containers too, by type; strings with their words and letters."""
    pool: dict[type, list[Any]] = {}

    def take(value: Any, depth: int = 0) -> None:
        pool.setdefault(type(value), []).append(value)
        if isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
            for item in value:
                take(item, depth + 1)
        elif isinstance(value, dict) and depth < 4:
            for key, item in value.items():
                take(key, depth + 1)
                take(item, depth + 1)

    for seed in seeds:
        for value in seed:
            take(value)
    return pool


def near(value: Any, pool: dict[type, list[Any]], chance: random.Random) -> Any:
    """A value of the same type and the same sort: positive stays positive, a word stays a word."""
    if isinstance(value, bool):
        return not value
    make: Callable[[Any, dict[type, list[Any]], random.Random], Any] | None = _NEAR.get(type(value))
    return make(value, pool, chance) if make else value


def _near_int(value: int, pool: dict[type, list[Any]], chance: random.Random) -> int:
    numbers = list(pool.get(int, []))
    signed = any(number < 0 for number in numbers)
    lowest = min([0, *numbers]) if signed else min([1, *numbers])
    made = chance.choice(
        [value + 1, value - 1, value + 2, value * 2, value + chance.randint(3, 12), value // 2,
         chance.randint(0, max(10, abs(value))), chance.choice(numbers or [value])]
    )  # fmt: skip
    if signed and chance.random() < 0.3:
        made = -made
    return int(made) if signed else max(int(made), lowest)


def _near_float(value: float, pool: dict[type, list[Any]], chance: random.Random) -> float:
    made = chance.choice([value + 0.5, value - 0.25, value * 2, value / 4, value + 1, round(value) + 0.5])
    if all(number >= 0 for number in pool.get(float, [])):
        made = abs(made)
    return float(round(made, 4))


def _near_str(value: str, pool: dict[type, list[Any]], chance: random.Random) -> str:
    others = [text for text in pool.get(str, []) if text]
    letters = sorted({letter for text in others for letter in text}) or ["a"]
    if not value:
        return str(chance.choice(others or ["a"]))
    at = chance.randrange(len(value))
    numeral = re.fullmatch(r"[-+]?\d+(\.\d+)?", value)
    if numeral:
        return str(_near_int(int(value), {int: [int(value)]}, chance) if numeral[1] is None
                   else _near_float(float(value), {float: [float(value)]}, chance))  # fmt: skip
    words = value.split(" ")
    made = [
        value[:at] + value[at + 1 :],
        value[:at] + value[at] + value[at:],
        value[:at] + chance.choice(letters) + value[at + 1 :],
        value[:at] + chance.choice(letters) + value[at:],
        value + chance.choice(others or [value]),
        value[::-1],
        value + value,
        value[: at + 1],
        value[at:],
        "".join(chance.choice(letters) for _ in range(chance.randint(1, max(3, len(value))))),
        "".join(chance.sample(value, len(value))),
        chance.choice(others or [value]),
    ]
    if any(letter.isalpha() for letter in value):
        made += [value.swapcase(), value.upper(), value.capitalize()]
    if len(words) > 1:
        made += [" ".join(reversed(words)), " ".join(chance.sample(words, len(words))), "  ".join(words)]
    return str(chance.choice(made))


def _near_list(value: list[Any], pool: dict[type, list[Any]], chance: random.Random) -> list[Any]:
    others = [item for found in pool.get(list, []) + pool.get(tuple, []) for item in found]
    same = [item for item in others if not value or type(item) is type(value[0])]
    more = chance.choice(same) if same else 1
    if not value:
        return [more]
    at = chance.randrange(len(value))
    made: list[list[Any]] = [
        value[:at] + value[at + 1 :] if len(value) > 1 else [*value, more],
        [*value[:at], value[at], *value[at:]],
        [*value[:at], near(value[at], pool, chance), *value[at + 1 :]],
        [*value[:at], near(value[at], pool, chance), *value[at + 1 :]],
        [*value, more],
        value[::-1],
        chance.sample(value, len(value)),
        value + value[: at + 1],
        [near(item, pool, chance) for item in value],
        [chance.choice(same or value) for _ in range(chance.randint(1, len(value) + 3))],
        value[: at + 1],
        value[at:],
    ]
    if len({type(item) for item in value}) == 1 and isinstance(value[0], (int, float, str)):
        made += [sorted(value), sorted(value, reverse=True)]
    return chance.choice(made)


def _near_dict(value: dict[Any, Any], pool: dict[type, list[Any]], chance: random.Random) -> dict[Any, Any]:
    if not value:
        return value
    key = chance.choice(list(value))
    made = dict(value)
    choice = chance.randrange(3)
    if choice == 0 and len(made) > 1:
        del made[key]
    elif choice == 1:
        made[key] = near(made[key], pool, chance)
    else:
        made[_hashable(near(key, pool, chance), key)] = made[key]
    return made


def _hashable(value: Any, otherwise: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return otherwise
    return value


_NEAR: dict[type, Callable[[Any, dict[type, list[Any]], random.Random], Any]] = {
    int: _near_int,
    float: _near_float,
    str: _near_str,
    list: _near_list,
    tuple: lambda value, pool, chance: tuple(
        near(item, pool, chance) if chance.random() < 0.5 else item for item in value
    ),
    set: lambda value, pool, chance: set(sorted(value, key=repr)[: chance.randint(0, len(value))]),
    dict: _near_dict,
}


def edge(value: Any, chance: random.Random) -> Any:
    """A value of the same type at the edge of its kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice([0, -1, 1, -value, value * 10, 97])
    if isinstance(value, float):
        return chance.choice([0.0, -value, float(round(value)), 1000.5])
    if isinstance(value, str):
        return chance.choice(["", " ", value * 3, f" {value} ", "Zoë", value[:1], value.upper()])
    if isinstance(value, list):
        return chance.choice([[], value[:1], value * 3, value[:1] * 3, sorted(value, key=repr)])
    if isinstance(value, (dict, set)):
        return type(value)()
    return value


_VALUES: dict[str, Sequence[Any]] = {
    "int": (1, 2, 3, 5, 8, 10, 13, 20, 37, 100),
    "float": (0.5, 1.0, 2.25, 3.5, 10.0),
    "bool": (True, False),
    "str": ("a", "abc", "hello", "Hello World", "racecar", "a b c", "12345", "The quick brown fox", "xYz aA"),
    "dict": ({}, {"a": 1}, {"a": 1, "b": 2}),
}

_PLAIN = ("int", "str", "list[int]", "list[str]", "float")


def _typed(subject: Subject, chance: random.Random) -> list[list[Any]]:
    """Argument lists by annotation, when nobody shows a call. Where nothing is said all plain types are
    tried, for what no candidate takes tells nothing."""
    wanted = subject.annotations[: max(subject.least, 1)]
    made = []
    for _ in range(16 if all(wanted) else 48):
        values = [_of(note or chance.choice(_PLAIN), chance) for note in wanted]
        if None in values:
            return []
        made.append(values)
    return made


def _of(note: str, chance: random.Random) -> Any:
    outer, _, inner = note.strip("'\"").partition("[")
    outer = outer.rpartition(".")[2].lower()
    inner = inner.removesuffix("]")
    if outer in _VALUES:
        return chance.choice(_VALUES[outer])
    if outer in ("list", "sequence", "iterable", "tuple"):
        item = inner.split(",")[0].strip() if "[" not in inner else inner
        values = [_of(item or "int", chance) for _ in range(chance.randint(1, 6))]
        return None if None in values else tuple(values) if outer == "tuple" else values
    return _of(inner, chance) if outer == "optional" else None
